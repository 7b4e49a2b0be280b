"""Database values as they stand in Magento's JSON, and the narrowing of an answer by `fields=`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import escape

from sidecar.testing.magento_db.session import Row

Json = dict[str, Any]


def plain(value: Any) -> Any:
    """A column's value: decimals as numbers, moments as Magento writes them."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    return value.isoformat() if isinstance(value, date) else value


def shown(row: Row, *left_out: str) -> Json:
    """A row as an object: what is NULL is not shown."""
    return {
        name: plain(value)
        for name, value in row.items()
        if value is not None and name not in left_out
    }


def to_json(value: Any) -> bytes:
    """The body of an answer."""
    return json.dumps(value, separators=(",", ":"), default=plain).encode()


def to_xml(value: Any) -> bytes:
    """The same for a client that accepts XML alone: lists become repeated `item`s."""
    return f'<?xml version="1.0"?>\n<response>{_xml(value)}</response>\n'.encode()


def _xml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "".join(f"<{name}>{_xml(part)}</{name}>" for name, part in value.items())
    if isinstance(value, list):
        return "".join(f"<item>{_xml(part)}</item>" for part in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else escape(str(plain(value)))


Fields = dict[str, "Fields"]
"""Names that an answer shall show, each with those of what is within it (none: all of it)."""


def parse_fields(text: str) -> Fields:
    """`a,items[b,c[d]]` as a tree of names."""
    tree: Fields = {}
    within = [tree]
    name = ""
    for char in text + ",":
        if char == "[":
            deeper: Fields = {}
            within[-1][name.strip()] = deeper
            within.append(deeper)
            name = ""
        elif char in ",]":
            if name.strip():
                within[-1][name.strip()] = {}
            name = ""
            if char == "]" and len(within) > 1:
                within.pop()
        else:
            name += char
    return tree


def narrowed(value: Any, fields: Fields) -> Any:
    """What of an answer `fields` names; a list without rows becomes null, as in Magento."""
    if isinstance(value, list):
        return [narrowed(part, fields) for part in value] or None
    if not isinstance(value, Mapping):
        return value
    return {
        name: narrowed(value[name], deeper) if deeper else value[name]
        for name, deeper in _known(fields, value)
    }


def _known(fields: Fields, value: Mapping[str, Any]) -> Iterable[tuple[str, Fields]]:
    return ((name, deeper) for name, deeper in fields.items() if name in value)
