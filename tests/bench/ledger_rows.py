"""Events by the million, written straight into the ledger's table."""

from __future__ import annotations

from typing import Any

import pymysql

from sidecar.ledger.tables import LedgerNames
from sidecar.model.event import encode_payload
from sidecar.testing.sample_order import simple_order

#: What intake writes for an order of five lines: 10 kB.
SAMPLE = encode_payload(simple_order(lines=5)).decode()
#: For rows that nothing reaches: in full, InnoDB gives each payload a page of 16 kB.
STUB = SAMPLE[:200]
#: As deep as a recursive query may go by default, on both servers.
_CHUNK = 1_000
_COLUMNS = (
    "event_id, domain, kind, entity_id, number, sequence, type, version, status, due_at, "
    "amount, currency, occurred_at, created_at, finished_at"
)


def add_pending(
    connection: pymysql.Connection[Any], names: LedgerNames, count: int, payload: str
) -> None:
    """Placed orders that are due now, each of an entity of its own."""
    _add(connection, names, count, payload, "'pending', UTC_TIMESTAMP(3)", "NULL")


def add_finished(
    connection: pymysql.Connection[Any], names: LedgerNames, count: int, payload: str
) -> None:
    """Placed orders that the ERP has taken."""
    _add(connection, names, count, payload, "'accepted', NULL", "UTC_TIMESTAMP(3)")


def _add(
    connection: pymysql.Connection[Any],
    names: LedgerNames,
    count: int,
    payload: str,
    status_and_due: str,
    finished: str,
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COALESCE(MAX(id), 0) FROM {names('event')}")
        row = cursor.fetchone()
        # Far above the ids of a shop beside which this is done.
        first = 1_000_000_000 + (int(row[0]) if row else 0)
        for start in range(0, count, _CHUNK):
            size = min(_CHUNK, count - start)
            cursor.execute(
                f"INSERT INTO {names('event')} ({_COLUMNS}) "
                "WITH RECURSIVE one AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM one "
                f"WHERE n < {size}) "
                f"SELECT CONCAT('bench/order/', %s + n, '/1'), 'orders', 'order', %s + n, %s + n, "
                f"1, 'order.placed', 1, {status_and_due}, 119.0000, 'EUR', UTC_TIMESTAMP(3), "
                f"UTC_TIMESTAMP(3), {finished} FROM one",
                (first + start, first + start, first + start),
            )
            cursor.execute(
                f"INSERT INTO {names('payload')} (kind, entity_id, sequence, payload) "
                "WITH RECURSIVE one AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM one "
                f"WHERE n < {size}) SELECT 'order', %s + n, 1, %s FROM one",
                (first + start, payload),
            )
