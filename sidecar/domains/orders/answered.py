"""Which orders carry an answer of the ERP in Magento, whatever the ledger says.

A ledger that was restored, or made anew, has forgotten what was sent; the orders have not.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import sqlalchemy as sa

from sidecar.magento.live_schema import MagentoSchema


class AnsweredOrders:
    """Asked of Magento's orders with a plain read, which locks nothing.

    `statuses`: those that the acknowledgement puts on orders; `has_number`: it puts the ERP's
    number into ext_order_id.  A status that Magento itself gives says nothing.
    """

    def __init__(
        self, schema: MagentoSchema, statuses: Collection[str], *, has_number: bool
    ) -> None:
        ours = (
            "((status IN %(statuses)s OR hold_before_status IN %(statuses)s) AND status NOT IN "
            f"(SELECT status FROM {schema.table('sales_order_status_state')} WHERE is_default = 1 "
            "AND status IN %(statuses)s))"
        )
        numbered = " OR COALESCE(ext_order_id, '') <> ''" if has_number else ""
        self._statement = (
            f"SELECT entity_id FROM {schema.table('sales_order')} FORCE INDEX (PRIMARY) "
            f"WHERE entity_id IN %(ids)s AND ({ours}{numbered})"
        )
        self._statuses = sorted(statuses)

    def among(self, connection: sa.Connection, ids: Sequence[int]) -> set[int]:
        """Those of these orders."""
        if not ids:
            return set()
        rows = connection.exec_driver_sql(
            self._statement, {"ids": sorted(ids), "statuses": self._statuses}
        )
        return {int(row[0]) for row in rows}
