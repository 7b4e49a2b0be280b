"""The entry: takes a document, checks it, books it, and says what it did, or something else.

Strikes that concern one document act here, so that every face (REST, SOAP) shows them alike.
"""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, DecimalException
from fnmatch import fnmatchcase
from typing import Any

from msgspec.structs import replace

from sidecar.testing.erpsim.books import (
    CANCELED,
    CENT,
    DRAFT,
    OPEN,
    UNIT,
    Books,
    Document,
    DocumentKind,
    Line,
    Refusal,
    Submission,
    duplicate,
    total_of,
)
from sidecar.testing.erpsim.rules import Misbehaviour, Strike, Strikes, Subject

NOBODYS_NUMBER = "SO-000000"
_USED_UP = Refusal(
    code="credit_limit", message="the customer's credit is used up", field="customer"
)
_WITHOUT_LINES = Refusal(code="invalid", message="an order without lines", field="lines")

#: Of a kind the code of a refusal, and what happens to the money.
_TAKES = {
    DocumentKind.CREDIT_MEMO: ("refund_too_high", "given back"),
    DocumentKind.INVOICE: ("invoice_too_high", "invoiced"),
    DocumentKind.PAYMENT: ("payment_too_high", "paid"),
}


class DocumentEntry:
    """Books documents under the standing business rules of this ERP."""

    def __init__(
        self,
        books: Books,
        items_unknown: frozenset[str],
        credit_limit_customers: frozenset[str],
        state: str = OPEN,
        *,
        limited_by_orders: bool = True,
    ) -> None:
        """`state`: what a new document is in.  `limited_by_orders`: of an order no more is given
        back, invoiced or paid than it comes to."""
        self.books = books
        self._limited_by_orders = limited_by_orders
        self._state = state
        self._items_unknown = items_unknown
        self._credit_limit_customers = credit_limit_customers

    def submit(self, submission: Submission, faults: Strikes) -> Document | Refusal:
        """What the ERP answers to the document; what it booked stands in the books."""
        refusal = self._refusal(submission, faults)
        if refusal:
            return refusal
        booked = self._book(submission, faults)
        other = self.books.first() if Misbehaviour.NUMBER_REUSED in faults else None
        if other and isinstance(booked, Document):
            return replace(booked, number=other.number)
        return booked

    def knows(self, sku: str) -> bool:
        """Whether there is such an item."""
        return sku not in self._items_unknown

    def refusal_of_record(self, subject: Subject, faults: Strikes) -> Refusal | None:
        """Why a record that is no document (a customer, a level) is not taken."""
        if Misbehaviour.CREDIT_LIMIT in faults:
            return _USED_UP
        unknown = [sku for sku in subject.skus if sku in self._items_unknown]
        if Misbehaviour.UNKNOWN_ITEM in faults:
            unknown = list(subject.skus)
        if unknown:
            return Refusal(code="unknown_item", message=f"there is no item {unknown[0]}")
        return None

    def _book(self, submission: Submission, faults: Strikes) -> Document | Refusal:
        try:
            return self.books.submit(
                _altered(submission, faults),
                state=DRAFT if Misbehaviour.DRAFT_ON_201 in faults else self._state,
                total_to=UNIT if Misbehaviour.ROUNDED_TOTAL in faults else CENT,
            )
        except DecimalException:
            return Refusal(code="invalid", message="a number has more digits than the ERP")

    def _refusal(self, submission: Submission, faults: Strikes) -> Refusal | None:
        if refusal := self._unfit(submission):
            return refusal
        if Misbehaviour.WRONG_DUPLICATE in faults:
            return duplicate(submission.external, NOBODYS_NUMBER)
        if Misbehaviour.DUPLICATE_ANSWER in faults:
            return self._already_booked(submission, faults)
        if Misbehaviour.CREDIT_LIMIT in faults or self._over_limit(submission.customer):
            return _USED_UP
        return self._unknown_item(submission, faults.get(Misbehaviour.UNKNOWN_ITEM))

    def _unfit(self, submission: Submission) -> Refusal | None:
        """What belongs to an order needs one, and takes no more of it than there is."""
        if submission.kind is DocumentKind.SALES_ORDER:
            return None if submission.lines else _WITHOUT_LINES
        order = self.books.document(submission.order or "")
        if order is None or order.kind is not DocumentKind.SALES_ORDER:
            return Refusal(
                code="unknown_order", message=f"there is no order {submission.order}", field="order"
            )
        if submission.kind is DocumentKind.SHIPMENT:
            return None if submission.lines else _WITHOUT_LINES
        return self._too_much(submission, order)

    def _too_much(self, submission: Submission, order: Document) -> Refusal | None:
        amount = total_of(submission)
        code, done = _TAKES[submission.kind]
        if amount <= 0:
            return Refusal(code="invalid", message=f"nothing is {done}", field="amount")
        if not self._limited_by_orders:
            return None
        before = self._before(submission.kind, order, besides=self.books.known(submission))
        if before + amount > order.total + CENT:
            return Refusal(
                code=code, message=f"{before} of {order.total} was {done} already", field="amount"
            )
        return None

    def _before(self, kind: DocumentKind, order: Document, *, besides: Document | None) -> Decimal:
        """For how much there are documents of a kind of the order."""
        others = (
            one
            for one in self.books.documents(kind=kind)
            if one.order == order.number and one.state != CANCELED
        )
        return sum((one.total for one in others if one != besides), Decimal(0))

    def _already_booked(self, submission: Submission, faults: Strikes) -> Refusal:
        """As when a gateway retried by itself: one document, and the retry's answer."""
        known = self.books.documents(submission.external, kind=submission.kind)
        if known:
            return duplicate(submission.external, known[0].number)
        booked = self._book(submission, faults)
        if isinstance(booked, Refusal):
            return booked
        return duplicate(submission.external, booked.number)

    def _over_limit(self, customer: dict[str, Any] | str | None) -> bool:
        named = customer.values() if isinstance(customer, dict) else (customer,)
        return any(isinstance(n, str) and n in self._credit_limit_customers for n in named)

    def _unknown_item(self, submission: Submission, fault: Strike | None) -> Refusal | None:
        for index, line in enumerate(submission.lines):
            if line.sku in self._items_unknown or (
                fault and (not fault.sku or fnmatchcase(line.sku, fault.sku))
            ):
                return Refusal(
                    code="unknown_item",
                    message=f"there is no item {line.sku}",
                    field=f"lines[{index}].sku",
                )
        return None


