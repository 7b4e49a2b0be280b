"""The sweep's questions about levels (`sidecar.magento.examiner.Search`).

Magento notes nowhere when a level changed, so quantities are compared with the ledger's memory.
"""

from __future__ import annotations

from sidecar.domains.stock.examiner import AT
from sidecar.domains.stock.source_levels import SourceLevels
from sidecar.domains.stock.spec import SPEC
from sidecar.magento.ranged_search import RangedSearch
from sidecar.magento.totals import MESSAGES_FROM


class LevelSearch(RangedSearch):
    """`entity_table`: the ledger's memory, its full name quoted."""

    def __init__(self, levels: SourceLevels, entity_table: str) -> None:
        range_ = f"{levels.id} > %(after)s AND {levels.id} <= %(upto)s"
        joined = (
            f"FROM {levels.joined} LEFT JOIN {entity_table} e "
            f"ON e.kind = 'stock' AND e.entity_id = {levels.id} WHERE {range_}"
        )
        quantity = f"CAST({levels.quantity} AS CHAR)"
        as_bytes = "CAST({} AS BINARY)".format
        changed = (
            f"SELECT {levels.id} {joined} AND (e.entity_id IS NULL OR e.vanished_at IS NOT NULL "
            f"OR {as_bytes('e.state')} <> {as_bytes(quantity)} "
            f"OR {as_bytes('e.status')} <> {as_bytes(levels.status)}) ORDER BY {levels.id}"
        )
        baseline = (
            f"INSERT IGNORE INTO {entity_table} (kind, entity_id, number, state, status, "
            f"looked_at) SELECT 'stock', {levels.id}, "
            f"LEFT(CONCAT({levels.sku}, '{AT}', {levels.source}), 64), {quantity}, "
            f"{levels.status}, UTC_TIMESTAMP(3) {joined} AND e.entity_id IS NULL"
        )
        super().__init__(
            SPEC,
            levels.table,
            levels.id,
            entity_table,
            changed=changed,
            baseline=baseline,
            below=MESSAGES_FROM,
        )
