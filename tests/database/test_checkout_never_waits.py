"""Checkout never waits for us and never fails because of us: the first promise, on a real server.

The shop's own session waits one second at the most for any lock, so a lock of ours that it met
would fail an order within the test.  The last test shows that this set-up can fail.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

import pymysql
import pytest

from sidecar.capture.outbox import Outbox
from sidecar.capture.triggers import State
from sidecar.database.connection import Database, Login
from sidecar.ledger.migrate import Ledger
from sidecar.ledger.tables import LedgerNames
from sidecar.testing.magento_db import (
    MagentoDatabase,
    MySql,
    PrivateServer,
    Shop,
    create_magento,
)
from tests.database.capture_bench import Bench, bench_beside, login

pytestmark = pytest.mark.alone

LONGEST_SECONDS = 0.3


@pytest.fixture(scope="module")
def magento(server: PrivateServer) -> Iterator[MagentoDatabase]:
    """One shop for all tests here: making its tables takes longer than any test."""
    database = create_magento(server, "checkout_shop")
    yield database
    database.drop()


@pytest.fixture
def bench(magento: MagentoDatabase) -> Iterator[Bench]:
    with bench_beside(magento) as ready:
        ready.triggers("orders", "inventory", "customers").install()
        yield ready


class Checkout:
    """Places orders as Magento does and notes how long each statement took."""

    def __init__(self, bench: Bench) -> None:
        self.seconds: list[tuple[float, str]] = []
        self._since = time.monotonic()
        self._shop = Shop(bench.magento, bench.checkout(), self._note)

    def _note(self, statement: str) -> None:
        now = time.monotonic()
        self.seconds.append((now - self._since, statement))
        self._since = now

    def place(self, orders: int = 1) -> None:
        for _ in range(orders):
            self._since = time.monotonic()
            self._shop.place()

    def close(self) -> None:
        self._shop.close()

    @property
    def longest(self) -> tuple[float, str]:
        return max(self.seconds)


@pytest.fixture
def checkout(bench: Bench) -> Iterator[Checkout]:
    shop = Checkout(bench)
    shop.place()
    yield shop
    shop.close()


def assert_it_never_waited(checkout: Checkout, longest: float = LONGEST_SECONDS) -> None:
    seconds, statement = checkout.longest
    assert seconds < longest, f"{statement} took {seconds:.3f} s"


# --- a claim that is open, stopped, killed --------------------------------------------------------


def hold_a_claim(place: Login, names: LedgerNames, pipe: Connection) -> None:
    """The reader's transaction, held open after its delete until the parent says so."""
    database = Database(place)
    outbox = Outbox(names)
    with database.transaction() as connection:
        hints = outbox.peek(connection, 500, ["order"])
        outbox.discard(connection, [hint.id for hint in hints])
        pipe.send(len(hints))
        pipe.recv()
    database.close()


@contextmanager
def another_process_claims(bench: Bench) -> Iterator[int]:
    """A claim of every hint, open in a process of its own; gives its pid."""
    spawning = multiprocessing.get_context("spawn")
    ours, theirs = spawning.Pipe()
    process = spawning.Process(
        target=hold_a_claim, args=(login(bench.magento), bench.names, theirs), daemon=True
    )
    process.start()
    try:
        assert ours.poll(30)
        assert ours.recv() > 0
        assert process.pid is not None
        yield process.pid
    finally:
        process.kill()
        process.join()
        process.close()
        ours.close()
        theirs.close()


def test_while_a_claim_is_open(bench: Bench, checkout: Checkout) -> None:
    with another_process_claims(bench):
        checkout.place(5)

    assert_it_never_waited(checkout)


def test_while_the_process_of_an_open_claim_is_stopped(bench: Bench, checkout: Checkout) -> None:
    with another_process_claims(bench) as pid:
        os.kill(pid, signal.SIGSTOP)
        checkout.place(5)

    assert_it_never_waited(checkout)


def test_after_the_process_of_an_open_claim_was_killed_and_its_hints_come_back(
    bench: Bench, checkout: Checkout
) -> None:
    before = bench.hints()
    with another_process_claims(bench) as pid:
        os.kill(pid, signal.SIGKILL)
        checkout.place(5)

    assert_it_never_waited(checkout)
    assert bench.hints()[: len(before)] == before


def test_while_the_reader_claims_and_the_operator_points_without_a_pause(
    bench: Bench, checkout: Checkout
) -> None:
    outbox = Outbox(bench.names)

    def claim_and_point() -> None:
        with bench.database.transaction() as connection:
            hints = outbox.peek(connection, 3, ["order"])
            outbox.discard(connection, [hint.id for hint in hints])
            outbox.add(connection, "order", (1, 2), "operator")

    with repeating(claim_and_point) as rounds:
        checkout.place(20)

    assert_it_never_waited(checkout)
    assert rounds()


# --- our tables going away and coming -------------------------------------------------------------


