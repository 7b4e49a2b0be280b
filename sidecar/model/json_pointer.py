"""Places in a JSON document (RFC 6901): what changed between two, and one value put elsewhere.

Documents are what `parse` gives: dict, list, str, int, Decimal, bool, None; no amount ever passes
through a float.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from sidecar.model.errors import BadData, UsageError

#: What a place holds in the document that does not have it.
ABSENT = "(absent)"

_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class Change:
    """One place whose values differ."""

    path: str
    old: Any
    new: Any


def parse(text: str) -> Any:
    """The document that `text` is; raises BadData."""
    try:
        return _DECODER.decode(text)
    except msgspec.DecodeError as error:
        raise BadData(f"this is no JSON: {error}", "correct the text") from None


def render(document: Any) -> str:
    """The reverse of `parse`, on one line."""
    return _ENCODER.encode(document).decode()


def pretty(text: str) -> str:
    """The same JSON for a person; numbers stay as they are written."""
    return msgspec.json.format(text, indent=2)


def changes(old: Any, new: Any, path: str = "") -> Iterator[Change]:
    """Every place that differs, as deep as both have it."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from changes(old.get(key, ABSENT), new.get(key, ABSENT), f"{path}/{_escape(key)}")
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            yield from changes(_at(old, index), _at(new, index), f"{path}/{index}")
    elif old != new:
        yield Change(path, old, new)


def put(document: Any, path: str, text: str) -> None:
    """Replace the value at `path`, which must exist, by what `text` says.

    Where a text stands, `text` is taken as it is (a postcode stays one), but for the word null;
    elsewhere it is JSON.
    """
    *way, last = _steps(path)
    holder = document
    for step in way:
        holder = _child(holder, step, path)
    present = _child(holder, last, path)
    value = text if isinstance(present, str) and text != "null" else _value(text)
    holder[int(last) if isinstance(holder, list) else last] = value


def _steps(path: str) -> list[str]:
    if not path.startswith("/"):
        raise UsageError(
            f"{path or 'an empty path'} is no JSON pointer", "write /billing_address/postcode=…"
        )
    return [step.replace("~1", "/").replace("~0", "~") for step in path[1:].split("/")]


def _child(holder: Any, step: str, path: str) -> Any:
    if isinstance(holder, dict) and step in holder:
        return holder[step]
    if isinstance(holder, list) and step.isdecimal() and int(step) < len(holder):
        return holder[int(step)]
    raise UsageError(f"the payload has no {path}", "'erp-sidecar queue show' prints it")


def _value(text: str) -> Any:
    try:
        return _DECODER.decode(text)
    except msgspec.DecodeError:
        return text


def _at(values: list[Any], index: int) -> Any:
    return values[index] if index < len(values) else ABSENT


def _escape(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
