"""The entity sets of a company: what is wanted of each, and what it does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Protocol

import msgspec

from sidecar.testing.erpsim.books import CANCELED, CENT, POSTED, Document, DocumentKind, Refusal
from sidecar.testing.erpsim.business_central.columns import CUSTOMER, read_field
from sidecar.testing.erpsim.business_central.documents import (
    ORDERS,
    RELEASED,
    Page,
    etag_of,
    id_of,
    moment,
    rates_of,
    read_document,
    show,
    taken,
)
from sidecar.testing.erpsim.business_central.errors import (
    BAD_REQUEST,
    DIALOG,
    BcError,
    error_of,
    no_record,
)
from sidecar.testing.erpsim.business_central.figures import after_discount
from sidecar.testing.erpsim.business_central.queries import Query, Row
from sidecar.testing.erpsim.conduct import Conduct, spoiled
from sidecar.testing.erpsim.news_books import DeliveryNote, NewsBooks, StockLevel, Told
from sidecar.testing.erpsim.rules import Enquiry, Operation, Strikes, Subject
from sidecar.testing.erpsim.side_books import Customer, SideBooks
from sidecar.testing.erpsim.traffic import Exchange
from sidecar.testing.erpsim.wire import Request

_decode = msgspec.json.Decoder(float_hook=Decimal).decode
#: One that every company has.
STANDING_CUSTOMER = "10000"
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Wanted:
    """What a request is, for the rules."""

    operation: Operation
    subjects: tuple[Subject, ...] = ()


@dataclass(frozen=True)
class Asked:
    """A request to an entity set: of one record by its id, and of an action on that."""

    request: Request
    key: str
    action: str
    address: str
    exchange: Exchange
    enquiry: Enquiry
    most: int

    @property
    def query(self) -> Query:
        return Query.of(self.request, self.most)


@dataclass(frozen=True)
class Answer:
    """An answer before it is written."""

    status: int
    body: Row | None = None


class EntitySet(Protocol):
    """Its methods raise BcError."""

    def wanted(self, request: Request, key: str, action: str, /) -> Wanted:
        """What the request is."""

    def act(self, asked: Asked, faults: Strikes) -> Answer:
        """Have it done."""


def sent_in(request: Request) -> Any:
    """Its JSON.  Raises BcError."""
    try:
        return _decode(request.body)
    except msgspec.MsgspecError as malformed:
        raise BcError(400, BAD_REQUEST, f"Invalid JSON. {malformed}") from malformed


def _read(request: Request) -> Wanted:
    """A question: for what has our number, or for a list."""
    external = Query.of(request, 1).value("externalDocumentNumber")
    if external is None:
        return Wanted(Operation.LIST)
    return Wanted(Operation.FIND, (Subject(external.upper()),))


class Documents:
    """Sales orders, or credit memos."""

    def __init__(self, conduct: Conduct, side_books: SideBooks, page: Page) -> None:
        self._conduct = conduct
        self._books = conduct.entry.books
        self._side_books = side_books
        self._page = page

    def wanted(self, request: Request, key: str, action: str) -> Wanted:
        """See `EntitySet`."""
        if request.method == "POST" and not key:
            return Wanted(Operation.CREATE, (self._subject(sent_in(request)),))
        if request.method == "GET":
            return _read(request)
        operation = {"PATCH": Operation.AMEND, "DELETE": Operation.CANCEL}.get(request.method)
        if action:
            operation = Operation.VALIDATE
        if operation is None or not key:
            raise BcError(405, "BadRequest_MethodNotAllowed", f"{request.method} is not allowed.")
        document = self._found(key)
        subjects = (Subject(document.external),) if document else ()
        return Wanted(operation, subjects)

    def act(self, asked: Asked, faults: Strikes) -> Answer:
        """See `EntitySet`."""
        match asked.enquiry.operation:
            case Operation.CREATE:
                return Answer(201, self._shown(self._created(asked), lines=False))
            case Operation.AMEND:
                return Answer(200, self._shown(self._amended(asked), lines=False))
            case Operation.CANCEL:
                return self._deleted(asked)
            case Operation.VALIDATE:
                return self._posted(asked)
        rows = [show(one, self._page) for one in self._visible(asked, faults)]
        if asked.key:
            row = next((row for row in rows if row["id"] == asked.key), None)
            if row is None:
                raise no_record()
            return Answer(200, row)
        spoilt = [spoiled(row, faults) for row in rows]
        return Answer(200, asked.query.page(spoilt, faults, asked.address))

    def _visible(self, asked: Asked, faults: Strikes) -> Iterable[Document]:
        """Those that are still there; of a number that is asked for as that read shows them."""
        kind, external = self._page.kind, asked.query.value("externalDocumentNumber")
        if external is None:
            every: Sequence[Document] = self._books.documents(kind=kind)
        else:
            every = self._conduct.find(asked.exchange, kind, external.upper(), faults)
        gone = (CANCELED, POSTED) if self._page is ORDERS else (CANCELED,)
        return [document for document in every if document.state not in gone]

    def _created(self, asked: Asked) -> Document:
        read = read_document(sent_in(asked.request), self._page)
        customer = read.fields.get("customerNumber", "")
        if customer and not _is_customer(self._side_books, customer):
            raise BcError(400, DIALOG, "The sell-to customer cannot be found.")
        order = None
        if self._page is not ORDERS:
            order = self._order_of(read.fields.get("invoiceNumber", ""), read.fields)
        submission = read.submission(self._page, order)
        booked = self._conduct.submit(
            asked.exchange, asked.enquiry, (asked.enquiry.subjects[0], submission)
        )
        if isinstance(booked, Refusal):
            raise error_of(booked)
        return booked

    def _order_of(self, invoice: str, fields: Mapping[str, Any]) -> str | None:
        """The books want to know of which order something is given back; this ERP need not."""
        if invoice:
            return invoice.removeprefix("PS-")
        customer = fields.get("customerNumber")
        orders = self._books.documents(kind=DocumentKind.SALES_ORDER)
        return next((one.number for one in reversed(orders) if one.customer == customer), None)

    def _amended(self, asked: Asked) -> Document:
        sent = sent_in(asked.request)

        def changed(known: Document) -> dict[str, Any] | Refusal:
            fields = dict(known.other["fields"])
            figures: dict[str, Any] = {}
            for name, value in sent.items():
                read = read_field(self._page.columns, name, value, self._page.type_name)
                fields = taken(fields, name, read)
                if name == "discountAmount":
                    figures = _discounted(known, read)
            return {"other": {**known.other, "fields": fields}, **figures}

        return self._changed(asked, changed)

    def _deleted(self, asked: Asked) -> Answer:
        def canceled(known: Document) -> dict[str, Any]:
            if known.state not in ("OPEN", "DRAFT", RELEASED):
                raise BcError(400, DIALOG, f"You cannot delete {known.number}.")
            return {"state": CANCELED}

        self._changed(asked, canceled)
        return Answer(204)

    def _posted(self, asked: Asked) -> Answer:
        name = "Microsoft.NAV.shipAndInvoice" if self._page is ORDERS else "Microsoft.NAV.post"
        if asked.action != name:
            raise BcError(404, "BadRequest_NotFound", f"There is no action {asked.action}.")
        document = self._there(asked.key)
        if document.state == POSTED:
            told = "The action can be applied to a draft credit memo only."
            raise BcError(400, DIALOG, told)
        self._books.change(document.number, lambda _: {"state": POSTED})
        return Answer(204)

    def _changed(
        self, asked: Asked, decide: Callable[[Document], dict[str, Any] | Refusal]
    ) -> Document:
        """The document after the change that its ETag allows."""
        given = asked.request.headers.get("if-match")
        if not given:
            told = "Could not validate the client concurrency token required by the service."
            raise BcError(400, "BadRequest_InvalidToken", told)
        document = self._there(asked.key)

        def allowed(known: Document) -> dict[str, Any] | Refusal:
            if given not in ("*", etag_of(known)):
                told = "Another user has already changed the record."
                raise BcError(409, "Request_EntityChanged", told)
            return decide(known)

        booked = self._books.change(document.number, allowed)
        if isinstance(booked, Refusal):
            raise error_of(booked)
        return booked

    def _there(self, key: str) -> Document:
        document = self._found(key)
        if document is None:
            raise no_record()
        return document

    def _found(self, key: str) -> Document | None:
        gone = (CANCELED, POSTED) if self._page is ORDERS else (CANCELED,)
        every = self._books.documents(kind=self._page.kind)
        return next(
            (one for one in every if id_of(one.number) == key and one.state not in gone), None
        )

    def _subject(self, sent: Any) -> Subject:
        if not isinstance(sent, dict):
            return Subject("")
        lines = sent.get(self._page.lines) or []
        skus = tuple(str(line.get("lineObjectNumber", "")).upper() for line in lines)
        return Subject(str(sent.get("externalDocumentNumber", "")).strip().upper(), skus)

    def _shown(self, document: Document, *, lines: bool) -> Row:
        row = show(document, self._page)
        return row if lines else {name: row[name] for name in row if name != self._page.lines}


def _discounted(known: Document, discount: Decimal) -> dict[str, Any]:
    worth = sum((line.total - line.discount for line in known.lines), Decimal(0))
    if not 0 <= discount <= worth:
        raise BcError(400, DIALOG, f"{discount} is no discount on {worth}.")
    net, tax = after_discount(known.lines, rates_of(known), discount)
    return {"discount": discount, "tax": tax, "total": (net + tax).quantize(CENT)}


def _is_customer(side_books: SideBooks, number: str) -> bool:
    return number == STANDING_CUSTOMER or side_books.customer(number) is not None


class Customers:
    """By a number of the client's, as its number series allows."""

    def __init__(self, conduct: Conduct, side_books: SideBooks) -> None:
        self._conduct = conduct
        self._side_books = side_books

    def wanted(self, request: Request, key: str, _action: str) -> Wanted:
        """See `EntitySet`."""
        if request.method == "GET":
            return Wanted(Operation.LOOKUP)
        number = str(sent_in(request).get("number", "")).upper() if not key else ""
        return Wanted(Operation.CUSTOMER, (Subject(number),) if number else ())

    def act(self, asked: Asked, faults: Strikes) -> Answer:
        """See `EntitySet`."""
        if asked.request.method == "GET":
            rows = [_show_customer(one) for one in self._side_books.customers()]
            return Answer(200, asked.query.page(rows, faults, asked.address))
        sent = sent_in(asked.request)
        read = {name: read_field(CUSTOMER, name, sent[name], "customer") for name in sent}
        refusal = self._conduct.entry.refusal_of_record(
            Subject(read.get("number", "")),
            self._conduct.strikes(asked.exchange, asked.enquiry, Subject(read.get("number", ""))),
        )
        if refusal:
            raise error_of(refusal)
        if asked.key:
            return Answer(200, _show_customer(self._changed(asked, read)))
        return Answer(201, _show_customer(self._made(read)))

    def _made(self, read: Row) -> Customer:
        number = read.get("number", "")
        if not read.get("displayName"):
            raise BcError(400, DIALOG, 'A "displayName" must be provided.')
        if not number:
            raise BcError(400, DIALOG, "No. must have a value.")
        if _is_customer(self._side_books, number):
            told = f"The record in table Customer already exists. No.='{number}'"
            raise BcError(400, "Internal_EntityWithSameKeyExists", told)
        return self._saved(number, read)

    def _changed(self, asked: Asked, read: Row) -> Customer:
        if not asked.request.headers.get("if-match"):
            told = "Could not validate the client concurrency token required by the service."
            raise BcError(400, "BadRequest_InvalidToken", told)
        for customer in self._side_books.customers():
            if id_of(customer.external) == asked.key:
                return self._saved(customer.external, {**customer.addresses[0], **read})
        raise no_record()

    def _saved(self, number: str, fields: Row) -> Customer:
        customer = Customer(
            external=number,
            name=fields.get("displayName"),
            email=fields.get("email"),
            country=fields.get("country"),
            addresses=(fields,),
        )
        self._side_books.save(customer)
        return customer


