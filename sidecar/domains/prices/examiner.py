"""Prices that Magento owns, as the stations look at them (`sidecar.magento.examiner`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import sqlalchemy as sa

from sidecar.domains.prices.events import PRICE_CHANGED
from sidecar.domains.prices.payload import Price
from sidecar.domains.prices.reader import WEBSITES, PriceReader
from sidecar.domains.prices.spec import SPEC
from sidecar.magento.state_examiner import StateExaminer
from sidecar.model.entity import KnownEntity, Snapshot

#: Between a SKU and its website in what people call a price.
_AT = "@"
_LONGEST = 64


class PriceExaminer(StateExaminer):
    """A price is called by its SKU; by SKU@WEBSITE where each website has its own."""

    spec = SPEC
    state = PRICE_CHANGED
    no_content = frozenset()

    def __init__(self, reader: PriceReader) -> None:
        self._reader = reader

    def read(self, view: sa.Connection, ids: Sequence[int]) -> Mapping[int, Snapshot]:
        """See `Examiner`."""
        wanted = set(ids)
        there = self._reader.read(view, sorted({one // WEBSITES for one in ids}))
        return {id_: snapshot(price) for id_, price in there.items() if id_ in wanted}

    def ids_of(self, connection: sa.Connection, number: str) -> list[int]:
        """By SKU@WEBSITE, or by the SKU alone in all websites."""
        sku, _, _ = number.rpartition(_AT)
        products = self._reader.products_of(connection, number)
        products = products or self._reader.products_of(connection, sku)
        found = self._reader.read(connection, products)
        named = [id_ for id_, price in found.items() if number_of(price) == number]
        return named or sorted(found)

    def vanished(self, _known: KnownEntity) -> tuple[str, msgspec.Struct] | None:
        """See `Examiner`: its product is gone, which is the products' news."""
        return None

    def describe(self, snapshot: Snapshot) -> Mapping[str, object]:
        """See `Examiner`."""
        price = snapshot.payload
        if not isinstance(price, Price):
            raise TypeError(f"{snapshot.number} is no price")
        special = "none" if price.special_price is None else f"{price.special_price:f}"
        return {
            "price": "none" if price.price is None else f"{price.price:f}",
            "currency": price.currency or "",
            "special_price": special,
            "tiers": len(price.tier_prices),
            "website": price.website_code or "all websites",
        }


def number_of(price: Price) -> str:
    """What people call a price."""
    if price.website_code is None:
        return price.sku
    return f"{price.sku}{_AT}{price.website_code}"[:_LONGEST]


def snapshot(price: Price) -> Snapshot:
    """A price with what the ledger keeps of it."""
    return Snapshot(
        entity_id=price.entity_id,
        number=number_of(price),
        payload=price,
        state="set",
        parent=("product", price.product_id),
    )
