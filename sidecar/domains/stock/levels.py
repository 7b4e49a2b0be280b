"""How quantities stand in Magento: its sources, and a level for each SKU at each of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal

import msgspec
import sqlalchemy as sa

from sidecar.magento.live_schema import MagentoSchema

#: Magento's own source, of which the tables from before MSI keep a copy.
DEFAULT = "default"
#: Magento sells these by what they are made of: a quantity of their own means nothing.
WITHOUT_STOCK = ("bundle", "configurable", "grouped")
_OPTIONS = "cataloginventory/item_options/"
#: Magento's own defaults of what a product may take from the configuration.
_DEFAULTS = {"manage_stock": "1", "backorders": "0", "min_qty": "0"}


class Product(msgspec.Struct, frozen=True, gc=False):
    """What is the same of a product at all sources.

    `legacy_id`: its row in the tables from before MSI, 0 where there is none.  `sells_beyond`: it
    is sold whatever its quantity is (backorders are allowed, or its stock is not managed); else
    down to `min_qty`.
    """

    id: int
    type_id: str
    legacy_id: int
    is_qty_decimal: bool
    sells_beyond: bool
    min_qty: Decimal


class Level(msgspec.Struct, frozen=True, gc=False):
    """How much of a product lies at a source; `item_id` 0: it has no level there, which says 0."""

    item_id: int
    quantity: Decimal


NO_LEVEL = Level(0, Decimal(0))


@dataclass(frozen=True, slots=True)
class Source:
    """A place where goods lie; `stocks`: the ids of those that it belongs to."""

    code: str
    is_enabled: bool
    stocks: tuple[int, ...]


class LevelReader:
    """Reads with plain selects: nobody waits for it."""

    def __init__(self, schema: MagentoSchema) -> None:
        self._product = schema.table("catalog_product_entity")
        self._legacy = schema.table("cataloginventory_stock_item")
        self._item = schema.table("inventory_source_item")
        self._source = schema.table("inventory_source")
        self._link = schema.table("inventory_source_stock_link")
        self._configuration = schema.table("core_config_data")

    def sources(self, connection: sa.Connection) -> dict[str, Source]:
        """All sources by their code."""
        rows = connection.exec_driver_sql(
            f"SELECT s.source_code, s.enabled, l.stock_id FROM {self._source} AS s "
            f"LEFT JOIN {self._link} AS l ON l.source_code = s.source_code "
            "ORDER BY s.source_code, l.stock_id"
        )
        stocks: dict[tuple[str, bool], list[int]] = defaultdict(list)
        for code, enabled, stock_id in rows:
            stocks[code, bool(enabled)] += [] if stock_id is None else [int(stock_id)]
        return {code: Source(code, is_on, tuple(ids)) for (code, is_on), ids in stocks.items()}

    def counted(self, connection: sa.Connection, sources: Collection[str]) -> int:
        """How many levels there are at these sources."""
        if not sources:
            return 0
        rows = connection.exec_driver_sql(
            f"SELECT COUNT(*) FROM {self._item} WHERE source_code IN %s", (list(sources),)
        )
        return int(rows.scalar_one())

    def options(self, connection: sa.Connection) -> Mapping[str, Decimal]:
        """What a product takes from the shop's configuration unless it says otherwise itself."""
        rows = connection.exec_driver_sql(
            f"SELECT path, value FROM {self._configuration} WHERE scope = 'default' AND path IN %s",
            ([_OPTIONS + name for name in _DEFAULTS],),
        )
        set_ = {path.removeprefix(_OPTIONS): value for path, value in rows if value}
        return {name: Decimal(value) for name, value in (_DEFAULTS | set_).items()}

    def levels(
        self, connection: sa.Connection, source: str, skus: Collection[str]
    ) -> dict[str, Level]:
        """The levels of these SKUs at a source, by the SKU as Magento spells it.

        Only of products that have a quantity of their own; nothing else of them is looked up, for
        of nearly all products nothing is to change.
        """
        rows = connection.exec_driver_sql(
            f"SELECT p.sku, i.source_item_id, i.quantity FROM {self._product} AS p "
            f"JOIN {self._item} AS i ON i.source_code = %s AND i.sku = p.sku "
            "WHERE p.sku IN %s AND p.type_id NOT IN %s",
            (source, list(skus), WITHOUT_STOCK),
        )
        return {sku: Level(item, quantity) for sku, item, quantity in rows}

    def products(
        self, connection: sa.Connection, skus: Collection[str], options: Mapping[str, Decimal]
    ) -> dict[str, Product]:
        """The products of these SKUs, by the SKU as Magento spells it.

        The server compares without case: what it finds may be spelt otherwise than what was asked
        for (`SIMPLE-5` for `simple-5`), and is another SKU then.
        """
        if not skus:
            return {}
        rows = connection.exec_driver_sql(
            "SELECT p.sku, p.entity_id, p.type_id, COALESCE(s.item_id, 0), "
            "COALESCE(s.is_qty_decimal, 0), "
            "IF(COALESCE(s.use_config_manage_stock, 1) = 1, %s, s.manage_stock) = 0 "
            "OR IF(COALESCE(s.use_config_backorders, 1) = 1, %s, s.backorders) > 0, "
            "IF(COALESCE(s.use_config_min_qty, 1) = 1, %s, s.min_qty) "
            f"FROM {self._product} AS p "
            f"LEFT JOIN {self._legacy} AS s ON s.product_id = p.entity_id AND s.website_id = 0 "
            "WHERE p.sku IN %s",
            (options["manage_stock"], options["backorders"], options["min_qty"], list(skus)),
        )
        return {
            sku: Product(id_, type_id, legacy, bool(fractions), bool(beyond), least)
            for sku, id_, type_id, legacy, fractions, beyond, least in rows
        }