def _show_customer(customer: Customer) -> Row:
    fields = customer.addresses[0]
    known = {name: fields.get(name) for name, one in CUSTOMER.items() if one.read is not None}
    return {
        "@odata.etag": 'W/"1"',
        "id": id_of(customer.external),
        **known,
        "number": customer.external,
    }


class Rows:
    """What can only be read: `told` says which rows there are."""

    def __init__(self, told: Callable[[], Sequence[Row]]) -> None:
        self._told = told

    def wanted(self, request: Request, key: str, _action: str) -> Wanted:
        """See `EntitySet`."""
        if request.method != "GET" or key:
            raise BcError(405, "BadRequest_MethodNotAllowed", f"{request.method} is not allowed.")
        return _read(request)

    def act(self, asked: Asked, faults: Strikes) -> Answer:
        """See `EntitySet`."""
        rows = [spoiled(row, faults) for row in self._told()]
        return Answer(200, asked.query.page(rows, faults, asked.address))


class Posted:
    """What became of orders that were posted, and what left the warehouse."""

    def __init__(self, conduct: Conduct, news: NewsBooks) -> None:
        self._books = conduct.entry.books
        self._news = news

    def invoices(self) -> Sequence[Row]:
        return [
            {
                **_of_posted(document),
                "number": f"PS-{document.number}",
                "currencyCode": document.currency,
                "totalTaxAmount": document.tax,
                "totalAmountIncludingTax": document.total,
                "remainingAmount": document.total,
                "status": "Open",
            }
            for document in self._orders()
        ]

    def shipments(self) -> Sequence[Row]:
        posted = [
            {
                **_of_posted(document),
                "number": f"SHP-{document.number}",
                "salesShipmentLines": [
                    {
                        "lineType": document.other["lines"][str(line.line_id)]["lineType"],
                        "lineObjectNumber": line.sku,
                        "quantity": line.quantity,
                    }
                    for line in document.lines
                ],
            }
            for document in self._orders()
        ]
        return [*posted, *map(_show_note, self._news.entries(DeliveryNote))]

    def items(self) -> Sequence[Row]:
        return [
            {
                "id": id_of(f"item {level.sku}"),
                "number": level.sku,
                "type": "Inventory",
                "inventory": level.quantity,
                "lastModifiedDateTime": moment(_EVER),
            }
            for level in self._news.stock()
            if isinstance(level, StockLevel)
        ]

    def _orders(self) -> Sequence[Document]:
        every = self._books.documents(kind=DocumentKind.SALES_ORDER)
        return [document for document in every if document.state == POSTED]


def _of_posted(document: Document) -> Row:
    return {
        "id": id_of(f"posted {document.number}"),
        "orderNumber": document.number,
        "externalDocumentNumber": document.external,
        "lastModifiedDateTime": moment(document.changed),
    }


def _show_note(told: Told) -> Row:
    note = told.entry
    if not isinstance(note, DeliveryNote):
        raise TypeError(type(note).__name__)
    return {
        "id": id_of(f"shipment {note.number}"),
        "number": note.number,
        "orderNumber": note.order,
        "externalDocumentNumber": (note.external_order or "").upper(),
        "lastModifiedDateTime": moment(told.changed),
        "salesShipmentLines": [
            {"lineType": "Item", "lineObjectNumber": line.sku, "quantity": line.quantity}
            for line in note.lines
        ],
    }
