"""The SOAP operations about what the ERP tells by itself, page by page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sidecar.testing.erpsim.books import Refusal
from sidecar.testing.erpsim.conduct import Conduct, spoiled
from sidecar.testing.erpsim.document_xml import show_refusal
from sidecar.testing.erpsim.news_books import (
    DeliveryNote,
    Entry,
    GoodsReturn,
    ItemPrice,
    NewsBooks,
    OwnInvoice,
    PostingMonth,
    StockLevel,
)
from sidecar.testing.erpsim.news_xml import show_told
from sidecar.testing.erpsim.rules import Strikes
from sidecar.testing.soap_messages import Message

#: What each list is of, and its element.
LISTS: Mapping[str, tuple[type[Entry], str]] = {
    "ListDeliveries": (DeliveryNote, "Delivery"),
    "ListStock": (StockLevel, "Level"),
    "ListPrices": (ItemPrice, "Price"),
    "ListInvoices": (OwnInvoice, "Invoice"),
    "ListReturns": (GoodsReturn, "Return"),
    "ListPeriods": (PostingMonth, "Period"),
}


@dataclass(frozen=True)
class SoapNews:
    """Lists of one page."""

    conduct: Conduct
    books: NewsBooks

    def listed(self, call: Message, faults: Strikes) -> dict[str, Any]:
        """One page of what changed since."""
        kind, element = LISTS[call.operation]
        since, page = asked_page(call.body)
        if page < 1:
            return show_refusal(_invalid("pages begin with 1", "Page"))
        shown = self.conduct.page(self.books.entries(kind, since), page, faults)
        told = [spoiled(show_told(row), faults) for row in shown.rows]
        return {"ResultCode": "OK", element: told, "NextPage": shown.next}


def asked_page(body: Any) -> tuple[datetime, int]:
    """Since when, and which page."""
    since = body.ChangedSince or datetime(1970, 1, 1, tzinfo=UTC)
    page = 1 if body.Page is None else body.Page
    return (since if since.tzinfo else since.replace(tzinfo=UTC)), page


def _invalid(message: str, field: str) -> Refusal:
    return Refusal(code="invalid", message=message, field=field)
