"""The claim (`Claimer.claim`, 50 events) on three ledgers: 1,000 events pending; 2,000,000 pending;
1,000 pending beside 2,000,000 finished.  One claim on each in turn, so that the machine's moods hit
all alike; what was claimed counts as done and as many new events follow, so each claim meets fresh
rows at a moving front, as in life.  The whole again while another session holds a read view from
before, which keeps InnoDB from purging (a running dump).  Rows that no claim reaches carry a short
payload, to fit on a disk.  The server's buffer pool holds all three (8 GiB): with the 128 MiB that
are its default, the 50 payloads of an old backlog come from the disk and those of a young one do
not, which says nothing about the claim.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from statistics import median
from typing import Any

import pymysql

from sidecar.database.connection import Database, Login
from sidecar.delivery.claim import Claimer
from sidecar.domains.orders.gate import OrderGate
from sidecar.domains.orders.spec import SPEC
from sidecar.host.process import SystemClock
from sidecar.ledger.migrate import Ledger
from sidecar.ledger.store import LedgerStore
from sidecar.ledger.tables import LedgerNames
from sidecar.model.secret import Secret
from sidecar.testing.magento_db import PrivateServer
from tests.bench.ledger_rows import SAMPLE, STUB, add_finished, add_pending
from tests.bench.report import Report, at_most, percentile
from tests.bench.scale import Scale
from tests.bench.stand import version_named
from tests.servers import flavour_asked_for

BATCH = 50
_FEW = 1_000
_SUBSCRIPTIONS = frozenset({"order.placed"})


class Subject:
    """One ledger and its claimer."""

    def __init__(self, server: PrivateServer, schema: str) -> None:
        login = Login("root", Secret(""), "mysql", socket=str(server.socket))
        self.database = Database(login)
        self.names = LedgerNames(schema)
        Ledger(self.database, self.names).migrate()
        self.store = LedgerStore(self.names)
        self.claimer = Claimer(
            self.database,
            self.store,
            OrderGate({"default": "always"}),
            SystemClock(),
            spec=SPEC,
            subscriptions=_SUBSCRIPTIONS,
            owner="bench",
            lease_seconds=600,
            may_send=lambda _: True,
        )
        self.seconds: list[float] = []

    def once(self, connection: pymysql.Connection[Any]) -> None:
        """A claim that is timed, and what follows from it in the table, which is not."""
        started = time.perf_counter()
        claim = self.claimer.claim(BATCH)
        self.seconds.append(time.perf_counter() - started)
        if len(claim.pushes) != BATCH:
            raise RuntimeError(f"{self.names.schema}: {len(claim.pushes)} claimed, not {BATCH}")
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {self.names('event')} SET status = 'accepted', lease_owner = NULL, "
                "lease_until = NULL, finished_at = UTC_TIMESTAMP(3) WHERE id IN %s",
                (tuple(claimed.id for claimed in claim.pushes),),
            )
        add_pending(connection, self.names, BATCH, SAMPLE)


def measure(report: Report, scale: Scale) -> None:
    """Fill `report`."""
    many, repetitions = scale.pick(2_000_000, 200_000), scale.pick(400, 100)
    with (
        PrivateServer(
            fsync=True,
            options={"innodb_buffer_pool_size": "8G"},
            flavour=flavour_asked_for(),
        ) as server,
        server.connect() as connection,
    ):
        with connection.cursor() as cursor:
            cursor.execute("SELECT VERSION()")
            version = str(cursor.fetchall()[0][0])
        report.server = version_named(version)
        subjects = {
            "1,000 pending": Subject(server, "few"),
            f"{many:,} pending": Subject(server, "pending"),
            f"1,000 pending, {many:,} finished": Subject(server, "finished"),
        }
        few, pending, finished = subjects.values()
        # Twice what the repetitions consume carries a real payload.
        reached = 2 * repetitions * BATCH + 20 * BATCH
        with _in_a_hurry(connection):
            add_pending(connection, few.names, _FEW, SAMPLE)
            add_pending(connection, pending.names, reached, SAMPLE)
            add_pending(connection, pending.names, many - reached, STUB)
            add_finished(connection, finished.names, many, STUB)
            add_pending(connection, finished.names, _FEW, SAMPLE)
            for subject in subjects.values():
                connection.cursor().execute(f"ANALYZE TABLE {subject.names('event')}")
        _run(report, subjects, connection, repetitions, "")
        with server.connect(autocommit=False) as dump, dump.cursor() as cursor:
            cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")
            cursor.execute(f"SELECT COUNT(*) FROM {few.names('lease')}")
            _run(report, subjects, connection, repetitions, ", old read view held")
        for subject in subjects.values():
            subject.database.close()


def _run(
    report: Report,
    subjects: Mapping[str, Subject],
    connection: pymysql.Connection[Any],
    repetitions: int,
    circumstance: str,
) -> None:
    for subject in subjects.values():
        for _ in range(10):
            subject.once(connection)
        subject.seconds.clear()
    for _ in range(repetitions):
        for subject in subjects.values():
            subject.once(connection)
    few = next(iter(subjects.values()))
    for name, subject in subjects.items():
        report.add(f"claim, {name}{circumstance}", "ms", [1000 * median(subject.seconds)])
        report.add("… 99 of 100", "ms", [1000 * percentile(subject.seconds, 0.99)])
        if subject is not few:
            ratio = median(subject.seconds) / median(few.seconds)
            report.add("… times that of 1,000", "", [ratio], at_most(1.3))


@contextmanager
def _in_a_hurry(connection: pymysql.Connection[Any]) -> Iterator[None]:
    """Filling needs no fsync and no binlog."""
    cursor = connection.cursor()
    cursor.execute("SET SESSION sql_log_bin = 0")
    cursor.execute("SET GLOBAL innodb_flush_log_at_trx_commit = 0")
    try:
        yield
    finally:
        cursor.execute("SET SESSION sql_log_bin = 1")
        cursor.execute("SET GLOBAL innodb_flush_log_at_trx_commit = 1")
