"""The XML of documents: what the SOAP face reads (as zeep's values) and shows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from sidecar.testing.erpsim.books import Document, DocumentKind, Line, Refusal, Submission
from sidecar.testing.erpsim.rules import Subject

MOST = {"ExternalId": 32, "Sku": 64, "LineId": 32, "Name": 80, "City": 80, "Email": 254}
"""The longest texts that the ERP takes, as its WSDL says."""
EXACT = {"Currency": 3, "Country": 2}

_CODES = {
    "credit_limit": "CREDIT",
    "unknown_item": "ITEM",
    "stale_revision": "CONFLICT",
    "idempotency_key_reused": "KEY",
    "document_closed": "CLOSED",
    "already_delivered": "DELIVERED",
    "unknown_document": "NOT_FOUND",
    "unknown_order": "NOT_FOUND",
    "refund_too_high": "AMOUNT",
    "invoice_too_high": "AMOUNT",
    "payment_too_high": "AMOUNT",
}
"""Where a refusal's code is not the same word in capitals."""
_FIELDS = {
    "externalNumber": "ExternalId",
    "customer": "Customer",
    "lines": "Lines",
    "revision": "Revision",
    "Idempotency-Key": "IdempotencyKey",
    "amount": "Total",
    "order": "OrderNo",
}
_NUMBER = {
    DocumentKind.SALES_ORDER: "OrderNo",
    DocumentKind.CREDIT_MEMO: "CreditMemoNo",
    DocumentKind.INVOICE: "InvoiceNo",
    DocumentKind.PAYMENT: "PaymentNo",
    DocumentKind.SHIPMENT: "ShipmentNo",
}
#: What a document of each kind may say of money beside its lines; a payment has its own form.
_MONEY = {
    DocumentKind.SALES_ORDER: ("Shipping", "Tax", "Total"),
    DocumentKind.CREDIT_MEMO: ("Shipping", "Tax", "Total", "Adjustment"),
    DocumentKind.INVOICE: ("Shipping", "Tax", "Total"),
    DocumentKind.SHIPMENT: (),
}
_CUSTOMER = ("Email", "Name", "City", "Country")
_LINE_FIELD = re.compile(r"lines(\[\d+\])\.sku")


class _Nothing:
    """An empty element: every field of it is missing."""

    def __getattr__(self, name: str) -> None:
        return None


NOTHING = _Nothing()


def present(sent: Any) -> Any:
    """What was sent; zeep reads an empty element as None."""
    return NOTHING if sent is None else sent


def read_document(
    kind: DocumentKind, sent: Any, headers: Mapping[str, Any]
) -> Submission | Refusal:
    """The document in a call, or what is wrong with it and in which field; `headers` are kept."""
    if kind is DocumentKind.PAYMENT:
        return _payment(sent)
    unfit = first_unfit(_texts(sent, kind), _figures(sent, kind))
    if unfit:
        return unfit
    money = {name: getattr(sent, name) for name in _MONEY[kind]}
    is_order = kind is DocumentKind.SALES_ORDER
    return Submission(
        external=sent.ExternalId,
        lines=tuple(_line(line, kind) for line in _lines(sent)),
        currency=sent.Currency if money else None,
        shipping=money.get("Shipping") or Decimal(0),
        tax=money.get("Tax"),
        total=money.get("Total"),
        idempotency_key=sent.IdempotencyKey,
        other={**headers, **_of_shipment(sent)} if not money else dict(headers),
        kind=kind,
        adjustment=money.get("Adjustment") or Decimal(0),
        **(_of_order(sent) if is_order else {"order": sent.OrderNo}),
    )


def _payment(sent: Any) -> Submission:
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


def _of_order(sent: Any) -> dict[str, Any]:
    customer = sent.Customer and {
        name.lower(): value
        for name in _CUSTOMER
        if (value := getattr(sent.Customer, name)) is not None
    }
    return {"customer": customer, "revision": sent.Revision}


def _of_shipment(sent: Any) -> dict[str, Any]:
    parcels = [present(one) for one in sent.Parcels.Parcel] if sent.Parcels else []
    return {
        "warehouse": sent.Warehouse,
        "parcels": [{"carrier": one.Carrier, "number": one.Number} for one in parcels],
    }


def subject_of(sent: Any) -> Subject:
    """What rules may match in a document that was not checked yet."""
    return Subject(sent.ExternalId or "", tuple(line.Sku or "" for line in _lines(sent)))


def show_answer(
    external: str | None,
    answer: Document | Refusal,
    kind: DocumentKind = DocumentKind.SALES_ORDER,
) -> dict[str, Any]:
    """The result of a call about one document."""
    if isinstance(answer, Refusal):
        return {**show_refusal(answer), "ExternalId": external, _NUMBER[kind]: answer.number}
    booked = {
        "ResultCode": "OK",
        "ExternalId": answer.external,
        _NUMBER[kind]: answer.number,
        "Status": answer.state,
        "Currency": answer.currency,
        "Total": answer.total,
    }
    if kind is DocumentKind.PAYMENT:
        return booked
    return {
        **booked,
        "Tax": answer.tax,
        "Lines": {"Line": [_show_line(line) for line in answer.lines]},
    }


