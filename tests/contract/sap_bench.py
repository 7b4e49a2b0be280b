"""The SAP pack as tests use it: overlaid with what the sample orders need."""

from __future__ import annotations

from pathlib import Path

#: What the shop of the sample orders has to fill in.
TABLES = """
tables:
  tax: {"8.25": "3"}
"""


def overlay(folder: Path, further: str = "") -> Path:
    """The user's own file of calls: the tables, and whatever a test lays over besides."""
    written = folder / "calls.yaml"
    written.write_text(TABLES + further)
    return written
