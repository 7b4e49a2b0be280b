"""SuiteQL, as much of it as a pack asks: columns of a source, conditions, an order."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sidecar.testing.erpsim.books import Books, Document
from sidecar.testing.erpsim.netsuite.errors import NsError
from sidecar.testing.erpsim.netsuite.transactions import (
    CREDIT_MEMO,
    Kind,
    Row,
    currency_id,
    letter_of,
)
from sidecar.testing.erpsim.news_books import NewsBooks, StockLevel

_QUERY = re.compile(
    r"SELECT (?P<columns>.+?) FROM (?P<source>.+?)"
    r"(?: WHERE (?P<conditions>.+?))? ORDER BY (?P<order>[\w., ]+)"
)
_CONDITION = re.compile(
    r"(?P<column>\w+\.\w+) (?:(?P<there>IS NOT NULL)|>= TO_DATE\('(?P<day>[\d-]+)', 'YYYY-MM-DD'\)"
    r"|IN \((?P<list>'(?:[^']|'')*'(?:, ?'(?:[^']|'')*')*)\)|= '(?P<text>(?:[^']|'')*)')"
    r"(?: AND |$)"
)
_LITERAL = re.compile(r"'((?:[^']|'')*)'")
#: Source as a query names it → its rows, by alias and column.
Sources = Mapping[str, Callable[[], Iterable[Row]]]


def sources(books: Books, news: NewsBooks, kinds: Sequence[Kind]) -> Sources:
    """What can be asked."""

    def transactions() -> Iterable[Row]:
        for kind in kinds:
            for document in books.documents(kind=kind.kind):
                yield {
                    "t.id": document.number,
                    "t.type": kind.query_type,
                    "t.externalid": document.external or None,
                    "t.status": letter_of(document),
                    "t.currency": currency_id(document.currency),
                    "t.foreigntotal": str(_signed(document, kind)),
                    "t.lastmodifieddate": document.changed,
                }

    def stock() -> Iterable[Row]:
        for level in news.stock():
            if isinstance(level, StockLevel):
                yield {
                    "i.itemid": level.sku,
                    "l.location": level.warehouse,
                    "l.quantityavailable": str(level.quantity),
                }

    return {
        "transaction t": transactions,
        "inventoryitemlocations l JOIN item i ON i.id = l.item": stock,
    }


def _signed(document: Document, kind: Kind) -> Decimal:
    """What is given back is negative."""
    return -document.total if kind is CREDIT_MEMO else document.total


def answered(query: str, tables: Sources) -> list[Row]:
    """The rows of a query, in its order; a column without a value is left out.  Raises NsError."""
    match = _QUERY.fullmatch(query)
    source = tables.get(match["source"]) if match else None
    if match is None or source is None:
        raise _invalid("Search error occurred: Invalid or unsupported search")
    holds = _conditions(match["conditions"] or "")
    rows = [row for row in source() if all(one(row) for one in holds)]
    order = match["order"].split(", ")
    columns = match["columns"].split(", ")
    for column in (*columns, *order):
        if rows and column not in rows[0]:
            raise _invalid(f"Search error occurred: Field '{column}' was not found.")
    rows.sort(key=lambda row: [str(row[column]) for column in order])
    return [
        {name.partition(".")[2]: row[name] for name in columns if row[name] is not None}
        for row in rows
    ]


def _conditions(text: str) -> list[Callable[[Row], bool]]:
    holds: list[Callable[[Row], bool]] = []
    place = 0
    while place < len(text):
        match = _CONDITION.match(text, place)
        if match is None:
            raise _invalid(f"Invalid search query at '{text[place:]}'.")
        holds.append(_condition(match))
        place = match.end()
    return holds


def _condition(match: re.Match[str]) -> Callable[[Row], bool]:
    column = match["column"]
    if match["there"]:
        return lambda row: row[column] is not None
    if match["day"]:
        since = datetime.combine(date.fromisoformat(match["day"]), datetime.min.time(), UTC)
        return lambda row: bool(row[column] >= since)
    listed = match["list"] or f"'{match['text']}'"
    wanted = {one.replace("''", "'") for one in _LITERAL.findall(listed)}
    return lambda row: row[column] in wanted


def page_of(rows: Sequence[Row], offset: int, limit: int) -> dict[str, Any]:
    """One page, as SuiteQL tells it."""
    shown = rows[offset : offset + limit]
    return {
        "links": [],
        "count": len(shown),
        "hasMore": len(rows) > offset + limit,
        "items": [{"links": [], **row} for row in shown],
        "offset": offset,
        "totalResults": len(rows),
    }


def _invalid(detail: str) -> NsError:
    return NsError(400, "INVALID_PARAMETER", f"Invalid search query. {detail}")
