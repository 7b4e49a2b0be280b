"""Prices by Magento's bulk calls.

Each portion is read once more right before it is written (a price that somebody changed since the
plan was made is left alone) and right after: 200 does not say that all was taken.  Every call says
what is to be, so what was written before a lost answer is no difference any more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from msgspec import UNSET

from sidecar.database.connection import Database
from sidecar.domains.prices.change import Change, Figures, Special, Tier
from sidecar.domains.prices.present import PriceReader, Product
from sidecar.domains.prices.shop import PriceShop, PriceShopReader
from sidecar.domains.prices.tier_sets import NotTogether, tier_set
from sidecar.magento.applier import Refusal, Written
from sidecar.magento.rest import prices as rest
from sidecar.magento.rest.client import MagentoRest
from sidecar.magento.rest.in_portions import Refusal as NotWritten

#: Few enough that little time passes between reading and writing; the calls may be smaller.
_TOGETHER = 500
_SILENT = "Magento answered that it took it, and shows something else"

Row = TypeVar("Row", rest.BasePrice, rest.SpecialPrice, rest.TierPrice)


@dataclass(slots=True)
class _Portion:
    """Changes that are written together; `refused`: why, by the number of the change."""

    changes: Sequence[Change]
    products: Mapping[str, Product]
    refused: dict[str, Refusal] = field(default_factory=dict)

    @property
    def open(self) -> list[Change]:
        """Those that nothing was refused of."""
        return [change for change in self.changes if change.number not in self.refused]

    def refuse(self, change: Change, reason: str) -> None:
        """Magento does not take it, or must not be told."""
        self.refused.setdefault(change.number, Refusal(change.number, reason))


class PriceWriter:
    """Writes through `api`; reads through the database."""

    def __init__(
        self,
        database: Database,
        shops: PriceShopReader,
        prices: PriceReader,
        api: MagentoRest,
    ) -> None:
        self._database = database
        self._shops = shops
        self._prices = prices
        self._api = api

    def write(self, changes: Sequence[Change], stopping: Callable[[], bool]) -> Written:
        """Write what still stands as it was planned."""
        with self._database.transaction("reading where Magento's prices hold") as connection:
            shop = self._shops.read(connection)
            attributes = self._prices.attributes(connection)
        written = 0
        refused: list[Refusal] = []
        for at in range(0, len(changes), _TOGETHER):
            if stopping():
                break
            part = changes[at : at + _TOGETHER]
            products = self._present(part, attributes)
            portion = _Portion([one for one in part if _stands(one, products, shop)], products)
            self._write_base(portion)
            self._write_special(portion)
            self._write_tiers(portion, shop)
            after = self._present(portion.open, attributes)
            for change in portion.open:
                if not _has_become(change, after):
                    portion.refuse(change, _SILENT)
            written += len(portion.open)
            refused += portion.refused.values()
        return Written(written, tuple(refused), len(changes) - written - len(refused))

    def _present(
        self, changes: Collection[Change], attributes: Mapping[str, int]
    ) -> Mapping[str, Product]:
        if not changes:
            return {}
        with self._database.transaction("reading prices again") as connection:
            return self._prices.products(
                connection,
                sorted({change.sku for change in changes}),
                {store for change in changes for store in change.place.stores},
                attributes,
                _spoken_of(changes),
            )

    def _write_base(self, portion: _Portion) -> None:
        sent = {
            (change.sku, change.place.stores[0]): change
            for change in portion.open
            if change.becomes.base is not UNSET
        }
        rows = [
            # Magento writes it into the rows of all stores of the same website.
            rest.BasePrice(sku=sku, store_id=store, price=_of_all(change))
            for (sku, store), change in sent.items()
        ]
        for refusal in rest.write_base_prices(self._api, rows):
            change = sent[refusal.row.sku, refusal.row.store_id]
            portion.refuse(change, "; ".join(refusal.reasons))

    def _write_special(self, portion: _Portion) -> None:
        """A day that is not sent stays as it is: a limit goes only with the whole special price,
        which is found by all its fields, and by none where it is but a day without a price."""
        given, ended, wanted = _Specials(), _Specials(), _Specials()
        for change in portion.open:
            for store, was, becomes in _special_prices(change):
                if was is not None and (becomes is None or _loses_a_day(was, becomes)):
                    if was.price is None and becomes is not None:
                        was = Special(becomes.price, was.first, was.last)
                        given.add(change, store, was)
                    ended.add(change, store, was)
                if becomes is not None:
                    wanted.add(change, store, becomes)
        given.send(rest.write_special_prices, self._api, portion)
        ended.send(rest.delete_special_prices, self._api, portion)
        wanted.send(rest.write_special_prices, self._api, portion)

    def _write_tiers(self, portion: _Portion, shop: PriceShop) -> None:
        of_sku: dict[str, list[Change]] = {}
        for change in portion.open:
            if change.becomes.tiers is not UNSET:
                of_sku.setdefault(change.sku, []).append(change)
        replaced: list[rest.TierPrice] = []
        emptied: list[rest.TierPrice] = []
        for sku, changes in of_sku.items():
            present = portion.products[sku].tiers
            try:
                tiers = tier_set(present, changes, shop)
            except NotTogether as why:
                for change in changes:
                    portion.refuse(change, str(why))
                continue
            # Tiers are replaced where one is named: none at all is said otherwise.
            (replaced if tiers else emptied).extend(_sent(sku, tiers or present))
        refused = [
            *rest.replace_tier_prices(self._api, replaced),
            *rest.delete_tier_prices(self._api, emptied),
        ]
        for refusal in refused:
            for change in of_sku[refusal.row.sku]:
                portion.refuse(change, "; ".join(refusal.reasons))


class _Specials:
    """Special prices for one call."""

    def __init__(self) -> None:
        self._rows: list[rest.SpecialPrice] = []
        self._changes: dict[tuple[str, int], Change] = {}

    def add(self, change: Change, store: int, special: Special) -> None:
        """One store's."""
        self._changes[change.sku, store] = change
        self._rows.append(
            rest.SpecialPrice(
                sku=change.sku,
                store_id=store,
                price=special.price or Decimal(0),
                price_from=_moment(special.first),
                price_to=_moment(special.last),
            )
        )

    def send(
        self,
        call: Callable[
            [MagentoRest, Sequence[rest.SpecialPrice]],
            Iterable[NotWritten[rest.SpecialPrice]],
        ],
        api: MagentoRest,
        portion: _Portion,
    ) -> None:
        """Those of which nothing was refused before."""
        rows = [
            row
            for row in self._rows
            if self._changes[row.sku, row.store_id].number not in portion.refused
        ]
        for refusal in call(api, rows):
            change = self._changes[refusal.row.sku, refusal.row.store_id]
            portion.refuse(change, "; ".join(refusal.reasons))


