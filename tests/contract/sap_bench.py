"""The SAP pack as tests use it: overlaid with what the sample and the recorded orders need."""

from __future__ import annotations

from pathlib import Path

#: What the shops of the sample orders and of the recorded ones have to fill in.
TABLES = """\
tables:
  sold_to: {us: "10100002"}
  tax: {"8.25": "3", "20": "4", "21": "5"}
"""


def overlay(folder: Path, further: str = "") -> Path:
    """The user's own file of calls: the tables, and whatever a test lays over besides."""
    written = folder / "calls.yaml"
    written.write_text(TABLES + further)
    return written
