"""The orders of the ERP that takes them in steps, in the names that both its languages have alike.

Products and customer are ids; quantities and prices are texts with three and four decimals.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec

from sidecar.testing.erpsim.books import Document, Line, Refusal, Submission
from sidecar.testing.erpsim.rules import Subject
from sidecar.testing.erpsim.side_books import SideBooks

#: The one product that goes by its name.
SHIPPING = "SHIPPING"
_PREFIX = "SO-"

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


class StepsDocuments:
    """Reads and shows orders, whose ids the other books know."""

    def __init__(self, side_books: SideBooks) -> None:
        self._side_books = side_books

    def subject(self, sent: Any) -> Subject:
        """What rules may match in an order that was not checked yet."""
        if not isinstance(sent, dict):
            return Subject("")
        lines = sent.get("lines")
        ids = [line.get("productId") for line in lines or () if isinstance(line, dict)]
        skus = (self._side_books.sku_of(one) for one in ids if isinstance(one, int))
        return Subject(str(sent.get("externalNumber", "")), tuple(sku for sku in skus if sku))

    def read(self, sent: Any) -> Submission | Refusal:
        """The order as it was sent, or what is wrong with it and where."""
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

    def show(self, document: Document) -> dict[str, Any]:
        """The order with all that the ERP has of it."""
        customer = document.customer
        return {
            "id": id_of(document),
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


def id_of(document: Document) -> int:
    """What of its number is a number."""
    return int(document.number.removeprefix(_PREFIX))


def number_of(known: int | str) -> str:
    """The number of the order with that id."""
    return f"{_PREFIX}{known}"


def subject_of(document: Document) -> Subject:
    """What rules may match in an order that is booked."""
    return Subject(document.external, tuple(line.sku for line in document.lines))


def summary(document: Document, *more: str) -> dict[str, Any]:
    """What a call that changes an order is answered; `more` are fields beside its state."""
    known = {"id": id_of(document), "number": document.number, "state": document.state}
    return {**known, **{name: getattr(document, name) for name in more}}


def _unknown(what: str, which: int | str, field: str) -> Refusal:
    return Refusal(code=f"unknown_{what}", message=f"there is no {what} {which}", field=field)
