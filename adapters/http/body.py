"""Bodies on the wire: JSON with exact numbers, and reading whatever an ERP sends back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from adapters.http.charset import charset_of, decoded
from adapters.language.filters import ExpressionError, as_text, kind, plain
from adapters.language.numbers import read_number

#: Values in one answer: `[[],[],…` takes twenty times its size in memory.
MOST_VALUES = 500_000
#: How deep an answer may be nested.
DEEPEST = 100
#: A number of so few characters is within all bounds, unless it has an exponent.
_ORDINARY = 40

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)


class Malformed(ValueError):
    """The body says that it is JSON and is not; the text quotes nothing of it."""


def encode_json(tree: object) -> bytes:
    """JSON with every amount as the exact number literal that a person would write: 70.78, 15.

    Raises ExpressionError for a value that JSON has no form for; a float is one of them.
    """
    return _ENCODER.encode(_jsonable(tree))


def indented(content: bytes) -> str:
    """JSON with line breaks; each number stays the literal that it was."""
    return msgspec.json.format(content, indent=2).decode()


def decode_json(content: bytes) -> Any:
    """Numbers with a point or an exponent as Decimal.

    Raises Malformed, also for what JSON leaves open and readers disagree on: a name that stands
    twice in one object, of which most keep the last.
    """
    content = content.removeprefix(b"\xef\xbb\xbf")
    if content.count(b",") + content.count(b"[") + content.count(b"{") > MOST_VALUES:
        raise Malformed(f"the body has more than {MOST_VALUES:,} values")
    try:
        tree = _DECODER.decode(content)
    except RecursionError:
        raise Malformed(_TOO_DEEP) from None
    except (msgspec.DecodeError, ValueError) as error:
        raise Malformed(f"the body is not valid JSON: {error}") from error
    if _names_in(tree) != _STRING.sub(b"", content).count(b":"):
        raise Malformed("the body has a name twice in one object")
    return tree


def read_body(content: bytes, content_type: str) -> Any:
    """Parsed JSON where the body is JSON, else its text.  Raises Malformed.

    Old ERPs send JSON as text/html, so the body decides when the header does not; an empty body
    is the empty text whatever the header says.
    """
    declared = content_type.partition(";")[0].strip().lower().endswith(("/json", "+json"))
    text = decoded(content, content_type)
    if not text.strip():
        return ""
    if not declared and not text.lstrip().startswith(("{", "[")):
        return text
    try:
        # Replacement characters would make a broken body readable, so the bytes are parsed as sent.
        as_sent = charset_of(content_type) in (None, "utf-8", "us-ascii")
        return decode_json(content if as_sent else text.encode())
    except Malformed:
        if declared:
            raise
        return text


def _names_in(tree: Any) -> int:
    """How many names all objects have together.  Raises Malformed for what is nested too deep."""
    count = 0
    level = [tree]
    for _ in range(DEEPEST):
        deeper: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                count += len(value)
                deeper.extend(value.values())
            elif isinstance(value, list):
                deeper.extend(value)
        level = [value for value in deeper if isinstance(value, dict | list)]
        if not level:
            return count
    raise Malformed(_TOO_DEEP)


_TOO_DEEP = f"the body is nested more than {DEEPEST} levels deep"


def _exact(literal: str) -> Decimal:
    """msgspec has seen that it is a number: only what may be a giant is looked at again."""
    if len(literal) <= _ORDINARY and "e" not in literal and "E" not in literal:
        return Decimal(literal)
    return read_number(literal)


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(float_hook=_exact)


def _jsonable(value: object) -> object:
    match value:
        case Decimal():
            return msgspec.Raw(plain(value).encode())
        case None | bool():
            return value
        case str():
            # The encoder knows texts, and no type that is derived from them.
            return value if type(value) is str else str(value)
        case int():
            # msgspec's own whole numbers end at 64 bits.
            return msgspec.Raw(as_text(value).encode())
        case Mapping():
            return {str(key): _jsonable(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_jsonable(inner) for inner in value]
        case datetime():
            return as_text(value)
        case msgspec.Struct():
            return {name: _jsonable(getattr(value, name)) for name in value.__struct_fields__}
        case _:
            raise ExpressionError(f"{kind(value)} has no form in JSON")
