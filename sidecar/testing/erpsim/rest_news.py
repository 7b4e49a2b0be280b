"""What the ERP tells by itself over REST: lists of what changed since."""

from __future__ import annotations

from typing import Any

from sidecar.testing.erpsim.conduct import Conduct, spoiled
from sidecar.testing.erpsim.news_books import Entry, NewsBooks
from sidecar.testing.erpsim.news_json import show_told
from sidecar.testing.erpsim.rest_answers import Asked, Wanted, listed
from sidecar.testing.erpsim.rules import Misbehaviour, Operation, Strikes
from sidecar.testing.erpsim.wire import Request, Response


class News:
    """The entries of one kind."""

    def __init__(self, conduct: Conduct, books: NewsBooks, kind: type[Entry]) -> None:
        self._conduct = conduct
        self._books = books
        self._kind = kind

    def wanted(self, request: Request, rest: str) -> Wanted | None:
        """See `Place`."""
        return Wanted(Operation.LIST) if (request.method, rest) == ("GET", "") else None

    def act(self, asked: Asked, faults: Strikes) -> Response:
        """See `Place`."""
        return listed(
            asked.request,
            lambda since, page: self._conduct.page(
                self._books.entries(self._kind, since), page, faults
            ),
            lambda rows: [_renamed(spoiled(show_told(row), faults), faults) for row in rows],
        )


def _renamed(row: dict[str, Any], faults: Strikes) -> dict[str, Any]:
    """After an upgrade of the ERP its numbers have another name."""
    if Misbehaviour.SCHEMA_CHANGE not in faults:
        return row
    names = {"deliveryNumber", "invoiceNumber", "returnNumber", "sku", "period"}
    return {f"the{name}" if name in names else name: value for name, value in row.items()}
