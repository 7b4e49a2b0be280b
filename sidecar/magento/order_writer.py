"""The statements that write an answer onto a Magento order: compare-and-set, three tables.

Measured (magento-flows, "Writing the ERP's acknowledgement back"): Magento goes on normally after
them, hold and unhold remember and restore a custom status, and a state change resets it.
Neither sales_order nor the two other tables carry a trigger of ours, so no echo arises.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from sidecar.magento.schema_probe import MagentoSchema


@dataclass(frozen=True, slots=True)
class Standing:
    """How an order stands in Magento at this moment."""

    entity_id: int
    increment_id: str
    state: str
    status: str
    ext_order_id: str | None
    hold_before_state: str | None
    hold_before_status: str | None


class OrderWriter:
    """Writes nothing but what the acknowledgement needs."""

    def __init__(self, schema: MagentoSchema) -> None:
        self._order = schema.table("sales_order")
        self._grid = schema.table("sales_order_grid")
        self._history = schema.table("sales_order_status_history")
        self._status_state = schema.table("sales_order_status_state")

    def standing(self, connection: sa.Connection, entity_id: int) -> Standing | None:
        """Read without a lock; None when the order is gone."""
        row = connection.exec_driver_sql(
            "SELECT entity_id, increment_id, COALESCE(state, ''), COALESCE(status, ''), "
            "ext_order_id, hold_before_state, hold_before_status "
            f"FROM {self._order} WHERE entity_id = %s",
            (entity_id,),
        ).first()
        return Standing(*row) if row else None

    def is_assigned(self, connection: sa.Connection, status: str, state: str) -> bool:
        """Whether Magento shows this status in this state rightly."""
        return bool(
            connection.exec_driver_sql(
                f"SELECT COUNT(*) FROM {self._status_state} WHERE status = %s AND state = %s",
                (status, state),
            ).scalar_one()
        )

    def compare_and_set(self, connection: sa.Connection, before: Standing, after: Standing) -> bool:
        """Write unless somebody changed the order since `before` was read.

        The row count is of matched rows (SQLAlchemy sets CLIENT.FOUND_ROWS), so that writing equal
        values is no miss; test: test_write_back.py.
        """
        result = connection.exec_driver_sql(
            f"UPDATE {self._order} SET state = %s, status = %s, ext_order_id = %s, "
            "hold_before_state = %s, hold_before_status = %s "
            "WHERE entity_id = %s AND state <=> %s AND status <=> %s AND ext_order_id <=> %s",
            (
                after.state,
                after.status,
                after.ext_order_id,
                after.hold_before_state,
                after.hold_before_status,
                before.entity_id,
                before.state or None,
                before.status or None,
                before.ext_order_id,
            ),
        )
        if result.rowcount != 1:
            return False
        # The grid may lag behind (dev/grid/async_indexing): then there is no row yet, and Magento
        # fills it from sales_order later.
        connection.exec_driver_sql(
            f"UPDATE {self._grid} SET status = %s WHERE entity_id = %s",
            (after.status, before.entity_id),
        )
        return True

    def comment(self, connection: sa.Connection, entity_id: int, status: str, text: str) -> None:
        """Append to the order's history, not shown to the customer.

        Magento's tables are utf8mb3 on most shops, which cannot hold what lies beyond the BMP: an
        emoji in the ERP's message must not cost the answer.
        """
        text = "".join(character if character <= "\uffff" else "\ufffd" for character in text)
        connection.exec_driver_sql(
            f"INSERT INTO {self._history} (parent_id, is_customer_notified, is_visible_on_front, "
            "comment, status, entity_name) VALUES (%s, 0, 0, %s, %s, 'order')",
            (entity_id, text, status),
        )
