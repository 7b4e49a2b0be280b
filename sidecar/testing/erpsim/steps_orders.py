"""Orders over the REST face that takes them in steps: drafts of ids, amended, then validated."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec

from sidecar.testing.erpsim.books import Document, DocumentKind, Line, Refusal, Submission
from sidecar.testing.erpsim.conduct import Conduct, changed_form
from sidecar.testing.erpsim.drafts import set_discount, validate
from sidecar.testing.erpsim.rest_answers import Asked, Wanted, as_json
from sidecar.testing.erpsim.rules import Form, Operation, Strikes, Subject
from sidecar.testing.erpsim.side_books import SideBooks
from sidecar.testing.erpsim.steps_answers import error, reformed
from sidecar.testing.erpsim.wire import Request, Response

#: The one product that goes by its name.
SHIPPING = "SHIPPING"
_PREFIX = "SO-"
_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_STATUS = {"unknown_document": 404, "duplicate": 409, "already_delivered": 409}
"""HTTP status of a refusal by its code; every other code is 422."""

_Quantity = Annotated[str, msgspec.Meta(pattern=r"^\d{1,9}\.\d{3}$")]
_Price = Annotated[str, msgspec.Meta(pattern=r"^\d{1,9}\.\d{4}$")]
_Amount = int | Decimal


class _SentLine(msgspec.Struct, kw_only=True, rename="camel", forbid_unknown_fields=True):
    position: int
    product_id: int | Literal["SHIPPING"]
    quantity: _Quantity
    price: _Price
    tax: _Amount = 0


class _SentOrder(msgspec.Struct, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """`ordered_at` is in seconds since 1970."""

    external_number: Annotated[str, msgspec.Meta(min_length=1, max_length=50)]
    customer_id: int
    reverse_charge: bool = False
    ordered_at: int
    currency: Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")]
    lines: list[_SentLine]


class _SentDiscount(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    discount: _Amount


class Orders:
    """Orders by id, which is what of their number is a number."""

    def __init__(self, conduct: Conduct, side_books: SideBooks) -> None:
        self._conduct = conduct
        self._side_books = side_books

    def wanted(self, request: Request, rest: str) -> Wanted | None:
        """See `Place`."""
        known, _, act = rest.removeprefix("/").partition("/")
        match request.method, known, act:
            case "POST", "", "":
                sent = _decode(request.body)
                return Wanted(Operation.CREATE, sent, (self._subject(sent),))
            case "GET", "", "":
                external = request.query.get("externalNumber")
                if external is not None:
                    return Wanted(Operation.FIND, external, (Subject(external),))
            case "PATCH", _, "":
                return self._of(Operation.AMEND, known, "", _decode(request.body))
            case "POST", _, "validate":
                return self._of(Operation.VALIDATE, known, "/validate")
            case "POST", _, "cancel":
                return self._of(Operation.CANCEL, known, "/cancel")
        return None

    def _of(self, operation: Operation, known: str, act: str, sent: Any = None) -> Wanted:
        document = self._conduct.entry.books.document(_PREFIX + known)
        subjects = (_subject_of(document),) if document else ()
        return Wanted(operation, (_PREFIX + known, sent), subjects, f"/{{id}}{act}")

    def act(self, asked: Asked, faults: Strikes) -> Response:
        """See `Place`."""
        exchange, enquiry, form = asked.exchange, asked.enquiry, changed_form(faults)
        books = self._conduct.entry.books
        match enquiry.operation:
            case Operation.CREATE:
                ordered = (enquiry.subjects[0], self._read(asked.sent))
                booked = self._conduct.submit(exchange, enquiry, ordered)
                return _answer(booked, form, 201)
            case Operation.FIND:
                kind = DocumentKind.SALES_ORDER
                found = self._conduct.find(exchange, kind, asked.sent, faults)
                return as_json(200, {"items": [reformed(self._show(one), form) for one in found]})
            case Operation.AMEND:
                number, sent = asked.sent
                try:
                    amended = msgspec.convert(sent, _SentDiscount, builtin_types=(Decimal,))
                except msgspec.ValidationError as unfit:
                    return error(422, "invalid", str(unfit))
                discounted = set_discount(books, number, Decimal(amended.discount))
                return _answer(discounted, form, 200, "discount")
            case Operation.VALIDATE:
                validated = validate(books, asked.sent[0])
                return _answer(validated, form, 200, "total", "tax", "currency")
            case _:
                return _answer(books.cancel(asked.sent[0]), form, 200)

    def _subject(self, sent: Any) -> Subject:
        """What rules may match in an order that was not checked yet."""
        if not isinstance(sent, dict):
            return Subject("")
        lines = sent.get("lines")
        ids = [line.get("productId") for line in lines or () if isinstance(line, dict)]
        skus = (self._side_books.sku_of(one) for one in ids if isinstance(one, int))
        return Subject(str(sent.get("externalNumber", "")), tuple(sku for sku in skus if sku))

    def _read(self, sent: Any) -> Submission | Refusal:
        """The order in a decoded body, or what is wrong with it and where."""
        try:
            read = msgspec.convert(sent, _SentOrder, builtin_types=(Decimal,))
        except msgspec.ValidationError as unfit:
            return Refusal(code="invalid", message=str(unfit))
        customer = self._side_books.customer(str(read.customer_id))
        if customer is None:
            return _unknown("customer", read.customer_id, "customerId")
        lines = []
        for index, line in enumerate(read.lines):
            named = isinstance(line.product_id, str)
            sku = SHIPPING if named else self._side_books.sku_of(int(line.product_id))
            if sku is None:
                return _unknown("product", line.product_id, f"lines[{index}].productId")
            lines.append(_line(line, sku))
        return Submission(
            external=read.external_number,
            lines=tuple(lines),
            currency=read.currency,
            customer={"id": read.customer_id, "email": customer.email, "name": customer.name},
            other={"reverseCharge": read.reverse_charge, "orderedAt": read.ordered_at},
        )

    def _show(self, document: Document) -> dict[str, Any]:
        customer = document.customer
        return {
            "id": _id_of(document),
            "number": document.number,
            "externalNumber": document.external,
            "state": document.state,
            "customerId": customer["id"] if isinstance(customer, dict) else None,
            **document.other,
            "currency": document.currency,
            "lines": [self._show_line(line) for line in document.lines],
            "discount": document.discount,
            "tax": document.tax,
            "total": document.total,
        }

    def _show_line(self, line: Line) -> dict[str, Any]:
        shipping = line.sku == SHIPPING
        return {
            "position": line.line_id,
            "productId": SHIPPING if shipping else self._side_books.product(line.sku).id,
            "sku": line.sku,
            "quantity": f"{line.quantity:.3f}",
            "price": f"{line.unit_price:.4f}",
            "tax": line.tax,
        }


def _line(sent: _SentLine, sku: str) -> Line:
    return Line(
        line_id=sent.position,
        sku=sku,
        quantity=Decimal(sent.quantity),
        unit_price=Decimal(sent.price),
        tax=Decimal(sent.tax),
    )


def _answer(answer: Document | Refusal, form: Form | None, status: int, *more: str) -> Response:
    """What a call that writes is answered; `more` are fields of the document beside its state."""
    if isinstance(answer, Refusal):
        return error(_STATUS.get(answer.code, 422), answer.code, answer.message, answer.field)
    known = {"id": _id_of(answer), "number": answer.number, "state": answer.state}
    shown = {**known, **{name: getattr(answer, name) for name in more}}
    return as_json(status, reformed(shown, form))


def _id_of(document: Document) -> int:
    return int(document.number.removeprefix(_PREFIX))


def _subject_of(document: Document) -> Subject:
    return Subject(document.external, tuple(line.sku for line in document.lines))


def _unknown(what: str, which: int | str, field: str) -> Refusal:
    return Refusal(code=f"unknown_{what}", message=f"there is no {what} {which}", field=field)