def _altered(submission: Submission, faults: Strikes) -> Submission:
    """The order as this ERP books it, silently less than it was sent."""
    if fault := faults.get(Misbehaviour.DROP_LINE):
        submission = _without_line(submission, _struck_line(submission, fault))
    if fault := faults.get(Misbehaviour.DROP_PRICE):
        struck = _struck_line(submission, fault)
        free = tuple(
            replace(line, unit_price=Decimal("0.00"), discount=Decimal(0))
            if index == struck
            else line
            for index, line in enumerate(submission.lines)
        )
        submission = replace(submission, lines=free)
    if Misbehaviour.DROP_TAX in faults:
        untaxed = tuple(replace(line, tax=Decimal("0.00")) for line in submission.lines)
        submission = replace(submission, lines=untaxed, tax=Decimal("0.00"))
    if fault := faults.get(Misbehaviour.CUT_PRICE):
        submission = _narrowed(submission, "unit_price", fault.parameters["places"], ROUND_DOWN)
    if fault := faults.get(Misbehaviour.ROUND_QUANTITY):
        submission = _narrowed(submission, "quantity", fault.parameters["places"], ROUND_HALF_UP)
    return submission


def _narrowed(submission: Submission, figure: str, places: int, rounding: str) -> Submission:
    """A figure of every line as a column of so many decimal places holds it."""
    unit = Decimal(1).scaleb(-places)
    lines = tuple(
        replace(line, **{figure: getattr(line, figure).quantize(unit, rounding)})
        for line in submission.lines
    )
    return replace(submission, lines=lines)


def _struck_line(submission: Submission, fault: Strike) -> int:
    """Index of the line that the rule's SKU names; without a SKU the last one."""
    for index, line in enumerate(submission.lines):
        if fault.sku and fnmatchcase(line.sku, fault.sku):
            return index
    return len(submission.lines) - 1


def _without_line(submission: Submission, index: int) -> Submission:
    lost: Line = submission.lines[index]
    kept = submission.lines[:index] + submission.lines[index + 1 :]
    tax = None if submission.tax is None else submission.tax - lost.tax
    return replace(submission, lines=kept, tax=tax)
