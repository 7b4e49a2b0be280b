"""No thread that works makes a decoder: msgspec ends the process where two make one at once."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from sidecar.domains import SPECS

PROJECT = Path(__file__).parents[2]
FILES = sorted(
    file
    for folder in ("sidecar", "adapters")
    for file in (PROJECT / folder).rglob("*.py")
    if "testing" not in file.parts
)


def made_late(tree: ast.AST) -> list[int]:
    """Lines at which a function makes a decoder, or has one made for a type."""
    return [
        call.lineno
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef) and function.name != "__post_init__"
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and _makes(call)
    ]


def _makes(call: ast.Call) -> bool:
    name = ast.unparse(call.func)
    of_a_type = any(keyword.arg == "type" for keyword in call.keywords)
    return name.endswith((".Decoder", "msgspec.convert")) or (
        name.startswith("msgspec.") and name.endswith(".decode") and of_a_type
    )


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PROJECT)))
def test_no_function_makes_one(file: Path) -> None:
    assert made_late(ast.parse(file.read_text("utf-8"))) == []


def test_the_rule_finds_one() -> None:
    late = "def f(x):\n    return msgspec.json.decode(x, type=A) or msgspec.json.Decoder(A)\n"
    assert made_late(ast.parse(late)) == [2, 2]


def test_each_event_of_a_domain_has_its_own_from_the_beginning() -> None:
    for spec in SPECS:
        for event in spec.events:
            assert event.decoder.type is event.payload