def _stands(change: Change, products: Mapping[str, Product], shop: PriceShop) -> bool:
    """Whether it is still as it was when the plan was made, and Magento as it was configured."""
    if change.place != shop.everywhere and change.place not in shop.websites.values():
        return False
    product = products.get(change.sku)
    return product is not None and (
        product.figures(change.place).parts_of(change.becomes) == change.was
    )


def _has_become(change: Change, products: Mapping[str, Product]) -> bool:
    product = products.get(change.sku)
    return product is not None and (
        product.figures(change.place).parts_of(change.becomes) == change.becomes
    )


def _spoken_of(changes: Iterable[Change]) -> Figures:
    """Of which prices any of them speaks."""
    spoken = [change.becomes for change in changes]
    return Figures(
        special=() if any(one.special is not UNSET for one in spoken) else UNSET,
        tiers=frozenset() if any(one.tiers is not UNSET for one in spoken) else UNSET,
    )


def _of_all(change: Change) -> Decimal:
    """The base price, which is the same for all stores of a place."""
    base = change.becomes.base
    if base is UNSET or base[0] is None:
        raise TypeError(f"{change.number}: no base price is to be written")
    return base[0]


def _special_prices(change: Change) -> Iterable[tuple[int, Special | None, Special | None]]:
    """Store, what was, what becomes; of those stores where it differs."""
    was, becomes = change.was.special, change.becomes.special
    if was is UNSET or becomes is UNSET:
        return []
    stores = zip(change.place.stores, was, becomes, strict=True)
    return [(store, old, new) for store, old, new in stores if old != new]


def _loses_a_day(was: Special, becomes: Special) -> bool:
    return (was.first is not None and becomes.first is None) or (
        was.last is not None and becomes.last is None
    )


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else moment.isoformat(" ", "seconds")


def _sent(sku: str, tiers: Iterable[Tier]) -> list[rest.TierPrice]:
    return [
        rest.TierPrice(
            sku=sku,
            price=(tier.price or Decimal(0)) if tier.discount is None else tier.discount,
            quantity=tier.quantity,
            price_type="fixed" if tier.discount is None else "discount",
            website_id=tier.website_id,
            customer_group=tier.group,
        )
        for tier in tiers
    ]
