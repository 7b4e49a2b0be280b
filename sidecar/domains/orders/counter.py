"""What shows that Magento's orders went back: a restored backup gives their ids again.

Deleting orders leaves the counter of their ids; a restored dump sets it back.
"""

from __future__ import annotations

import re

import sqlalchemy as sa

from sidecar.magento.live_schema import MagentoSchema

_NEWEST = 50
_COUNTER = re.compile(r"^\) .*\bAUTO_INCREMENT=(\d+)", re.MULTILINE)


def next_order(connection: sa.Connection, schema: MagentoSchema) -> int:
    """The id that Magento's next order gets, as the storage engine has it.

    MySQL keeps the figure of information_schema for a day.
    """
    row = connection.exec_driver_sql(f"SHOW CREATE TABLE {schema.table('sales_order')}").one()
    counter = _COUNTER.search(str(row[1]))
    # Of a table that never had a row the server does not say it.
    return int(counter[1]) if counter else 1


def given_again(connection: sa.Connection, schema: MagentoSchema, event_table: str) -> int:
    """The highest id under which Magento has a later order than the ledger knows; 0: there is none.

    Of the newest orders that were taken in: after a restore their ids are the ones given again.
    """
    newest = connection.exec_driver_sql(
        "SELECT MAX(p.entity_id) FROM (SELECT entity_id, occurred_at "
        f"FROM {event_table} WHERE kind = 'order' AND sequence = 1 AND type = 'order.placed' "
        f"ORDER BY entity_id DESC LIMIT {_NEWEST}) p "
        f"JOIN {schema.table('sales_order')} o ON o.entity_id = p.entity_id "
        "WHERE o.created_at > p.occurred_at + INTERVAL 1 SECOND"
    ).scalar_one()
    return int(newest or 0)
