"""What the ERP has to tell by itself: deliveries, stock, prices, invoices and returns of its own.

One entry is known by its number (a SKU and where it lies or is sold); to tell of one again puts a
newer version in its place.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from datetime import UTC, date, datetime
from decimal import Decimal

import msgspec

from sidecar.testing.erpsim.journal import Journal


class OfLine(msgspec.Struct, frozen=True, kw_only=True):
    """So much of one line of an order; `external_line` is the shop's id of it."""

    sku: str | None = None
    quantity: Decimal
    external_line: int | None = None


class Parcel(msgspec.Struct, frozen=True, kw_only=True):
    """One parcel of a delivery."""

    carrier: str | None = None
    number: str


class DeliveryNote(msgspec.Struct, frozen=True, kw_only=True, tag="delivery"):
    """What left a warehouse.  `external_order` is the shop's number of the order, `order` ours."""

    number: str
    external_order: str | None = None
    order: str | None = None
    warehouse: str | None = None
    lines: tuple[OfLine, ...] = ()
    parcels: tuple[Parcel, ...] = ()

    @property
    def key(self) -> str:
        return self.number


class StockLevel(msgspec.Struct, frozen=True, kw_only=True, tag="stock"):
    """How much of an item lies in a warehouse."""

    sku: str
    warehouse: str
    quantity: Decimal

    @property
    def key(self) -> str:
        return f"{self.sku} {self.warehouse}"


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """The price from so many on, for a group of customers, or for all."""

    quantity: Decimal
    price: Decimal
    group: str | None = None


class ItemPrice(msgspec.Struct, frozen=True, kw_only=True, tag="price"):
    """What an item costs in a sales channel; `promo`: for some days."""

    sku: str
    channel: str | None = None
    price: Decimal | None = None
    promo: Decimal | None = None
    promo_from: date | None = None
    promo_to: date | None = None
    scales: tuple[Scale, ...] = ()

    @property
    def key(self) -> str:
        return f"{self.sku} {self.channel or ''}"


class OwnInvoice(msgspec.Struct, frozen=True, kw_only=True, tag="invoice"):
    """An invoice that the ERP made."""

    number: str
    external_order: str | None = None
    order: str | None = None
    lines: tuple[OfLine, ...] = ()
    total: Decimal | None = None
    currency: str | None = None

    @property
    def key(self) -> str:
        return self.number


class GoodsReturn(msgspec.Struct, frozen=True, kw_only=True, tag="return"):
    """Goods that came back, with the credit note that the ERP made of it."""

    number: str
    external_order: str | None = None
    order: str | None = None
    lines: tuple[OfLine, ...] = ()
    shipping: Decimal = Decimal(0)
    adjustment: Decimal = Decimal(0)
    total: Decimal | None = None
    currency: str | None = None

    @property
    def key(self) -> str:
        return self.number


class PostingMonth(msgspec.Struct, frozen=True, kw_only=True, tag="month"):
    """A month of its books; `locked`: nothing is posted into it any more."""

    period: str
    locked: bool
    note: str | None = None

    @property
    def key(self) -> str:
        return self.period


Entry = DeliveryNote | StockLevel | ItemPrice | OwnInvoice | GoodsReturn | PostingMonth


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One version of an entry.

    `changed` is what the ERP says of it, and may be long ago: an entry that was typed in late.
    """

    entry: Entry
    changed: datetime
    sequence: int


class NewsBooks:
    """The newest version of each entry; every method may be called from any thread."""

    def __init__(
        self, journal: Journal[Told] | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._lock = threading.Lock()
        self._forget()
        for told in journal.replay() if journal else ():
            self._remember(told)

    def tell(self, entry: Entry, changed: datetime | None = None) -> Told:
        """From now on the ERP tells of it; `changed` is the moment that it gives for it."""
        with self._lock:
            now = datetime.fromtimestamp(self._clock(), UTC)
            told = Told(entry=entry, changed=changed or now, sequence=self._sequence + 1)
            if self._journal:
                self._journal.append(told)
            self._remember(told)
        return told

    def entries(self, kind: type[Entry], since: datetime | None = None) -> list[Told]:
        """Those of a kind in the order in which they were told."""
        return [
            told
            for told in self.everything()
            if isinstance(told.entry, kind) and (since is None or told.changed >= since)
        ]

    def everything(self) -> list[Told]:
        """All entries, in the order in which they were told."""
        with self._lock:
            return sorted(self._told.values(), key=lambda one: one.sequence)

    def stock(self, skus: Collection[str] = ()) -> list[StockLevel]:
        """The levels of these items, of all without any; an unknown item has none."""
        levels = [one.entry for one in self.entries(StockLevel)]
        return [
            level
            for level in levels
            if isinstance(level, StockLevel) and (not skus or level.sku in skus)
        ]

    def reset(self) -> None:
        with self._lock:
            self._forget()
            if self._journal:
                self._journal.clear()

    def close(self) -> None:
        if self._journal:
            self._journal.close()

    def _remember(self, told: Told) -> None:
        self._sequence = told.sequence
        self._told[type(told.entry), told.entry.key] = told

    def _forget(self) -> None:
        self._sequence = 0
        self._told: dict[tuple[type, str], Told] = {}
