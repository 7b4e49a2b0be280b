"""The sweep's questions: which orders no hint announced, or which changed without one.

An answer means "look at it again", no more, so one too many does no harm.
"""

from __future__ import annotations

from sidecar.domains.orders.addresses import marked_addresses
from sidecar.domains.orders.spec import SPEC
from sidecar.magento.live_schema import MagentoSchema
from sidecar.magento.ranged_search import HIDING_SECONDS, RangedSearch

# At install an address change of a finished order interests nobody: no mark, no later comparison.
_FINISHED = "('complete', 'closed', 'canceled')"

_RANGE = "o.entity_id > %(after)s AND o.entity_id <= %(upto)s"


class OrderSearch(RangedSearch):
    """Answers also with orders whose last change is so fresh that another one may hide behind it,
    and those with other addresses, where the ledger keeps a mark of them.
    """

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
        changed = (
            f"SELECT o.entity_id {joined} AND (e.entity_id IS NULL "
            f"OR {_bytes('e.state')} <> {_bytes(_not_null('o.state'))} "
            f"OR {_bytes('e.status')} <> {_bytes(_not_null('o.status'))} "
            f"OR NOT ({_moment('e.updated_at')} <=> {_moment('o.updated_at')}) "
            f"OR o.updated_at >= e.looked_at - INTERVAL {HIDING_SECONDS} SECOND "
            f"OR (e.mark IS NOT NULL AND e.mark <> {mark})) "
            "ORDER BY o.entity_id"
        )
        # IGNORE is for the row that intake wrote in the meantime; nothing else can be ignored, for
        # no value is NULL or longer than its column.
        baseline = (
            f"INSERT IGNORE INTO {entity_table} (kind, entity_id, number, store_id, state, "
            "status, amount, currency, mark, made_at, updated_at, looked_at) "
            f"SELECT 'order', o.entity_id, {_not_null('o.increment_id')}, o.store_id, "
            f"{_not_null('o.state')}, {_not_null('o.status')}, o.grand_total, "
            f"o.order_currency_code, IF(o.state IN {_FINISHED}, NULL, {mark}), "
            "IF(o.created_at > '1970-01-02', o.created_at, NULL), o.updated_at, "
            f"UTC_TIMESTAMP(3) {joined} AND e.entity_id IS NULL"
        )
        super().__init__(
            SPEC,
            f"{orders} o",
            "o.entity_id",
            entity_table,
            changed=changed,
            baseline=baseline,
        )


def _not_null(column: str) -> str:
    return f"COALESCE({column}, '')"


def _moment(column: str) -> str:
    # The zero date of old imports is none: intake remembers it as NULL.
    return f"IF({column} > '1000-01-01', {column}, NULL)"


def _bytes(expression: str) -> str:
    return f"CAST({expression} AS BINARY)"
