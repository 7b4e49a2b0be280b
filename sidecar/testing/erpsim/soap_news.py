"""The operations about what is no document: the ERP's own news, payments, customers, stock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sidecar.testing.erpsim.books import DocumentKind, Refusal, Submission
from sidecar.testing.erpsim.conduct import Conduct, spoiled
from sidecar.testing.erpsim.document_xml import present, show_refusal
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
from sidecar.testing.erpsim.records import Records, Taken
from sidecar.testing.erpsim.rules import Enquiry, Operation, Strikes, Subject
from sidecar.testing.erpsim.side_books import Customer, Demand, ShopLevel
from sidecar.testing.erpsim.traffic import Exchange
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
#: What a call brings, by its operation: the list and its element.
_BROUGHT: Mapping[Operation, tuple[str, str]] = {
    Operation.CUSTOMERS: ("Customers", "Customer"),
    Operation.LEVELS: ("Levels", "Level"),
    Operation.DEMAND: ("Demands", "Demand"),
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


@dataclass(frozen=True)
class SoapRecords:
    """Customers, levels and demand."""

    records: Records

    def subjects(self, operation: Operation, body: Any) -> tuple[Subject, ...]:
        """What the call is about, for the rules."""
        brought = _brought(operation, body)
        if operation is Operation.CUSTOMERS:
            return tuple(Subject(one.ExternalId or "") for one in brought)
        return tuple(Subject("", (one.Sku or "",)) for one in brought)

    def act(
        self, exchange: Exchange, enquiry: Enquiry, body: Any, faults: Strikes
    ) -> dict[str, Any]:
        """The result of the call."""
        brought = _brought(enquiry.operation, body)
        match enquiry.operation:
            case Operation.CUSTOMERS:
                customers = [_customer(one) for one in brought]
                return _results(self.records.save_customers(exchange, enquiry, customers, faults))
            case Operation.LEVELS:
                levels = [
                    ShopLevel(sku=one.Sku, warehouse=one.Warehouse, quantity=one.Qty)
                    for one in brought
                ]
                return _results(self.records.note_levels(exchange, enquiry, levels, faults))
            case Operation.DEMAND:
                demand = [_demand(one) for one in brought]
                return _results(self.records.note_demand(exchange, enquiry, demand, faults))
        if self.records.erase_customer(body.CustomerNo or ""):
            return {"ResultCode": "OK", "CustomerNo": body.CustomerNo}
        return {"ResultCode": "NOT_FOUND", "Message": "there is no such customer"}


def read_payment(sent: Any) -> Submission:
    """A payment names its order and one amount."""
    amount = sent.Amount or Decimal(0)
    return Submission(
        external=sent.ExternalId or "",
        lines=(),
        currency=sent.Currency,
        total=amount,
        tax=Decimal(0),
        adjustment=amount,
        order=sent.OrderNo,
        kind=DocumentKind.PAYMENT,
        other={"transaction": sent.Transaction, "method": sent.Method},
    )


def _brought(operation: Operation, body: Any) -> list[Any]:
    if operation not in _BROUGHT:
        return []
    outer, inner = _BROUGHT[operation]
    whole = getattr(body, outer)
    return [present(one) for one in getattr(whole, inner)] if whole else []


def _customer(sent: Any) -> Customer:
    return Customer(
        number="",
        external=sent.ExternalId or "",
        name=sent.Name,
        email=sent.Email,
        country=sent.Country,
        group=sent.Group,
        vat_id=sent.VatId,
    )


def _demand(sent: Any) -> Demand:
    since, until = (moment.isoformat() if moment else None for moment in (sent.Since, sent.Until))
    return Demand(
        id=sent.Id or "",
        sku=sent.Sku,
        quantity=sent.Qty,
        stock=sent.Stock,
        since=since,
        until=until,
    )


def _results(taken: list[Taken]) -> dict[str, Any]:
    results = [
        {
            **(show_refusal(one.refusal) if one.refusal else {"ResultCode": "OK"}),
            "Id": one.id,
            "Number": one.number,
        }
        for one in taken
    ]
    for result in results:
        result.pop("Field", None)
    return {"ResultCode": "OK", "Result": results}


def _invalid(message: str, field: str) -> Refusal:
    return Refusal(code="invalid", message=message, field=field)
