"""The ERP's smaller books, beside the documents: what a shop tells it of customers, products,
prices and stock, and under which ids it keeps items.

A record is known by the name that the shop gives it; to tell of it again puts it in the place of
what was told before.
"""

from __future__ import annotations

import threading
from collections import Counter
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from sidecar.testing.erpsim.journal import Journal
from sidecar.testing.erpsim.news_books import Scale

FIRST_NUMBER = 100_001
FIRST_PRODUCT = 5_001


class Customer(msgspec.Struct, frozen=True, kw_only=True, tag="customer"):
    """A customer by the number that the shop knows them by.

    Where the ERP takes no number of the shop, `external` is the ERP's own; `created`: since when
    it has them, where it says so.
    """

    number: str = ""
    external: str
    name: str | None = None
    email: str | None = None
    country: str | None = None
    group: str | None = None
    vat_id: str | None = None
    addresses: tuple[dict[str, Any], ...] = ()
    created: datetime | None = None


class Product(msgspec.Struct, frozen=True, kw_only=True, tag="item"):
    """Under which id the ERP keeps an item."""

    sku: str
    id: int


class ShopProduct(msgspec.Struct, frozen=True, kw_only=True, tag="product"):
    """An item as the shop has it."""

    number: str = ""
    external: str
    sku: str
    name: str | None = None
    weight: Decimal | None = None
    active: bool | None = None


class ShopLevel(msgspec.Struct, frozen=True, kw_only=True, tag="level"):
    """How much of an item the shop says that it has."""

    id: str | None = None
    sku: str
    warehouse: str | None = None
    quantity: Decimal

    @property
    def external(self) -> str:
        """What the shop calls it, else the item and where it lies."""
        return self.id or f"{self.sku}@{self.warehouse or ''}"

    @property
    def number(self) -> str:
        """The ERP gives it none of its own."""
        return self.external


class ShopPrice(msgspec.Struct, frozen=True, kw_only=True, tag="price"):
    """What an item costs in a channel of the shop's."""

    id: str | None = None
    sku: str
    channel: str | None = None
    price: Decimal | None = None
    promo: Decimal | None = None
    promo_from: date | None = None
    promo_to: date | None = None
    scales: tuple[Scale, ...] = ()

    @property
    def external(self) -> str:
        """What the shop calls it, else the item and where it is sold."""
        return self.id or f"{self.sku}@{self.channel or ''}"

    @property
    def number(self) -> str:
        """The ERP gives it none of its own."""
        return self.external


class Demand(msgspec.Struct, frozen=True, kw_only=True, tag="demand"):
    """How much of an item the shop sold in some time; told twice by one `id`, it counts once."""

    id: str
    sku: str
    quantity: Decimal
    stock: int | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def external(self) -> str:
        """What the shop calls it."""
        return self.id

    @property
    def number(self) -> str:
        """The ERP gives it none of its own."""
        return self.id


SideRecord = Customer | ShopProduct | ShopLevel | ShopPrice | Demand
AnyRecord = TypeVar("AnyRecord", Customer, ShopProduct, ShopLevel, ShopPrice, Demand)

#: By the word that stands for each in the journal and before the control face.
KINDS: dict[str, type[SideRecord]] = {
    "customer": Customer,
    "product": ShopProduct,
    "level": ShopLevel,
    "price": ShopPrice,
    "demand": Demand,
}
_PREFIX: dict[type[SideRecord], str] = {Customer: "C", ShopProduct: "I"}


def skus_of(record: SideRecord) -> tuple[str, ...]:
    """The items that a record is about."""
    return () if isinstance(record, Customer) else (record.sku,)


class Erased(msgspec.Struct, frozen=True, kw_only=True, tag="erased"):
    """A record of which nothing is known any more."""

    kind: str
    external: str


#: What the journal has.
Kept = SideRecord | Product | Erased


class SideBooks:
    """Every method may be called from any thread; what was written survives a kill as orders do."""

    def __init__(self, journal: Journal[Kept] | None = None) -> None:
        self._journal = journal
        self._lock = threading.Lock()
        self._forget()
        for record in journal.replay() if journal else ():
            self._remember(record)

    def save(self, record: SideRecord) -> SideRecord:
        """The record, new or as it is from now on, with the number that it has here."""
        with self._lock:
            if isinstance(record, Customer | ShopProduct):
                record = msgspec.structs.replace(record, number=self._number(record))
            self._write(record)
        return record

    def add_customer(self, *, name: str, email: str, created: datetime) -> Customer:
        """One more customer, whoever is there already."""
        with self._lock:
            number = str(FIRST_NUMBER + self._given[Customer])
            customer = Customer(
                number=number, external=number, name=name, email=email, created=created
            )
            self._write(customer)
        return customer

    def customer(self, number: str) -> Customer | None:
        """Those of `add_customer`."""
        return next((one for one in self.customers() if one.external == number), None)

    def customers(self) -> list[Customer]:
        """All, the oldest first."""
        return [one for one in self.records(Customer) if isinstance(one, Customer)]

    def product(self, sku: str) -> Product:
        """The item, which has its id from the first question on."""
        with self._lock:
            return self._products.get(sku) or self._give_id(sku)

    def renumber(self, sku: str) -> Product:
        """Keep the item under another id from now on; the old one is nobody's."""
        with self._lock:
            return self._give_id(sku)

    def sku_of(self, product: int) -> str | None:
        with self._lock:
            sku = self._skus.get(product)
            return sku if sku is not None and self._products[sku].id == product else None

    def erase(self, kind: type[SideRecord], number: str) -> bool:
        """Forget a record by its number; whether there was one."""
        with self._lock:
            for record in self._records[kind].values():
                if record.number == number:
                    name = str(kind.__struct_config__.tag)
                    self._write(Erased(kind=name, external=record.external))
                    return True
        return False

    def records(self, kind: type[SideRecord]) -> list[SideRecord]:
        """All of a kind, the oldest first."""
        with self._lock:
            return list(self._records[kind].values())

    def everything(self) -> list[SideRecord]:
        """All of each kind."""
        return [record for kind in KINDS.values() for record in self.records(kind)]

    def reset(self) -> None:
        with self._lock:
            self._forget()
            if self._journal:
                self._journal.clear()

    def close(self) -> None:
        if self._journal:
            self._journal.close()

    def _number(self, record: Customer | ShopProduct) -> str:
        kind = type(record)
        before = self._records[kind].get(record.external)
        return before.number if before else f"{_PREFIX[kind]}-{FIRST_NUMBER + self._given[kind]}"

    def _give_id(self, sku: str) -> Product:
        product = Product(sku=sku, id=FIRST_PRODUCT + len(self._skus))
        self._write(product)
        return product

    def _write(self, record: Kept) -> None:
        if self._journal:
            self._journal.append(record)
        self._remember(record)

    def _remember(self, record: Kept) -> None:
        match record:
            case Erased():
                self._records[KINDS[record.kind]].pop(record.external, None)
            case Product():
                self._products[record.sku] = record
                self._skus[record.id] = record.sku
            case _:
                of_kind = self._records[type(record)]
                self._given[type(record)] += record.external not in of_kind
                of_kind[record.external] = record

    def _forget(self) -> None:
        #: How many there ever were of each kind: a number is given once.
        self._given: Counter[type[SideRecord]] = Counter()
        self._records: dict[type[SideRecord], dict[str, SideRecord]] = {
            kind: {} for kind in KINDS.values()
        }
        self._products: dict[str, Product] = {}
        #: Of every id that there ever was.
        self._skus: dict[int, str] = {}
