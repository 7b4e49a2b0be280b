"""The ERP's smaller books, beside the documents: customers, the ids of products, and what the shop
says of its stock."""

from __future__ import annotations

import threading
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from sidecar.testing.erpsim.journal import Journal

FIRST_NUMBER = 100_001
FIRST_PRODUCT = 5_001


class Customer(msgspec.Struct, frozen=True, kw_only=True, tag="customer"):
    """A customer by the number that the shop knows them by.

    Where the ERP takes no number of the shop, `external` is the ERP's own; `created`: since when
    it has them, where it says so.
    """

    number: str
    external: str
    name: str | None = None
    email: str | None = None
    country: str | None = None
    group: str | None = None
    vat_id: str | None = None
    addresses: tuple[dict[str, Any], ...] = ()
    created: datetime | None = None


class Product(msgspec.Struct, frozen=True, kw_only=True, tag="product"):
    """Under which id the ERP keeps an item."""

    sku: str
    id: int


class ErasedCustomer(msgspec.Struct, frozen=True, kw_only=True, tag="erased"):
    """A customer of whom nothing is known any more."""

    external: str


class ShopLevel(msgspec.Struct, frozen=True, kw_only=True, tag="level"):
    """How much of an item the shop says that it has."""

    sku: str
    warehouse: str | None = None
    quantity: Decimal


class Demand(msgspec.Struct, frozen=True, kw_only=True, tag="demand"):
    """How much of an item the shop sold in some time; told twice by one `id`, it counts once."""

    id: str
    sku: str
    quantity: Decimal
    stock: int | None = None
    since: str | None = None
    until: str | None = None


SideRecord = Customer | Product | ErasedCustomer | ShopLevel | Demand


class SideBooks:
    """Every method may be called from any thread; what was written survives a kill as orders do."""

    def __init__(self, journal: Journal[SideRecord] | None = None) -> None:
        self._journal = journal
        self._lock = threading.Lock()
        self._forget()
        for record in journal.replay() if journal else ():
            self._remember(record)

    def save_customer(self, external: str, **known: Any) -> Customer:
        """The customer, new or as they are from now on; `known` are fields of Customer."""
        with self._lock:
            before = self._customers.get(external)
            number = before.number if before else f"C-{FIRST_NUMBER + self._numbers}"
            customer = Customer(number=number, external=external, **known)
            self._write(customer)
        return customer

    def add_customer(self, *, name: str, email: str, created: datetime) -> Customer:
        """One more customer, whoever is there already."""
        with self._lock:
            number = str(FIRST_NUMBER + self._numbers)
            customer = Customer(
                number=number, external=number, name=name, email=email, created=created
            )
            self._write(customer)
        return customer

    def customer(self, number: str) -> Customer | None:
        """Those of `add_customer`."""
        with self._lock:
            return self._customers.get(number)

    def product(self, sku: str) -> Product:
        """The item, which has its id from the first question on."""
        with self._lock:
            return self._products.get(sku) or self._number(sku)

    def renumber(self, sku: str) -> Product:
        """Keep the item under another id from now on; the old one is nobody's."""
        with self._lock:
            return self._number(sku)

    def sku_of(self, product: int) -> str | None:
        with self._lock:
            sku = self._skus.get(product)
            return sku if sku is not None and self._products[sku].id == product else None

    def erase_customer(self, number: str) -> bool:
        """Forget a customer; whether there was one."""
        with self._lock:
            for customer in self._customers.values():
                if customer.number == number:
                    self._write(ErasedCustomer(external=customer.external))
                    return True
        return False

    def note(self, record: ShopLevel | Demand) -> None:
        """What the shop says of its stock."""
        with self._lock:
            self._write(record)

    def customers(self) -> list[Customer]:
        with self._lock:
            return list(self._customers.values())

    def shop_levels(self) -> list[ShopLevel]:
        with self._lock:
            return list(self._shop_levels.values())

    def demand(self) -> list[Demand]:
        with self._lock:
            return list(self._demand.values())

    def reset(self) -> None:
        with self._lock:
            self._forget()
            if self._journal:
                self._journal.clear()

    def close(self) -> None:
        if self._journal:
            self._journal.close()

    def _number(self, sku: str) -> Product:
        product = Product(sku=sku, id=FIRST_PRODUCT + len(self._skus))
        self._write(product)
        return product

    def _write(self, record: SideRecord) -> None:
        if self._journal:
            self._journal.append(record)
        self._remember(record)

    def _remember(self, record: SideRecord) -> None:
        match record:
            case Customer():
                self._numbers += record.external not in self._customers
                self._customers[record.external] = record
            case Product():
                self._products[record.sku] = record
                self._skus[record.id] = record.sku
            case ErasedCustomer():
                self._customers.pop(record.external, None)
            case ShopLevel():
                self._shop_levels[record.sku, record.warehouse] = record
            case Demand():
                self._demand[record.id] = record

    def _forget(self) -> None:
        #: How many customers there ever were: a number is given once.
        self._numbers = 0
        self._customers: dict[str, Customer] = {}
        self._products: dict[str, Product] = {}
        #: Of every id that there ever was.
        self._skus: dict[int, str] = {}
        self._shop_levels: dict[tuple[str, str | None], ShopLevel] = {}
        self._demand: dict[str, Demand] = {}
