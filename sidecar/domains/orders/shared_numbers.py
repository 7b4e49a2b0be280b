"""Orders that an ERP would know by one and the same external reference.

Magento's numbers are unique within a store only, and an import or two sequences of one prefix share
them.  Asked at `install` and by `doctor`; the claim looks at each order again before it is sent.
"""

from __future__ import annotations

import sqlalchemy as sa

from sidecar.magento.live_schema import MagentoSchema
from sidecar.model.reference import Reference

#: So many examples are named.
_EXAMPLES = 5


def shared_references(
    connection: sa.Connection, magento: MagentoSchema, reference: Reference
) -> list[str]:
    """Examples of references that several orders have, with their entity ids; empty: none."""
    pieces: list[str] = []
    values: list[str] = []
    for text, name in reference.parts:
        if text:
            pieces.append("%s")
            values.append(text)
        if name:
            # From a closed list (`sidecar.model.reference.FIELDS`).
            pieces.append(f"COALESCE({name}, '')")
    rows = connection.exec_driver_sql(
        f"SELECT CONCAT({', '.join(pieces)}) AS ref, MIN(entity_id) AS first, "
        "MAX(entity_id) AS last, COUNT(*) AS orders "
        f"FROM {magento.table('sales_order')} GROUP BY ref HAVING orders > 1 "
        f"ORDER BY last DESC LIMIT {_EXAMPLES}",
        tuple(values),
    )
    return [f"{row.ref} ({row.orders} orders, entity_id {row.first} … {row.last})" for row in rows]
