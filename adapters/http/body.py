"""Bodies on the wire: JSON with exact numbers, and reading whatever an ERP sends back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from adapters.filters import ExpressionError, as_text, kind, plain

#: Beyond this an exponent is no amount but an attack: expanding it would fill the memory.
_LARGEST_EXPONENT = 100


class Malformed(ValueError):
    """The body says that it is JSON and is not."""


def encode_json(tree: object) -> bytes:
    """JSON with every amount as the exact number literal that a human would write: 70.78, 15.

    Raises ExpressionError for a value that JSON has no form for; a float is one of them.
    """
    return _ENCODER.encode(_jsonable(tree))


def indented(content: bytes) -> str:
    """JSON with line breaks; each number stays the literal that it was."""
    return msgspec.json.format(content, indent=2).decode()


def decode_json(content: bytes) -> Any:
    """Numbers with a point or an exponent as Decimal.  Raises Malformed."""
    try:
        return _DECODER.decode(content.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, ValueError, RecursionError) as wrong:
        raise Malformed(f"the body is not valid JSON: {wrong}") from wrong


def read_body(content: bytes, content_type: str) -> Any:
    """Parsed JSON where the body is JSON, else its text.  Raises Malformed.

    Old ERPs send JSON as text/html, so the body decides when the header does not; an empty body
    is the empty text whatever the header says.
    """
    mime, _, parameters = content_type.partition(";")
    declared = mime.strip().lower().endswith(("/json", "+json"))
    text = _decoded(content, parameters)
    if not text.strip():
        return ""
    if not declared and not text.lstrip().startswith(("{", "[")):
        return text
    try:
        # Replacement characters would make a broken body readable, so the bytes are parsed as sent.
        return decode_json(content if _charset(parameters) == "utf-8" else text.encode())
    except Malformed:
        if declared:
            raise
        return text


def _decoded(content: bytes, parameters: str) -> str:
    try:
        text = content.decode(_charset(parameters), errors="replace")
    except (LookupError, UnicodeError):
        text = content.decode("utf-8", errors="replace")
    return text.removeprefix("\ufeff")


def _charset(parameters: str) -> str:
    for one in parameters.split(";"):
        key, _, value = one.partition("=")
        if key.strip().lower() == "charset":
            name = value.strip().strip('"').lower()
            return "utf-8" if name == "utf8" else name
    return "utf-8"


def _exact(literal: str) -> Decimal:
    number = Decimal(literal)
    if abs(number.adjusted()) > _LARGEST_EXPONENT:
        raise ValueError("a number beyond all measure")
    return number


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(float_hook=_exact)


def _jsonable(value: object) -> object:
    match value:
        case Decimal():
            return msgspec.Raw(plain(value).encode())
        case None | str() | bool() | int():
            return value
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
