"""Pauses, stops, the ERP account's state, the audit: nothing of it is forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sidecar.ledger.accounts import AccountState
from sidecar.ledger.control import DomainControl
from tests.harness import ORDERS, LedgerBench

NEXT_YEAR = datetime.now(UTC).replace(microsecond=0) + timedelta(days=365)


def control(ledger: LedgerBench, domain: str = ORDERS) -> DomainControl:
    with ledger.database.transaction() as connection:
        return ledger.store.control.read(connection, [domain])[domain]


def pause(ledger: LedgerBench, until: datetime | None = None) -> None:
    with ledger.database.transaction() as connection:
        ledger.store.control.pause(connection, ORDERS, until=until, who="ann", reason="stocktaking")


def test_a_domain_that_nobody_touched_works(ledger: LedgerBench) -> None:
    assert control(ledger) == DomainControl(ORDERS)
    assert control(ledger).may_work


def test_a_pause_lasts_until_it_is_resumed(ledger: LedgerBench) -> None:
    pause(ledger)

    now = control(ledger)
    assert not now.may_work
    assert (now.paused_by, now.paused_reason, now.paused_until) == ("ann", "stocktaking", None)
    assert control(ledger, "refunds").may_work

    with ledger.database.transaction() as connection:
        ledger.store.control.resume(connection, ORDERS)
    assert control(ledger) == DomainControl(ORDERS)


def test_a_pause_until_a_moment_ends_by_itself(ledger: LedgerBench) -> None:
    pause(ledger, NEXT_YEAR)
    assert control(ledger).paused_until == NEXT_YEAR
    assert not control(ledger).may_work

    ledger.sql("UPDATE {control} SET paused_until = UTC_TIMESTAMP(3) - INTERVAL 1 SECOND")

    over = control(ledger)
    assert over.may_work
    assert (over.paused_by, over.paused_until) == (None, None)


def test_the_moment_is_one_moment_in_every_zone(ledger: LedgerBench) -> None:
    moment = datetime(2030, 6, 1, 12, tzinfo=UTC)

    pause(ledger, moment.astimezone())

    assert control(ledger).paused_until == moment


def test_a_stop_is_ended_by_resume_only(ledger: LedgerBench) -> None:
    with ledger.database.transaction() as connection:
        ledger.store.control.stop(connection, ORDERS, "login refused")
    pause(ledger, NEXT_YEAR)
    ledger.sql("UPDATE {control} SET paused_until = UTC_TIMESTAMP(3) - INTERVAL 1 SECOND")

    assert not control(ledger).may_work
    assert control(ledger).stopped_reason == "login refused"

    with ledger.database.transaction() as connection:
        ledger.store.control.resume(connection, ORDERS)
    assert control(ledger).may_work


def account(ledger: LedgerBench) -> AccountState:
    with ledger.database.transaction() as connection:
        return ledger.store.accounts.read(connection, "erp")


def save(ledger: LedgerBench, state: AccountState) -> None:
    with ledger.database.transaction() as connection:
        ledger.store.accounts.save(connection, "erp", state)


def test_an_unknown_account_is_fresh(ledger: LedgerBench) -> None:
    assert account(ledger) == AccountState()


def test_an_open_breaker_and_a_slow_throttle_are_remembered(ledger: LedgerBench) -> None:
    save(ledger, AccountState(failures=7, open=True, ask_in=30.0, slow_for=20.0, rate=0.25))

    state = account(ledger)

    assert (state.failures, state.open, state.rate) == (7, True, 0.25)
    assert state.ask_in == pytest.approx(30, abs=5)
    assert state.slow_for == pytest.approx(20, abs=5)


def test_since_when_a_breaker_is_open_stays_while_it_is(ledger: LedgerBench) -> None:
    def opened() -> object:
        return ledger.sql("SELECT opened_at FROM {erp_account}")[0][0]

    save(ledger, AccountState(failures=5, open=True, ask_in=60))
    ledger.sql("UPDATE {erp_account} SET opened_at = '2026-01-01'")
    save(ledger, AccountState(failures=6, open=True, ask_in=60))
    assert str(opened()).startswith("2026-01-01")

    save(ledger, AccountState())
    assert opened() is None


def test_what_is_long_past_is_no_waiting_time(ledger: LedgerBench) -> None:
    save(ledger, AccountState(failures=5, open=True, ask_in=60, slow_for=60))
    ledger.sql("UPDATE {erp_account} SET ask_at = '2026-01-01', slow_until = '2026-01-01'")

    state = account(ledger)

    assert (state.ask_in, state.slow_for, state.open) == (0.0, 0.0, True)


def test_the_audit_is_appended_to(ledger: LedgerBench) -> None:
    with ledger.database.transaction() as connection:
        for reason in ("first", None):
            ledger.store.audit.note(
                connection,
                who="ann",
                command="queue requeue",
                subject="000000042",
                reason=reason,
                detail={"at": NEXT_YEAR} if reason else None,
            )

    rows = ledger.sql("SELECT * FROM {audit} ORDER BY id")
    assert [(row.who, row.reason) for row in rows] == [("ann", "first"), ("ann", None)]
    assert str(NEXT_YEAR.year) in rows[0].detail


def test_what_was_installed_is_noted_once_and_forgotten(ledger: LedgerBench) -> None:
    installed = ledger.store.installed
    with ledger.database.transaction() as connection:
        installed.note(connection, "trigger", "a", {"by": "x"})
        installed.note(connection, "trigger", "a", {"by": "y"})
        installed.note(connection, "status", "b", {})
        assert installed.of(connection, "trigger") == {"a": {"by": "y"}}
        installed.forget(connection, "trigger", "a")
        assert installed.of(connection, "trigger") == {}
        assert installed.of(connection, "status") == {"b": {}}
