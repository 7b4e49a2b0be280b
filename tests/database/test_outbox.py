"""The outbox on a real server: nothing is lost, nothing waits, a poll stays cheap."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from sidecar.capture.outbox import LOOK_BACK_SECONDS, Depth, Hint, Outbox
from sidecar.model.errors import TryAgain
from sidecar.testing.magento_db import MagentoDatabase, PrivateServer, create_magento
from tests.database.capture_bench import Bench, bench_beside


class Stopwatch:
    """A monotonic clock that stands still until it is told otherwise."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture(scope="module")
def magento(server: PrivateServer) -> Iterator[MagentoDatabase]:
    """One shop for all tests here: making its tables takes longer than any test."""
    database = create_magento(server, "outbox_shop")
    yield database
    database.drop()


@pytest.fixture
def bench(magento: MagentoDatabase) -> Iterator[Bench]:
    with bench_beside(magento) as ready:
        ready.triggers().install()
        yield ready


@pytest.fixture
def stopwatch() -> Stopwatch:
    return Stopwatch()


@pytest.fixture
def outbox(bench: Bench, stopwatch: Stopwatch) -> Outbox:
    return Outbox(bench.names, stopwatch)


KINDS = ("order", "creditmemo", "customer", "invoice", "shipment", "stock", "check")


def peek(bench: Bench, outbox: Outbox, limit: int = 100) -> list[Hint]:
    with bench.database.transaction() as connection:
        return outbox.peek(connection, limit, KINDS)


def discard(bench: Bench, outbox: Outbox, hints: list[Hint]) -> int:
    with bench.database.transaction() as connection:
        return outbox.discard(connection, [hint.id for hint in hints])


def entities(hints: list[Hint]) -> list[int]:
    return [hint.entity_id for hint in hints]


def test_hints_come_in_the_order_of_their_ids_and_stay_until_they_are_discarded(
    bench: Bench, outbox: Outbox
) -> None:
    orders = [bench.place_order() for _ in range(3)]

    first = peek(bench, outbox, limit=2)

    assert entities(first) == orders[:2]
    assert peek(bench, outbox, limit=2) == first
    assert discard(bench, outbox, first) == 2
    assert entities(peek(bench, outbox)) == orders[2:]


def test_a_hint_says_what_pointed_and_when_in_utc(bench: Bench, outbox: Outbox) -> None:
    order = bench.place_order()

    (hint,) = peek(bench, outbox)

    assert (hint.kind, hint.entity_id, hint.pointed) == ("order", order, "sales_order_payment_ai")
    assert abs(datetime.now(UTC) - hint.created_at) < timedelta(minutes=1)


def test_a_late_commit_is_not_lost(bench: Bench, outbox: Outbox, stopwatch: Stopwatch) -> None:
    """Its id is lower than all that was seen and discarded meanwhile."""
    with bench.open_checkout() as late:
        for _ in range(2):
            # A mark above the late one: the second round's poll begins at the first round's hint.
            bench.place_order()
            discard(bench, outbox, peek(bench, outbox))
        late.connection.commit()
    ((order,),) = bench.sql("SELECT MIN(parent_id) FROM sales_order_payment")

    assert peek(bench, outbox) == []
    stopwatch.seconds += LOOK_BACK_SECONDS

    assert entities(peek(bench, outbox)) == [order]


def test_a_discard_that_is_rolled_back_leaves_its_hints(
    bench: Bench, outbox: Outbox, stopwatch: Stopwatch
) -> None:
    orders = [bench.place_order() for _ in range(3)]
    hints = peek(bench, outbox)
    with bench.database.transaction() as connection:
        outbox.discard(connection, [hint.id for hint in hints])
        connection.rollback()

    assert entities(peek(bench, outbox)) == orders


def test_an_emptied_outbox_that_counts_from_one_again_is_read_on(
    bench: Bench, outbox: Outbox, stopwatch: Stopwatch
) -> None:
    """MySQL before 8 forgets the counter of an empty table at a restart."""
    for _ in range(3):
        bench.place_order()
    discard(bench, outbox, peek(bench, outbox, limit=2))
    discard(bench, outbox, peek(bench, outbox))
    bench.sql(f"TRUNCATE {bench.names('outbox')}")
    order = bench.place_order()
    stopwatch.seconds += LOOK_BACK_SECONDS

    assert entities(peek(bench, outbox)) == [order]


@pytest.mark.parametrize("committed", [1, 2, 3, 20, 500])
def test_discarding_does_not_wait_for_the_uncommitted_hint_of_an_open_checkout(
    bench: Bench, outbox: Outbox, committed: int
) -> None:
    """A list of ids in one DELETE does, from two ids on: the optimiser scans a short table."""
    with bench.database.transaction() as connection:
        outbox.add(connection, "order", range(1, committed + 1), "sweep")
    with bench.open_checkout():
        hints = peek(bench, outbox, limit=500)
        assert discard(bench, outbox, hints) == len(hints) == committed


