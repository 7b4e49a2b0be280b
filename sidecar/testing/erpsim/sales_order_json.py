"""The JSON of a sales order: what the REST face reads and shows."""

from __future__ import annotations

from datetime import UTC
from decimal import Decimal
from typing import Any

import msgspec

from sidecar.testing.erpsim.books import Document, Line, Refusal, Submission
from sidecar.testing.erpsim.rules import Form, Subject

# Amounts must be JSON numbers: an ERP that took strings would hide an adapter that sends them.
Amount = int | Decimal


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


_READ = frozenset(_SentOrder.__struct_encode_fields__)


def read_order(sent: Any, idempotency_key: str | None) -> Submission | Refusal:
    """The order in a decoded body, or what is wrong with it and in which field."""
    try:
        order = msgspec.convert(sent, _SentOrder, builtin_types=(Decimal,))
    except msgspec.ValidationError as invalid:
        # msgspec says what and where in one sentence: … - at `$.lines[0].sku`
        message, _, path = str(invalid).partition(" - at `$")
        return Refusal(code="invalid", message=message, field=path.strip(".`") or None)
    return Submission(
        external=order.external_number,
        lines=tuple(line.line() for line in order.lines),
        currency=order.currency,
        customer=order.customer,
        shipping=Decimal(order.shipping),
        tax=None if order.tax is None else Decimal(order.tax),
        total=None if order.total is None else Decimal(order.total),
        revision=order.revision,
        idempotency_key=idempotency_key,
        other={name: value for name, value in sent.items() if name not in _READ},
    )


def subject_of(sent: Any) -> Subject:
    """What rules may match in an order that was not checked yet."""
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
    return {
        **number,
        "externalNumber": document.external,
        "state": document.state,
        "version": document.version,
        "currency": document.currency,
        "lines": [_show_line(line) for line in document.lines],
        "shipping": document.shipping,
        "tax": document.tax,
        "total": document.total,
        "changedAt": document.changed.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
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
