"""A person pauses a domain and lets it go on; the ledger says who, why and what it came to."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sidecar.ledger.accounts import AccountState
from sidecar.model.errors import UsageError
from sidecar.operate.domains import Change, DomainSwitch
from sidecar.operate.queue import By
from tests.harness import ORDERS, LedgerBench

ADA = By("ada", "ERP upgrade")
NEXT_YEAR = datetime(datetime.now(UTC).year + 1, 1, 1, tzinfo=UTC)


@pytest.fixture
def switch(ledger: LedgerBench) -> DomainSwitch:
    return DomainSwitch(ledger.database, ledger.store, {ORDERS: "main", "stock": "warehouse"})


def audit(ledger: LedgerBench) -> list[tuple[str, ...]]:
    rows = ledger.sql("SELECT who, command, subject, reason FROM {audit} ORDER BY id")
    return [tuple(row) for row in rows]


def wait(ledger: LedgerBench, account: str) -> float:
    with ledger.database.transaction() as connection:
        return ledger.store.accounts.read(connection, account).slow_for


def ask_to_wait(ledger: LedgerBench, account: str) -> None:
    with ledger.database.transaction() as connection:
        ledger.store.accounts.save(connection, account, AccountState(slow_for=3000.0))


def test_a_pause_is_told_with_who_made_it_and_until_when(
    ledger: LedgerBench, switch: DomainSwitch
) -> None:
    assert switch.pause(ORDERS, ADA, until=NEXT_YEAR) is Change.PAUSED
    orders, stock = switch.list()
    assert (orders.paused_by, orders.paused_reason) == ("ada", "ERP upgrade")
    assert orders.paused_until == NEXT_YEAR
    assert (orders.may_work, stock.may_work) == (False, True)
    assert audit(ledger) == [("ada", "domain pause", ORDERS, "ERP upgrade")]
    assert switch.pause(ORDERS, ADA, until=None) is Change.ALREADY_PAUSED


def test_what_is_only_shown_changes_nothing(ledger: LedgerBench, switch: DomainSwitch) -> None:
    assert switch.pause(ORDERS, ADA, until=None, dry_run=True) is Change.PAUSED
    assert switch.resume(ORDERS, ADA, dry_run=True) is Change.ALREADY_WORKING
    assert all(control.may_work for control in switch.list())
    assert audit(ledger) == []


def test_to_resume_ends_a_pause_and_a_stop(ledger: LedgerBench, switch: DomainSwitch) -> None:
    switch.pause(ORDERS, ADA, until=None)
    with ledger.database.transaction() as connection:
        ledger.store.control.stop(connection, ORDERS, "login refused")
    assert switch.resume(ORDERS, ADA) is Change.RESUMED
    assert switch.list()[0].may_work
    assert audit(ledger)[-1] == ("ada", "domain resume", ORDERS, "ERP upgrade")


def test_to_resume_ends_the_wait_of_the_account_that_the_domain_uses_and_no_other(
    ledger: LedgerBench, switch: DomainSwitch
) -> None:
    for account in ("main", "warehouse"):
        ask_to_wait(ledger, account)
    assert switch.resume(ORDERS, ADA) is Change.RESUMED
    assert wait(ledger, "main") == 0
    assert wait(ledger, "warehouse") > 0
    assert switch.resume(ORDERS, ADA) is Change.ALREADY_WORKING


def test_a_domain_that_is_not_carried_is_refused_with_those_that_are(switch: DomainSwitch) -> None:
    with pytest.raises(UsageError, match="customers is not carried here") as refused:
        switch.pause("customers", ADA, until=None)
    assert refused.value.remedy == "there are orders, stock"