def show_refusal(refusal: Refusal) -> dict[str, Any]:
    """What every result has."""
    field = refusal.field and _LINE_FIELD.sub(r"Lines.Line\1.Sku", refusal.field)
    return {
        "ResultCode": _CODES.get(refusal.code, refusal.code.upper()),
        "Message": refusal.message,
        "Field": _FIELDS.get(field, field) if field else None,
    }


def show_document(document: Document) -> dict[str, Any]:
    """A document in a list."""
    booked = {
        _NUMBER[document.kind]: document.number,
        "ExternalId": document.external,
        "Status": document.state,
        "Currency": document.currency,
        "Total": document.total,
        "ChangedAt": document.changed,
    }
    if document.kind is DocumentKind.PAYMENT:
        return booked
    return {
        **booked,
        **({"Note": document.note} if document.kind is DocumentKind.SALES_ORDER else {}),
        "Tax": document.tax,
        "Shipping": document.shipping,
        "Lines": {"Line": [_show_line(line) for line in document.lines]},
        "Version": document.version,
    }


def first_unfit(
    texts: Iterable[tuple[str, str | None]], figures: Iterable[tuple[str, Decimal | None]]
) -> Refusal | None:
    """The first field whose value the ERP does not take; a path's last name says what it is."""
    for path, text in texts:
        name = path.rpartition(".")[2]
        if not text and name in ("ExternalId", "Sku"):
            return _invalid(path, "is missing")
        if text and len(text) > MOST.get(name, len(text)):
            return _invalid(path, f"is longer than {MOST[name]}")
        if text is not None and len(text) != EXACT.get(name, len(text)):
            return _invalid(path, f"has not {EXACT[name]} characters")
    for path, figure in figures:
        # Python's decimals know NaN and Infinity, XML Schema's do not.
        if figure is not None and not figure.is_finite():
            return _invalid(path, "is no number")
    return None


def _texts(sent: Any, kind: DocumentKind) -> Iterator[tuple[str, str | None]]:
    yield "ExternalId", sent.ExternalId
    if _MONEY[kind]:
        yield "Currency", sent.Currency
    if kind is DocumentKind.SALES_ORDER and sent.Customer:
        for name in _CUSTOMER:
            yield f"Customer.{name}", getattr(sent.Customer, name)
    for index, line in enumerate(_lines(sent)):
        yield f"Lines.Line[{index}].Sku", line.Sku
        yield f"Lines.Line[{index}].LineId", line.LineId


def _figures(sent: Any, kind: DocumentKind) -> Iterator[tuple[str, Decimal | None]]:
    for name in _MONEY[kind]:
        yield name, getattr(sent, name)
    is_priced = bool(_MONEY[kind])
    for index, line in enumerate(_lines(sent)):
        for name in ("Qty", "Price") if is_priced else ("Qty",):
            figure = getattr(line, name)
            # Mandatory, and yet it arrives: zeep reads an empty element as None.
            yield f"Lines.Line[{index}].{name}", Decimal("NaN") if figure is None else figure
        for name in ("Discount", "Tax") if is_priced else ():
            yield f"Lines.Line[{index}].{name}", getattr(line, name)


def _lines(sent: Any) -> list[Any]:
    return [present(line) for line in sent.Lines.Line] if sent.Lines else []


def _line(sent: Any, kind: DocumentKind) -> Line:
    line_id = _line_id(sent.LineId)
    if not _MONEY[kind]:
        return Line(line_id=line_id, sku=sent.Sku, quantity=sent.Qty, unit_price=Decimal(0))
    return Line(
        line_id=line_id,
        sku=sent.Sku,
        quantity=sent.Qty,
        unit_price=sent.Price,
        discount=sent.Discount or Decimal(0),
        tax=sent.Tax or Decimal(0),
    )


def _line_id(sent: str | None) -> int | str | None:
    """A number is one in the books, so that an order is booked alike through both faces."""
    return int(sent) if sent and sent.isascii() and sent.isdecimal() and sent[0] != "0" else sent


def _show_line(line: Line) -> dict[str, Any]:
    return {
        "LineId": None if line.line_id is None else str(line.line_id),
        "Sku": line.sku,
        "Qty": line.quantity,
        "Price": line.unit_price,
        "Total": line.total,
        "Discount": line.discount,
        "Tax": line.tax,
    }


def _invalid(field: str, what: str) -> Refusal:
    return Refusal(code="invalid", message=f"{field} {what}", field=field)
