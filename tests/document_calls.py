"""What the pages of the domains of documents show: tests use it, so it works as it is written."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def yaml_of(page: str) -> list[str]:
    """The blocks of YAML of a page: the section of the configuration, then the calls."""
    return re.findall(r"```yaml\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL)


def section_of(page: str) -> str:
    """What stands below `domains:`, for a configuration with others beside it."""
    section, _ = yaml_of(page)
    return section.removeprefix("domains:\n")


def calls_of(*pages: str) -> str:
    """The calls of these pages, to be put behind a file of calls."""
    return "".join(f"\n{yaml_of(page)[1]}" for page in pages)
