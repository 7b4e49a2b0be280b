"""What `top` asks every second walks no further than the backlog is long, and holds no lock."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa

from sidecar.capture.triggers import State
from sidecar.domains import SPECS
from sidecar.host.process import SystemClock
from sidecar.ledger.backlog import Backlog
from sidecar.ledger.overview import Overview
from sidecar.model.settlement import EventStatus
from sidecar.monitor.accounts import AccountLimits
from sidecar.monitor.top.watch import Subject, Watch
from sidecar.monitor.trigger_states import TriggerStates
from sidecar.operate.naming import name_of
from tests.harness import ORDERS, LedgerBench, new_event

FINISHED = 20_000


@pytest.fixture
def backlog(ledger: LedgerBench) -> Backlog:
    return Backlog(ledger.store.tables)


def watch(ledger: LedgerBench) -> Watch:
    subject = Subject(
        "shop",
        {"main": AccountLimits("https://erp", 4, 60.0)},
        [ORDERS],
        lambda: TriggerStates({"t": State.OK}, None),
        partial(name_of, SPECS),
    )
    return Watch(ledger.database, ledger.store, subject, SystemClock())


def put(ledger: LedgerBench, **statuses: int) -> None:
    """Events of so many orders in each status, older ones first."""
    ids = ledger.add(*[new_event(number) for number in range(1, sum(statuses.values()) + 1)])
    for status, count in statuses.items():
        for _ in range(count):
            ledger.sql("UPDATE {event} SET status = %s WHERE id = %s", status, ids.pop(0))


def finish_many(ledger: LedgerBench) -> None:
    """Finished events and their attempts, as they stand in a ledger that has run for long."""
    ledger.sql(
        "INSERT INTO {event} (event_id, domain, kind, entity_id, number, sequence, type, "
        "version, status, occurred_at, created_at) SELECT seq, 'orders', 'order', seq + 1000, seq, "
        "1, 'order.placed', 1, 'accepted', UTC_TIMESTAMP(3), UTC_TIMESTAMP(3) "
        f"FROM {numbers(FINISHED)}"
    )
    ledger.sql(
        "INSERT INTO {attempt} (event, number, operation, fence, owner, outcome, at) SELECT seq, "
        f"1, 'push', 1, 'one', 'accepted', UTC_TIMESTAMP(3) FROM {numbers(FINISHED)}"
    )


def numbers(count: int) -> str:
    """1 to `count` as a table, on either server."""
    return (
        "(WITH RECURSIVE a AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM a WHERE n < 200) "
        f"SELECT (x.n - 1) * 200 + y.n AS seq FROM a x, a y ORDER BY seq LIMIT {count}) AS numbers"
    )


def rows_read(connection: sa.Connection) -> int:
    counted = connection.exec_driver_sql("SHOW SESSION STATUS LIKE 'Handler_read%%'")
    return sum(int(value) for name, value in counted if "rnd_deleted" not in name)


def test_counts_and_age_are_those_of_what_is_not_over(
    ledger: LedgerBench, backlog: Backlog
) -> None:
    put(ledger, rejected=1, pending=3, accepted=2, unknown=1)
    ledger.sql(
        "UPDATE {event} SET created_at = UTC_TIMESTAMP(3) - INTERVAL 90 SECOND "
        "WHERE status IN ('pending', 'rejected')"
    )
    with ledger.database.transaction() as connection:
        assert backlog.counts(connection, ORDERS) == {
            "pending": 3,
            "sending": 0,
            "unknown": 1,
            "rejected": 1,
            "parked": 0,
        }
        assert backlog.oldest(connection, ORDERS) == pytest.approx(90, abs=30)
        assert backlog.oldest(connection, "refunds") is None


def test_the_newest_troubled_events_come_first(ledger: LedgerBench, backlog: Backlog) -> None:
    put(ledger, rejected=2, parked=1, accepted=1, unknown=1)
    with ledger.database.transaction() as connection:
        rows = backlog.troubled(connection, ORDERS, 3)
    assert [row.status for row in rows] == ["unknown", "parked", "rejected"]
    assert all(row.age >= 0 for row in rows)


def test_a_look_reads_no_finished_event(ledger: LedgerBench) -> None:
    finish_many(ledger)
    put(ledger, rejected=3, pending=20)
    backlog, overview = Backlog(ledger.store.tables), Overview(ledger.store.tables)
    with ledger.database.transaction() as connection:
        newest = connection.execute(sa.select(sa.func.max(ledger.store.tables.attempt.c.id)))
        after = int(newest.scalar_one()) - 500
        before = rows_read(connection)
        backlog.counts(connection, ORDERS)
        backlog.oldest(connection, ORDERS)
        backlog.troubled(connection, ORDERS, 20)
        backlog.calls(connection, after, 5_000)
        backlog.unwritten(connection)
        overview.differing(connection)
        read = rows_read(connection) - before
    assert read < 2_500, f"{read} rows were read of {FINISHED} events"


def test_a_look_waits_for_nobody_and_holds_no_lock(ledger: LedgerBench) -> None:
    put(ledger, rejected=1, pending=2)
    looking = watch(ledger)
    with ledger.database.transaction() as busy:
        busy.exec_driver_sql(f"SELECT id FROM {ledger.store.names('event')} FOR UPDATE")
        busy.exec_driver_sql(f"SELECT * FROM {ledger.store.names('control')} FOR UPDATE")
        seen = looking.look()
    assert seen.domains[0].events[EventStatus.PENDING] == 2
    locked: list[Any] = []
    original = looking._backlog.unwritten

    def ask(connection: sa.Connection) -> int:
        row = connection.exec_driver_sql(
            "SELECT trx_rows_locked, trx_tables_locked FROM information_schema.INNODB_TRX "
            "WHERE trx_mysql_thread_id = CONNECTION_ID()"
        ).first()
        locked.append(tuple(row) if row else (0, 0))
        return original(connection)

    looking._backlog.unwritten = ask  # type: ignore[method-assign]
    looking.look()
    assert locked == [(0, 0)]


def test_rates_come_from_the_attempts_of_this_and_earlier_looks(ledger: LedgerBench) -> None:
    finish_many(ledger)
    looking = watch(ledger)
    first = looking.look().traffic
    assert first.last_five is None, "5,000 calls of the newest second hide older ones"
    ledger.sql("UPDATE {attempt} SET at = at - INTERVAL 1 HOUR")
    ledger.sql(
        "INSERT INTO {attempt} (event, number, operation, fence, owner, outcome, milliseconds, at) "
        "VALUES (1, 1, 'push', 1, 'one', 'accepted', 30, UTC_TIMESTAMP(3))"
    )
    later = watch(ledger).look().traffic
    assert (later.last_minute, later.last_five, later.p50) == (1.0, 0.2, 30.0)
