"""The record service: one record by its internal id, or by ours (`eid:…`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from sidecar.testing.erpsim.books import CANCELED, Document, Refusal
from sidecar.testing.erpsim.conduct import Conduct
from sidecar.testing.erpsim.netsuite.errors import NsError, error_of, invalid, no_record
from sidecar.testing.erpsim.netsuite.properties import id_in, known
from sidecar.testing.erpsim.netsuite.transactions import (
    SALES_ORDER,
    Kind,
    Row,
    letter_of,
    show,
    submission_of,
)
from sidecar.testing.erpsim.rules import Enquiry, Operation, Strikes, Subject
from sidecar.testing.erpsim.side_books import Customer, SideBooks
from sidecar.testing.erpsim.traffic import Exchange

#: An order is closed as long as nothing of it was shipped or billed; here a whole one is.
_OPEN = ("A", "B", "C", "H")
#: One that every account has, by its external id.
STANDING_CUSTOMER = "GUEST"


@dataclass(frozen=True)
class Asked:
    """A request for one record: `key` as it stands in the path, `sent` what it brings."""

    method: str
    key: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    sent: Any = None

    @property
    def external(self) -> str:
        """Our own id of it; empty where it is asked for by NetSuite's."""
        return self.key.removeprefix("eid:") if self.key.startswith("eid:") else ""

    @property
    def strict(self) -> bool:
        return self.headers.get("x-netsuite-propertynamevalidation") == "Error"


@dataclass(frozen=True)
class Answer:
    """An answer before it is written; `located`: the id of what was written."""

    status: int
    body: Row | None = None
    located: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


class Records(Protocol):
    """The records of one type.  Its methods raise NsError."""

    def wanted(self, asked: Asked) -> tuple[Operation, tuple[Subject, ...]]:
        """What the request is, for the rules."""

    def act(self, asked: Asked, exchange: Exchange, enquiry: Enquiry, faults: Strikes, /) -> Answer:
        """Have it done."""


class Transactions:
    """Sales orders, or credit memos."""

    def __init__(self, conduct: Conduct, side_books: SideBooks, kind: Kind) -> None:
        self._conduct = conduct
        self._books = conduct.entry.books
        self._side_books = side_books
        self._kind = kind

    def wanted(self, asked: Asked) -> tuple[Operation, tuple[Subject, ...]]:
        """See `Records`."""
        if asked.method == "PUT":
            return Operation.CREATE, (self._subject(asked),)
        document = None if asked.external else self._books.document(asked.key)
        external = asked.external or (document.external if document else "")
        subjects = (Subject(external),) if external else ()
        if asked.method == "PATCH":
            closes = bool(_closed_lines(asked.sent))
            return (Operation.CANCEL if closes else Operation.AMEND), subjects
        return Operation.FIND, subjects

    def act(self, asked: Asked, exchange: Exchange, enquiry: Enquiry, faults: Strikes) -> Answer:
        """See `Records`."""
        if asked.method == "PUT":
            booked = self._upserted(asked, exchange, enquiry)
            return Answer(204, located=booked.number)
        if asked.method == "PATCH":
            return Answer(204, located=self._changed(asked).number)
        if asked.external:
            found = self._conduct.find(exchange, self._kind.kind, asked.external, faults)
        else:
            found = [self._there(asked.key)]
        if not found:
            raise no_record()
        expanded = asked.query.get("expandSubResources") == "true"
        return Answer(200, show(found[0], self._kind, expanded=expanded))

    def _upserted(self, asked: Asked, exchange: Exchange, enquiry: Enquiry) -> Document:
        if not asked.external:
            raise invalid("Upsert takes an external ID.", "id")
        fields = {"item": [], **known(asked.sent, self._kind.name, strict=asked.strict)}
        if fields.get("entity"):
            way, customer = id_in(fields["entity"], "entity")
            self._require_customer(way, customer)
        before = self._books.documents(asked.external, kind=self._kind.kind)
        appends = "item" not in asked.query.get("replace", "").split(",")
        kept = before[0].lines if before and appends else ()
        order = None if self._kind is SALES_ORDER else self._order_of(fields)
        submission = submission_of(self._kind, asked.external, fields, kept, order)
        ordered = (enquiry.subjects[0], submission)
        booked = self._conduct.submit(exchange, enquiry, ordered)
        if isinstance(booked, Refusal):
            raise error_of(booked)
        return booked

    def _order_of(self, fields: Mapping[str, Any]) -> str | None:
        """The books want to know of which order something is given back; NetSuite need not."""
        number = fields.get("otherRefNum")
        refunded = {one.order for one in self._books.documents(kind=self._kind.kind)}
        found = [
            order.number
            for order in self._books.documents(kind=SALES_ORDER.kind)
            if number is not None and order.other["fields"].get("otherRefNum") == number
        ]
        # A purchase order of the customer may be of several orders.
        return next((one for one in found if one not in refunded), next(iter(found), None))

    def _require_customer(self, way: str, name: str) -> None:
        customers = self._side_books.customers()
        if way == "externalId":
            names = {STANDING_CUSTOMER, *(one.external for one in customers)}
        else:
            names = {one.number for one in customers}
        if name not in names:
            raise invalid(f"You have entered an Invalid Field Value {name}", "entity")

    def _changed(self, asked: Asked) -> Document:
        sent = known(asked.sent, self._kind.name, strict=asked.strict)
        document = self._there(asked.key)
        closed = _closed_lines(asked.sent)

        def decide(now: Document) -> dict[str, Any]:
            fields = {**now.other["fields"], **{n: v for n, v in sent.items() if n != "item"}}
            told: dict[str, Any] = {"other": {**now.other, "fields": fields}}
            if closed:
                if letter_of(now) not in _OPEN:
                    raise NsError(400, "USER_ERROR", "You cannot close a line that was fulfilled.")
                if closed >= {line.line_id for line in now.lines}:
                    told["state"] = CANCELED
            return told

        booked = self._books.change(document.number, decide)
        if isinstance(booked, Refusal):
            raise error_of(booked)
        return booked

    def _there(self, key: str) -> Document:
        document = self._books.document(key)
        if document is None or document.kind is not self._kind.kind:
            raise no_record()
        return document

    def _subject(self, asked: Asked) -> Subject:
        lines = asked.sent.get("item", {}) if isinstance(asked.sent, dict) else {}
        items = lines.get("items", ()) if isinstance(lines, dict) else ()
        skus = tuple(str((line.get("item") or {}).get("externalId", "")) for line in items)
        return Subject(asked.external, skus)


