"""Claims, leases and fences on a real server."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pymysql
import pytest
import sqlalchemy as sa

from sidecar.domains.orders.events import ORDER_CANCELED, ORDER_UPDATED
from sidecar.ledger.claims import Claimed
from sidecar.ledger.events import BEHIND_ANOTHER
from sidecar.model.errors import SidecarError, TryAgain
from sidecar.model.settlement import BAD_DATA, EventStatus, Settlement
from tests.harness import ORDERS, LedgerBench, new_event

PENDING, SENDING, ACCEPTED, REJECTED, UNKNOWN, PARKED, SUPERSEDED = EventStatus
DONE = Settlement(ACCEPTED)


def named(*ids: int) -> dict[int, str]:
    """Each event with the external reference of its order."""
    return {event_id: f"{event_id:09d}" for event_id in ids}


def take(
    ledger: LedgerBench, ids: list[int], owner: str = "one", *, seconds: float = 60, **how: bool
) -> list[Claimed]:
    with ledger.database.transaction() as connection:
        return ledger.store.events.take(connection, named(*ids), owner, seconds, **how)


def settle(
    ledger: LedgerBench, claimed: Claimed, settlement: Settlement = DONE, owner: str = "one"
) -> bool:
    with ledger.database.transaction() as connection:
        return ledger.store.events.settle(connection, claimed, owner, settlement)


def expire(ledger: LedgerBench, most: int = 3) -> list[Claimed]:
    with ledger.database.transaction() as connection:
        return ledger.store.events.expire(connection, ORDERS, most)


def release(ledger: LedgerBench, claimed: Claimed, owner: str = "one") -> None:
    with ledger.database.transaction() as connection:
        ledger.store.events.release(connection, [claimed], owner)


def requeue(ledger: LedgerBench, *ids: int, keep_doubt: bool) -> int:
    with ledger.database.transaction() as connection:
        return ledger.store.acts.requeue(connection, ids, keep_doubt=keep_doubt)


def candidates(ledger: LedgerBench, limit: int = 10, **how: Any) -> list[int]:
    with ledger.database.transaction() as connection:
        found = ledger.store.events.candidates(connection, ORDERS, limit, **how)
    return [one.id for one in found]


def let_the_lease_run_out(ledger: LedgerBench) -> None:
    ledger.sql("UPDATE {event} SET lease_until = UTC_TIMESTAMP(3) - INTERVAL 1 SECOND")


@pytest.fixture
def event_id(ledger: LedgerBench) -> int:
    """One placement that is due."""
    (event_id,) = ledger.add(new_event(1))
    return event_id


class TestTheFence:
    def test_who_holds_the_claim_settles_it(self, ledger: LedgerBench, event_id: int) -> None:
        (claimed,) = take(ledger, [event_id])

        assert settle(ledger, claimed)
        assert not settle(ledger, claimed)
        assert ledger.event(event_id).status == "accepted"

    def test_a_settlement_that_comes_late_is_refused(
        self, ledger: LedgerBench, event_id: int
    ) -> None:
        (zombie,) = take(ledger, [event_id])
        let_the_lease_run_out(ledger)
        expire(ledger)
        (fresh,) = take(ledger, [event_id], "two", probing=True)

        assert fresh.fence == zombie.fence + 1
        assert not settle(ledger, zombie, Settlement(REJECTED))
        assert ledger.event(event_id).status == "sending"
        assert settle(ledger, fresh, owner="two")

    def test_it_is_refused_also_after_the_same_owner_claimed_again(
        self, ledger: LedgerBench, event_id: int
    ) -> None:
        (zombie,) = take(ledger, [event_id])
        let_the_lease_run_out(ledger)
        expire(ledger)
        take(ledger, [event_id], probing=True)

        assert not settle(ledger, zombie)

    def test_between_lease_and_next_claim_nobody_can_settle(
        self, ledger: LedgerBench, event_id: int
    ) -> None:
        (zombie,) = take(ledger, [event_id])
        let_the_lease_run_out(ledger)
        expire(ledger)

        assert not settle(ledger, zombie)
        release(ledger, zombie)
        assert ledger.event(event_id).status == "unknown"

    def test_a_settlement_that_changes_nothing_counts_as_one(
        self, ledger: LedgerBench, event_id: int
    ) -> None:
        """SQLAlchemy has the server report matched rows, plain PyMySQL changed ones: with those an
        update to equal values would look like a lost claim.
        """
        (claimed,) = take(ledger, [event_id])
        with ledger.database.transaction() as connection:
            statement = f"UPDATE {ledger.store.names('event')} SET status = status WHERE id = %s"
            assert connection.exec_driver_sql(statement, (claimed.id,)).rowcount == 1
        with (
            pymysql.connect(
                unix_socket=ledger.database.login.socket, user="root", autocommit=True
            ) as plain,
            plain.cursor() as cursor,
        ):
            cursor.execute(statement, (claimed.id,))
            assert cursor.rowcount == 0


class TestALease:
    def test_that_ran_out_means_unknown_never_pending(
        self, ledger: LedgerBench, event_id: int
    ) -> None:
        take(ledger, [event_id])
        assert expire(ledger) == []
        let_the_lease_run_out(ledger)

        (expired,) = expire(ledger)

        event = ledger.event(event_id)
        assert expired.id == event_id
        assert (event.status, event.maybe_booked, event.lease_owner) == ("unknown", 1, None)
        assert event.due_at is not None
        assert expire(ledger) == []

    def test_of_a_dead_process_ends_at_once_and_nobody_elses_does(
        self, ledger: LedgerBench, event_id: int
    ) -> None:
        (other,) = ledger.add(new_event(2))
        take(ledger, [event_id], "dead")
        take(ledger, [other], "living")
        with ledger.database.transaction() as connection:
            assert sorted(ledger.store.events.claimers(connection)) == ["dead", "living"]
            assert ledger.store.events.end(connection, ["dead"]) == 1

        assert [expired.id for expired in expire(ledger)] == [event_id]
        assert ledger.event(event_id).status == "unknown"
        assert ledger.event(other).status == "sending"

    def test_that_ran_out_leaves_open_until_when_the_event_may_have_been_sent(
        self, ledger: LedgerBench, event_id: int
    ) -> None:
        """A claim that is renewed while it waits for its turn may be sent long after it was taken:
        counted from there the ERP's "not there" would be believed while it still books.
        """
        take(ledger, [event_id])
        ledger.sql("UPDATE {event} SET sent_at = UTC_TIMESTAMP(3) - INTERVAL 1 HOUR")
        let_the_lease_run_out(ledger)
        ran_out_at = ledger.event(event_id).lease_until
        expire(ledger)

        (asked,) = take(ledger, [event_id], "two", probing=True)
        assert ledger.event(event_id).sent_at == ran_out_at
        assert asked.since_sent is not None
        assert asked.since_sent < 600

    def test_that_ran_out_while_it_was_only_asked_about_says_nothing_of_the_sending(
        self, ledger: LedgerBench, event_id: int
    ) -> None:
        take(ledger, [event_id])
        let_the_lease_run_out(ledger)
        expire(ledger)
        sent_at = ledger.event(event_id).sent_at
        take(ledger, [event_id], "two", probing=True)
        let_the_lease_run_out(ledger)
        expire(ledger)

        assert ledger.event(event_id).sent_at == sent_at

    def test_is_renewed_by_its_owner_only_and_only_while_it_lasts(
        self, ledger: LedgerBench, event_id: int
    ) -> None:
        def renew(owner: str) -> int:
            with ledger.database.transaction() as connection:
                return ledger.store.events.renew(connection, [event_id], owner, 600)

        take(ledger, [event_id], seconds=30)
        before = ledger.event(event_id).lease_until

        assert renew("two") == 0
        assert renew("one") == 1
        assert ledger.event(event_id).lease_until > before
        let_the_lease_run_out(ledger)
        assert renew("one") == 0

    def test_is_measured_by_the_databases_clock(self, ledger: LedgerBench, event_id: int) -> None:
        take(ledger, [event_id], seconds=30)

        ((left,),) = ledger.sql(
            "SELECT TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(3), lease_until) FROM {event}"
        )
        assert 20e6 < left <= 30e6

    def test_that_process_after_process_dies_of_is_parked(
        self, ledger: LedgerBench, event_id: int
    ) -> None:
        for crash in range(3):
            (claimed,) = take(ledger, [event_id])
            assert claimed.crashes == crash
            let_the_lease_run_out(ledger)
            expire(ledger, most=3)
            for asked in take(ledger, [event_id], probing=True):
                settle(ledger, asked, Settlement(PENDING, due_in=0))

        event = ledger.event(event_id)
        assert (event.status, event.due_at, event.maybe_booked) == ("parked", None, 1)
        assert event.remedy

    def test_that_processes_die_of_while_they_only_ask_counts_as_well_and_nothing_was_sent(
        self, ledger: LedgerBench, event_id: int
    ) -> None:
        ends = []
        for _ in range(3):
            take(ledger, [event_id], probing=True)
            let_the_lease_run_out(ledger)
            expire(ledger, most=3)
            event = ledger.event(event_id)
            ends.append((event.status, event.crashes, event.maybe_booked))

        assert ends == [("unknown", 1, 0), ("unknown", 2, 0), ("parked", 3, 0)]

    def test_of_another_domain_is_none_of_our_business(
        self, ledger: LedgerBench, event_id: int
    ) -> None:
        (other,) = ledger.add(new_event(2, domain="refunds"))
        take(ledger, [event_id, other])
        let_the_lease_run_out(ledger)

        assert [claimed.id for claimed in expire(ledger)] == [event_id]


class TestTaking:
    def test_counts_attempts_and_fence_and_keeps_the_first_moment(
        self, ledger: LedgerBench, event_id: int
    ) -> None:
        (first,) = take(ledger, [event_id])
        first_sent = ledger.event(event_id).first_sent_at
        settle(ledger, first, Settlement(PENDING, due_in=0))
        (second,) = take(ledger, [event_id])

        assert [(one.attempts, one.fence) for one in (first, second)] == [(1, 1), (2, 2)]
        assert ledger.event(event_id).first_sent_at == first_sent
        assert second.since_sent is not None
        assert second.age >= second.since_sent

    def test_to_ask_is_no_attempt_to_deliver(self, ledger: LedgerBench, event_id: int) -> None:
        (claimed,) = take(ledger, [event_id], probing=True)

        event = ledger.event(event_id)
        assert (claimed.attempts, event.first_sent_at, event.sent_at) == (0, None, None)

    def test_leaves_what_is_on_its_way(self, ledger: LedgerBench, event_id: int) -> None:
        take(ledger, [event_id])

        assert take(ledger, [event_id], "two") == []
        assert ledger.event(event_id).lease_owner == "one"

    @pytest.mark.parametrize("status", ["accepted", "superseded", "rejected", "parked"])
    def test_leaves_what_is_over_or_a_humans_turn(
        self, ledger: LedgerBench, event_id: int, status: str
    ) -> None:
        ledger.sql("UPDATE {event} SET status = %s", status)

        assert take(ledger, [event_id], probing=True) == []

    def test_takes_what_is_unknown_only_to_ask(self, ledger: LedgerBench, event_id: int) -> None:
        ledger.sql("UPDATE {event} SET status = 'unknown', maybe_booked = 1")

        assert take(ledger, [event_id]) == []
        assert len(take(ledger, [event_id], probing=True)) == 1

    def test_nothing_is_nothing(self, ledger: LedgerBench) -> None:
        assert take(ledger, []) == []


class TestGivingBack:
    def test_an_unsent_push_is_due_again_and_was_no_attempt(
        self, ledger: LedgerBench, event_id: int
    ) -> None:
        (claimed,) = take(ledger, [event_id])

        release(ledger, claimed)

        event = ledger.event(event_id)
        assert (event.status, event.attempts, event.lease_owner) == ("pending", 0, None)
        assert candidates(ledger) == [event_id]

    def test_an_unasked_question_stays_one_and_costs_no_attempt(
        self, ledger: LedgerBench, event_id: int
    ) -> None:
        (sent,) = take(ledger, [event_id])
        settle(ledger, sent, Settlement(UNKNOWN, due_in=0, maybe_booked=True))
        (claimed,) = take(ledger, [event_id], probing=True)

        release(ledger, claimed)

        event = ledger.event(event_id)
        assert (event.status, event.maybe_booked, event.attempts) == ("unknown", 1, 1)

    def test_a_doubtful_push_keeps_its_doubt(self, ledger: LedgerBench, event_id: int) -> None:
        (sent,) = take(ledger, [event_id])
        settle(ledger, sent, Settlement(PENDING, due_in=0, maybe_booked=True))
        (again,) = take(ledger, [event_id])

        release(ledger, again)

        event = ledger.event(event_id)
        assert (event.status, event.maybe_booked, event.attempts) == ("pending", 1, 1)

    def test_what_was_settled_is_not_given_back(self, ledger: LedgerBench, event_id: int) -> None:
        (claimed,) = take(ledger, [event_id])
        settle(ledger, claimed)

        release(ledger, claimed)

        assert ledger.event(event_id).status == "accepted"


class TestSettling:
    def test_what_is_over_has_an_end_and_no_due_time(
        self, ledger: LedgerBench, event_id: int
    ) -> None:
        (claimed,) = take(ledger, [event_id])

        settle(ledger, claimed)

        event = ledger.event(event_id)
        assert event.finished_at is not None
        assert (event.due_at, event.lease_until, event.error_print) == (None, None, None)

    def test_a_retry_is_due_by_the_databases_clock(
        self, ledger: LedgerBench, event_id: int
    ) -> None:
        (claimed,) = take(ledger, [event_id])

        settle(ledger, claimed, Settlement(PENDING, due_in=30, reason="busy"))

        ((left,),) = ledger.sql(
            "SELECT TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(3), due_at) FROM {event}"
        )
        assert 20e6 < left <= 30e6
        assert candidates(ledger) == []

    def test_words_of_the_erp_longer_than_their_columns_do_not_cost_the_settlement(
        self, ledger: LedgerBench, event_id: int
    ) -> None:
        (claimed,) = take(ledger, [event_id])

        assert settle(
            ledger,
            claimed,
            Settlement(REJECTED, reason="ö" * 100_000, remedy="r" * 100_000, code="c" * 300),
        )

        event = ledger.event(event_id)
        assert (len(event.reason), len(event.error_code)) == (2000, 64)


class TestRequeue:
    @pytest.mark.parametrize("status", ["parked", "rejected", "unknown", "pending"])
    def test_makes_due_what_waits(self, ledger: LedgerBench, event_id: int, status: str) -> None:
        ledger.sql(
            "UPDATE {event} SET status = %s, due_at = NULL, attempts = 9, reason = 'x', "
            "remedy = 'y', error_code = 'z', waiting = 'gate', first_sent_at = UTC_TIMESTAMP()",
            status,
        )

        assert requeue(ledger, event_id, keep_doubt=True) == 1

        event = ledger.event(event_id)
        assert event.status == "pending"
        assert event.due_at is not None
        assert (event.attempts, event.reason, event.remedy, event.waiting) == (0, None, None, None)
        assert event.first_sent_at is None

    def test_asks_first_where_the_erp_may_have_it(self, ledger: LedgerBench, event_id: int) -> None:
        ledger.sql("UPDATE {event} SET status = 'parked', due_at = NULL, maybe_booked = 1")

        requeue(ledger, event_id, keep_doubt=True)

        event = ledger.event(event_id)
        assert (event.status, event.maybe_booked) == ("unknown", 1)

    def test_believes_the_operator_where_the_erp_cannot_be_asked(
        self, ledger: LedgerBench, event_id: int
    ) -> None:
        ledger.sql("UPDATE {event} SET status = 'parked', due_at = NULL, maybe_booked = 1")

        requeue(ledger, event_id, keep_doubt=False)

        event = ledger.event(event_id)
        assert (event.status, event.maybe_booked) == ("pending", 0)

    @pytest.mark.parametrize("status", ["sending", "accepted", "superseded"])
    def test_leaves_what_is_on_its_way_or_over(
        self, ledger: LedgerBench, event_id: int, status: str
    ) -> None:
        ledger.sql("UPDATE {event} SET status = %s, due_at = NULL", status)

        assert requeue(ledger, event_id, keep_doubt=False) == 0
        assert ledger.event(event_id).due_at is None


class TestFolding:
    def test_a_placement_takes_over_payload_total_and_currency(self, ledger: LedgerBench) -> None:
        placed, updated = ledger.add(
            new_event(1, amount=10),
            new_event(1, 2, ORDER_UPDATED, amount=20, currency="USD"),
        )

        with ledger.database.transaction() as connection:
            ledger.store.events.carry(connection, placed, updated)

        event = ledger.event(placed)
        assert (event.payload, event.amount, event.currency) == ('{"sequence":2}', 20, "USD")
        assert (event.type, event.sequence) == ("order.placed", 1)

    def test_what_was_folded_is_over(self, ledger: LedgerBench, event_id: int) -> None:
        with ledger.database.transaction() as connection:
            ledger.store.events.supersede(connection, [event_id], "a newer state went")

        event = ledger.event(event_id)
        assert (event.status, event.due_at, event.reason) == (
            "superseded", None, "a newer state went",
        )  # fmt: skip
        assert event.finished_at is not None

    def test_what_is_over_is_not_superseded_again(self, ledger: LedgerBench, event_id: int) -> None:
        (claimed,) = take(ledger, [event_id])
        settle(ledger, claimed)

        with ledger.database.transaction() as connection:
            ledger.store.events.supersede(connection, [event_id], "x")

        assert ledger.event(event_id).status == "accepted"

    @pytest.mark.parametrize("status", ["rejected", "parked"])
    def test_what_was_refused_is_revived_as_new(
        self, ledger: LedgerBench, event_id: int, status: str
    ) -> None:
        ledger.sql(
            "UPDATE {event} SET status = %s, due_at = NULL, attempts = 2, reason = 'r', "
            "error_code = 'c', first_sent_at = UTC_TIMESTAMP(), sent_at = UTC_TIMESTAMP()",
            status,
        )

        with ledger.database.transaction() as connection:
            ledger.store.events.revive(connection, event_id)

        event = ledger.event(event_id)
        assert (event.status, event.attempts, event.reason, event.first_sent_at) == (
            "pending", 2, None, None,
        )  # fmt: skip
        assert candidates(ledger) == [event_id]

    def test_what_was_refused_again_and_again_is_revived_ever_later(
        self, ledger: LedgerBench, event_id: int
    ) -> None:
        """A module that saves an order over and over has it refused once a minute, and less."""
        ledger.sql(
            "UPDATE {event} SET status = 'rejected', due_at = NULL, attempts = 7, "
            "sent_at = UTC_TIMESTAMP()"
        )

        with ledger.database.transaction() as connection:
            ledger.store.events.revive(connection, event_id)

        (row,) = ledger.sql(
            "SELECT TIMESTAMPDIFF(SECOND, sent_at, due_at) AS seconds, status FROM {event}"
        )
        assert (row.status, row.seconds) == ("pending", 7 * 60)

    def test_what_is_on_its_way_is_not_revived(self, ledger: LedgerBench, event_id: int) -> None:
        take(ledger, [event_id])

        with ledger.database.transaction() as connection:
            ledger.store.events.revive(connection, event_id)

        assert ledger.event(event_id).status == "sending"


def test_a_sequence_of_an_entity_is_given_once(ledger: LedgerBench, event_id: int) -> None:
    with pytest.raises(SidecarError, match="1062"):
        ledger.add(new_event(1, event_id="another"))

    assert len(ledger.events()) == 1


def test_an_event_that_cannot_go_is_written_with_its_reason_and_is_not_due(
    ledger: LedgerBench,
) -> None:
    (parked,) = ledger.add(
        new_event(1, status=PARKED, reason="does not add up", remedy="mend it", code=BAD_DATA)
    )

    event = ledger.event(parked)
    assert (event.due_at, event.reason, event.error_code) == (None, "does not add up", BAD_DATA)
    assert len(event.error_print) == 12


def test_open_events_come_by_entity_in_the_order_of_their_sequence(
    ledger: LedgerBench,
) -> None:
    ledger.add(
        new_event(2, 2, ORDER_UPDATED),
        new_event(2),
        new_event(1),
        new_event(1, 2, ORDER_CANCELED),
    )
    ledger.sql("UPDATE {event} SET status = 'accepted' WHERE entity_id = 1 AND sequence = 1")
    ledger.sql("UPDATE {event} SET due_at = UTC_TIMESTAMP() + INTERVAL 1 HOUR WHERE sequence = 2")

    with ledger.database.transaction() as connection:
        found = ledger.store.events.open_of(connection, "order", [1, 2, 3])

    assert {
        entity: [(event.sequence, event.due) for event in events]
        for entity, events in found.items()
    } == {1: [(2, False)], 2: [(1, True), (2, False)]}


def test_a_late_commit_with_an_older_due_time_is_found_by_the_unguarded_poll(
    ledger: LedgerBench,
) -> None:
    (early, late) = ledger.add(new_event(1), new_event(2))
    ledger.sql("UPDATE {event} SET due_at = due_at - INTERVAL 10 SECOND WHERE id = %s", early)
    with ledger.database.transaction() as connection:
        found = ledger.store.events.candidates(connection, ORDERS, 10)
    low = {one.id: one.due_at for one in found}[late]

    assert candidates(ledger, low=low) == [late]
    assert candidates(ledger) == [early, late]


def test_the_guard_keeps_what_is_due_at_the_very_mark(ledger: LedgerBench) -> None:
    ids = ledger.add(new_event(1), new_event(2), new_event(3))
    ledger.sql("UPDATE {event} SET due_at = '2026-03-29 10:00:00.123'")
    with ledger.database.transaction() as connection:
        low = ledger.store.events.candidates(connection, ORDERS, 1)[0].due_at

    assert candidates(ledger, low=low) == ids


@pytest.mark.parametrize("low", [None, "2000-01-01"])
def test_a_claim_reads_its_index_in_order_however_many_events_there_are(
    ledger: LedgerBench, low: str | None
) -> None:
    """A plan that sorts locks every candidate and takes seconds with millions of finished rows."""
    ten = " UNION ALL ".join(f"SELECT {digit} AS d" for digit in range(10))
    fifty_thousand = (
        f"(WITH ten AS ({ten}) SELECT e.d * 10000 + d.d * 1000 + c.d * 100 + b.d * 10 + a.d + 1 "
        "AS seq FROM ten a, ten b, ten c, ten d, ten e WHERE e.d < 5)"
    )
    ledger.sql(
        "INSERT INTO {event} (event_id, domain, kind, entity_id, number, sequence, type, "
        "version, status, due_at, occurred_at, created_at) "
        "SELECT CONCAT('e', seq), 'orders', 'order', seq, seq, 1, 'order.placed', 1, "
        "IF(seq % 5, 'accepted', 'pending'), IF(seq % 5, NULL, UTC_TIMESTAMP(3)), "
        f"UTC_TIMESTAMP(), UTC_TIMESTAMP() FROM {fifty_thousand} AS numbers".replace("%", "%%")
    )
    seen: list[tuple[str, Any]] = []

    def remember(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        seen.append((statement, parameters))

    with ledger.database.transaction() as connection:
        sa.event.listen(connection, "before_cursor_execute", remember)
        found = ledger.store.events.candidates(connection, ORDERS, 50, low)  # type: ignore[arg-type]
        statement, parameters = seen[-1]
        (plan,) = connection.exec_driver_sql(
            f"EXPLAIN FORMAT=TRADITIONAL {statement}", parameters
        ).mappings()
        handlers = connection.exec_driver_sql("SHOW SESSION STATUS LIKE 'Handler_read%%'")
        before = sum(int(count) for _, count in handlers)
        ledger.store.events.candidates(connection, ORDERS, 50, low)  # type: ignore[arg-type]
        handlers = connection.exec_driver_sql("SHOW SESSION STATUS LIKE 'Handler_read%%'")
        read = sum(int(count) for _, count in handlers) - before

    assert len(found) == 50
    assert (plan["key"], plan["type"]) == ("claim", "range")
    assert "filesort" not in (plan["Extra"] or "")
    assert read < 200
    ledger.sql("DELETE FROM {event}")


class TestWaking:
    def hold_back(self, ledger: LedgerBench, *ids: int) -> None:
        with ledger.database.transaction() as connection:
            ledger.store.events.hold_back(connection, ids, BEHIND_ANOTHER)

    def wake(self, ledger: LedgerBench, *entities: int) -> None:
        with ledger.database.transaction() as connection:
            ledger.store.events.wake(connection, "order", entities)

    def test_brings_back_what_waits_for_its_entity_only(self, ledger: LedgerBench) -> None:
        one, other = ledger.add(new_event(1), new_event(2))
        self.hold_back(ledger, one, other)
        assert candidates(ledger) == []
        assert ledger.event(one).waiting == BEHIND_ANOTHER

        self.wake(ledger, 1)

        assert candidates(ledger) == [one]
        assert ledger.event(one).waiting is None

    def test_does_not_hurry_a_retry(self, ledger: LedgerBench, event_id: int) -> None:
        ledger.sql("UPDATE {event} SET due_at = UTC_TIMESTAMP(3) + INTERVAL 1 HOUR")

        self.wake(ledger, 1)

        assert candidates(ledger) == []

    def test_a_whole_domain(self, ledger: LedgerBench) -> None:
        ids = ledger.add(new_event(1), new_event(2), new_event(3, domain="refunds"))
        self.hold_back(ledger, *ids)

        with ledger.database.transaction() as connection:
            assert ledger.store.events.wake_domain(connection, ORDERS) == 2

        assert candidates(ledger) == ids[:2]

    def test_a_wake_up_cannot_be_lost_between_plan_and_hold_back(self, ledger: LedgerBench) -> None:
        """The claim decides that an event waits; before it says so the one in front ends."""
        front, behind = ledger.add(new_event(1), new_event(1, 2, ORDER_UPDATED))
        (claimed,) = take(ledger, [front])
        store = ledger.store

        def settle_and_wake(connection: sa.Connection) -> None:
            store.entities.lock(connection, "order", [1])
            store.events.settle(connection, claimed, "one", DONE)
            store.events.wake(connection, "order", [1])

        with ledger.database.transaction() as claiming:
            store.entities.lock(claiming, "order", [1])
            plan = store.events.open_of(claiming, "order", [1])[1]
            assert [event.status for event in plan] == [SENDING, PENDING]
            with in_the_meantime(ledger, settle_and_wake) as settling:
                settling.waits_for_a_lock()
                store.events.hold_back(claiming, [behind], BEHIND_ANOTHER)
                claiming.commit()

        assert ledger.event(front).status == "accepted"
        assert candidates(ledger) == [behind]


class in_the_meantime:  # noqa: N801 - reads as a sentence in its with statement
    """Runs work in a transaction of another thread; its end is waited for."""

    def __init__(self, ledger: LedgerBench, work: Callable[[sa.Connection], None]) -> None:
        self._ledger = ledger
        self._work = work
        self._begun = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            with self._ledger.database.transaction() as connection:
                self._begun.set()
                self._work(connection)
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            self._error = error
        finally:
            self._begun.set()

    def waits_for_a_lock(self) -> None:
        """Returns when the work hangs at a row lock."""
        self._begun.wait()
        while not self._ledger.somebody_waits_for_a_row():
            assert self._thread.is_alive(), f"it did not wait: {self._error}"

    def __enter__(self) -> in_the_meantime:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()
        if self._error:
            raise self._error


class TestTwoClaimers:
    def test_never_take_the_same_event(self, ledger: LedgerBench) -> None:
        ledger.add(*(new_event(number) for number in range(1, 201)))
        taken: dict[str, list[int]] = {"one": [], "two": [], "three": []}
        start = threading.Barrier(len(taken))

        def work(owner: str) -> None:
            claimer = ledger.claimer(owner=owner)
            start.wait()
            while True:
                with suppress(TryAgain):
                    claim = claimer.claim(10)
                    if not claim:
                        return
                    taken[owner] += [claimed.id for claimed in claim.pushes]

        threads = [threading.Thread(target=work, args=[owner]) for owner in taken]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        everything = [one for ids in taken.values() for one in ids]
        assert sorted(everything) == [event.id for event in ledger.events()]
        assert {event.fence for event in ledger.events()} == {1}

    def test_the_second_waits_for_the_first_and_finds_it_in_flight(
        self, ledger: LedgerBench, event_id: int
    ) -> None:
        second = ledger.claimer(owner="two")
        store = ledger.store
        got: list[object] = []
        with ledger.database.transaction() as first:
            store.entities.lock(first, "order", [1])
            thread = threading.Thread(target=lambda: got.append(second.claim(10)))
            thread.start()
            while not ledger.somebody_waits_for_a_row():
                assert thread.is_alive()
            (claimed,) = store.events.take(first, named(event_id), "one", 60)
        thread.join()

        (claim,) = got
        assert not claim
        assert ledger.event(event_id).lease_owner == "one"
        assert settle(ledger, claimed)


def test_a_claim_never_makes_intake_wait_for_another_order(ledger: LedgerBench) -> None:
    ledger.add(*(new_event(number) for number in range(1, 60)))
    with ledger.database.transaction() as claiming:
        ledger.store.entities.lock(claiming, "order", [5])
        ledger.store.events.take(claiming, named(5), "one", 60)

        (added,) = ledger.add(new_event(777))

    assert ledger.event(added).status == "pending"
