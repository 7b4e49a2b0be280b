"""Sales orders and credit memos: read in the order of their fields, shown as pages show them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sidecar.testing.erpsim.books import Document, DocumentKind, Line, Submission
from sidecar.testing.erpsim.business_central.columns import (
    CREDIT_MEMO,
    LINE,
    ORDER,
    Column,
    read_field,
)
from sidecar.testing.erpsim.business_central.errors import DIALOG, BcError
from sidecar.testing.erpsim.business_central.figures import rate_of, taxes
from sidecar.testing.erpsim.business_central.queries import Row

#: The states of the books that these have beside OPEN, POSTED and CANCELED.
IN_REVIEW, RELEASED = "IN REVIEW", "RELEASED"
_STATUS = {
    "OPEN": "Draft",
    "DRAFT": "In_x0020_Review",
    IN_REVIEW: "In_x0020_Review",
    RELEASED: "Open",
}
#: What a customer brings, so that it overwrites what stood before it.
_OF_THE_CUSTOMER = ("sellTo", "shipTo", "currencyCode", "pricesIncludeTax", "phoneNumber", "email")
_ZERO = Decimal(0)


@dataclass(frozen=True)
class Page:
    """One of the two kinds: what its entity set, type, lines and fields are called."""

    kind: DocumentKind
    name: str
    type_name: str
    lines: str
    columns: Mapping[str, Column]


ORDERS = Page(DocumentKind.SALES_ORDER, "salesOrders", "salesOrder", "salesOrderLines", ORDER)
CREDIT_MEMOS = Page(
    DocumentKind.CREDIT_MEMO,
    "salesCreditMemos",
    "salesCreditMemo",
    "salesCreditMemoLines",
    CREDIT_MEMO,
)


@dataclass
class _Line:
    """A line while its fields are validated, one after the other."""

    kind: str = ""
    number: str = ""
    quantity: Decimal = _ZERO
    price: Decimal = _ZERO
    discount: Decimal = _ZERO
    tax_code: str = ""
    rate: Decimal = _ZERO
    other: dict[str, Any] = field(default_factory=dict)

    def take(self, name: str, value: Any) -> None:
        """Raises BcError."""
        match name:
            case "lineType":
                self.kind, self.number = value, ""
            case "lineObjectNumber":
                if not self.kind:
                    raise BcError(400, DIALOG, "The lineType must have a value.")
                self.number = value
            case "quantity":
                # The price is looked up anew; this ERP has no price lists.
                self.quantity, self.price, self.discount = value, _ZERO, _ZERO
            case "unitPrice":
                self.price, self.discount = value, _ZERO
            case "discountAmount":
                if not 0 <= value <= abs(self.quantity * self.price):
                    raise BcError(400, DIALOG, f"{value} is no discount of this line.")
                self.discount = value
            case "discountPercent":
                if not 0 <= value <= 100:
                    raise BcError(400, DIALOG, "The discount must be between 0 and 100.")
                self.discount = self.quantity * self.price * value / 100
            case "taxCode":
                rate = rate_of(value)
                if rate is None:
                    told = f"The tax code ({value}) cannot be found in the related table."
                    raise BcError(400, "Internal_InvalidTableRelation", told)
                self.tax_code, self.rate = value, rate
            case _:
                self.other[name] = value

    def require_number(self) -> None:
        """Raises BcError."""
        if not self.number:
            raise BcError(400, DIALOG, "Item does not exist.")


@dataclass(frozen=True)
class Sent:
    """A document as it was read: its own fields, and its lines."""

    fields: Mapping[str, Any]
    lines: Sequence[_Line]

    def submission(self, page: Page, order: str | None) -> Submission:
        """Raises BcError where there is no customer; `order`: that a credit memo belongs to."""
        if not self.fields.get("customerNumber"):
            told = 'A "customerNumber" or a "customerId" must be provided.'
            raise BcError(400, DIALOG, told)
        nets = [line.quantity * line.price - line.discount for line in self.lines]
        reckoned = taxes(nets, [line.rate for line in self.lines])
        booked = tuple(
            Line(
                line_id=_sequence(index),
                sku=line.number,
                quantity=line.quantity,
                unit_price=line.price,
                discount=line.discount,
                tax=tax,
            )
            for index, (line, tax) in enumerate(zip(self.lines, reckoned, strict=True))
        )
        others = {
            str(_sequence(index)): {
                "lineType": line.kind,
                "taxCode": line.tax_code,
                "taxPercent": str(line.rate),
                **line.other,
            }
            for index, line in enumerate(self.lines)
        }
        return Submission(
            external=self.fields.get("externalDocumentNumber", ""),
            lines=booked,
            currency=self.fields.get("currencyCode") or "EUR",
            customer=self.fields["customerNumber"],
            other={"fields": dict(self.fields), "lines": others},
            kind=page.kind,
            order=order,
        )


def _sequence(index: int) -> int:
    return (index + 1) * 10_000


def read_document(sent: Any, page: Page) -> Sent:
    """What was sent, field by field in its order.  Raises BcError."""
    if not isinstance(sent, dict):
        raise BcError(400, "BadRequest", "The body is no object.")
    fields: dict[str, Any] = {}
    lines: list[_Line] = []
    for name, value in sent.items():
        if name == page.lines:
            lines = [_read_line(line, page) for line in value]
            continue
        fields = taken(fields, name, read_field(page.columns, name, value, page.type_name))
        if name == "discountAmount" and not lines:
            raise BcError(400, DIALOG, "There are no lines that the discount could be of.")
    return Sent(fields, lines)


def taken(fields: Mapping[str, Any], name: str, value: Any) -> dict[str, Any]:
    """The fields of a document with one more, which may bring others."""
    kept = dict(fields)
    if name == "customerNumber":
        kept = {one: fields[one] for one in fields if not one.startswith(_OF_THE_CUSTOMER)}
    return {**kept, name: value}


def _read_line(sent: Any, page: Page) -> _Line:
    line = _Line()
    for name, value in sent.items():
        line.take(name, read_field(LINE, name, value, f"{page.type_name}Line"))
    line.require_number()
    return line


def id_of(number: str) -> str:
    """The id of a record, by its number."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, number))


