"""Sales orders and credit memos: what is sent of them, and how they are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sidecar.testing.erpsim.books import Document, DocumentKind, Line, Submission
from sidecar.testing.erpsim.netsuite.errors import invalid
from sidecar.testing.erpsim.netsuite.properties import id_in

Row = dict[str, Any]
_ZERO = Decimal(0)
#: Price level "custom": only there our own rate counts.
_CUSTOM = "-1"
#: The currencies of this account.
_CURRENCIES = {"4": "EUR", "1": "USD", "9": "PLN"}
#: The states of the books, as letters of NetSuite; other states are those letters themselves.
_LETTERS = {"OPEN": "B", "DRAFT": "A", "CANCELED": "H", "POSTED": "G"}
_NAMES = {
    "A": "Pending Approval", "B": "Pending Fulfillment", "C": "Cancelled",
    "D": "Partially Fulfilled", "E": "Pending Billing/Partially Fulfilled",
    "F": "Pending Billing", "G": "Billed", "H": "Closed",
}  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """A record type: its name, SuiteQL's name of it, and the books' kind."""

    name: str
    query_type: str
    kind: DocumentKind


SALES_ORDER = Kind("salesOrder", "SalesOrd", DocumentKind.SALES_ORDER)
CREDIT_MEMO = Kind("creditMemo", "CustCred", DocumentKind.CREDIT_MEMO)


def submission_of(
    kind: Kind,
    external: str,
    fields: Mapping[str, Any],
    before: Sequence[Line],
    order: str | None = None,
) -> Submission:
    """The document that is sent; `before`: lines that it has already; `order`: that it is of.

    Raises NsError.
    """
    if not fields.get("entity"):
        raise invalid("Please enter value(s) for: Customer", "entity")
    taxes = _taxes(fields)
    lines = [
        _line(sent, len(before) + index, taxes) for index, sent in enumerate(fields["item"] or ())
    ]
    references = {sent.get("taxDetailsReference") for sent in fields["item"] or ()}
    for index, reference in enumerate(taxes):
        if reference not in references:
            place = f"taxDetails.items[{index}].taxDetailsReference"
            raise invalid(f"No line has the reference {reference}.", place)
    return Submission(
        external=external,
        lines=(*before, *lines),
        currency=_currency(fields.get("currency")),
        customer=id_in(fields["entity"], "entity")[1],
        shipping=fields.get("shippingCost") or _ZERO,
        other={"fields": {name: one for name, one in fields.items() if name != "item"}},
        kind=kind.kind,
        order=order,
    )


def _currency(reference: Any) -> str:
    """Its code; without one that of the account."""
    _, name = id_in(reference or {"id": "4"}, "currency")
    if name not in _CURRENCIES:
        raise invalid(f"You have entered an Invalid Field Value {name}", "currency")
    return _CURRENCIES[name]


def currency_id(code: str | None) -> str | None:
    """Under which id this account has a currency."""
    return next((name for name, one in _CURRENCIES.items() if one == code), None)


def _taxes(fields: Mapping[str, Any]) -> dict[str, Decimal]:
    """The tax of each line, by its reference; none where NetSuite's own tax is not overridden."""
    if not fields.get("taxDetailsOverride"):
        return {}
    taxes: dict[str, Decimal] = {}
    for index, detail in enumerate(fields.get("taxDetails") or ()):
        place = f"taxDetails.items[{index}]."
        for name in ("taxType", "taxCode", "taxBasis", "taxRate", "taxAmount"):
            if detail.get(name) is None:
                raise invalid(f"Please enter value(s) for: {name}", f"{place}{name}")
        _, reference = id_in(detail.get("taxDetailsReference"), f"{place}taxDetailsReference")
        taxes[reference] = taxes.get(reference, _ZERO) + detail["taxAmount"]
    return taxes


def _line(sent: Mapping[str, Any], index: int, taxes: Mapping[str, Decimal]) -> Line:
    place = f"item.items[{index}]."
    way, item = id_in(sent.get("item"), f"{place}item")
    if way != "externalId":
        raise invalid(f"You have entered an Invalid Field Value {item}", f"{place}item")
    quantity = Decimal(sent.get("quantity") or 1)
    own = str((sent.get("price") or {}).get("id")) == _CUSTOM
    rate = Decimal(sent.get("rate") or 0) if own else _ZERO
    line = Line(
        line_id=index + 1,
        sku=item,
        quantity=quantity,
        unit_price=rate,
        tax=Decimal(taxes.get(str(sent.get("taxDetailsReference")), _ZERO)),
    )
    amount = sent.get("amount") if own else None
    if amount is None:
        return line
    return Line(
        line_id=line.line_id,
        sku=item,
        quantity=quantity,
        unit_price=rate,
        discount=line.total - amount,
        tax=line.tax,
    )


def letter_of(document: Document) -> str:
    """Its status."""
    return _LETTERS.get(document.state, document.state)


def show(document: Document, kind: Kind, *, expanded: bool) -> Row:
    """The record, `expanded` with its lines."""
    fields: Mapping[str, Any] = document.other["fields"]
    letter = letter_of(document)
    href = f"https://example.suitetalk.api.netsuite.com/services/rest/record/v1/{kind.name}"
    lines: Row = {"links": [{"rel": "self", "href": f"{href}/{document.number}/item"}]}
    if expanded:
        lines |= {"items": [_show_line(line, document) for line in document.lines]}
        lines |= {"totalResults": len(document.lines)}
    return {
        "links": [{"rel": "self", "href": f"{href}/{document.number}"}],
        **{name: fields[name] for name in ("memo", "otherRefNum", "tranDate") if name in fields},
        "id": document.number,
        "tranId": f"N{document.number}",
        "externalId": document.external,
        "entity": {"id": document.customer},
        "currency": {"id": currency_id(document.currency)},
        "status": {"id": letter, "refName": _NAMES.get(letter, letter)},
        "subtotal": document.total - document.tax,
        "taxTotal": document.tax,
        "total": document.total,
        "lastModifiedDate": moment(document.changed),
        "item": lines,
    }


def _show_line(line: Line, document: Document) -> Row:
    return {
        "line": line.line_id,
        "item": {"id": f"9{line.line_id}", "refName": line.sku},
        "quantity": line.quantity,
        "rate": line.unit_price,
        "amount": line.total - line.discount,
        "taxAmount": line.tax,
        "isClosed": document.state == "CANCELED",
        "price": {"id": _CUSTOM, "refName": "Custom"},
    }


def moment(changed: datetime) -> str:
    """A moment as the record service writes it."""
    return changed.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
