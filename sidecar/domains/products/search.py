"""The sweep's questions about products (`sidecar.magento.examiner.Search`).

No trigger may sit on their tables; every save of one moves its `updated_at`.
"""

from __future__ import annotations

from sidecar.domains.products.spec import SPEC
from sidecar.magento.live_schema import MagentoSchema
from sidecar.magento.product_values import PRODUCTS
from sidecar.magento.ranged_search import HIDING_SECONDS, RangedSearch

_RANGE = "p.entity_id > %(after)s AND p.entity_id <= %(upto)s"


class ProductSearch(RangedSearch):
    """`entity_table`: the ledger's memory, its full name quoted."""

    def __init__(self, schema: MagentoSchema, entity_table: str) -> None:
        products = schema.table(PRODUCTS)
        joined = (
            f"FROM {products} p FORCE INDEX (PRIMARY) LEFT JOIN {entity_table} e "
            f"ON e.kind = 'product' AND e.entity_id = p.entity_id WHERE {_RANGE}"
        )
        changed = (
            f"SELECT p.entity_id {joined} AND (e.entity_id IS NULL OR e.vanished_at IS NOT NULL "
            "OR NOT (e.updated_at <=> IF(p.updated_at > '1000-01-01', p.updated_at, NULL)) "
            f"OR p.updated_at >= e.looked_at - INTERVAL {HIDING_SECONDS} SECOND) "
            "ORDER BY p.entity_id"
        )
        baseline = (
            f"INSERT IGNORE INTO {entity_table} (kind, entity_id, number, state, status, made_at, "
            "updated_at, looked_at) SELECT 'product', p.entity_id, COALESCE(p.sku, ''), p.type_id, "
            "'', IF(p.created_at > '1970-01-02', p.created_at, NULL), p.updated_at, "
            f"UTC_TIMESTAMP(3) {joined} AND e.entity_id IS NULL"
        )
        super().__init__(
            SPEC,
            f"{products} p",
            "p.entity_id",
            entity_table,
            changed=changed,
            baseline=baseline,
        )
