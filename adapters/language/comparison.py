"""Comparing values of which one comes from an ERP: like with like, or not at all.

`"True" == true` and `"0" != 0` are plain "no" and "yes" to Python.  An ERP whose numbers became
texts with its last upgrade would then be told to have refused what it booked, so a comparison of
what cannot be equal is an error, and its line of the file is passed over.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from adapters.language.filters import ExpressionError, kind
from adapters.language.shape import Plain, Shape

_FAMILIES: Mapping[str, str] = {
    "text": "text",
    "whole number": "number",
    "number": "number",
    "truth value": "number",
    "time": "time",
}


class _Typed(Protocol):
    @property
    def shape(self) -> Shape: ...


def never_equal(left: _Typed, comparison: str, right: _Typed) -> str:
    """Why two values can never be equal, by what is known beforehand; empty where they may be."""
    first, second = left.shape, right.shape
    if comparison not in ("eq", "ne") or not (
        isinstance(first, Plain) and isinstance(second, Plain)
    ):
        return ""
    families = _FAMILIES.get(first.name), _FAMILIES.get(second.name)
    if None in families or families[0] == families[1]:
        return ""
    return f"a {first.name} is never equal to a {second.name}"


def _is_equal(left: Any, right: Any) -> bool:
    if not _alike(left, right):
        raise ExpressionError(f"{kind(left)} cannot be compared with {kind(right)}")
    return bool(left == right)


def _is_in(left: Any, right: Any) -> bool:
    if left in right:
        return True
    entries = tuple(right) if isinstance(right, list | tuple | Mapping) else ()
    if entries and not any(_alike(left, entry) for entry in entries):
        raise ExpressionError(f"{kind(left)} cannot be compared with {kind(entries[0])}")
    return False


def _alike(left: Any, right: Any) -> bool:
    return left is None or right is None or _family(left) is _family(right)


def _family(value: Any) -> type:
    match value:
        case str():
            return str
        case bool() | int() | Decimal():
            return Decimal
        case datetime():
            return datetime
        case Mapping():
            return dict
        case list() | tuple():
            return list
        case _:
            return type(value)


COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": _is_equal,
    "ne": lambda left, right: not _is_equal(left, right),
    "lt": operator.lt,
    "lteq": operator.le,
    "gt": operator.gt,
    "gteq": operator.ge,
    "in": _is_in,
    "notin": lambda left, right: not _is_in(left, right),
}
