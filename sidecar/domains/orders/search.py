"""The sweep's questions: which orders no hint announced, or which changed without one.

Asked of Magento's tables against the ledger's `entity` table on the same server, range by range
of the primary key, with plain reads: an anti-join needs no high-water mark, which late commits
would slip past (facts: mysql-outbox 2.1).  An answer means "look at it again", no more, so one too
many does no harm.
"""

from __future__ import annotations

import sqlalchemy as sa

from sidecar.domains.orders.addresses import marked_addresses
from sidecar.domains.orders.spec import SPEC
from sidecar.magento.live_schema import MagentoSchema

# Magento's updated_at has a resolution of one second, and it is given when a statement runs, not
# when its transaction commits.
_HIDING_SECONDS = 2

# At install an address change of a finished order interests nobody: no mark, no later comparison.
_FINISHED = "('complete', 'closed', 'canceled')"

_RANGE = "o.entity_id > %(after)s AND o.entity_id <= %(upto)s"


class OrderSearch:
    """Compares Magento's orders with the rows of kind 'order' in the ledger's entity table.

    `entity_table` is that table's full name, quoted.
    """

    spec = SPEC

    def __init__(self, schema: MagentoSchema, entity_table: str) -> None:
        orders = schema.table("sales_order")
        mark = (
            f"(SELECT {marked_addresses('a')} FROM {schema.table('sales_order_address')} a "
            "WHERE a.parent_id = o.entity_id)"
        )
        # FORCE INDEX: on a small or freshly grown table the optimiser's statistics would make it
        # read all orders for each range.
        joined = (
            f"FROM {orders} o FORCE INDEX (PRIMARY) LEFT JOIN {entity_table} e "
            f"ON e.kind = 'order' AND e.entity_id = o.entity_id WHERE {_RANGE}"
        )
        # Compared as bytes: the ledger's collation is not Magento's, and mixing two is an error.
        self._changed = (
            f"SELECT o.entity_id {joined} AND (e.entity_id IS NULL "
            f"OR {_bytes('e.state')} <> {_bytes(_not_null('o.state'))} "
            f"OR {_bytes('e.status')} <> {_bytes(_not_null('o.status'))} "
            f"OR NOT ({_moment('e.updated_at')} <=> {_moment('o.updated_at')}) "
            f"OR o.updated_at >= e.looked_at - INTERVAL {_HIDING_SECONDS} SECOND "
            f"OR (e.mark IS NOT NULL AND e.mark <> {mark})) "
            "ORDER BY o.entity_id"
        )
        self._vanished = (
            f"SELECT e.entity_id FROM {entity_table} e FORCE INDEX (PRIMARY) "
            f"LEFT JOIN {orders} o ON o.entity_id = e.entity_id WHERE e.kind = 'order' "
            "AND e.entity_id > %(after)s AND e.entity_id <= %(upto)s "
            "AND e.vanished_at IS NULL AND o.entity_id IS NULL ORDER BY e.entity_id"
        )
        self._span = (
            "SELECT COALESCE(MIN(lowest), 0), COALESCE(MAX(highest), 0) FROM ("
            f"SELECT MIN(entity_id) AS lowest, MAX(entity_id) AS highest FROM {orders} UNION ALL "
            f"SELECT MIN(entity_id), MAX(entity_id) FROM {entity_table} WHERE kind = 'order') sides"
        )
        # IGNORE is for the row that intake wrote in the meantime; nothing else can be ignored, for
        # no value is NULL or longer than its column.
        self._baseline = (
            f"INSERT IGNORE INTO {entity_table} (kind, entity_id, number, store_id, state, "
            "status, amount, currency, mark, made_at, updated_at, looked_at) "
            f"SELECT 'order', o.entity_id, {_not_null('o.increment_id')}, o.store_id, "
            f"{_not_null('o.state')}, {_not_null('o.status')}, o.grand_total, "
            f"o.order_currency_code, IF(o.state IN {_FINISHED}, NULL, {mark}), "
            "IF(o.created_at > '1970-01-02', o.created_at, NULL), o.updated_at, "
            f"UTC_TIMESTAMP(3) {joined} AND e.entity_id IS NULL"
        )

    def span(self, connection: sa.Connection) -> tuple[int, int]:
        """Lowest and highest entity id over Magento and the ledger; (0, 0) when both are empty."""
        lowest, highest = connection.exec_driver_sql(self._span).one()
        return int(lowest), int(highest)

    def new_or_changed(self, connection: sa.Connection, after: int, upto: int) -> list[int]:
        """Ids in (after, upto] that the ledger does not know or that are not as it knows them.

        Also those whose last change is so fresh, compared with the last look, that another one
        may hide in the same second; and addresses, where the ledger keeps a mark of them.
        """
        return _ids(connection, self._changed, after, upto)

    def vanished(self, connection: sa.Connection, after: int, upto: int) -> list[int]:
        """Ids in (after, upto] that the ledger knows and Magento has no more, not yet noted."""
        return _ids(connection, self._vanished, after, upto)

    def baseline(self, connection: sa.Connection, after: int, upto: int) -> int:
        """Record the orders in (after, upto] as known, without events; gives how many were new.

        For the installation: what is older than the sidecar is not its business.  Rows that exist
        stay as they are.  Meant for `Database.transaction()`: in READ COMMITTED the server reads
        Magento's rows without locking them, so no checkout waits.
        """
        result = connection.exec_driver_sql(self._baseline, {"after": after, "upto": upto})
        return result.rowcount


def _ids(connection: sa.Connection, statement: str, after: int, upto: int) -> list[int]:
    rows = connection.exec_driver_sql(statement, {"after": after, "upto": upto})
    return [int(row[0]) for row in rows]


def _not_null(column: str) -> str:
    return f"COALESCE({column}, '')"


def _moment(column: str) -> str:
    # The zero date of old imports is none: intake remembers it as NULL.
    return f"IF({column} > '1000-01-01', {column}, NULL)"


def _bytes(expression: str) -> str:
    return f"CAST({expression} AS BINARY)"
