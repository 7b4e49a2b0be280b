"""The id of Magento's next order: deleting orders leaves it, restoring a backup sets it back."""

from __future__ import annotations

import re

import sqlalchemy as sa

from sidecar.magento.schema_probe import MagentoSchema

_COUNTER = re.compile(r"^\) .*\bAUTO_INCREMENT=(\d+)", re.MULTILINE)


def next_order(connection: sa.Connection, schema: MagentoSchema) -> int:
    """As the storage engine has it; MySQL keeps the figure of information_schema for a day."""
    row = connection.exec_driver_sql(f"SHOW CREATE TABLE {schema.table('sales_order')}").one()
    found = _COUNTER.search(str(row[1]))
    # Of a table that never had a row the server does not say it.
    return int(found[1]) if found else 1
