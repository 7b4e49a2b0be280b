"""What each operation of the WSDL does: reads zeep's values, has it done, answers with the result.

Every result has a ResultCode; OK says that it was done.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sidecar.testing.erpsim.books import DocumentKind, Refusal
from sidecar.testing.erpsim.conduct import Conduct, spoiled
from sidecar.testing.erpsim.document_xml import (
    first_unfit,
    present,
    read_document,
    show_answer,
    show_document,
    show_refusal,
    subject_of,
)
from sidecar.testing.erpsim.news_books import NewsBooks
from sidecar.testing.erpsim.records import Records
from sidecar.testing.erpsim.rules import Enquiry, Operation, Strikes, Subject
from sidecar.testing.erpsim.side_books import Customer, SideBooks
from sidecar.testing.erpsim.soap_news import LISTS, SoapNews, asked_page
from sidecar.testing.erpsim.soap_records import BROUGHT, FORGOTTEN, SoapRecords
from sidecar.testing.erpsim.traffic import Exchange
from sidecar.testing.erpsim.username_token import UsernameTokens, security_header
from sidecar.testing.erpsim.wire import Request
from sidecar.testing.soap_messages import WSSE, Message, SoapFault

VERSION = "erpsim 1"
_FIND_RECORDS = "FindRecords"
_NUMBER = b"(?:Order|CreditMemo|Payment|Shipment|Delivery|Invoice|Return|Customer|Product)No"
_NUMBER_OR_ITEM = b"(?:Order|Delivery|Invoice|Return)No|Sku|Month"
#: Of records, which have no number but in a result.
_NAMED = b"Number|Id"

#: Each kind's word in the names of its operations, and its element in a list.
_DOCUMENTS: Mapping[DocumentKind, str] = {
    DocumentKind.SALES_ORDER: "Order",
    DocumentKind.CREDIT_MEMO: "CreditMemo",
    DocumentKind.INVOICE: "Invoice",
    DocumentKind.PAYMENT: "Payment",
    DocumentKind.SHIPMENT: "Shipment",
}
OPERATIONS: Mapping[str, Operation] = {
    "CreateOrders": Operation.BULK,
    "CancelOrder": Operation.CANCEL,
    "ListOrders": Operation.LIST,
    "SaveCustomer": Operation.CUSTOMER,
    "GetStock": Operation.STOCK,
    **dict.fromkeys(LISTS, Operation.LIST),
    **{f"Create{name}": Operation.CREATE for name in _DOCUMENTS.values()},
    **{f"Find{name}": Operation.FIND for name in _DOCUMENTS.values()},
    "CancelDocument": Operation.CANCEL,
    **dict.fromkeys(BROUGHT, Operation.RECORDS),
    **dict.fromkeys(FORGOTTEN, Operation.ERASE),
    _FIND_RECORDS: Operation.FIND,
    "Ping": Operation.PING,
}
#: Of the operations that are there for each kind: the kind, and its element in a list.
_KINDS: Mapping[str, tuple[DocumentKind, str]] = {
    f"{verb}{name}": (kind, name)
    for kind, name in _DOCUMENTS.items()
    for verb in ("Create", "Find")
}


class SoapOperations:
    """The operations over one conduct and its books."""

    def __init__(
        self,
        conduct: Conduct,
        records: Records,
        side_books: SideBooks,
        news: NewsBooks,
        tokens: UsernameTokens | None,
    ) -> None:
        """Without `tokens` nobody has to say who they are."""
        self._tokens = tokens
        self._conduct = conduct
        self._records = SoapRecords(records)
        self._side_books = side_books
        self._news = news
        self._lists = SoapNews(conduct, news)

    def admits(self, request: Request, call: Message) -> bool:
        """See `Operations`: a WS-Security header that is not right is a fault."""
        security = security_header(call.envelope)
        if self._tokens is None or security is None:
            return self._conduct.admits(request)
        if not self._tokens.accepts(security):
            raise SoapFault(
                f"{{{WSSE}}}FailedAuthentication", "the security token could not be authenticated"
            )
        return True

    def operation(self, call: Message) -> Operation:
        """See `Operations`."""
        return OPERATIONS[call.operation]

    def identity(self, call: Message) -> bytes:
        """See `Operations`: in a list of levels or prices the item is what is called otherwise."""
        if call.operation in LISTS:
            return _NUMBER_OR_ITEM
        return _NAMED if call.operation in {*BROUGHT, _FIND_RECORDS} else _NUMBER

    def subjects(self, call: Message) -> tuple[Subject, ...]:
        """See `Operations`."""
        operation, body = self.operation(call), call.body
        match operation:
            case Operation.CREATE if hasattr(body.request, "Lines"):
                return (subject_of(present(body.request)),)
            case Operation.CREATE:
                return (Subject(present(body.request).ExternalId or ""),)
            case Operation.BULK:
                return tuple(subject_of(order) for order in _orders(body))
            case Operation.CANCEL:
                document = self._conduct.entry.books.document(_canceled(call))
                return (Subject(document.external),) if document else ()
            case Operation.FIND if call.operation == _FIND_RECORDS:
                return (Subject(body.Id or ""),)
            case Operation.FIND:
                return (Subject(body.ExternalId or ""),)
            case Operation.CUSTOMER:
                return (Subject(present(body.request).ExternalId or ""),)
            case Operation.STOCK:
                return (Subject("", tuple(_skus(body))),)
            case _:
                return self._records.subjects(call)

    def act(
        self, exchange: Exchange, enquiry: Enquiry, call: Message, faults: Strikes
    ) -> dict[str, Any]:
        """See `Operations`."""
        body = call.body
        match enquiry.operation:
            case Operation.CREATE:
                return self._create(exchange, enquiry, call)
            case Operation.BULK:
                return self._create_all(exchange, enquiry, call, faults)
            case Operation.CANCEL:
                return self._cancel(call)
            case Operation.FIND if call.operation == _FIND_RECORDS:
                return self._records.find(call)
            case Operation.FIND:
                kind, name = _KINDS[call.operation]
                found = self._conduct.find(exchange, kind, body.ExternalId or "", faults)
                return {"ResultCode": "OK", name: [show_document(item) for item in found]}
            case Operation.LIST if call.operation in LISTS:
                return self._lists.listed(call, faults)
            case Operation.LIST:
                return self._list(exchange, body, faults)
            case Operation.CUSTOMER:
                return self._save_customer(body)
            case Operation.STOCK:
                return self._stock(body)
            case Operation.RECORDS:
                return self._records.take(exchange, enquiry, call, faults)
            case Operation.ERASE:
                return self._records.erase(call)
            case _:
                return {"ResultCode": "OK", "Version": VERSION}

    def _create(self, exchange: Exchange, enquiry: Enquiry, call: Message) -> dict[str, Any]:
        [subject] = enquiry.subjects
        kind, _ = _KINDS[call.operation]
        sent = (subject, read_document(kind, present(call.body.request), call.headers))
        return show_answer(subject.external, self._conduct.submit(exchange, enquiry, sent), kind)

    def _cancel(self, call: Message) -> dict[str, Any]:
        answer = self._conduct.entry.books.cancel(_canceled(call))
        if call.operation == "CancelOrder":
            return show_answer(None, answer)
        if isinstance(answer, Refusal):
            return show_refusal(answer)
        return {"ResultCode": "OK", "Status": answer.state}

    def _create_all(
        self, exchange: Exchange, enquiry: Enquiry, call: Message, faults: Strikes
    ) -> dict[str, Any]:
        orders = _orders(call.body)
        batch = [
            (subject, read_document(DocumentKind.SALES_ORDER, order, call.headers))
            for subject, order in zip(enquiry.subjects, orders, strict=True)
        ]
        answered = self._conduct.submit_all(exchange, enquiry, batch, faults)
        results = [show_answer(subject.external, answer) for subject, answer in answered]
        return {"ResultCode": "OK", "Result": results}

    def _list(self, exchange: Exchange, body: Any, faults: Strikes) -> dict[str, Any]:
        since, page = asked_page(body)
        if page < 1:
            return _invalid("pages begin with 1", "Page")
        shown = self._conduct.changed(exchange, DocumentKind.SALES_ORDER, since, page, faults)
        orders = [spoiled(show_document(document), faults) for document in shown.rows]
        return {"ResultCode": "OK", "Order": orders, "NextPage": shown.next}

    def _save_customer(self, body: Any) -> dict[str, Any]:
        sent = present(body.request)
        names = ("ExternalId", "Name", "Email", "Country")
        if unfit := first_unfit(((name, getattr(sent, name)) for name in names), ()):
            return show_refusal(unfit)
        customer = Customer(
            external=sent.ExternalId, name=sent.Name, email=sent.Email, country=sent.Country
        )
        return {"ResultCode": "OK", "CustomerNo": self._side_books.save(customer).number}

    def _stock(self, body: Any) -> dict[str, Any]:
        levels = [
            {"Sku": level.sku, "Warehouse": level.warehouse, "Qty": level.quantity}
            for level in self._news.stock(_skus(body))
        ]
        return {"ResultCode": "OK", "Level": levels}


def _canceled(call: Message) -> str:
    """The number of the document; only orders have an operation of their own."""
    body = call.body
    return (body.OrderNo if call.operation == "CancelOrder" else body.Number) or ""


def _orders(body: Any) -> list[Any]:
    return [present(order) for order in body.Orders.Order] if body.Orders else []


def _skus(body: Any) -> list[str]:
    return [sku or "" for sku in body.Skus.Sku] if body.Skus else []


def _invalid(message: str, field: str) -> dict[str, Any]:
    return show_refusal(Refusal(code="invalid", message=message, field=field))
