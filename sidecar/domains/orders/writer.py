"""The statements that write answers onto Magento orders: locked, compared, three tables.

Measured (magento-flows, "Writing the ERP's acknowledgement back"): Magento goes on normally after
them, hold and unhold remember and restore a custom status, and a state change resets it.
Neither sales_order nor the two other tables carry a trigger of ours, so no echo arises.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from sidecar.database.connection import insert_rows
from sidecar.magento.live_schema import MagentoSchema


@dataclass(frozen=True, slots=True)
class LockedOrder:
    """How an order stands in Magento at this moment."""

    entity_id: int
    increment_id: str
    state: str
    status: str
    ext_order_id: str | None
    hold_before_state: str | None
    hold_before_status: str | None


class OrderWriter:
    """Writes nothing but what the acknowledgement needs.

    `skip_locked`: the server knows SKIP LOCKED (MariaDB 10.6, MySQL 8.0.1).  Without it a row that
    somebody holds makes us wait up to the session's lock wait.
    """

    def __init__(self, schema: MagentoSchema, *, skip_locked: bool) -> None:
        self._order = schema.table("sales_order")
        self._grid = schema.table("sales_order_grid")
        self._history = schema.table("sales_order_status_history")
        #: What the order's own column for the ERP's number can hold.
        self.number = schema.texts["sales_order", "ext_order_id"]
        self._comment = schema.texts["sales_order_status_history", "comment"]
        self._status_state = schema.table("sales_order_status_state")
        self._lock = "FOR UPDATE SKIP LOCKED" if skip_locked else "FOR UPDATE"

    def lock(self, connection: sa.Connection, ids: Sequence[int]) -> dict[int, LockedOrder]:
        """How the orders stand, with their rows held until the transaction ends.

        In the order of their keys, as everybody should.  A row that somebody else holds (a
        checkout, an admin who saves) is left out: it comes first, we come again.
        """
        rows = connection.exec_driver_sql(
            "SELECT entity_id, COALESCE(increment_id, ''), COALESCE(state, ''), "
            "COALESCE(status, ''), "
            f"ext_order_id, hold_before_state, hold_before_status FROM {self._order} "
            f"WHERE entity_id IN ({_marks(ids)}) ORDER BY entity_id {self._lock}",
            tuple(ids),
        )
        return {row[0]: LockedOrder(*row) for row in rows}

    def existing(self, connection: sa.Connection, ids: Sequence[int]) -> set[int]:
        """Which of these orders there are, locked by somebody or not."""
        if not ids:
            return set()
        rows = connection.exec_driver_sql(
            f"SELECT entity_id FROM {self._order} WHERE entity_id IN ({_marks(ids)})", tuple(ids)
        )
        return {int(row[0]) for row in rows}

    def assigned(self, connection: sa.Connection, statuses: set[str]) -> set[tuple[str, str]]:
        """(status, state) of every state in which Magento shows one of these statuses rightly."""
        if not statuses:
            return set()
        rows = connection.exec_driver_sql(
            f"SELECT status, state FROM {self._status_state} "
            f"WHERE status IN ({_marks(sorted(statuses))})",
            tuple(sorted(statuses)),
        )
        return {(row.status, row.state) for row in rows}

    def write(self, connection: sa.Connection, standings: Sequence[LockedOrder]) -> None:
        """Let the orders, whose rows `lock` holds, and their grid rows stand so."""
        ids = [after.entity_id for after in standings]
        columns = ("state", "status", "ext_order_id", "hold_before_state", "hold_before_status")
        case = f"CASE entity_id {'WHEN %s THEN %s ' * len(ids)}END"
        values = [
            value
            for column in columns
            for after in standings
            for value in (after.entity_id, getattr(after, column))
        ]
        connection.exec_driver_sql(
            f"UPDATE {self._order} SET {', '.join(f'{column} = {case}' for column in columns)} "
            f"WHERE entity_id IN ({_marks(ids)})",
            (*values, *ids),
        )
        by_status: dict[str, list[int]] = defaultdict(list)
        for after in standings:
            by_status[after.status].append(after.entity_id)
        for status, held in by_status.items():
            # The grid may lag behind (dev/grid/async_indexing): then there is no row yet, and
            # Magento fills it from sales_order later.
            connection.exec_driver_sql(
                f"UPDATE {self._grid} SET status = %s WHERE entity_id IN ({_marks(held)})",
                (status, *held),
            )

    def comment(self, connection: sa.Connection, comments: Sequence[tuple[int, str, str]]) -> None:
        """Append (order, status, text) to the orders' histories, not shown to the customers.

        Magento's tables are utf8mb3 on most shops, which cannot hold what lies beyond the BMP: an
        emoji in the ERP's message must not cost the answer.
        """
        insert_rows(
            connection,
            f"{self._history} (parent_id, is_customer_notified, is_visible_on_front, comment, "
            "status, entity_name)",
            "(%s, 0, 0, %s, %s, 'order')",
            [(order, self._comment.fitted(text), status) for order, status, text in comments],
        )


def _marks(values: Sequence[object]) -> str:
    return ", ".join(["%s"] * len(values))
