"""What Magento's documents of an order have in common: sales_invoice, sales_creditmemo, …

Each has an `increment_id`, a store, an order, and the two moments, those with money a `state` in
figures; none is ever changed much once it is there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import sqlalchemy as sa

from sidecar.magento.live_schema import MagentoSchema
from sidecar.magento.ranged_search import HIDING_SECONDS, RangedSearch
from sidecar.model.domain_spec import DomainSpec
from sidecar.model.entity import Snapshot

_RANGE = "d.entity_id > %(after)s AND d.entity_id <= %(upto)s"


@dataclass(frozen=True, slots=True)
class DocumentTable:
    """One table of documents; `with_money`: they have a state, a total and a currency.

    `mark`: SQL for the checksum of what moves no `updated_at` of a document, of the rows that
    belong to the one that is named.
    """

    name: str
    with_money: bool = True
    mark: Callable[[MagentoSchema, str], str] | None = None

    @property
    def state(self) -> str:
        """SQL for the state as the ledger keeps it."""
        return "COALESCE(d.state, 0)" if self.with_money else "''"

    @property
    def amount(self) -> str:
        """SQL for the total, NULL where there is none."""
        return "d.grand_total" if self.with_money else "NULL"

    @property
    def currency(self) -> str:
        """SQL for the currency of the total."""
        return "d.order_currency_code" if self.with_money else "NULL"

    def marked(self, schema: MagentoSchema) -> str:
        """SQL for the mark of document `d`, NULL where there is none."""
        return self.mark(schema, "d.entity_id") if self.mark else "NULL"


class Remains(msgspec.Struct, frozen=True, kw_only=True):
    """The payload of a document that cannot be read: its id and number."""

    entity_id: int
    increment_id: str


class Outlines:
    """The little of a document that can be read whatever else is wrong with it."""

    def __init__(self, schema: MagentoSchema, table: DocumentTable) -> None:
        self._outline = (
            "SELECT d.entity_id, LEFT(COALESCE(d.increment_id, ''), 50) AS number, "
            f"{table.state} AS state, CAST({table.amount} AS DECIMAL(20, 4)) AS amount, "
            f"LEFT({table.currency}, 3) AS currency, d.updated_at, d.order_id, "
            f"{table.marked(schema)} AS mark "
            f"FROM {schema.table(table.name)} d WHERE d.entity_id = %(id)s"
        )

    def of(self, connection: sa.Connection, entity_id: int) -> Snapshot | None:
        """See `sidecar.magento.examiner.Examiner.outline`."""
        row = connection.exec_driver_sql(self._outline, {"id": entity_id}).first()
        if row is None:
            return None
        return Snapshot(
            entity_id=entity_id,
            number=row.number,
            payload=Remains(entity_id=entity_id, increment_id=row.number),
            state=str(row.state),
            amount=row.amount,
            currency=row.currency,
            updated_at=row.updated_at,
            mark=row.mark,
            parent=("order", row.order_id),
        )


class DocumentSearch(RangedSearch):
    """The sweep's questions about one table of documents (`sidecar.magento.examiner.Search`)."""

    def __init__(
        self, spec: DomainSpec, schema: MagentoSchema, table: DocumentTable, entity_table: str
    ) -> None:
        documents = schema.table(table.name)
        mark = table.marked(schema)
        is_marked_otherwise = f"OR (e.mark IS NOT NULL AND e.mark <> {mark}) " if table.mark else ""
        joined = (
            f"FROM {documents} d FORCE INDEX (PRIMARY) LEFT JOIN {entity_table} e "
            f"ON e.kind = %(kind)s AND e.entity_id = d.entity_id WHERE {_RANGE}"
        )
        changed = (
            f"SELECT d.entity_id {joined} AND (e.entity_id IS NULL "
            f"OR CAST(e.state AS BINARY) <> CAST({table.state} AS BINARY) {is_marked_otherwise}"
            "OR NOT (e.updated_at <=> IF(d.updated_at > '1000-01-01', d.updated_at, NULL)) "
            f"OR d.updated_at >= e.looked_at - INTERVAL {HIDING_SECONDS} SECOND) "
            "ORDER BY d.entity_id"
        )
        baseline = (
            f"INSERT IGNORE INTO {entity_table} (kind, entity_id, number, store_id, state, status, "
            "amount, currency, mark, made_at, updated_at, looked_at, parent_kind, parent_id) "
            "SELECT %(kind)s, d.entity_id, COALESCE(d.increment_id, ''), d.store_id, "
            f"{table.state}, '', {table.amount}, {table.currency}, {mark}, "
            "IF(d.created_at > '1970-01-02', d.created_at, NULL), d.updated_at, "
            f"UTC_TIMESTAMP(3), 'order', d.order_id {joined} AND e.entity_id IS NULL"
        )
        super().__init__(
            spec,
            f"{documents} d",
            "d.entity_id",
            entity_table,
            changed=changed,
            baseline=baseline,
        )
