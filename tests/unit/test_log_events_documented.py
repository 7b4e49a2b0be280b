from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from sidecar.domains.orders.spec import SPEC
from sidecar.model.settlement import EventStatus
from sidecar.observe import log
from sidecar.observe.folding import FOLDED

PROJECT = Path(__file__).parents[2]
DOCUMENT = PROJECT / "docs" / "log-events.md"
#: What stands behind the names that the code puts together: "delivery." + the settlement's status.
ENDINGS = {
    "delivery.": [status.value for status in EventStatus if status is not EventStatus.SENDING],
    "intake.": list(SPEC.types),
}
NAME = re.compile(
    r"(adapter|intake|delivery|write_back|capture|sweep|breaker|throttle|domain|daemon|station|log|"
    r"heartbeat|identity|inbound)"
    r"\.[a-z_.]+"
)
OTHERS = {"testing", "cli", "settings", "crash_point.py", "log.py"}


def documented() -> dict[str, str]:
    """Event name → level, out of the document's tables."""
    rows = re.findall(
        r"^\| `([a-z_.]+)` \| ([a-z ]+) \|", DOCUMENT.read_text("utf-8"), re.MULTILINE
    )
    return dict(rows)


def told() -> set[str]:
    """Of the daemon; the test bench tells nobody."""
    files = [file for file in PROJECT.glob("sidecar/**/*.py") if not OTHERS & set(file.parts)]
    names = {name for file in files for name in names_in(ast.parse(file.read_text("utf-8")))}
    return names | {"library"}


def names_in(node: ast.AST) -> Iterator[str]:
    """A name may be handed on before it is told, so every text that looks like one counts."""
    match node:
        case ast.Call(func=ast.Name(id="passing")):
            return  # the places of crash_point look alike
        case ast.Call(
            func=ast.Attribute(attr="tell" | "_tell"), args=[ast.Constant(value=str(name)), *_]
        ):
            yield name
        case ast.Constant(value=str(text)) if NAME.fullmatch(text):
            yield text
        case ast.JoinedStr(values=[ast.Constant(value=str(start)), ast.FormattedValue()]):
            yield from [start + ending for ending in ENDINGS.get(start, ())]
    for child in ast.iter_child_nodes(node):
        yield from names_in(child)


def folded() -> set[str]:
    """The events whose repetitions the document says to be folded."""
    return set(
        re.findall(r"^\| `([a-z_.]+)` \|.*; \*folds\*", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    )


def test_the_document_says_which_repetitions_are_folded() -> None:
    assert folded() == FOLDED


def test_every_log_event_of_the_code_is_documented() -> None:
    assert told() - documented().keys() == set()


def test_no_log_event_is_documented_that_the_code_does_not_tell() -> None:
    assert documented().keys() - told() == set()


def test_the_documented_level_is_the_level_of_the_line() -> None:
    told_levels = {name: log._LEVELS.get(name, "INFO").lower() for name in documented()}
    assert documented() == told_levels | {"library": documented()["library"]}


def test_no_level_is_set_for_an_event_that_is_never_told() -> None:
    assert log._LEVELS.keys() - told() == set()