def etag_of(document: Document) -> str:
    return f'W/"{document.sequence}"'


def moment(changed: datetime) -> str:
    """A moment as this ERP writes it."""
    return changed.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def rates_of(document: Document) -> dict[str, Decimal]:
    """The rate of each line, by its sequence."""
    lines: Mapping[str, Any] = document.other["lines"]
    return {sequence: Decimal(line["taxPercent"]) for sequence, line in lines.items()}


def show(document: Document, page: Page) -> Row:
    """The document with its lines."""
    fields: Mapping[str, Any] = document.other["fields"]
    return {
        "@odata.etag": etag_of(document),
        "id": id_of(document.number),
        "number": document.number,
        **{name: fields.get(name) for name, one in page.columns.items() if one.read is not None},
        "externalDocumentNumber": document.external,
        "customerNumber": document.customer,
        "currencyCode": document.currency,
        "discountAmount": document.discount,
        "totalAmountExcludingTax": document.total - document.tax,
        "totalTaxAmount": document.tax,
        "totalAmountIncludingTax": document.total,
        "status": _STATUS.get(document.state, document.state.capitalize()),
        **({"fullyShipped": False} if page is ORDERS else {}),
        "lastModifiedDateTime": moment(document.changed),
        page.lines: [_show_line(line, document) for line in document.lines],
    }


def _show_line(line: Line, document: Document) -> Row:
    other: Mapping[str, Any] = document.other["lines"][str(line.line_id)]
    net = line.total - line.discount
    return {
        "id": id_of(f"{document.number}/{line.line_id}"),
        "documentId": id_of(document.number),
        "sequence": line.line_id,
        **other,
        "taxPercent": Decimal(other["taxPercent"]),
        "lineObjectNumber": line.sku,
        "quantity": line.quantity,
        "unitPrice": line.unit_price,
        "discountAmount": line.discount,
        "amountExcludingTax": net,
        "totalTaxAmount": line.tax,
        "amountIncludingTax": net + line.tax,
    }