def _closed_lines(sent: Any) -> set[Any]:
    """The numbers of the lines that a change closes."""
    lines = sent.get("item", {}).get("items", ()) if isinstance(sent, dict) else ()
    return {line.get("line") for line in lines if line.get("isClosed") is True}


class Customers:
    """Whom the shop knows, by its own id."""

    def __init__(self, conduct: Conduct, side_books: SideBooks) -> None:
        self._conduct = conduct
        self._side_books = side_books

    def wanted(self, asked: Asked) -> tuple[Operation, tuple[Subject, ...]]:
        """See `Records`."""
        subjects = (Subject(asked.external),) if asked.external else ()
        return (Operation.LOOKUP if asked.method == "GET" else Operation.CUSTOMER), subjects

    def act(self, asked: Asked, exchange: Exchange, enquiry: Enquiry, _faults: Strikes) -> Answer:
        """See `Records`."""
        known_one = self._found(asked)
        if asked.method == "GET":
            if known_one is None:
                raise no_record()
            return Answer(200, _show_customer(known_one))
        subject = Subject(asked.external)
        strikes = self._conduct.strikes(exchange, enquiry, subject)
        if refusal := self._conduct.entry.refusal_of_record(subject, strikes):
            raise error_of(refusal)
        if asked.method == "PATCH" and known_one is None:
            raise no_record()
        external = known_one.external if known_one else asked.external
        before = known_one.addresses[0] if known_one else {}
        fields = {**before, **known(asked.sent, "customer", strict=asked.strict)}
        name = "lastName" if fields.get("isPerson") else "companyName"
        if not fields.get(name):
            raise NsError(400, "USER_ERROR", f"Please enter value(s) for: {name}")
        saved = self._side_books.save(
            Customer(
                external=external,
                name=fields[name],
                email=fields.get("email"),
                addresses=(fields,),
            )
        )
        return Answer(204, located=saved.number)

    def _found(self, asked: Asked) -> Customer | None:
        for customer in self._side_books.customers():
            if asked.key in (f"eid:{customer.external}", customer.number):
                return customer
        return None


def _show_customer(customer: Customer) -> Row:
    return {**customer.addresses[0], "id": customer.number, "externalId": customer.external}


def records_by_name(
    conduct: Conduct, side_books: SideBooks, kinds: tuple[Kind, ...]
) -> Mapping[str, Records]:
    """Record type → its records."""
    transactions: Mapping[str, Records] = {
        kind.name: Transactions(conduct, side_books, kind) for kind in kinds
    }
    return {**transactions, "customer": Customers(conduct, side_books)}
