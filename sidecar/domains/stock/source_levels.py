"""Reads levels where Magento owns them: of each SKU at each source, or from before MSI."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC

import sqlalchemy as sa

from sidecar.domains.stock.levels import DEFAULT
from sidecar.domains.stock.payload import SourceLevel
from sidecar.magento.live_schema import MagentoSchema

#: The default stock of a shop without MSI.
DEFAULT_STOCK = 1


class SourceLevels:
    """`table`, `columns`, `joined`: SQL for level `l`; `id`: its key."""

    def __init__(self, schema: MagentoSchema) -> None:
        self.has_sources = schema.has_multi_source_inventory
        products = schema.table("catalog_product_entity")
        if self.has_sources:
            self.id = "l.source_item_id"
            self.table = f"{schema.table('inventory_source_item')} l"
            self.joined = self.table
            self.sku, self.source = "l.sku", "l.source_code"
            self.quantity, self.status = "l.quantity", "l.status"
            self._links = (
                f"SELECT source_code, stock_id FROM {schema.table('inventory_source_stock_link')} "
                "ORDER BY stock_id"
            )
            # By the product's SKU, whatever its case: so Magento joins them.
            self._of_products = (
                f"SELECT l.source_item_id FROM {products} p JOIN {self.table} ON l.sku = p.sku "
                "WHERE p.entity_id IN %(ids)s ORDER BY l.source_item_id"
            )
        else:
            self.id = "l.item_id"
            self.table = f"{schema.table('cataloginventory_stock_item')} l"
            self.joined = f"{self.table} JOIN {products} p ON p.entity_id = l.product_id"
            self.sku, self.source = "p.sku", f"'{DEFAULT}'"
            self.quantity, self.status = "COALESCE(l.qty, 0)", "l.is_in_stock"
            self._links = f"SELECT '{DEFAULT}', {DEFAULT_STOCK}"
            self._of_products = (
                f"SELECT l.item_id FROM {self.table} WHERE l.product_id IN %(ids)s "
                "ORDER BY l.item_id"
            )
        columns = f"{self.id}, {self.sku}, {self.source}, {self.quantity}, {self.status}"
        self._read = (
            f"SELECT {columns}, UTC_TIMESTAMP(3) FROM {self.joined} WHERE {self.id} IN %(ids)s"
        )
        self._of_sku = f"SELECT {self.id} FROM {self.joined} WHERE {self.sku} = %(sku)s"
        self._of_source = f" AND {self.source} = %(source)s"

    def read(self, view: sa.Connection, ids: Sequence[int]) -> Mapping[int, SourceLevel]:
        """By their ids; those that Magento does not have are missing."""
        if not ids:
            return {}
        stocks = self._stocks(view)
        rows = view.exec_driver_sql(self._read, {"ids": tuple(ids)})
        return {
            int(id_): SourceLevel(
                entity_id=int(id_),
                sku=sku,
                source_code=source,
                quantity=quantity,
                status=int(status),
                stock_ids=tuple(stocks.get(source, ())),
                at=at.replace(tzinfo=UTC),
            )
            for id_, sku, source, quantity, status, at in rows
        }

    def of_products(self, connection: sa.Connection, ids: Sequence[int]) -> list[int]:
        """The levels of these products, at whatever source."""
        rows = connection.exec_driver_sql(self._of_products, {"ids": tuple(ids)})
        return [int(row[0]) for row in rows]

    def ids_of(self, connection: sa.Connection, sku: str, source: str | None) -> list[int]:
        """The levels of a SKU, at one source or at all."""
        statement = self._of_sku + (self._of_source if source else "")
        rows = connection.exec_driver_sql(
            f"{statement} ORDER BY {self.id}", {"sku": sku, "source": source}
        )
        return [int(row[0]) for row in rows]

    def _stocks(self, view: sa.Connection) -> dict[str, list[int]]:
        found: dict[str, list[int]] = defaultdict(list)
        for source, stock_id in view.exec_driver_sql(self._links):
            found[source].append(int(stock_id))
        return found
