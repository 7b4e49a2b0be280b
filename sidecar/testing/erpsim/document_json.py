"""The JSON of each kind of document: what the REST face reads and shows."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from sidecar.testing.erpsim.books import Document, DocumentKind, Line, Refusal, Submission
from sidecar.testing.erpsim.news_json import moment
from sidecar.testing.erpsim.rules import Form, Subject

# Amounts must be JSON numbers: an ERP that took strings would hide an adapter that sends them.
Amount = int | Decimal

Shape = TypeVar("Shape", bound=msgspec.Struct)


class _SentLine(msgspec.Struct, kw_only=True, rename="camel"):
    line_id: int | str | None = None
    sku: str
    quantity: Amount
    unit_price: Amount
    discount: Amount = 0
    tax: Amount = 0

    def line(self) -> Line:
        return Line(
            line_id=self.line_id,
            sku=self.sku,
            quantity=Decimal(self.quantity),
            unit_price=Decimal(self.unit_price),
            discount=Decimal(self.discount),
            tax=Decimal(self.tax),
        )


class _SentOrder(msgspec.Struct, kw_only=True, rename="camel"):
    external_number: str
    lines: list[_SentLine]
    currency: str | None = None
    customer: dict[str, Any] | str | None = None
    shipping: Amount = 0
    tax: Amount | None = None
    total: Amount | None = None
    revision: int | None = None


class _SentInvoice(_SentOrder, kw_only=True, rename="camel"):
    sales_order: str


class _SentCreditMemo(_SentInvoice, kw_only=True, rename="camel"):
    adjustment: Amount = 0


class _SentPieces(_SentLine, kw_only=True, rename="camel"):
    unit_price: Amount = 0


class _SentShipment(_SentInvoice, kw_only=True, rename="camel"):
    lines: list[_SentPieces]  # type: ignore[assignment]


class _SentPayment(_SentOrder, kw_only=True, rename="camel"):
    order: str
    amount: Amount
    lines: list[_SentLine] = []


_SHAPES: Mapping[DocumentKind, type[_SentOrder]] = {
    DocumentKind.SALES_ORDER: _SentOrder,
    DocumentKind.CREDIT_MEMO: _SentCreditMemo,
    DocumentKind.INVOICE: _SentInvoice,
    DocumentKind.PAYMENT: _SentPayment,
    DocumentKind.SHIPMENT: _SentShipment,
}


class _SentNoteLine(msgspec.Struct, kw_only=True, rename="camel"):
    order_line: int | str | None = None
    sku: str
    quantity: Amount
    amount: Amount
    discount: Amount = 0
    tax: Amount = 0


class _SentNote(msgspec.Struct, kw_only=True, rename="camel"):
    order: str
    lines: list[_SentNoteLine] = []


def credit_memo_of_note(sent: dict[str, Any]) -> dict[str, Any] | Refusal:
    """A credit note names the amount of each line, and the order's line that it is of."""
    note = _read(sent, _SentNote)
    if isinstance(note, Refusal):
        return note
    lines = [
        {
            "lineId": line.order_line,
            "sku": line.sku,
            "quantity": line.quantity,
            "unitPrice": Decimal(line.amount) / line.quantity if line.quantity else Decimal(0),
            "discount": line.discount,
            "tax": line.tax,
        }
        for line in note.lines
    ]
    rest = {name: value for name, value in sent.items() if name != "order"}
    return {**rest, "salesOrder": note.order, "lines": lines}


def read_document(
    kind: DocumentKind, sent: Any, idempotency_key: str | None
) -> Submission | Refusal:
    """The document in a decoded body, or what is wrong with it and in which field."""
    shape = _SHAPES[kind]
    read = _read(sent, shape)
    if isinstance(read, Refusal):
        return read
    order, adjustment = _belonging(read)
    known = shape.__struct_encode_fields__
    return Submission(
        external=read.external_number,
        lines=tuple(line.line() for line in read.lines),
        currency=read.currency,
        customer=read.customer,
        shipping=Decimal(read.shipping),
        tax=None if read.tax is None else Decimal(read.tax),
        total=None if read.total is None else Decimal(read.total),
        revision=read.revision,
        idempotency_key=idempotency_key,
        other={name: value for name, value in sent.items() if name not in known},
        kind=kind,
        order=order,
        adjustment=Decimal(adjustment),
    )


def _belonging(read: _SentOrder) -> tuple[str | None, Amount]:
    """The order that a document belongs to, and what it is worth beside its lines."""
    match read:
        case _SentCreditMemo():
            return read.sales_order, read.adjustment
        case _SentInvoice():
            return read.sales_order, 0
        case _SentPayment():
            return read.order, read.amount
    return None, 0


def _read(sent: Any, shape: type[Shape]) -> Shape | Refusal:
    try:
        return msgspec.convert(sent, shape, builtin_types=(Decimal,))
    except msgspec.ValidationError as invalid:
        # msgspec says what and where in one sentence: … - at `$.lines[0].sku`
        message, _, path = str(invalid).partition(" - at `$")
        return Refusal(code="invalid", message=message, field=path.strip(".`") or None)


def subject_of(sent: Any) -> Subject:
    """What rules may match in a document that was not checked yet."""
    if not isinstance(sent, dict):
        return Subject("")
    lines = sent.get("lines")
    skus = (line.get("sku") for line in lines if isinstance(line, dict)) if lines else ()
    return Subject(str(sent.get("externalNumber", "")), tuple(map(str, skus)))


def show_document(document: Document, form: Form | None = None) -> dict[str, Any]:
    """A document as this ERP shows it; `form` is a changed schema."""
    number: dict[str, Any] = {"number": document.number}
    if form is Form.RENAMED:
        number = {"documentNumber": document.number}
    elif form is Form.NESTED:
        number = {"document": number}
    of_order = {"salesOrder": document.order, "adjustment": document.adjustment}
    return {
        **number,
        **({} if document.kind is DocumentKind.SALES_ORDER else of_order),
        "externalNumber": document.external,
        "state": document.state,
        "version": document.version,
        "currency": document.currency,
        "lines": [_show_line(line) for line in document.lines],
        "shipping": document.shipping,
        # A payment is an amount; of which tax is in it nobody speaks.
        "tax": None if document.kind is DocumentKind.PAYMENT else document.tax,
        "total": document.total,
        "note": document.note,
        "changedAt": moment(document.changed),
    }


def _show_line(line: Line) -> dict[str, Any]:
    return {
        "lineId": line.line_id,
        "sku": line.sku,
        "quantity": line.quantity,
        "unitPrice": line.unit_price,
        "discount": line.discount,
        "tax": line.tax,
        "total": line.total,
    }
