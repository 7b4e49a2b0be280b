from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from sidecar.domain.event import EventType
from sidecar.domain.settlement import EventStatus
from sidecar.observe import log

PROJECT = Path(__file__).parents[2]
DOCUMENT = PROJECT / "docs" / "log-events.md"
#: What stands behind the names that the code puts together: "delivery." + the settlement's status.
ENDINGS = {
    "delivery.": [status.value for status in EventStatus if status is not EventStatus.SENDING],
    "intake.": [kind.value for kind in EventType],
    "write_back.": ["applied", "applied_again", "put_off", "refused"],
}


def documented() -> dict[str, str]:
    """Event name → level, out of the document's tables."""
    rows = re.findall(
        r"^\| `([a-z_.]+)` \| ([a-z ]+) \|", DOCUMENT.read_text("utf-8"), re.MULTILINE
    )
    return dict(rows)


def told() -> set[str]:
    return {name for file in PROJECT.glob("sidecar/**/*.py") for name in told_in(file)} | {
        "library"
    }


def told_in(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ("tell", "_tell")
        ):
            yield from names_of(node.args[0], file)


def names_of(argument: ast.expr, file: Path) -> list[str]:
    match argument:
        case ast.Constant(value=str(name)):
            return [name]
        case ast.JoinedStr(values=[ast.Constant(value=str(start)), ast.FormattedValue()]):
            return [start + ending for ending in ENDINGS[start]]
        case ast.Name():
            return []  # handed on by a method whose callers are looked at
    raise AssertionError(f"{file}:{argument.lineno}: an event name that this test cannot read")


def test_every_log_event_of_the_code_is_documented() -> None:
    assert told() - documented().keys() == set()


def test_no_log_event_is_documented_that_the_code_does_not_tell() -> None:
    assert documented().keys() - told() == set()


def test_the_documented_level_is_the_level_of_the_line() -> None:
    told_levels = {name: log._LEVELS.get(name, "INFO").lower() for name in documented()}
    assert documented() == told_levels | {"library": documented()["library"]}


def test_no_level_is_set_for_an_event_that_is_never_told() -> None:
    assert log._LEVELS.keys() - told() == set()
