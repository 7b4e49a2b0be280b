"""The sweep's questions about levels (`sidecar.magento.examiner.Search`).

Magento notes nowhere when a level changed, so quantities are compared with the ledger's memory.
"""

from __future__ import annotations

import sqlalchemy as sa

from sidecar.domains.stock.examiner import AT
from sidecar.domains.stock.source_levels import SourceLevels
from sidecar.domains.stock.spec import SPEC
from sidecar.magento.totals import MESSAGES_FROM


class LevelSearch:
    """`entity_table`: the ledger's memory, its full name quoted."""

    spec = SPEC

    def __init__(self, levels: SourceLevels, entity_table: str) -> None:
        range_ = f"{levels.id} > %(after)s AND {levels.id} <= %(upto)s"
        joined = (
            f"FROM {levels.joined} LEFT JOIN {entity_table} e "
            f"ON e.kind = 'stock' AND e.entity_id = {levels.id} WHERE {range_}"
        )
        quantity = f"CAST({levels.quantity} AS CHAR)"
        as_bytes = "CAST({} AS BINARY)".format
        self._changed = (
            f"SELECT {levels.id} {joined} AND (e.entity_id IS NULL OR e.vanished_at IS NOT NULL "
            f"OR {as_bytes('e.state')} <> {as_bytes(quantity)} "
            f"OR {as_bytes('e.status')} <> {as_bytes(levels.status)}) ORDER BY {levels.id}"
        )
        self._vanished = (
            f"SELECT e.entity_id FROM {entity_table} e FORCE INDEX (PRIMARY) "
            f"LEFT JOIN {levels.table} ON {levels.id} = e.entity_id WHERE e.kind = 'stock' "
            "AND e.entity_id > %(after)s AND e.entity_id <= %(upto)s "
            f"AND e.entity_id < {MESSAGES_FROM} AND e.vanished_at IS NULL AND {levels.id} IS NULL "
            "ORDER BY e.entity_id"
        )
        self._span = (
            "SELECT COALESCE(MIN(lowest), 0), COALESCE(MAX(highest), 0) FROM ("
            f"SELECT MIN({levels.id}) AS lowest, MAX({levels.id}) AS highest FROM {levels.table} "
            f"UNION ALL SELECT MIN(entity_id), MAX(entity_id) FROM {entity_table} "
            f"WHERE kind = 'stock' AND entity_id < {MESSAGES_FROM}) sides"
        )
        self._baseline = (
            f"INSERT IGNORE INTO {entity_table} (kind, entity_id, number, state, status, "
            f"looked_at) SELECT 'stock', {levels.id}, "
            f"LEFT(CONCAT({levels.sku}, '{AT}', {levels.source}), 64), {quantity}, "
            f"{levels.status}, UTC_TIMESTAMP(3) {joined} AND e.entity_id IS NULL"
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
