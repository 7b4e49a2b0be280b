"""The ERP's smaller books, beside the documents: customers, stock."""

from __future__ import annotations

import threading
from collections.abc import Collection
from decimal import Decimal

import msgspec

from sidecar.testing.erpsim.journal import Journal

FIRST_NUMBER = 100_001


class Customer(msgspec.Struct, frozen=True, kw_only=True, tag="customer"):
    """A customer by the number that the shop knows them by."""

    number: str
    external: str
    name: str | None = None
    email: str | None = None
    country: str | None = None


class StockLevel(msgspec.Struct, frozen=True, kw_only=True, tag="stock"):
    """How much of an item lies in a warehouse."""

    sku: str
    warehouse: str
    quantity: Decimal


SideRecord = Customer | StockLevel


class SideBooks:
    """Every method may be called from any thread; what was written survives a kill as orders do."""

    def __init__(self, journal: Journal[SideRecord] | None = None) -> None:
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

    def set_stock(self, level: StockLevel) -> None:
        """What a delivery or a stocktaking does."""
        with self._lock:
            self._write(level)

    def customers(self) -> list[Customer]:
        with self._lock:
            return list(self._customers.values())

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
            case StockLevel():
                self._levels[record.sku, record.warehouse] = record

    def _forget(self) -> None:
        self._customers: dict[str, Customer] = {}
        self._levels: dict[tuple[str, str], StockLevel] = {}
