"""Finished events move to the archive; what is not over stays, however old."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sidecar.domains.orders.events import ORDER_UPDATED
from sidecar.ledger.incoming import Told
from sidecar.ledger.records import Records
from sidecar.ledger.retention import Retention
from tests.harness import LedgerBench, new_event


@pytest.fixture
def retention(ledger: LedgerBench) -> Retention:
    return Retention(ledger.database, ledger.store, timedelta(days=30))


def age(ledger: LedgerBench, event: int, status: str, days: float) -> None:
    ledger.sql(
        "UPDATE {event} SET status = %s, due_at = NULL, finished_at = "
        "UTC_TIMESTAMP(3) - INTERVAL %s SECOND WHERE id = %s",
        status,
        int(days * 86400),
        event,
    )


@pytest.mark.parametrize("status", ["accepted", "superseded"])
def test_what_is_long_over_is_archived_whole(
    ledger: LedgerBench, retention: Retention, status: str
) -> None:
    old, young = ledger.add(new_event(1), new_event(2))
    age(ledger, old, status, 31)
    age(ledger, young, status, 29)
    before = ledger.sql("SELECT * FROM {event} WHERE id = %s", old)

    assert retention.run_once() == 1
    assert retention.run_once() == 0

    assert [event.id for event in ledger.events()] == [young]
    assert ledger.sql("SELECT * FROM {event_archive}") == before


@pytest.mark.parametrize("status", ["pending", "sending", "unknown", "rejected", "parked"])
def test_what_is_not_over_stays(ledger: LedgerBench, retention: Retention, status: str) -> None:
    (event,) = ledger.add(new_event(1))
    age(ledger, event, status, 365)

    assert retention.run_once() == 0


def test_it_goes_in_small_steps(ledger: LedgerBench, retention: Retention) -> None:
    ids = ledger.add(*(new_event(number) for number in range(1, 602)))
    for event in ids[:1]:
        age(ledger, event, "accepted", 31)
    ledger.sql(
        "UPDATE {event} SET status = 'accepted', due_at = NULL, "
        "finished_at = UTC_TIMESTAMP(3) - INTERVAL 31 DAY"
    )

    assert [retention.run_once() for _ in range(3)] == [500, 101, 0]


def test_the_whole_story_of_an_order_is_still_there(
    ledger: LedgerBench, retention: Retention
) -> None:
    old, new = ledger.add(new_event(1), new_event(1, 2, ORDER_UPDATED))
    age(ledger, old, "accepted", 31)
    retention.run_once()

    records = Records(ledger.store.tables)
    with ledger.database.transaction() as connection:
        story = records.events_of(connection, "order", 1)
        event = records.event(connection, "main.order.1.1")

    assert [row.id for row in story] == [old, new]
    assert event is not None
    assert event.status == "accepted"
    assert event.payload == '{"sequence":1}'


def test_a_step_that_breaks_off_loses_nothing(ledger: LedgerBench, retention: Retention) -> None:
    (event,) = ledger.add(new_event(1))
    age(ledger, event, "accepted", 31)
    # As after a crash between copy and delete on a server without transactions across both.
    ledger.sql("INSERT INTO {event_archive} SELECT * FROM {event}")

    retention.run_once()

    assert ledger.events() == []
    assert len(ledger.sql("SELECT * FROM {event_archive}")) == 1


class TestWhatTheErpSaid:
    """Of each document its last word stays, however old: an ERP may tell everything for ever."""

    @staticmethod
    def tell(ledger: LedgerBench, said: str, status: str, days: float, number: str = "L-1") -> int:
        """One news that was finished so many days ago, told in the order in which it is added."""
        ledger.sql(
            "INSERT INTO {incoming} (domain, account, number, version, told_at, payload, status, "
            "waiting_since, created_at, finished_at) SELECT 'shipments', 'main', %s, %s, "
            "'2026-01-01' + INTERVAL COUNT(*) HOUR, '{{}}', %s, UTC_TIMESTAMP(3), "
            "UTC_TIMESTAMP(3), UTC_TIMESTAMP(3) - INTERVAL %s SECOND FROM {incoming}",
            number,
            said,
            status,
            int(days * 86_400),
        )
        [(newest,)] = ledger.sql("SELECT MAX(id) FROM {incoming}")
        return int(newest)

    @staticmethod
    def kept(ledger: LedgerBench) -> list[int]:
        return [row.id for row in ledger.sql("SELECT id FROM {incoming} ORDER BY id")]

    def test_what_was_overtaken_long_ago_goes_and_the_last_word_stays(
        self, ledger: LedgerBench, retention: Retention
    ) -> None:
        self.tell(ledger, "a", "applied", 90)
        self.tell(ledger, "b", "superseded", 80)
        last = self.tell(ledger, "c", "applied", 70)

        assert retention.run_once() == 2
        assert retention.run_once() == 0
        assert self.kept(ledger) == [last]

    def test_what_was_overtaken_of_late_stays(
        self, ledger: LedgerBench, retention: Retention
    ) -> None:
        self.tell(ledger, "a", "applied", 29)
        self.tell(ledger, "b", "applied", 1)
        assert retention.run_once() == 0

    @pytest.mark.parametrize("status", ["dropped", "superseded", "applied"])
    def test_what_nothing_newer_took_the_place_of_stays(
        self, ledger: LedgerBench, retention: Retention, status: str
    ) -> None:
        self.tell(ledger, "a", status, 365)
        self.tell(ledger, "b", "applied", 365, number="L-2")
        assert retention.run_once() == 0

    @pytest.mark.parametrize("status", ["waiting", "asked", "parked", "differs"])
    def test_what_waits_stays_though_something_newer_was_applied(
        self, ledger: LedgerBench, retention: Retention, status: str
    ) -> None:
        self.tell(ledger, "a", status, 365)
        self.tell(ledger, "b", "applied", 364)
        assert retention.run_once() == 0

    def test_of_levels_nothing_stays_but_what_is_parked(self, ledger: LedgerBench) -> None:
        retention = Retention(
            ledger.database, ledger.store, timedelta(days=30), levels=["shipments"]
        )
        self.tell(ledger, "a", "superseded", 90)
        parked = self.tell(ledger, "b", "parked", 80)
        assert retention.run_once() == 1
        assert self.kept(ledger) == [parked]

    def test_what_is_said_again_after_its_earlier_words_are_gone_is_kept_anew(
        self, ledger: LedgerBench
    ) -> None:
        """A status that goes there and back, without a moment of its own."""
        incoming, say = ledger.store.incoming, Told
        for text in ("OPEN", "HELD", "OPEN"):
            with ledger.database.transaction() as connection:
                assert incoming.keep(connection, "shipments", "main", [say("L-1", text)]) == 1
        ledger.sql("DELETE FROM {incoming} ORDER BY id LIMIT 2")
        for text in ("HELD", "OPEN"):
            with ledger.database.transaction() as connection:
                assert incoming.keep(connection, "shipments", "main", [say("L-1", text)]) == 1
