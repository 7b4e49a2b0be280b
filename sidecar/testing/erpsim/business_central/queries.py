"""The query of a GET: which rows, in which order, with which lists beside them, which page."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sidecar.testing.erpsim.business_central.errors import BcError
from sidecar.testing.erpsim.rules import Misbehaviour, Strikes
from sidecar.testing.erpsim.wire import Request

_KNOWN = frozenset({"$filter", "$select", "$expand", "$orderby", "$top"})
_TERM = re.compile(
    r"\s*(?P<name>\w+)\s+(?P<operator>eq|ne|ge|gt)\s+"
    r"(?:'(?P<text>(?:[^']|'')*)'|(?P<bare>[^\s()']+))\s*(?:\s+and\s+|$)"
)
_PREFERRED = re.compile(r"odata\.maxpagesize=(\d+)")
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda left, right: left == right,
    "ne": lambda left, right: left != right,
    "ge": lambda left, right: left >= right,
    "gt": lambda left, right: left > right,
}
Row = dict[str, Any]


@dataclass(frozen=True)
class Term:
    """`name operator value`."""

    name: str
    operator: str
    value: Any

    def holds(self, row: Row) -> bool:
        """Raises BcError for a field that the rows lack."""
        if self.name not in row:
            raise _bad(f"Could not find a property named '{self.name}'.")
        value = row[self.name]
        # Codes and words are found whatever their case; a moment is compared as one.
        right: Any = self.value.casefold() if isinstance(self.value, str) else self.value
        if isinstance(right, datetime):
            left: Any = datetime.fromisoformat(value)
        else:
            left = value.casefold() if isinstance(value, str) else value
        return _COMPARE[self.operator](left, right)


@dataclass(frozen=True)
class Query:
    """What is asked."""

    terms: tuple[Term, ...]
    expand: frozenset[str]
    order: str
    size: int

    @classmethod
    def of(cls, request: Request, most: int) -> Query:
        """`most`: rows of a page.  Raises BcError for what this ERP does not know."""
        for name in request.query:
            if name not in _KNOWN:
                raise _bad(f"The query parameter '{name}' is not supported.")
        wished = _PREFERRED.search(request.headers.get("prefer", ""))
        return cls(
            tuple(_terms(request.query.get("$filter", ""))),
            frozenset(filter(None, request.query.get("$expand", "").split(","))),
            request.query.get("$orderby", ""),
            min(most, int(wished[1])) if wished else most,
        )

    def value(self, name: str) -> Any:
        """What a field must be equal to; None where it is not asked for."""
        asked = (one.value for one in self.terms if (one.name, one.operator) == (name, "eq"))
        return next(asked, None)

    def page(self, rows: Sequence[Row], faults: Strikes, address: str) -> Row:
        """One page of those that fit; `address` is what the next one is asked at."""
        stuck = Misbehaviour.SAME_PAGE in faults or Misbehaviour.ENDLESS_PAGES in faults
        terms = [one for one in self.terms if not (stuck and one.operator == "gt")]
        fit = [row for row in rows if all(term.holds(row) for term in terms)]
        if self.order:
            fit.sort(key=lambda row: str(row[self.order]).casefold())
        shown, more = fit[: self.size], len(fit) > self.size or stuck
        if Misbehaviour.REPEAT_ROWS in faults:
            shown = [row for row in shown for _ in range(2)]
        told: Row = {"value": [self._narrowed(row) for row in shown]}
        if more and shown:
            told["@odata.nextLink"] = f"{address}?$skiptoken={shown[-1].get('number')}"
        return told

    def _narrowed(self, row: Row) -> Row:
        """Without the lists that were not asked for."""
        if unknown := self.expand - row.keys():
            raise _bad(f"Could not find a property named '{min(unknown)}'.")
        lists = {name for name, value in row.items() if isinstance(value, list)}
        return {name: row[name] for name in row if name not in lists - self.expand}


def _terms(asked: str) -> list[Term]:
    terms: list[Term] = []
    place = 0
    while place < len(asked):
        match = _TERM.match(asked, place)
        if match is None:
            raise _bad(f"Syntax error at position {place + 1} in '{asked}'.")
        terms.append(Term(match["name"], match["operator"], _literal(match)))
        place = match.end()
    return terms


def _literal(match: re.Match[str]) -> Any:
    if match["bare"] is None:
        return match["text"].replace("''", "'")
    bare = match["bare"]
    if bare in ("true", "false"):
        return bare == "true"
    if re.fullmatch(r"-?\d+(\.\d+)?", bare):
        return Decimal(bare)
    try:
        return datetime.fromisoformat(bare)
    except ValueError:
        raise _bad(f"'{bare}' is no literal.") from None


def _bad(message: str) -> BcError:
    return BcError(400, "BadRequest_InvalidRequestUrl", message)
