"""The stations, the ledger and the port know roles and kinds: no domain's name is in their code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SIDECAR = Path(__file__).parents[2] / "sidecar"
ROOMS = ("capture", "delivery", "acknowledge", "inbound", "ledger", "monitor", "operate")
#: SQL's words and those of sorting are no domain.
_NO_DOMAIN = re.compile(r"ORDER BY|order_by|in order\b|in_order|reorder|ordered|ordering")
_DOMAIN = re.compile(r"order|refund|creditmemo|credit memo", re.IGNORECASE)
#: What may be said, and why; it only ever gets less.
ALLOWED = {
    # The clone guard compares Magento's newest order with the one that the ledger last saw.
    "ledger/identities.py": {"past_order", "known_order"},
    "ledger/tables.py": {"past_order"},
}


def files() -> list[Path]:
    return [
        *(file for room in ROOMS for file in sorted((SIDECAR / room).rglob("*.py"))),
        SIDECAR / "ports.py",
    ]


def words(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Names and texts of the code with their lines; docstrings may give an example."""
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        match node:
            case ast.Name(id=word) | ast.Attribute(attr=word) | ast.arg(arg=word):
                yield line, word
            case ast.FunctionDef(name=word) | ast.ClassDef(name=word) | ast.alias(name=word):
                yield line, word
            case ast.ImportFrom(module=str(word)):
                yield line, word
            case ast.keyword(arg=str(word)):
                yield line, word
            case ast.Constant(value=str(word)) if id(node) not in prose:
                yield line, word


@pytest.mark.parametrize("file", files(), ids=lambda file: str(file.relative_to(SIDECAR)))
def test_no_domain_is_named(file: Path) -> None:
    allowed = ALLOWED.get(str(file.relative_to(SIDECAR)), set())
    found = [
        f"{line}: {word[:80]}"
        for line, word in words(ast.parse(file.read_text("utf-8")))
        if _DOMAIN.search(_NO_DOMAIN.sub("", word)) and not allowed & set(word.split())
    ]
    assert found == []
