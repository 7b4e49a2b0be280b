"""Reads prices of products by website, of one moment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from sidecar.domains.prices.payload import Price, TierPrice
from sidecar.magento.live_schema import MagentoSchema
from sidecar.magento.product_values import ALL_STORES, PRODUCTS, ProductValues

#: The website of prices that are the same everywhere.
EVERYWHERE = 0
#: So many ids there are for each product: one for each website.
WEBSITES = 1 << 16
_CODES = ("price", "special_price", "special_from_date", "special_to_date")
_BY_WEBSITE = "1"


@dataclass(frozen=True, slots=True)
class _Website:
    code: str | None
    stores: tuple[int, ...]
    currency: str | None


class PriceReader:
    """Safe to use from several threads."""

    def __init__(self, schema: MagentoSchema) -> None:
        self._values = ProductValues(schema, _CODES)
        products, tiers = schema.table(PRODUCTS), schema.table(f"{PRODUCTS}_tier_price")
        self._range = (
            f"SELECT entity_id FROM {products} WHERE entity_id >= %(first)s "
            "AND entity_id <= %(last)s ORDER BY entity_id"
        )
        self._skus = f"SELECT entity_id, sku FROM {products} WHERE entity_id IN %(ids)s"
        self._of_sku = f"SELECT entity_id FROM {products} WHERE sku = %(sku)s"
        self._span = (
            f"SELECT COALESCE(MIN(entity_id), 0), COALESCE(MAX(entity_id), 0) FROM {products}"
        )
        self._member = (
            f"SELECT product_id, website_id FROM {schema.table('catalog_product_website')} "
            "WHERE product_id IN %(ids)s"
        )
        self._tiers = (
            "SELECT t.entity_id, t.website_id, t.qty, t.value, t.percentage_value, "
            "IF(t.all_groups, NULL, g.customer_group_code) AS customer_group "
            f"FROM {tiers} t LEFT JOIN {schema.table('customer_group')} g "
            "ON g.customer_group_id = t.customer_group_id WHERE t.entity_id IN %(ids)s "
            "ORDER BY t.entity_id, t.all_groups DESC, t.customer_group_id, t.qty, t.website_id"
        )
        self._stores = (
            "SELECT w.website_id, w.code, s.store_id "
            f"FROM {schema.table('store_website')} w JOIN {schema.table('store')} s "
            "ON s.website_id = w.website_id WHERE w.website_id <> 0 ORDER BY s.store_id"
        )
        self._configured = (
            f"SELECT path, scope, scope_id, value FROM {schema.table('core_config_data')} "
            "WHERE path IN ('catalog/price/scope', 'currency/options/base') "
            "AND scope IN ('default', 'websites')"
        )

    def span(self, connection: sa.Connection) -> tuple[int, int]:
        """Lowest and highest id of a product."""
        lowest, highest = connection.exec_driver_sql(self._span).one()
        return int(lowest), int(highest)

    def products(self, connection: sa.Connection, first: int, last: int) -> list[int]:
        """The ids of the products from one to another, both included."""
        rows = connection.exec_driver_sql(self._range, {"first": first, "last": last})
        return [int(row[0]) for row in rows]

    def products_of(self, connection: sa.Connection, sku: str) -> list[int]:
        """The ids of the products of a SKU."""
        return [int(row[0]) for row in connection.exec_driver_sql(self._of_sku, {"sku": sku})]

    def read(self, view: sa.Connection, product_ids: Sequence[int]) -> dict[int, Price]:
        """The prices of these products by their ids; a product without any has none."""
        if not product_ids:
            return {}
        place = {"ids": tuple(product_ids)}
        skus: dict[int, str | None] = {
            row[0]: row[1] for row in view.exec_driver_sql(self._skus, place)
        }
        values = self._values.read(view, product_ids, self._values.attributes(view))
        tiers: dict[int, list[Any]] = defaultdict(list)
        for row in view.exec_driver_sql(self._tiers, place):
            tiers[row.entity_id].append(row)
        websites = self._websites(view)
        member = defaultdict(list, {id_: [EVERYWHERE] for id_ in skus})
        if EVERYWHERE not in websites:
            member = defaultdict(list)
            for product_id, website_id in view.exec_driver_sql(self._member, place):
                member[product_id].append(website_id)
        return {
            price.entity_id: price
            for product_id, sku in skus.items()
            for website_id in member[product_id]
            if website_id in websites
            for price in _price(
                (product_id, sku or ""),
                (website_id, websites[website_id]),
                values.get(product_id, {}),
                tiers[product_id],
            )
        }

    def _websites(self, view: sa.Connection) -> dict[int, _Website]:
        configured = {
            (path, int(scope_id) if scope == "websites" else EVERYWHERE): value
            for path, scope, scope_id, value in view.exec_driver_sql(self._configured)
        }
        currency = configured.get(("currency/options/base", EVERYWHERE))
        if configured.get(("catalog/price/scope", EVERYWHERE)) != _BY_WEBSITE:
            return {EVERYWHERE: _Website(None, (), currency)}
        stores: dict[tuple[int, str], list[int]] = defaultdict(list)
        for website_id, code, store_id in view.exec_driver_sql(self._stores):
            stores[website_id, code].append(store_id)
        return {
            website_id: _Website(
                code, tuple(ids), configured.get(("currency/options/base", website_id), currency)
            )
            for (website_id, code), ids in stores.items()
        }


def id_of(product_id: int, website_id: int) -> int:
    """The id of a price: Magento has none, it is a product's in a website (decision 0055)."""
    return product_id * WEBSITES + website_id


def _price(
    product: tuple[int, str],
    website: tuple[int, _Website],
    values: Mapping[str, Mapping[int, Any]],
    tiers: Sequence[Any],
) -> Iterator[Price]:
    """The price, if there is any."""
    (product_id, sku), (website_id, where) = product, website
    price, special, begins, ends = (_value(values.get(code, {}), where.stores) for code in _CODES)
    own_tiers = tuple(_tier(row) for row in tiers if row.website_id in (EVERYWHERE, website_id))
    if price is None and special is None and not own_tiers:
        return
    yield Price(
        entity_id=id_of(product_id, website_id),
        product_id=product_id,
        sku=sku,
        website_code=where.code,
        currency=where.currency,
        price=price,
        special_price=special,
        special_from=_day(begins) if special is not None else None,
        special_to=_day(ends) if special is not None else None,
        tier_prices=own_tiers,
    )


def _value(by_store: Mapping[int, Any], stores: Sequence[int]) -> Any:
    """What counts in a website: Magento writes it for all of its stores alike."""
    return next(
        (by_store[store_id] for store_id in stores if store_id in by_store),
        by_store.get(ALL_STORES),
    )


def _tier(row: Any) -> TierPrice:
    percentage = row.percentage_value
    return TierPrice(
        quantity=row.qty,
        price=row.value if percentage is None else None,
        percentage=percentage,
        customer_group=row.customer_group,
    )


def _day(moment: datetime | None) -> str | None:
    return None if moment is None else moment.date().isoformat()
