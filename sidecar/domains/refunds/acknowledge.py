"""Tell Magento what the ERP says of a refund: a comment on the credit memo, and on its order.

Neither table carries a trigger of ours, and a credit memo's own row is not touched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from sidecar.domains.refunds.spec import SPEC
from sidecar.magento.live_schema import MagentoSchema
from sidecar.model.entity import KnownEntity, WrittenBack
from sidecar.model.write_back import Applied, NotApplied, WriteBack

#: Magento counts its documents from 1.
_NONE = 0


class RefundAcknowledger:
    """See `sidecar.magento.acknowledger`."""

    spec = SPEC

    def __init__(self, schema: MagentoSchema) -> None:
        memo, order = schema.table("sales_creditmemo"), schema.table("sales_order")
        self._there = (
            f"SELECT c.entity_id, c.increment_id, c.order_id, COALESCE(o.status, '') AS status "
            f"FROM {memo} c JOIN {order} o ON o.entity_id = c.order_id "
            "WHERE c.entity_id IN %(ids)s"
        )
        self._on_memo = (
            f"INSERT INTO {schema.table('sales_creditmemo_comment')} "
            "(parent_id, is_customer_notified, is_visible_on_front, comment) "
            f"SELECT c.entity_id, 0, 0, %(comment)s FROM {memo} c WHERE c.entity_id = %(id)s"
        )
        self._on_order = (
            f"INSERT INTO {schema.table('sales_order_status_history')} (parent_id, "
            "is_customer_notified, is_visible_on_front, comment, status, entity_name) "
            f"SELECT o.entity_id, 0, 0, %(comment)s, %(status)s, 'creditmemo' FROM {order} o "
            "WHERE o.entity_id = %(id)s"
        )
        self._memo_text = schema.texts["sales_creditmemo_comment", "comment"]
        self._order_text = schema.texts["sales_order_status_history", "comment"]

    def write(
        self,
        connection: sa.Connection,
        due: Sequence[WriteBack],
        known: Mapping[int, KnownEntity],
    ) -> tuple[list[Applied], list[NotApplied]]:
        """See `Acknowledger`."""
        ids = tuple({write_back.entity_id for write_back in due})
        rows = connection.exec_driver_sql(self._there, {"ids": ids})
        there = {row.entity_id: row for row in rows}
        applied: list[Applied] = []
        refused: list[NotApplied] = []
        for write_back in due:
            row, entity = there.get(write_back.entity_id), known.get(write_back.entity_id)
            if row is None or entity is None:
                gone = "the credit memo is gone from Magento"
                refused.append(NotApplied(write_back, gone, again=False))
                continue
            comment = write_back.detail.comment
            if comment and write_back.is_first:
                of_order = f"Credit memo {row.increment_id}: {comment}"
                self._say(connection, row.entity_id, row.order_id, row.status, comment, of_order)
            applied.append(Applied(write_back, None, None, "", _memory(entity)))
        return applied, refused

    def rehearse(self, connection: sa.Connection) -> None:
        """The same statements as a write-back's, at a credit memo that is none."""
        self._say(connection, _NONE, _NONE, "", "", "")

    def _say(
        self,
        connection: sa.Connection,
        memo: int,
        order: int,
        status: str,
        comment: str,
        of_order: str,
    ) -> None:
        connection.exec_driver_sql(
            self._on_memo, {"id": memo, "comment": self._memo_text.fitted(comment)}
        )
        connection.exec_driver_sql(
            self._on_order,
            {"id": order, "status": status, "comment": self._order_text.fitted(of_order)},
        )


def _memory(known: KnownEntity) -> WrittenBack:
    """Nothing of the credit memo itself was changed."""
    return WrittenBack(
        kind=known.kind,
        entity_id=known.entity_id,
        number=known.number,
        state=known.state,
        status=known.status,
        our_number=known.our_number,
        held_by_us=known.held_by_us,
        overwritten=known.overwritten,
    )
