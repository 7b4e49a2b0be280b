"""The sweep's questions about customers (`sidecar.magento.examiner.Search`).

Guests are in none of Magento's tables of their own: their orders point at them.
"""

from __future__ import annotations

from sidecar.domains.customers.spec import REGISTERED, SPEC
from sidecar.magento.live_schema import MagentoSchema
from sidecar.magento.ranged_search import HIDING_SECONDS, RangedSearch
from sidecar.model.guest import GUESTS_FROM

_RANGE = "c.entity_id > %(after)s AND c.entity_id <= %(upto)s"


class CustomerSearch(RangedSearch):
    """`mark`: SQL for the checksum of what moves no updated_at of the customer `c`."""

    def __init__(
        self, schema: MagentoSchema, entity_table: str, *, mark: str, consent: str | None
    ) -> None:
        customers = schema.table("customer_entity")
        joined = (
            f"FROM {customers} c FORCE INDEX (PRIMARY) LEFT JOIN {entity_table} e "
            f"ON e.kind = 'customer' AND e.entity_id = c.entity_id WHERE {_RANGE}"
        )
        changed = (
            f"SELECT c.entity_id {joined} AND (e.entity_id IS NULL OR e.vanished_at IS NOT NULL "
            "OR NOT (e.updated_at <=> IF(c.updated_at > '1000-01-01', c.updated_at, NULL)) "
            f"OR c.updated_at >= e.looked_at - INTERVAL {HIDING_SECONDS} SECOND "
            f"OR NOT (e.mark <=> COALESCE({mark}, 0))) ORDER BY c.entity_id"
        )
        baseline = (
            f"INSERT IGNORE INTO {entity_table} (kind, entity_id, number, store_id, state, status, "
            "mark, made_at, updated_at, looked_at) "
            f"SELECT 'customer', c.entity_id, c.entity_id, c.store_id, '{REGISTERED}', '', "
            f"COALESCE({mark}, 0), IF(c.created_at > '1970-01-02', c.created_at, NULL), "
            f"c.updated_at, UTC_TIMESTAMP(3) {joined} AND e.entity_id IS NULL"
        )
        super().__init__(
            SPEC,
            f"{customers} c",
            "c.entity_id",
            entity_table,
            changed=changed,
            baseline=baseline,
            below=GUESTS_FROM,
            parameters={"consent": consent},
        )
