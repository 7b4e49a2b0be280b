"""How prices stand in Magento: values by attribute and store, and tiers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from msgspec import UNSET

from sidecar.domains.prices.change import ALL_GROUPS, Figures, Place, Special, Tier
from sidecar.magento.live_schema import MagentoSchema

#: What Magento's price calls take; every other type has its price from what it is made of.
PRICED = ("simple", "virtual", "downloadable", "bundle")
BUNDLE = "bundle"
_PRICE, _SPECIAL, _FIRST, _LAST = "price", "special_price", "special_from_date", "special_to_date"
_PRICE_TYPE, _FIXED = "price_type", 1
_CODES = (_PRICE, _SPECIAL, _FIRST, _LAST, _PRICE_TYPE)


@dataclass(slots=True)
class Product:
    """One product with its prices, by store.

    `sums_up`: a bundle whose price is the sum of its parts.
    """

    product_id: int
    type_id: str
    sums_up: bool = False
    prices: dict[int, Decimal] = field(default_factory=dict)
    specials: dict[int, Special] = field(default_factory=dict)
    tiers: list[Tier] = field(default_factory=list)

    def figures(self, place: Place) -> Figures:
        """All that holds at a place by rows of its own."""
        return Figures(
            base=tuple(self.prices.get(store) for store in place.stores),
            special=tuple(self.specials.get(store) for store in place.stores),
            tiers=frozenset(
                tier
                for tier in self.tiers
                if place.has_all_tiers or tier.website_id == place.website_id
            ),
        )


class PriceReader:
    """Reads with plain selects: nobody waits for it."""

    def __init__(self, schema: MagentoSchema) -> None:
        self._product = schema.table("catalog_product_entity")
        self._decimal = schema.table("catalog_product_entity_decimal")
        self._datetime = schema.table("catalog_product_entity_datetime")
        self._int = schema.table("catalog_product_entity_int")
        self._tier = schema.table("catalog_product_entity_tier_price")
        self._group = schema.table("customer_group")
        self._sold_in = schema.table("catalog_product_website")
        self._attribute = schema.table("eav_attribute")
        self._type = schema.table("eav_entity_type")

    def attributes(self, connection: sa.Connection) -> Mapping[str, int]:
        """Code → id of those that prices are kept under."""
        rows = connection.exec_driver_sql(
            f"SELECT a.attribute_code, a.attribute_id FROM {self._attribute} AS a "
            f"JOIN {self._type} AS t ON t.entity_type_id = a.entity_type_id "
            "WHERE t.entity_type_code = 'catalog_product' AND a.attribute_code IN %s",
            (list(_CODES),),
        )
        return {code: int(number) for code, number in rows}

    def counted(self, connection: sa.Connection, places: Iterable[Place]) -> int:
        """How many products have a price, once for each of these places."""
        known = 0
        for place in places:
            sold = (
                ""
                if place.website_code is None
                else f"JOIN {self._sold_in} AS w ON w.product_id = p.entity_id AND w.website_id = "
                f"{place.website_id:d} "
            )
            known += connection.exec_driver_sql(
                f"SELECT COUNT(*) FROM {self._product} AS p {sold}WHERE p.type_id IN %s",
                (list(PRICED),),
            ).scalar_one()
        return known

    def products(
        self,
        connection: sa.Connection,
        skus: Collection[str],
        stores: Collection[int],
        attributes: Mapping[str, int],
        of: Figures,
    ) -> dict[str, Product]:
        """The products by the SKU as Magento spells it, with what `of` speaks of.

        The server compares without case: what it finds may be spelt otherwise than what was asked
        for, and is another SKU then.  Base prices are read always: they measure the others.
        """
        rows = connection.exec_driver_sql(
            f"SELECT sku, entity_id, type_id FROM {self._product} WHERE sku IN %s", (list(skus),)
        )
        found = {sku: Product(int(number), type_id) for sku, number, type_id in rows}
        by_id = {product.product_id: product for product in found.values()}
        if not by_id:
            return found
        at = (list(by_id), sorted({0, *stores}))
        self._read_types(connection, by_id, attributes)
        prices = [attributes[_PRICE]]
        if of.special is not UNSET:
            self._read_specials(connection, by_id, attributes, at)
        for number, store, _, value in self._values(connection, self._decimal, prices, at):
            by_id[number].prices[store] = value
        if of.tiers is not UNSET:
            self._read_tiers(connection, by_id)
        return found

    def _values(
        self,
        connection: sa.Connection,
        table: str,
        attributes: Collection[int],
        at: tuple[list[int], list[int]],
    ) -> Iterable[Any]:
        """Product, store, attribute and value of each that is not NULL."""
        return connection.exec_driver_sql(
            f"SELECT entity_id, store_id, attribute_id, value FROM {table} WHERE entity_id IN %s "
            "AND store_id IN %s AND attribute_id IN %s AND value IS NOT NULL",
            (*at, list(attributes)),
        )

    def _read_types(
        self, connection: sa.Connection, by_id: Mapping[int, Product], attributes: Mapping[str, int]
    ) -> None:
        bundles = [number for number, product in by_id.items() if product.type_id == BUNDLE]
        if not bundles:
            return
        for number in bundles:
            by_id[number].sums_up = True
        kinds = [attributes[_PRICE_TYPE]]
        for number, _, _, kind in self._values(connection, self._int, kinds, (bundles, [0])):
            by_id[number].sums_up = kind != _FIXED

    def _read_specials(
        self,
        connection: sa.Connection,
        by_id: Mapping[int, Product],
        attributes: Mapping[str, int],
        at: tuple[list[int], list[int]],
    ) -> None:
        first, last = attributes[_FIRST], attributes[_LAST]
        prices = {
            (number, store): value
            for number, store, _, value in self._values(
                connection, self._decimal, [attributes[_SPECIAL]], at
            )
        }
        days: dict[tuple[int, int], dict[int, datetime]] = defaultdict(dict)
        for number, store, attribute, day in self._values(
            connection, self._datetime, [first, last], at
        ):
            days[number, store][attribute] = day
        for key in {*prices, *days}:
            number, store = key
            by_id[number].specials[store] = Special(
                prices.get(key), days[key].get(first), days[key].get(last)
            )

    def _read_tiers(self, connection: sa.Connection, by_id: Mapping[int, Product]) -> None:
        rows = connection.exec_driver_sql(
            "SELECT t.entity_id, t.website_id, IF(t.all_groups, %s, g.customer_group_code), t.qty, "
            f"t.value, t.percentage_value FROM {self._tier} AS t "
            f"JOIN {self._group} AS g ON g.customer_group_id = t.customer_group_id "
            "WHERE t.entity_id IN %s",
            (ALL_GROUPS, list(by_id)),
        )
        for number, website, group, quantity, price, discount in rows:
            fixed = price if discount is None else None
            by_id[number].tiers.append(Tier(int(website), group, quantity, fixed, discount))
