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
    """Nothing is known."""


@dataclasses.dataclass(frozen=True, slots=True)
class Plain:
    """A value without members; `name` is what a person calls it."""

    name: str


@dataclasses.dataclass(frozen=True, slots=True)
class Many:
    """A list whose entries all have the shape `entry`."""

    entry: Shape


@dataclasses.dataclass(frozen=True, slots=True)
class Record:
    """A value with named members, and with no others.

    `methods` may be called with one constant text: each turns it into a function of the value when
    the file is loaded, and raises ValueError for a text that is none.
    """

    name: str
    members: Mapping[str, Shape]
    methods: Mapping[str, Callable[[str], Callable[[Any], Any]]] = dataclasses.field(
        default_factory=dict
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Either:
    """One of several records: a member must be in every one of them."""

    shapes: tuple[Shape, ...]


Shape = Anything | Plain | Many | Record | Either
ANYTHING = Anything()


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
            return ANYTHING
        case Record(name=record, members=members):
            if name not in members:
                raise NoSuchMember(f"{record} has no field '{name}'{suggest(name, members)}")
            return members[name]
        case Either(shapes=shapes):
            return either(tuple(member(one, name) for one in shapes))
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
            return either(tuple(entry(one) for one in shapes))
        case Record(name=name):
            raise NoSuchMember(f"{name} is not a list")
        case Plain(name=name):
            raise NoSuchMember(f"a {name} is not a list")


def either(shapes: tuple[Shape, ...]) -> Shape:
    """One shape for a value that may have any of these."""
    different = tuple({id(one): one for one in shapes}.values())
    first = different[0]
    if all(one == first for one in different):
        return first
    return ANYTHING if ANYTHING in different else Either(different)


def shape_of(annotation: object) -> Shape:
    """The shape that a type hint promises; None beside another type is ignored."""
    if annotation in _PLAIN:
        return Plain(_PLAIN[annotation])
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return either(tuple(shape_of(one) for one in arguments if one is not types.NoneType))
    if origin in (tuple, list, Sequence):
        return Many(shape_of(arguments[0]))
    if isinstance(annotation, type) and is_record(annotation):
        return _record(annotation)
    return ANYTHING


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
    hints = typing.get_type_hints(kind)
    for name, read in _properties(kind).items():
        hints[name] = typing.get_type_hints(read.fget)["return"]
    return Record(kind.__name__, {name: shape_of(hints[name]) for name in members_of(kind)})


def _properties(kind: type) -> dict[str, property]:
    return {name: value for name, value in vars(kind).items() if isinstance(value, property)}
