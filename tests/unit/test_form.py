"""A form that is a tree is read again as that tree by who reads brackets as PHP and Rails do."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.http.form import encode_form
from adapters.language.filters import ExpressionError

names = st.text("abcdefÄ_- ", min_size=1, max_size=4)
trees = st.dictionaries(
    names,
    st.recursive(
        st.text(max_size=5),
        lambda inner: (
            st.lists(inner, min_size=1, max_size=3)
            | st.dictionaries(names, inner, min_size=1, max_size=3)
        ),
        max_leaves=12,
    ),
)


def pairs(tree: Any) -> list[tuple[str, str]]:
    return parse_qsl(encode_form(tree).decode("ascii"), keep_blank_values=True)


def reading(sent: list[tuple[str, str]]) -> dict[str, Any]:
    """As PHP's parse_str, but that a plain name that comes again is a list."""
    root: dict[str, Any] = {}
    for name, value in sent:
        head, rest = re.fullmatch(r"([^\[]*)(.*)", name).groups()  # type: ignore[union-attr]
        steps = [head, *re.findall(r"\[([^\]]*)\]", rest)]
        node = root
        for step in steps[:-1]:
            node = node.setdefault(step, {})
        node.setdefault(steps[-1], []).append(value)
    return root


def bracketed(tree: Any, *, outermost: bool = False) -> Any:
    """The tree as `reading` has it: lists are numbered, each value is the only one of its name."""
    if isinstance(tree, dict):
        return {name: bracketed(part, outermost=outermost) for name, part in tree.items()}
    if isinstance(tree, list):
        if outermost and all(isinstance(part, str) for part in tree):
            return tree
        return {str(index): bracketed(part) for index, part in enumerate(tree)}
    return [tree]


@given(trees)
def test_every_tree_is_read_again(tree: dict[str, Any]) -> None:
    expected = {
        name: bracketed(part, outermost=isinstance(part, list)) for name, part in tree.items()
    }

    assert reading(pairs(tree)) == expected


def test_what_is_empty_is_left_out_and_leaves_no_gap() -> None:
    tree: dict[str, Any] = {
        "a": None,
        "b": [None, 1, None, 2],
        "c": [None, {"x": None, "y": Decimal("1.50")}, {"x": True}],
        "d": {"e": [], "f": {}},
        "g": datetime(2026, 1, 2, tzinfo=UTC),
    }

    assert pairs(tree) == [
        ("b", "1"), ("b", "2"), ("c[0][y]", "1.5"), ("c[1][x]", "true"),
        ("g", "2026-01-02T00:00:00Z"),
    ]  # fmt: skip


@pytest.mark.parametrize("tree", ["a=b", [1], None, {"a": object()}, {"a": {"b": {1, 2}}}])
def test_what_has_no_form_is_refused(tree: object) -> None:
    with pytest.raises(ExpressionError):
        encode_form(tree)
