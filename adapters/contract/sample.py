"""An operation out of one request and its answer, for an ERP that describes nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from adapters.contract.field import ANY_VALUE, NUMBERS, Field, Members, Operation
from adapters.contract.guess import means_lines
from adapters.contract.xml import about

_WHOLE = re.compile(r"-?\d{1,18}")
_NUMBER = re.compile(r"-?\d{1,18}\.\d{1,18}")
_KINDS: Mapping[str, frozenset[str]] = {
    "text": frozenset({"text"}),
    "whole number": frozenset({"whole number"}),
    "number": NUMBERS,
    "truth value": frozenset({"truth value"}),
}
#: What an ERP calls the number that it gave, the likeliest first.
_NUMBERS = (
    "number", "ordernumber", "orderno", "salesorder", "salesordernumber", "documentnumber", "docno",
    "reference", "no", "name", "id",
)  # fmt: skip
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def operation_of_sample(
    name: str, call: Mapping[str, str], part: str, request: Any, answer: Any, *, lexical: bool
) -> Operation:
    """`lexical`: all values are texts, as in XML."""
    body = field_of(part, [request], lexical=lexical)
    told = None if answer is None else field_of("body", [answer], lexical=lexical)
    paths = [] if told is None else list(_plain_paths(told, "response.body"))
    numbers = sorted((_NUMBERS.index(last), path) for last, path in paths if last in _NUMBERS)
    reference = f"={numbers[0][1]}" if numbers else ""
    return Operation(name, call, {part: body}, "", told, reference=reference)


def field_of(name: str, values: Sequence[Any], *, lexical: bool) -> Field:
    """A field that stands in the sample with these values."""
    many = any(isinstance(value, list) for value in values)
    entries = [one for value in values for one in (value if isinstance(value, list) else [value])]
    records = [one for one in entries if isinstance(one, Mapping)]
    if records:
        # In XML one line alone looks like no list.
        many = many or (lexical and means_lines(name) and not _wraps_lines(records))
        members = _members(records, lexical=lexical)
        return Field(name, "record", many=many, sample="", load=lambda: members)
    known = [one for one in entries if one is not None]
    kinds = {_kind(one, lexical=lexical) for one in known}
    kind = (
        kinds.pop() if len(kinds) == 1 else "number" if kinds == {"number", "whole number"} else ""
    )
    takes = ANY_VALUE if lexical else _KINDS.get(kind, ANY_VALUE)
    sample = about(str(known[0]))[:40] if known else ""
    return Field(name, kind or "anything", takes, many=many, lexical=lexical, sample=sample)


def _wraps_lines(records: Sequence[Mapping[str, Any]]) -> bool:
    """Whether there is nothing in it but the list itself."""
    return all(len(record) == 1 and means_lines(next(iter(record))) for record in records)


def _members(records: Sequence[Mapping[str, Any]], *, lexical: bool) -> Members:
    names = dict.fromkeys(name for record in records for name in record)
    fields = {
        name: field_of(name, [one[name] for one in records if name in one], lexical=lexical)
        for name in names
    }
    return Members(fields, open=True)


def _kind(value: Any, *, lexical: bool) -> str:
    match value:
        case bool():
            return "truth value"
        case int():
            return "whole number"
        case Decimal():
            return "number"
        case str() if lexical and value in ("true", "false"):
            return "truth value"
        case str() if lexical and _NUMBER.fullmatch(value):
            return "number"
        case str() if lexical and _WHOLE.fullmatch(value):
            return "whole number"
        case _:
            return "text"


def _plain_paths(field: Field, path: str) -> Iterator[tuple[str, str]]:
    """The last name of each value outside of lists, and the way to it."""
    for name, member in field.members.fields.items():
        below = f"{path}.{name}" if _NAME.fullmatch(name) else f"{path}['{name}']"
        if member.is_record and not member.many:
            yield from _plain_paths(member, below)
        elif not member.is_record:
            yield re.sub(r"[^a-z0-9]", "", name.lower()), below
