"""The figures of a monitoring system, read on a real server."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from sidecar.domains.orders.events import ORDER_PLACED
from sidecar.ledger.overview import Overview
from sidecar.model.settlement import OPEN, EventStatus
from tests.harness import LedgerBench, new_event


def ask(ledger: LedgerBench, question: Any, *arguments: Any) -> Any:
    with ledger.database.transaction() as connection:
        return question(Overview(ledger.store.tables), connection, *arguments)


def age(ledger: LedgerBench, event: int, column: str, seconds: int) -> None:
    ledger.sql(
        f"UPDATE {{event}} SET {column} = UTC_TIMESTAMP(3) - INTERVAL {seconds} SECOND, "
        f"created_at = UTC_TIMESTAMP(3) - INTERVAL 5 DAY WHERE id = %s",
        event,
    )


def test_an_empty_ledger_has_nothing_under_way(ledger: LedgerBench) -> None:
    assert ask(ledger, Overview.oldest_under_way, "orders") is None
    assert ask(ledger, Overview.counts_of, "orders", OPEN) == dict.fromkeys(OPEN, 0)
    assert ask(ledger, Overview.at_a_gate, "orders") == 0
    assert ask(ledger, Overview.write_backs_waiting) == {}


def test_an_event_is_under_way_since_it_might_go_not_since_the_order_was_placed(
    ledger: LedgerBench,
) -> None:
    (event,) = ledger.add(new_event(1))
    age(ledger, event, "due_at", 90)
    assert ask(ledger, Overview.oldest_under_way, "orders") == pytest.approx(90, abs=5)


def test_an_event_that_was_sent_is_under_way_since_then(ledger: LedgerBench) -> None:
    (event,) = ledger.add(new_event(1))
    age(ledger, event, "first_sent_at", 700)
    for status, due_at in (("sending", "NULL"), ("unknown", "UTC_TIMESTAMP(3)")):
        ledger.sql(f"UPDATE {{event}} SET status = '{status}', due_at = {due_at}")
        assert ask(ledger, Overview.oldest_under_way, "orders") == pytest.approx(700, abs=5)


def test_what_waits_at_a_gate_or_for_a_person_is_not_under_way(ledger: LedgerBench) -> None:
    gated, *others = ledger.add(new_event(1), new_event(2), new_event(3))
    ledger.sql("UPDATE {event} SET due_at = NULL, waiting = 'gate' WHERE id = %s", gated)
    for event, status in zip(others, ("parked", "rejected"), strict=True):
        ledger.sql("UPDATE {event} SET status = %s, due_at = NULL WHERE id = %s", status, event)
    assert ask(ledger, Overview.oldest_under_way, "orders") is None
    assert ask(ledger, Overview.at_a_gate, "orders") == 1
    counts = ask(ledger, Overview.counts_of, "orders", OPEN)
    assert (counts["pending"], counts["parked"], counts["rejected"]) == (1, 1, 1)


def test_an_event_that_goes_only_later_is_not_under_way_for_less_than_nothing(
    ledger: LedgerBench,
) -> None:
    (event,) = ledger.add(new_event(1))
    age(ledger, event, "due_at", -600)
    assert ask(ledger, Overview.oldest_under_way, "orders") == 0


def test_answers_and_differences_are_counted_for_each_domain_apart(ledger: LedgerBench) -> None:
    for kind, state, waits in (
        ("order", "pending", "UTC_TIMESTAMP(3) - INTERVAL 90 SECOND"),
        ("order", "pending", "UTC_TIMESTAMP(3)"),
        ("creditmemo", "pending", "UTC_TIMESTAMP(3)"),
        ("creditmemo", "parked", "NULL"),
    ):
        ledger.sql(
            "INSERT INTO {write_back} (kind, entity_id, event, action, detail, changes, state, "
            f"due_at, waiting_since, created_at) VALUES (%s, 1, 1, 'accept', '{{{{}}}}', 1, %s, "
            f"{waits}, {waits}, UTC_TIMESTAMP(3))",
            kind,
            state,
        )
    for domain, resolved in (("orders", "NULL"), ("refunds", "NULL"), ("refunds", "found_at")):
        ledger.sql(
            "INSERT INTO {difference} (domain, kind, entity_id, number, class, found_at, "
            f"resolved_at) VALUES (%s, 'any', 1, '1', 'total', UTC_TIMESTAMP(3), {resolved})",
            domain,
        )
    waiting = ask(ledger, Overview.write_backs_waiting)
    assert {kind: one.count for kind, one in waiting.items()} == {"order": 2, "creditmemo": 1}
    assert waiting["order"].longest == pytest.approx(90, abs=5)
    parked = ask(ledger, Overview.write_backs_parked)
    assert (parked["order"], parked["creditmemo"]) == (0, 1)
    assert ask(ledger, Overview.differences_by_domain) == {"orders": 1, "refunds": 1}


def test_what_is_over_costs_no_time(ledger: LedgerBench) -> None:
    ledger.add(
        *(
            new_event(number, type_=ORDER_PLACED, status=EventStatus.ACCEPTED)
            for number in range(1, 20_001)
        )
    )
    ledger.sql("UPDATE {event} SET status = 'accepted', due_at = NULL, finished_at = created_at")
    ledger.sql("ANALYZE TABLE {event}")
    overview = Overview(ledger.store.tables)
    with ledger.database.transaction() as connection:
        before = rows_read(connection)
        overview.oldest_under_way(connection, "orders")
        overview.at_a_gate(connection, "orders")
        overview.counts_of(connection, "orders", OPEN)
        overview.write_backs_waiting(connection)
        overview.differences_by_domain(connection)
        assert rows_read(connection) - before < 100


def rows_read(connection: sa.Connection) -> int:
    """By this session, in whatever way."""
    found = connection.exec_driver_sql("SHOW SESSION STATUS LIKE 'Handler_read%%'")
    return sum(int(row.Value) for row in found)
