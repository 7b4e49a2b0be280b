"""Where two trees differ: what a case expects, and what was found."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

import msgspec

_Kind = Literal["missing", "unexpected", "other", "order"]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """`call`: which one, from 1; 0: of what the answers come to.

    `place`: `body.lines[0].sku`.  `missing`: it is expected and was not made; `unexpected`: the
    other way round; `order`: the same names in another order, in which an ERP may read them.
    """

    call: int
    place: str
    kind: _Kind
    expected: Any = None
    found: Any = None


def differences(call: int, place: str, expected: Any, found: Any) -> Iterator[Difference]:
    """In the order of what was found; numbers are compared by their value."""
    match expected, found:
        case Mapping(), Mapping():
            yield from _of_mappings(call, place, expected, found)
        case list(), list():
            yield from _of_lists(call, place, expected, found)
        case _:
            if not _alike(expected, found):
                yield Difference(
                    call=call, place=place, kind="other", expected=expected, found=found
                )


def lines(one: Difference) -> list[str]:
    """For a person: `-` what is expected, `+` what was found."""
    if one.kind == "order":
        told = ", ".join(map(str, one.found))
        return [f"~ {one.place}: in the order {told}; expected: {', '.join(one.expected)}"]
    if isinstance(one.expected, str) and isinstance(one.found, str) and "\n" in one.expected:
        pairs = difflib.ndiff(one.expected.splitlines(), one.found.splitlines())
        return [f"~ {one.place}:", *(f"  {pair}" for pair in pairs if pair[0] in "-+")]
    shown = []
    if one.kind != "unexpected":
        shown.append(f"- {one.place}: {_shown(one.expected)}")
    if one.kind != "missing":
        shown.append(f"+ {one.place}: {_shown(one.found)}")
    return shown


def _of_mappings(
    call: int, place: str, expected: Mapping[str, Any], found: Mapping[str, Any]
) -> Iterator[Difference]:
    for name, value in found.items():
        inner = f"{place}.{name}" if place else str(name)
        if name in expected:
            yield from differences(call, inner, expected[name], value)
        else:
            yield Difference(call=call, place=inner, kind="unexpected", found=value)
    for name, value in expected.items():
        if name not in found:
            inner = f"{place}.{name}" if place else str(name)
            yield Difference(call=call, place=inner, kind="missing", expected=value)
    names = (
        [name for name in expected if name in found],
        [name for name in found if name in expected],
    )
    if names[0] != names[1]:
        yield Difference(call=call, place=place, kind="order", expected=names[0], found=names[1])


def _of_lists(
    call: int, place: str, expected: Sequence[Any], found: Sequence[Any]
) -> Iterator[Difference]:
    for index in range(max(len(expected), len(found))):
        inner = f"{place}[{index}]"
        if index >= len(found):
            yield Difference(call=call, place=inner, kind="missing", expected=expected[index])
        elif index >= len(expected):
            yield Difference(call=call, place=inner, kind="unexpected", found=found[index])
        else:
            yield from differences(call, inner, expected[index], found[index])


def _alike(expected: Any, found: Any) -> bool:
    numbers = (int, Decimal)
    if isinstance(expected, bool) or isinstance(found, bool):
        return expected is found
    if isinstance(expected, numbers) and isinstance(found, numbers):
        return expected == found
    return type(expected) is type(found) and bool(expected == found)


def _shown(value: Any) -> str:
    return msgspec.json.Encoder(decimal_format="number").encode(value).decode()
