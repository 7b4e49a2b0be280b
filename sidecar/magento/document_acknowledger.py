"""Tell Magento what the ERP says of a document of an order: a comment on it, and on its order.

Neither table carries a trigger of ours, and the document's own row is not touched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from sidecar.magento.live_schema import MagentoSchema
from sidecar.model.domain_spec import DomainSpec
from sidecar.model.entity import KnownEntity, WrittenBack
from sidecar.model.write_back import Applied, NotApplied, WriteBack

#: Magento counts its documents from 1.
_NONE = 0


class DocumentAcknowledger:
    """See `sidecar.magento.acknowledger`; `called`: what Magento's pages call such a document."""

    def __init__(self, spec: DomainSpec, schema: MagentoSchema, table: str, called: str) -> None:
        self.spec = spec
        self._called = called
        documents, order = schema.table(table), schema.table("sales_order")
        self._there = (
            f"SELECT d.entity_id, d.increment_id, d.order_id, COALESCE(o.status, '') AS status "
            f"FROM {documents} d JOIN {order} o ON o.entity_id = d.order_id "
            "WHERE d.entity_id IN %(ids)s"
        )
        self._on_document = (
            f"INSERT INTO {schema.table(f'{table}_comment')} "
            "(parent_id, is_customer_notified, is_visible_on_front, comment) "
            "SELECT d.entity_id, 0, 0, %(comment)s "
            f"FROM {documents} d WHERE d.entity_id = %(id)s"
        )
        self._on_order = (
            f"INSERT INTO {schema.table('sales_order_status_history')} (parent_id, "
            "is_customer_notified, is_visible_on_front, comment, status, entity_name) "
            f"SELECT o.entity_id, 0, 0, %(comment)s, %(status)s, '{spec.kind}' FROM {order} o "
            "WHERE o.entity_id = %(id)s"
        )
        self._document_text = schema.texts[f"{table}_comment", "comment"]
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
                gone = f"the {self._called} is gone from Magento"
                refused.append(NotApplied(write_back, gone, again=False))
                continue
            comment = write_back.detail.comment
            if comment and write_back.is_first:
                of_order = f"{self._called.capitalize()} {row.increment_id}: {comment}"
                self._say(connection, row.entity_id, row.order_id, row.status, comment, of_order)
            applied.append(Applied(write_back, None, None, "", _memory(entity)))
        return applied, refused

    def rehearse(self, connection: sa.Connection) -> None:
        """The same statements as a write-back's, at a document that is none."""
        self._say(connection, _NONE, _NONE, "", "", "")

    def _say(
        self,
        connection: sa.Connection,
        document: int,
        order: int,
        status: str,
        comment: str,
        of_order: str,
    ) -> None:
        connection.exec_driver_sql(
            self._on_document, {"id": document, "comment": self._document_text.fitted(comment)}
        )
        connection.exec_driver_sql(
            self._on_order,
            {"id": order, "status": status, "comment": self._order_text.fitted(of_order)},
        )


def _memory(known: KnownEntity) -> WrittenBack:
    """Nothing of the document itself was changed."""
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
