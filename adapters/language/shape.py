"""What is known of a value before anything runs: its shape, out of the type hints.

A mapping that names a field which does not exist is refused when it is loaded, not at three in the
morning by the first order that takes that branch.  What comes from outside (an ERP's answer) is
`ANYTHING`, and is checked when it is there.
"""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, tzinfo
from decimal import Decimal
from functools import cache
from typing import Any

import msgspec

from sidecar.model.columns import Digits, Length

#: Magento's numbers of rows are int columns: ten digits and a sign.
_LONGEST_INT = 11
_PLAIN: Mapping[object, str] = {
    str: "text",
    int: "whole number",
    Decimal: "number",
    bool: "truth value",
    datetime: "time",
    tzinfo: "time zone",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Anything:
    """Nothing is known; a member of it is as unknown."""


@dataclasses.dataclass(frozen=True, slots=True)
class Plain:
    """A value without members; `name` is what a person calls it.

    As far as it is known: the `longest` text, most `digits` (in all, behind the point), the only
    `values` that it may have, and whether it may be none.
    """

    name: str
    longest: int | None = None
    digits: tuple[int, int] | None = None
    values: frozenset[object] | None = None
    optional: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Many:
    """A list whose entries all have the shape `entry`."""

    entry: Shape


@dataclasses.dataclass(frozen=True, slots=True)
class Record:
    """A value with named members, and with no others; `methods` may be called."""

    name: str
    members: Mapping[str, Shape]
    methods: Mapping[str, Method] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Keyed:
    """A mapping with no other keys than these, each of which may be missing."""

    name: str
    members: Mapping[str, Shape]


@dataclasses.dataclass(frozen=True, slots=True)
class Either:
    """One of several records: a member must be in every one of them."""

    shapes: tuple[Shape, ...]


Shape = Anything | Plain | Many | Record | Keyed | Either
ANYTHING = Anything()


@dataclasses.dataclass(frozen=True, slots=True)
class Method:
    """What may be called with one constant text.

    `compile` turns the text into a function of the value when the file is loaded, and raises
    ValueError for a text that is none; `yields` is the shape of what that function makes.
    """

    compile: Callable[[str], Callable[[Any], Any]]
    yields: Callable[[], Shape] = lambda: ANYTHING


class NoSuchMember(Exception):
    """The member does not exist; the text says what does."""


def suggest(word: str, known: Collection[str]) -> str:
    """` — did you mean 'sku'?` when something known resembles the word, else nothing."""
    close = difflib.get_close_matches(word, known, n=1)
    return f" — did you mean '{close[0]}'?" if close else ""


def member(shape: Shape, name: str) -> Shape:
    """The shape of a member.  Raises NoSuchMember where there certainly is none of that name."""
    match shape:
        case Anything():
            return shape
        case Record(name=record, members=members) | Keyed(name=record, members=members):
            if name not in members:
                raise NoSuchMember(f"{record} has no field '{name}'{suggest(name, members)}")
            return members[name]
        case Either(shapes=shapes):
            return either(tuple(member(alternative, name) for alternative in shapes))
        case Many():
            raise NoSuchMember(f"a list has no field '{name}': take one entry, or loop with $each")
        case Plain(name=plain):
            raise NoSuchMember(f"a {plain} has no field '{name}'")


def entry(shape: Shape) -> Shape:
    """The shape of a list's entries.  Raises NoSuchMember when it is certainly no list."""
    match shape:
        case Many(entry=inner):
            return inner
        case Anything():
            return ANYTHING
        case Either(shapes=shapes):
            return either(tuple(entry(alternative) for alternative in shapes))
        case Record(name=name) | Keyed(name=name):
            raise NoSuchMember(f"{name} is not a list")
        case Plain(name=name):
            raise NoSuchMember(f"a {name} is not a list")


def either(shapes: tuple[Shape, ...]) -> Shape:
    """One shape for a value that may have any of these."""
    different = tuple({id(shape): shape for shape in shapes}.values())
    first = different[0]
    if all(candidate == first for candidate in different):
        return first
    if ANYTHING in different:
        return ANYTHING
    plain = [candidate for candidate in different if isinstance(candidate, Plain)]
    if len(plain) == len(different) and len({candidate.name for candidate in plain}) == 1:
        return _widest(plain)
    return Either(different)


def _widest(shapes: Sequence[Plain]) -> Plain:
    """The narrowest shape that all of these fit."""
    lengths = [shape.longest for shape in shapes]
    digits = [shape.digits for shape in shapes]
    values = [shape.values for shape in shapes]
    known = [digit for digit in digits if digit is not None]
    fraction = max((behind for _, behind in known), default=0)
    return Plain(
        shapes[0].name,
        None if None in lengths else max(length for length in lengths if length is not None),
        None
        if None in digits
        else (max(total - behind for total, behind in known) + fraction, fraction),
        None
        if None in values
        else frozenset().union(*(value for value in values if value is not None)),
        any(shape.optional for shape in shapes),
    )


def is_optional(shape: Shape) -> bool:
    """Whether the value may be none."""
    match shape:
        case Plain(optional=optional):
            return optional
        case Either(shapes=shapes):
            return any(map(is_optional, shapes))
        case _:
            return False


def present(shape: Shape) -> Shape:
    """The shape of the value where it is not none."""
    match shape:
        case Plain(optional=True):
            return dataclasses.replace(shape, optional=False)
        case Either(shapes=shapes):
            return Either(tuple(present(alternative) for alternative in shapes))
        case _:
            return shape


def text_length(shape: Shape) -> int | None:
    """How long the value may be as text, None where that is not known."""
    match shape:
        case Plain(name="text"):
            return shape.longest
        case Plain(name="whole number" | "number", digits=(total, fraction)):
            return total + 1 + bool(fraction)
        case Plain(name="whole number"):
            return _LONGEST_INT
        case Plain(name="truth value"):
            return len("false")
        case Plain(name="time"):
            return len("2026-03-28T23:30:00Z")
        case Either(shapes=shapes):
            lengths = [text_length(part) for part in shapes]
            return (
                None if None in lengths else max(length for length in lengths if length is not None)
            )
        case _:
            return None


def shape_of_value(value: object) -> Shape:
    """The shape of a constant."""
    match value:
        case bool():
            return Plain("truth value", values=frozenset({value}))
        case int() | Decimal():
            name = "whole number" if isinstance(value, int) else "number"
            _, figures, exponent = Decimal(value).as_tuple()
            behind = max(0, -exponent) if isinstance(exponent, int) else 0
            return Plain(
                name, digits=(max(len(figures), behind), behind), values=frozenset({value})
            )
        case str():
            return Plain("text", longest=len(value), values=frozenset({value}))
        case _:
            return ANYTHING


def shape_of(annotation: object) -> Shape:
    """The shape that a type hint promises, how long and whether it may be none included."""
    if annotation in _PLAIN:
        return Plain(_PLAIN[annotation])
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _measured(shape_of(arguments[0]), arguments[1:])
    if origin in (typing.Union, types.UnionType):
        shape = either(
            tuple(shape_of(argument) for argument in arguments if argument is not types.NoneType)
        )
        if types.NoneType in arguments and isinstance(shape, Plain):
            return dataclasses.replace(shape, optional=True)
        return shape
    if origin in (tuple, list, Sequence):
        return Many(shape_of(arguments[0]))
    if isinstance(annotation, type) and is_record(annotation):
        return _record(annotation)
    return ANYTHING


def _measured(shape: Shape, notes: Sequence[object]) -> Shape:
    for note in notes:
        match note:
            case Length(characters=characters) if isinstance(shape, Plain):
                shape = dataclasses.replace(shape, longest=characters)
            case Digits(total=total, fraction=fraction) if isinstance(shape, Plain):
                shape = dataclasses.replace(shape, digits=(total, fraction))
    return shape


def is_record(kind: type) -> bool:
    """Whether values of this class have named members that an expression may read."""
    return issubclass(kind, msgspec.Struct) or dataclasses.is_dataclass(kind)


@cache
def members_of(kind: type) -> frozenset[str]:
    """Names that an expression may read of a value: fields and properties, never a method."""
    if not is_record(kind):
        return frozenset()
    names = {*typing.get_type_hints(kind), *_properties(kind)}
    return frozenset(name for name in names if not name.startswith("_"))


@cache
def _record(kind: type) -> Record:
    hints = typing.get_type_hints(kind, include_extras=True)
    for name, read in _properties(kind).items():
        hints[name] = typing.get_type_hints(read.fget)["return"]
    return Record(kind.__name__, {name: shape_of(hints[name]) for name in members_of(kind)})


def _properties(kind: type) -> dict[str, property]:
    return {
        name: value
        for parent in reversed(kind.__mro__)
        for name, value in vars(parent).items()
        if isinstance(value, property)
    }
