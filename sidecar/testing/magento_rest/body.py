"""Reading the body of a request against what its route takes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from sidecar.testing.magento_rest.refusals import bad
from sidecar.testing.magento_rest.values import Json


@dataclass(frozen=True)
class Scalar:
    """A plain value; `name` is PHP's word for it."""

    name: str


@dataclass(frozen=True)
class Record:
    """An object that knows its keys: any other one is refused."""

    keys: Mapping[str, Kind]
    ignored: frozenset[str] = field(default_factory=frozenset)
    """Keys that are taken and not looked at."""


@dataclass(frozen=True)
class ListOf:
    """A list; `interface` is PHP's name of what is in it, for the message about its limit."""

    kind: Kind
    interface: str = ""


Kind = Scalar | Record | ListOf

INT, FLOAT, TEXT, BOOL = Scalar("int"), Scalar("float"), Scalar("string"), Scalar("bool")
ANYTHING = Scalar("mixed")
_TRUTH = {"true": True, "1": True, "false": False, "0": False}


def decode(raw: bytes) -> Json:
    """The body as an object.  Numbers keep their digits."""
    if not raw.strip():
        return {}
    try:
        decoded = json.loads(raw, parse_float=Decimal)
    except ValueError:
        raise bad("Decoding error.") from None
    return decoded if isinstance(decoded, dict) else {}


def read(
    raw: Json, keys: Mapping[str, Kind], required: frozenset[str], most_items: int | None
) -> Json:
    """What the route takes of a body: other keys at the top are ignored, deeper ones refused.

    `most_items`: how many objects a list may have (None: any number).
    """
    for name in keys:
        if name in required and raw.get(name) is None:
            raise bad('"%fieldName" is required. Enter and try again.', fieldName=name)
    return {
        name: _read(kind, raw[name], name, most_items)
        for name, kind in keys.items()
        if raw.get(name) is not None
    }


def _read(kind: Kind, value: Any, name: str, most_items: int | None) -> Any:
    if isinstance(kind, Record):
        return _object(kind, value, name, most_items)
    if isinstance(kind, ListOf):
        if not isinstance(value, list):
            raise _wrong_type(name, value, kind.interface or "array")
        if most_items is not None and kind.interface and len(value) > most_items:
            raise bad('Maximum items of type "%type" is %max', type=kind.interface, max=most_items)
        return [_read(kind.kind, part, name, most_items) for part in value]
    return _scalar(kind, value, name)


def _object(kind: Record, value: Any, name: str, most_items: int | None) -> Json:
    if not isinstance(value, dict):
        raise _wrong_type(name, value, "object")
    read_keys: Json = {}
    for key, given in value.items():
        if key in kind.ignored:
            continue
        if key not in kind.keys:
            raise bad(
                '"%fieldName" is not supported. Correct the field name and try again.',
                fieldName="".join(part.capitalize() for part in key.split("_")),
            )
        read_keys[key] = None if given is None else _read(kind.keys[key], given, key, most_items)
    return read_keys


def _scalar(kind: Scalar, value: Any, name: str) -> Any:
    if kind is ANYTHING:
        return value
    if isinstance(value, dict | list):
        raise _wrong_type(name, "array", kind.name)
    if kind is TEXT:
        return str(value)
    if kind is BOOL:
        truth = _TRUTH.get(str(value).lower())
        if truth is None:
            raise _wrong_type(name, value, kind.name)
        return truth
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise _wrong_type(name, value, kind.name) from None
    if not number.is_finite():
        raise _wrong_type(name, value, kind.name)
    if kind is INT:
        if number != number.to_integral_value():
            raise _wrong_type(name, value, kind.name)
        return int(number)
    return number


def _wrong_type(name: str, value: Any, expected: str) -> Exception:
    return bad(
        f'Error occurred during "{name}" processing. The "{value}" value\'s type is invalid. '
        f'The "{expected}" type was expected. Verify and try again.'
    )