@pytest.mark.parametrize(
    "loss",
    ["RENAME TABLE {outbox} TO {magento}.elsewhere", "DROP TABLE {outbox}", "DROP SCHEMA {schema}"],
)
def test_while_the_outbox_is_gone(bench: Bench, checkout: Checkout, loss: str) -> None:
    bench.sql(
        loss.format(
            outbox=bench.names("outbox"),
            magento=f"`{bench.magento.name}`",
            schema=f"`{bench.names.schema}`",
        )
    )

    checkout.place(5)

    assert_it_never_waited(checkout)


def test_while_the_ledger_is_migrated_and_dropped_again_and_again(
    bench: Bench, checkout: Checkout
) -> None:
    """Another ledger's tables, on the server on which the shop's triggers write theirs."""
    names = LedgerNames(f"{bench.magento.name}_ledger_next")
    ledger = Ledger(bench.database, names)

    def migrate_and_drop() -> None:
        ledger.migrate()
        ledger.drop()

    with repeating(migrate_and_drop) as rounds:
        checkout.place(20)

    assert_it_never_waited(checkout)
    assert rounds()


# --- our DDL on Magento's tables ------------------------------------------------------------------


def test_while_triggers_are_put_on_and_taken_off_again_and_again(
    bench: Bench, checkout: Checkout
) -> None:
    triggers = bench.triggers()

    def install_and_remove() -> None:
        triggers.remove()
        triggers.install()

    with repeating(install_and_remove) as rounds:
        checkout.place(30)

    assert_it_never_waited(checkout)
    assert rounds() > 1


def test_an_install_that_meets_an_open_order_lets_the_next_order_pass(
    bench: Bench, checkout: Checkout
) -> None:
    """A DDL that waits makes everybody queue behind it; ours does not wait (MySQL: one second)."""
    triggers = bench.triggers()
    triggers.remove()
    with bench.open_checkout() as cursor, repeating(checkout.place) as placed:
        bench.sleeper.then = cursor.connection.commit
        started = time.monotonic()

        triggers.install()

        gave_way_after = time.monotonic() - started
    assert len(bench.sleeper.pauses) >= 1
    assert gave_way_after < 5
    assert placed()
    on_mysql = isinstance(bench.magento.server.flavour, MySql)
    assert_it_never_waited(checkout, 1.3 if on_mysql else LONGEST_SECONDS)
    assert {state.state for state in triggers.status()} == {State.OK}


# --- the proof that these tests can fail ----------------------------------------------------------


@pytest.mark.parametrize(
    ("isolation", "blocked"), [("READ COMMITTED", False), ("REPEATABLE READ", True)]
)
def test_a_locking_claim_blocks_checkout_in_repeatable_read_and_not_in_read_committed(
    bench: Bench, checkout: Checkout, isolation: str, blocked: bool
) -> None:
    with bench.magento.connect(autocommit=False) as claim, claim.cursor() as cursor:
        cursor.execute(f"SET SESSION TRANSACTION ISOLATION LEVEL {isolation}")
        cursor.execute(f"SELECT id FROM {bench.names('outbox')} ORDER BY id LIMIT 50 FOR UPDATE")

        assert fails_with_a_lock_wait(checkout.place) is blocked


def test_our_own_claim_would_block_checkout_in_repeatable_read(
    bench: Bench, checkout: Checkout
) -> None:
    """Where another reader was quicker, the delete of an id that is gone locks the gap."""
    outbox = Outbox(bench.names)
    with bench.database.transaction() as connection:
        ids = [hint.id for hint in outbox.peek(connection, 50, ["order"])]
        outbox.discard(connection, ids)

    with bench.database.transaction() as connection:
        assert outbox.discard(connection, ids) == 0
        assert not fails_with_a_lock_wait(checkout.place)
    with bench.magento.connect(autocommit=False) as claim, claim.cursor() as cursor:
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        beyond = "SELECT MAX(id) + 1 FROM " + bench.names("outbox")
        ((gone,),) = bench.sql(beyond)
        cursor.execute(f"DELETE FROM {bench.names('outbox')} WHERE id = {gone}")

        assert fails_with_a_lock_wait(checkout.place)


def fails_with_a_lock_wait(place: Callable[[], None]) -> bool:
    try:
        place()
    except pymysql.MySQLError as error:
        if error.args[0] != 1205:
            raise
        return True
    return False


@contextmanager
def repeating(act: Callable[[], Any]) -> Iterator[Callable[[], int]]:
    """Do `act` over and over in a thread; gives how often it was done.  Its error is raised."""
    done = 0
    errors: list[Exception] = []
    stop = threading.Event()
    first = threading.Event()

    def work() -> None:
        nonlocal done
        try:
            while not stop.is_set():
                act()
                done += 1
                first.set()
        except Exception as error:  # noqa: BLE001 - raised again by the test's own thread
            errors.append(error)
        finally:
            first.set()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert first.wait(30)
        yield lambda: done
    finally:
        stop.set()
        thread.join(60)
    assert not thread.is_alive()
    if errors:
        raise errors[0]
