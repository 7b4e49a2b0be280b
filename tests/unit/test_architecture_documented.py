"""docs/architecture.md draws every room, names files that exist, and has the layers of the lint."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "architecture.md").read_text("utf-8")
ROOMS = sorted(
    str(file.parent.relative_to(ROOT))
    for tree in ("sidecar", "adapters")
    for file in (ROOT / tree).rglob("__init__.py")
    if file.parent != ROOT / tree
)
ROW = re.compile(r"^\| `([a-z0-9_/]+)` \| [^|]+ \| (.*?) ?\|$", re.MULTILINE)


def drawn_layers(first: str, last: str) -> list[set[str]]:
    """The lines of a drawing from one room to another; a comment begins after several spaces."""
    block = re.search(rf"^    {first} .*?^    {last} .*?$", TEXT, re.MULTILINE | re.DOTALL)
    assert block is not None
    lines = [line for line in block[0].splitlines() if line.strip() != "│"]
    return [set(re.findall(r"[a-z/_]+", line[4:45])) for line in lines]


def linted_layers(tree: str) -> list[set[str]]:
    lint = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    [contract] = [one for one in lint["contracts"] if one.get("containers") == [tree]]
    return [set(layer.split(" | ")) for layer in contract["layers"]]


def test_every_room_has_its_row_and_every_row_its_room() -> None:
    assert sorted(room for room, _ in ROW.findall(TEXT)) == ROOMS


@pytest.mark.parametrize(("room", "files"), ROW.findall(TEXT))
def test_the_file_to_begin_with_is_there(room: str, files: str) -> None:
    missing = [
        name for name in re.findall(r"`([^`]+)`", files) if not (ROOT / room / name).is_file()
    ]
    assert not missing


def test_the_drawing_of_the_sidecar_has_the_layers_that_the_lint_holds() -> None:
    assert drawn_layers("cli", "model") == linted_layers("sidecar")


def test_the_drawing_of_the_adapters_has_the_layers_that_the_lint_holds() -> None:
    drawn = drawn_layers("adapters/erps", "adapters/language")
    assert drawn == [{f"adapters/{name}" for name in layer} for layer in linted_layers("adapters")]
