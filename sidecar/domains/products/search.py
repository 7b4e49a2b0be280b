"""The sweep's questions about products (`sidecar.magento.examiner.Search`).

No trigger may sit on their tables; every save of one moves its `updated_at`.
"""

from __future__ import annotations

import sqlalchemy as sa

from sidecar.domains.products.spec import SPEC
from sidecar.magento.live_schema import MagentoSchema
from sidecar.magento.product_values import PRODUCTS

# Magento's updated_at has a resolution of one second, and it is given when a statement runs, not
# when its transaction commits.
_HIDING_SECONDS = 2
_RANGE = "p.entity_id > %(after)s AND p.entity_id <= %(upto)s"


class ProductSearch:
    """`entity_table`: the ledger's memory, its full name quoted."""

    spec = SPEC

    def __init__(self, schema: MagentoSchema, entity_table: str) -> None:
        products = schema.table(PRODUCTS)
        joined = (
            f"FROM {products} p FORCE INDEX (PRIMARY) LEFT JOIN {entity_table} e "
            f"ON e.kind = 'product' AND e.entity_id = p.entity_id WHERE {_RANGE}"
        )
        self._changed = (
            f"SELECT p.entity_id {joined} AND (e.entity_id IS NULL OR e.vanished_at IS NOT NULL "
            "OR NOT (e.updated_at <=> IF(p.updated_at > '1000-01-01', p.updated_at, NULL)) "
            f"OR p.updated_at >= e.looked_at - INTERVAL {_HIDING_SECONDS} SECOND) "
            "ORDER BY p.entity_id"
        )
        self._vanished = (
            f"SELECT e.entity_id FROM {entity_table} e FORCE INDEX (PRIMARY) "
            f"LEFT JOIN {products} p ON p.entity_id = e.entity_id WHERE e.kind = 'product' "
            "AND e.entity_id > %(after)s AND e.entity_id <= %(upto)s "
            "AND e.vanished_at IS NULL AND p.entity_id IS NULL ORDER BY e.entity_id"
        )
        self._span = (
            "SELECT COALESCE(MIN(lowest), 0), COALESCE(MAX(highest), 0) FROM ("
            f"SELECT MIN(entity_id) AS lowest, MAX(entity_id) AS highest FROM {products} "
            f"UNION ALL SELECT MIN(entity_id), MAX(entity_id) FROM {entity_table} "
            "WHERE kind = 'product') sides"
        )
        self._baseline = (
            f"INSERT IGNORE INTO {entity_table} (kind, entity_id, number, state, status, made_at, "
            "updated_at, looked_at) SELECT 'product', p.entity_id, COALESCE(p.sku, ''), p.type_id, "
            "'', IF(p.created_at > '1970-01-02', p.created_at, NULL), p.updated_at, "
            f"UTC_TIMESTAMP(3) {joined} AND e.entity_id IS NULL"
        )

    def span(self, connection: sa.Connection) -> tuple[int, int]:
        """See `Search`."""
        lowest, highest = connection.exec_driver_sql(self._span).one()
        return int(lowest), int(highest)

    def new_or_changed(self, connection: sa.Connection, after: int, upto: int) -> list[int]:
        """See `Search`."""
        return _ids(connection, self._changed, after, upto)

    def vanished(self, connection: sa.Connection, after: int, upto: int) -> list[int]:
        """See `Search`."""
        return _ids(connection, self._vanished, after, upto)

    def baseline(self, connection: sa.Connection, after: int, upto: int) -> int:
        """See `Search`."""
        return connection.exec_driver_sql(self._baseline, {"after": after, "upto": upto}).rowcount


def _ids(connection: sa.Connection, statement: str, after: int, upto: int) -> list[int]:
    rows = connection.exec_driver_sql(statement, {"after": after, "upto": upto})
    return [int(row[0]) for row in rows]
