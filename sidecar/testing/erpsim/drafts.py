"""What an order goes through that is a draft at first: a discount, then the validation.

A discount can be set as long as the order is a draft; once it is validated its figures stand.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sidecar.testing.erpsim.books import DRAFT, VALIDATED, Books, Document, Refusal


def set_discount(books: Books, number: str, discount: Decimal) -> Document | Refusal:
    """Take so much off the whole order; what was set before no longer counts."""

    def discounted(known: Document) -> dict[str, Any] | Refusal:
        if refusal := _unfit(known):
            return refusal
        if not 0 <= discount <= _worth(known):
            return _invalid(f"{discount} is no discount on {_worth(known)}", "discount")
        if discount == known.discount:
            return {}
        return {"discount": discount, "total": known.total + known.discount - discount}

    return books.change(number, discounted)


def validate(books: Books, number: str) -> Document | Refusal:
    """Make an order of the draft.  A second time is refused: it is no draft any more."""
    return books.change(number, lambda known: _unfit(known) or {"state": VALIDATED})


def _unfit(document: Document) -> Refusal | None:
    if document.state != DRAFT:
        return Refusal(
            code="not_a_draft",
            message=f"{document.number} is {document.state} and no draft",
            field="state",
        )
    if not document.lines:
        return _invalid(f"{document.number} has no lines", "lines")
    return None


def _worth(document: Document) -> Decimal:
    """What a discount may take off."""
    return sum((line.total for line in document.lines), Decimal(0))


def _invalid(message: str, field: str) -> Refusal:
    return Refusal(code="invalid", message=message, field=field)
