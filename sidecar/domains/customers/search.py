"""The sweep's questions about customers (`sidecar.magento.examiner.Search`).

Guests are in none of Magento's tables of their own: their orders point at them.
"""

from __future__ import annotations

import sqlalchemy as sa

from sidecar.domains.customers.spec import REGISTERED, SPEC
from sidecar.magento.live_schema import MagentoSchema
from sidecar.model.guest import GUESTS_FROM

# Magento's updated_at has a resolution of one second, and it is given when a statement runs, not
# when its transaction commits.
_HIDING_SECONDS = 2
_RANGE = "c.entity_id > %(after)s AND c.entity_id <= %(upto)s"


class CustomerSearch:
    """`mark`: SQL for the checksum of what moves no updated_at of the customer `c`."""

    spec = SPEC

    def __init__(
        self, schema: MagentoSchema, entity_table: str, *, mark: str, consent: str | None
    ) -> None:
        customers = schema.table("customer_entity")
        self._consent = consent
        joined = (
            f"FROM {customers} c FORCE INDEX (PRIMARY) LEFT JOIN {entity_table} e "
            f"ON e.kind = 'customer' AND e.entity_id = c.entity_id WHERE {_RANGE}"
        )
        self._changed = (
            f"SELECT c.entity_id {joined} AND (e.entity_id IS NULL OR e.vanished_at IS NOT NULL "
            "OR NOT (e.updated_at <=> IF(c.updated_at > '1000-01-01', c.updated_at, NULL)) "
            f"OR c.updated_at >= e.looked_at - INTERVAL {_HIDING_SECONDS} SECOND "
            f"OR NOT (e.mark <=> COALESCE({mark}, 0))) ORDER BY c.entity_id"
        )
        self._vanished = (
            f"SELECT e.entity_id FROM {entity_table} e FORCE INDEX (PRIMARY) "
            f"LEFT JOIN {customers} c ON c.entity_id = e.entity_id WHERE e.kind = 'customer' "
            "AND e.entity_id > %(after)s AND e.entity_id <= %(upto)s "
            f"AND e.entity_id < {GUESTS_FROM} AND e.vanished_at IS NULL AND c.entity_id IS NULL "
            "ORDER BY e.entity_id"
        )
        self._span = (
            "SELECT COALESCE(MIN(lowest), 0), COALESCE(MAX(highest), 0) FROM ("
            f"SELECT MIN(entity_id) AS lowest, MAX(entity_id) AS highest FROM {customers} "
            f"UNION ALL SELECT MIN(entity_id), MAX(entity_id) FROM {entity_table} "
            f"WHERE kind = 'customer' AND entity_id < {GUESTS_FROM}) sides"
        )
        self._baseline = (
            f"INSERT IGNORE INTO {entity_table} (kind, entity_id, number, store_id, state, status, "
            "mark, made_at, updated_at, looked_at) "
            f"SELECT 'customer', c.entity_id, c.entity_id, c.store_id, '{REGISTERED}', '', "
            f"COALESCE({mark}, 0), IF(c.created_at > '1970-01-02', c.created_at, NULL), "
            f"c.updated_at, UTC_TIMESTAMP(3) {joined} AND e.entity_id IS NULL"
        )

    def span(self, connection: sa.Connection) -> tuple[int, int]:
        """See `Search`."""
        lowest, highest = connection.exec_driver_sql(self._span).one()
        return int(lowest), int(highest)

    def new_or_changed(self, connection: sa.Connection, after: int, upto: int) -> list[int]:
        """See `Search`."""
        return self._ids(connection, self._changed, after, upto)

    def vanished(self, connection: sa.Connection, after: int, upto: int) -> list[int]:
        """See `Search`."""
        return self._ids(connection, self._vanished, after, upto)

    def baseline(self, connection: sa.Connection, after: int, upto: int) -> int:
        """See `Search`."""
        return connection.exec_driver_sql(self._baseline, self._place(after, upto)).rowcount

    def _ids(self, connection: sa.Connection, statement: str, after: int, upto: int) -> list[int]:
        rows = connection.exec_driver_sql(statement, self._place(after, upto))
        return [int(row[0]) for row in rows]

    def _place(self, after: int, upto: int) -> dict[str, object]:
        return {"after": after, "upto": upto, "consent": self._consent}
