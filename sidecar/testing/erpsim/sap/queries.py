"""The query of a GET: which rows, which lists beside them, which page."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sidecar.testing.erpsim.sap.errors import MALFORMED, SapError

_KNOWN = frozenset(
    {"$filter", "$select", "$expand", "$orderby", "$top", "$skiptoken", "$format", "$inlinecount"}
)
_TERM = re.compile(
    r"\s*(?P<name>\w+)\s+(?P<operator>eq|ne|ge|gt)\s+"
    r"(?:(?P<type>datetimeoffset|datetime)?'(?P<text>(?:[^']|'')*)'|(?P<bare>[^\s()']+))\s*"
    r"(?:\s+and\s+|$)"
)
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda left, right: left == right,
    "ne": lambda left, right: left != right,
    "ge": lambda left, right: left >= right,
    "gt": lambda left, right: left > right,
}


@dataclass(frozen=True)
class Term:
    """`name operator value`; the value is a text, a number or a moment."""

    name: str
    operator: str
    value: Any

    def holds(self, row: Mapping[str, Any]) -> bool:
        """Whether it holds for a row.  Raises SapError for a property that the row lacks."""
        if self.name not in row:
            raise SapError(400, MALFORMED, f"Property '{self.name}' not found", self.name)
        left, right = row[self.name], self.value
        if isinstance(left, date) and not isinstance(left, datetime) and right is not None:
            right = right.date()
        if left is None or type(left) is not type(right):
            return self.operator == "ne"
        return _COMPARE[self.operator](left, right)


@dataclass(frozen=True)
class Query:
    """What is asked: terms that must all hold, lists to show, properties to show, the page."""

    terms: tuple[Term, ...]
    expand: tuple[str, ...]
    select: frozenset[str]
    page: int
    top: int | None

    def value(self, name: str, operator: str = "eq") -> Any:
        """What a property is compared with; None where it is not."""
        found = (one.value for one in self.terms if (one.name, one.operator) == (name, operator))
        return next(found, None)

    def besides(self, *names: str) -> tuple[Term, ...]:
        """The terms about other properties."""
        return tuple(term for term in self.terms if term.name not in names)


def read_query(query: Mapping[str, str]) -> Query:
    """Raises SapError for an option that is not known, or cannot be read."""
    for name in query:
        if name.startswith("$") and name not in _KNOWN:
            raise SapError(400, MALFORMED, f"Invalid system query option '{name}'")
    page, top = query.get("$skiptoken", "1"), query.get("$top")
    if not page.isdecimal() or page == "0" or (top is not None and not top.isdecimal()):
        raise SapError(400, MALFORMED, "Invalid $skiptoken or $top")
    return Query(
        tuple(_terms(query.get("$filter", ""))),
        tuple(re.findall(r"(?<!\$)\b\w+", query.get("$expand", ""))),
        frozenset(filter(None, query.get("$select", "").split(","))),
        int(page),
        None if top is None else int(top),
    )


def _terms(text: str) -> list[Term]:
    terms: list[Term] = []
    place = 0
    while place < len(text):
        match = _TERM.match(text, place)
        if match is None:
            raise SapError(400, MALFORMED, f"Invalid $filter at position {place + 1}")
        terms.append(Term(match["name"], match["operator"], _literal(match)))
        place = match.end()
    return terms


def _literal(match: re.Match[str]) -> Any:
    if match["bare"] is not None:
        return _bare(match["bare"])
    text = match["text"].replace("''", "'")
    return _moment(text) if match["type"] else text


def _bare(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    return Decimal(text) if re.fullmatch(r"-?\d+(\.\d+)?[MDL]?", text) else _moment(text)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise SapError(400, MALFORMED, f"Invalid literal '{text}'") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
