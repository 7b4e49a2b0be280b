"""What an operation of an expression makes of what is known: how long a text, how many digits.

Nothing runs here.  Whatever cannot be told beforehand is left open (None), so that `adapter check`
complains of nothing that it does not know.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from adapters.language.dates import UnknownDirective, written
from adapters.language.shape import (
    ANYTHING,
    Many,
    Plain,
    Shape,
    either,
    is_optional,
    shape_of_value,
    text_length,
)

#: The longest names that a day and a month have in English: Wednesday, September.
_LONGEST_DAY = datetime(2026, 9, 30, 23, 59, 59, tzinfo=UTC)

Constants = Sequence[object]


def shape_after(name: str, shape: Shape, constants: Constants) -> Shape:
    """The shape of `value | name(constants)`; a constant that is not known is None."""
    rule = _RULES.get(name)
    if rule is None:
        return ANYTHING
    result = rule(shape, constants)
    # None passes through a filter.
    return replace(result, optional=is_optional(shape)) if isinstance(result, Plain) else result


def joined(shapes: Collection[Shape]) -> Plain:
    """The shape of texts that are joined with ~."""
    lengths = [text_length(shape) for shape in shapes]
    known = [length for length in lengths if length is not None]
    return Plain("text", sum(known) if len(known) == len(lengths) else None)


def cut_shape(shape: Shape, start: object, stop: object) -> Shape:
    """The shape of `value[start:stop]`."""
    if not isinstance(shape, Plain):
        return shape
    first = 0 if start is None else start
    if not (isinstance(first, int) and isinstance(stop, int) and 0 <= first <= stop):
        return replace(shape, values=None)
    return replace(shape, longest=_least(shape.longest, stop - first), values=None)


def looked_up_shape(values: Collection[object], default: Shape | None) -> Shape:
    """The shape of what a table holds, or else its default."""
    shapes = [shape_of_value(value) for value in values]
    return either((*shapes, *((default,) if default else ()))) if shapes or default else ANYTHING


def computed(operator: str, left: Shape, right: Shape) -> Plain:
    """The shape of a sum, a difference or a product; otherwise a number of any digits."""
    if isinstance(left, Plain) and isinstance(right, Plain) and left.digits and right.digits:
        (whole, behind), (more, further) = left.digits, right.digits
        if operator in ("+", "-"):
            fraction = max(behind, further)
            return Plain(
                "number", digits=(max(whole - behind, more - further) + fraction, fraction)
            )
        if operator == "*":
            return Plain("number", digits=(whole + more, behind + further))
    return Plain("number")


def _same_text(shape: Shape, _: Constants) -> Plain:
    return Plain("text", text_length(shape))


def _string(shape: Shape, _: Constants) -> Plain:
    """A number as text keeps its digits: OData 2 wants amounts so."""
    digits = shape.digits if isinstance(shape, Plain) else None
    return Plain("text", text_length(shape), digits)


def _any_text(_shape: Shape, _: Constants) -> Plain:
    return Plain("text")


def _replaced(shape: Shape, constants: Constants) -> Plain:
    match constants:
        case [str() as old, str() as new, *_] if len(new) <= len(old):
            return _same_text(shape, ())
        case _:
            return Plain("text")


def _truncated(shape: Shape, constants: Constants) -> Plain:
    match constants:
        case [int() as length, *_] if length >= 0:
            return Plain("text", _least(text_length(shape), length))
        case _:
            return _same_text(shape, ())


def _dated(_: Shape, constants: Constants) -> Plain:
    match constants:
        case [str() as form, *_]:
            try:
                return Plain("text", len(written(_LONGEST_DAY, form)))
            except UnknownDirective:
                return Plain("text")
        case _:
            return Plain("text")


def _number(shape: Shape, _: Constants) -> Plain:
    return Plain("number", digits=shape.digits if isinstance(shape, Plain) else None)


def _whole(shape: Shape, _: Constants) -> Plain:
    digits = shape.digits if isinstance(shape, Plain) else None
    return Plain("whole number", digits=(digits[0] - digits[1], 0) if digits else None)


def _rounded(shape: Shape, constants: Constants) -> Plain:
    match constants:
        case []:
            places = 0
        case [int() as places, *_] if places >= 0:
            pass
        case _:
            return Plain("number")
    if not (isinstance(shape, Plain) and shape.digits):
        return Plain("number")
    total, fraction = shape.digits
    return Plain("number", digits=(total - fraction + min(fraction, places), min(fraction, places)))


def _fixed(shape: Shape, constants: Constants) -> Plain:
    """A text with the digits of a number, as `round` has them, and a sign and a point."""
    match constants:
        case [int() as places] if isinstance(shape, Plain) and shape.digits and places >= 0:
            total, fraction = shape.digits
            whole = max(total - fraction, 1)
            return Plain("text", 1 + whole + bool(places) + places, (whole + places, places))
        case _:
            return Plain("text")


def _epoch(_: Shape, constants: Constants) -> Plain:
    """Ten digits until the year 2286."""
    return Plain("whole number", digits=(13 if constants == ["ms"] else 10, 0))


def _least(known: int | None, other: int) -> int:
    return other if known is None else min(known, other)


_RULES: Mapping[str, Callable[[Shape, Constants], Plain | Many]] = {
    "abs": _number,
    "add_days": lambda _shape, _constants: Plain("time"),
    "date": _dated,
    "decimal": _number,
    "epoch": _epoch,
    "fixed": _fixed,
    "int": _whole,
    "join": _any_text,
    "length": lambda _shape, _constants: Plain("whole number"),
    "from_odata_date": lambda _shape, _constants: Plain("time"),
    "lower": _same_text,
    "odata_date": lambda _shape, _constants: Plain("text", len("/Date(253402300799999)/")),
    "odata_datetime": lambda _shape, _constants: Plain("text", len("/Date(253402300799999)/")),
    "odata_sum": lambda _shape, _constants: Plain("number"),
    "odata_text": _any_text,
    "replace": _replaced,
    "round": _rounded,
    "split": lambda shape, _constants: Many(Plain("text", text_length(shape))),
    "string": _string,
    "trim": _same_text,
    "truncate": _truncated,
    "upper": _same_text,
    "urlencode": _any_text,
}
