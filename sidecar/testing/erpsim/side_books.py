"""The ERP's smaller books, beside the orders: customers, refunds, stock."""

from __future__ import annotations

import threading
from collections.abc import Collection
from decimal import Decimal

import msgspec

from sidecar.testing.erpsim.books import (
    Books,
    DuplicatePolicy,
    Journal,
    Refusal,
    duplicate,
    unknown_document,
)

FIRST_NUMBER = 100_001


class Customer(msgspec.Struct, frozen=True, kw_only=True, tag="customer"):
    """A customer by the number that the shop knows them by."""

    number: str
    external: str
    name: str | None = None
    email: str | None = None
    country: str | None = None


class RefundLine(msgspec.Struct, frozen=True, kw_only=True):
    """What was given back of an order's line."""

    line_id: str | None = None
    sku: str
    quantity: Decimal


class Refund(msgspec.Struct, frozen=True, kw_only=True, tag="refund"):
    """Money given back on an order; `order` is the number of its document."""

    number: str
    external: str
    order: str
    amount: Decimal
    lines: tuple[RefundLine, ...] = ()


class StockLevel(msgspec.Struct, frozen=True, kw_only=True, tag="stock"):
    """How much of an item lies in a warehouse."""

    sku: str
    warehouse: str
    quantity: Decimal


SideRecord = Customer | Refund | StockLevel


class SideBooks:
    """Every method may be called from any thread; what was written survives a kill as orders do."""

    def __init__(
        self,
        books: Books,
        duplicates: DuplicatePolicy,
        journal: Journal[SideRecord] | None = None,
    ) -> None:
        self._books = books
        self._duplicates = duplicates
        self._journal = journal
        self._lock = threading.Lock()
        self._forget()
        for record in journal.replay() if journal else ():
            self._remember(record)

    def save_customer(
        self, external: str, name: str | None, email: str | None, country: str | None
    ) -> Customer:
        """The customer, new or as they are from now on."""
        with self._lock:
            known = self._customers.get(external)
            number = known.number if known else f"C-{FIRST_NUMBER + len(self._customers)}"
            customer = Customer(
                number=number, external=external, name=name, email=email, country=country
            )
            self._write(customer)
        return customer

    def refund(
        self, external: str, order: str, amount: Decimal, lines: tuple[RefundLine, ...]
    ) -> Refund | Refusal:
        """Give money back; a known external number does what it does with an order.

        A refund has no idempotency key, so under that policy it is booked anew.
        """
        document = self._books.document(order)
        if document is None:
            return unknown_document(order)
        with self._lock:
            known = next(
                (each for each in self._refunds.values() if each.external == external), None
            )
            if known and self._duplicates is DuplicatePolicy.REJECT:
                return duplicate(external, known.number)
            replaced = known if known and self._duplicates is DuplicatePolicy.UPSERT else None
            number = replaced.number if replaced else f"RF-{FIRST_NUMBER + len(self._refunds)}"
            given = sum(
                each.amount
                for each in self._refunds.values()
                if each.order == order and each.number != number
            )
            if given + amount > document.total:
                return Refusal(
                    code="refund_too_high",
                    message=f"{given} of {document.total} was given back already",
                    field="amount",
                )
            refund = Refund(
                number=number, external=external, order=order, amount=amount, lines=lines
            )
            self._write(refund)
        return refund

    def set_stock(self, level: StockLevel) -> None:
        """What a delivery or a stocktaking does."""
        with self._lock:
            self._write(level)

    def customers(self) -> list[Customer]:
        with self._lock:
            return list(self._customers.values())

    def refunds(self) -> list[Refund]:
        with self._lock:
            return list(self._refunds.values())

    def stock(self, skus: Collection[str] = ()) -> list[StockLevel]:
        """The levels of these items, of all without any; an unknown item has none."""
        with self._lock:
            levels = list(self._levels.values())
        return [level for level in levels if not skus or level.sku in skus]

    def reset(self) -> None:
        with self._lock:
            self._forget()
            if self._journal:
                self._journal.clear()

    def close(self) -> None:
        if self._journal:
            self._journal.close()

    def _write(self, record: SideRecord) -> None:
        if self._journal:
            self._journal.append(record)
        self._remember(record)

    def _remember(self, record: SideRecord) -> None:
        match record:
            case Customer():
                self._customers[record.external] = record
            case Refund():
                self._refunds[record.number] = record
            case StockLevel():
                self._levels[record.sku, record.warehouse] = record

    def _forget(self) -> None:
        self._customers: dict[str, Customer] = {}
        self._refunds: dict[str, Refund] = {}
        self._levels: dict[tuple[str, str], StockLevel] = {}