def test_one_delete_with_the_same_list_of_ids_would_wait(bench: Bench, outbox: Outbox) -> None:
    """The reason for the join; when this fails, a server has learned better."""
    with bench.database.transaction() as connection:
        outbox.add(connection, "order", range(1, 21), "sweep")
    ids = ", ".join(str(hint.id) for hint in peek(bench, outbox))
    with (
        bench.open_checkout(),
        pytest.raises(TryAgain),
        bench.database.transaction() as connection,
    ):
        connection.exec_driver_sql(f"DELETE FROM {bench.names('outbox')} WHERE id IN ({ids})")


def test_discarding_what_is_gone_is_no_error(bench: Bench, outbox: Outbox) -> None:
    bench.place_order()
    hints = peek(bench, outbox)

    assert discard(bench, outbox, hints) == 1
    assert discard(bench, outbox, hints) == 0
    assert discard(bench, outbox, []) == 0


def pages_read(bench: Bench) -> int:
    """Index pages that the server touched so far: what a walk over unpurged rows costs."""
    ((_, count),) = bench.sql("SHOW GLOBAL STATUS LIKE 'Innodb_buffer_pool_read_requests'")
    return int(count)


def cost_of_a_poll(bench: Bench, outbox: Outbox, polls: int = 20) -> float:
    before = pages_read(bench)
    for _ in range(polls):
        peek(bench, outbox, limit=50)
    return (pages_read(bench) - before) / polls


def test_a_poll_stays_flat_while_somebody_holds_an_old_read_view(
    bench: Bench, outbox: Outbox, stopwatch: Stopwatch
) -> None:
    """As a running mysqldump --single-transaction does: deleted hints cannot be purged."""
    with bench.magento.connect() as dump, dump.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")
        for _ in range(10):
            with bench.database.transaction() as connection:
                outbox.add(connection, "order", range(1, 2001), "sweep")
            while hints := peek(bench, outbox, limit=500):
                discard(bench, outbox, hints)
        # The server counts what its own threads read too: the quietest of a few tries.
        guarded = min(cost_of_a_poll(bench, outbox) for _ in range(5))
        # The first poll of a reader looks from 0.
        unguarded = cost_of_a_poll(bench, Outbox(bench.names), polls=1)

    assert guarded < 15
    assert unguarded > 5 * guarded


def test_the_depth_counts_what_waits_and_how_long_the_oldest_did(
    bench: Bench, outbox: Outbox
) -> None:
    with bench.database.transaction() as connection:
        assert outbox.depth(connection) == Depth(0, capped=False, oldest=None)
    bench.sql(
        f"INSERT INTO {bench.names('outbox')} (kind, entity_id, pointed, created_at) VALUES "
        "('order', 1, 'test', CURRENT_TIMESTAMP(3) - INTERVAL 90 SECOND), "
        "('order', 2, 'test', CURRENT_TIMESTAMP(3))"
    )

    with bench.database.transaction() as connection:
        depth = outbox.depth(connection)

    assert (depth.count, depth.capped) == (2, False)
    assert depth.oldest is not None
    assert timedelta(seconds=90) <= depth.oldest < timedelta(seconds=150)


def test_the_depth_is_told_of_each_kind_apart(bench: Bench, outbox: Outbox) -> None:
    with bench.database.transaction() as connection:
        assert outbox.depth_by_kind(connection) == {}
    bench.sql(
        f"INSERT INTO {bench.names('outbox')} (kind, entity_id, pointed, created_at) VALUES "
        "('order', 1, 'test', CURRENT_TIMESTAMP(3)), "
        "('creditmemo', 1, 'test', CURRENT_TIMESTAMP(3) - INTERVAL 90 SECOND), "
        "('order', 2, 'test', CURRENT_TIMESTAMP(3))"
    )

    with bench.database.transaction() as connection:
        depths = outbox.depth_by_kind(connection)

    assert {kind: (depth.count, depth.capped) for kind, depth in depths.items()} == {
        "order": (2, False),
        "creditmemo": (1, False),
    }
    oldest = depths["creditmemo"].oldest
    assert oldest is not None
    assert timedelta(seconds=90) <= oldest < timedelta(seconds=150)


def test_the_depth_stops_counting_at_its_limit(
    bench: Bench, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sidecar.capture.outbox.COUNT_LIMIT", 5)
    with bench.database.transaction() as connection:
        outbox.add(connection, "order", range(1, 10), "sweep")

        depth = outbox.depth(connection)
        of_orders = outbox.depth_by_kind(connection)["order"]

    assert (depth.count, depth.capped) == (5, True)
    assert (of_orders.count, of_orders.capped) == (5, True)


def test_faults_are_the_breadcrumbs_newest_first(bench: Bench, outbox: Outbox) -> None:
    bench.sql(f"ALTER TABLE {bench.names('outbox')} RENAME COLUMN pointed TO gone")
    orders = [bench.place_order(), bench.place_order()]

    with bench.database.transaction() as connection:
        faults = outbox.faults(connection)
        (newest,) = outbox.faults(connection, limit=1)

    assert [fault.entity_id for fault in faults] == orders[::-1]
    assert newest == faults[0]
    assert (newest.kind, newest.pointed, newest.errno) == ("order", "sales_order_payment_ai", 1054)
    assert newest.message is not None
    assert "pointed" in newest.message
