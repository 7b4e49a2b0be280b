"""One ERP account: what its calls teach, what a restart finds again."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from sidecar.delivery.account import ErpAccount
from sidecar.delivery.breaker import Breaker
from sidecar.delivery.slots import Slots
from sidecar.delivery.throttle import Pace, Throttle
from sidecar.ledger.accounts import AccountState
from sidecar.model.errors import TryAgain
from sidecar.model.outcome import Accepted, Booked, Outcome, Rejected, Retry, Throttled, Unmapped
from sidecar.ports import Exchange, PushCall, Result
from sidecar.testing.sample_order import placed, simple_order
from tests.harness import HandClock, LedgerBench, RecordingNarrator, ScriptedErp

ACCEPTED = Accepted(booked=Booked(reference="SO-1"))
USUAL = Exchange("POST /orders", 201, 0.5)


class AccountBench:
    """An account with ten requests a minute and four slots."""

    def __init__(self, ledger: LedgerBench, longest_wait: float = 900.0) -> None:
        self.ledger = ledger
        self.clock = HandClock()
        self.told = RecordingNarrator()
        self.account = ErpAccount(
            "erp",
            Throttle(Pace(4, 10, 60.0), self.clock),
            Slots(4, 4.0, self.clock),
            Breaker(3, 60.0, self.clock),
            ScriptedErp(),
            ledger.database,
            ledger.store,
            self.told,
            longest_wait=longest_wait,
        )
        self.account.restore()

    def calls(self, outcome: Outcome, count: int = 1, exchange: Exchange = USUAL) -> None:
        """So many calls with one order each."""
        for _ in range(count):
            self.clock.seconds += 1
            self.account.note([call(outcome, exchange=exchange)])

    def free(self) -> int:
        """Places that are left in the window."""
        return 10 - self.account.throttle.used()


def call(outcome: Outcome, count: int = 1, exchange: Exchange = USUAL) -> PushCall:
    """One call that came to the same for so many orders."""
    orders = [simple_order(f"{number:09}") for number in range(1, count + 1)]
    return PushCall(exchange, [Result(placed(order), outcome) for order in orders])


def waited(bench: AccountBench, outcome: Outcome) -> Outcome:
    """What is made of an outcome that asks for a wait."""
    [noted] = bench.account.note([call(outcome)])
    [result] = noted.results
    return result.outcome


@pytest.fixture
def bench(ledger: LedgerBench) -> AccountBench:
    return AccountBench(ledger)


def test_a_refusal_for_haste_slows_it_down_and_full_speed_is_told_once(bench: AccountBench) -> None:
    bench.calls(Throttled(message="too many", after=None))
    assert (bench.account.throttle.rate, bench.account.slots.limit) == (0.5, 2)

    bench.calls(ACCEPTED, 300)

    assert (bench.account.throttle.rate, bench.account.slots.limit) == (1.0, 4)
    assert bench.told.names() == ["throttle.slower", "throttle.recovered"]


def test_an_erp_that_gets_slow_is_called_by_fewer_and_its_rate_stays(bench: AccountBench) -> None:
    bench.calls(ACCEPTED, 20)

    bench.calls(ACCEPTED, 60, replace(USUAL, seconds=8.0))

    assert bench.account.slots.limit == 1
    assert bench.account.throttle.rate == 1.0
    assert bench.told.of("throttle.slower")[-1] == {"account": "erp", "rate": 1.0, "slots": 1}


def test_quick_refusals_do_not_make_bookings_look_slow(bench: AccountBench) -> None:
    for _ in range(50):
        bench.calls(ACCEPTED)
        bench.calls(Rejected(message="no such item"), 5, replace(USUAL, seconds=0.004))

    assert bench.account.slots.limit == 4


def test_a_batch_that_was_not_answered_is_one_failure(bench: AccountBench) -> None:
    lost = replace(USUAL, status=None)

    bench.account.note([call(Retry(message="refused"), 3, lost)])

    assert bench.told.names() == []
    bench.calls(Retry(message="refused"), 2, lost)
    assert bench.told.names() == ["breaker.opened"]


def test_an_answered_call_that_decided_about_no_order_is_an_answer_all_the_same(
    bench: AccountBench,
) -> None:
    lost = replace(USUAL, status=None)
    bench.calls(Retry(message="refused"), 2, lost)

    bench.account.note([PushCall(USUAL), call(Retry(message="refused"), exchange=lost)])

    assert bench.told.names() == []
    bench.calls(Retry(message="refused"), 2, lost)
    assert bench.told.names() == ["breaker.opened"]


def test_the_pace_of_calls_that_decided_about_no_order_is_nobodys(bench: AccountBench) -> None:
    for _ in range(50):
        bench.calls(ACCEPTED)
        bench.account.note([PushCall(replace(USUAL, seconds=8.0))])

    assert bench.account.slots.limit == 4


def test_what_was_not_sent_says_nothing_of_the_erp(bench: AccountBench) -> None:
    bench.account.note([PushCall(None, call(Unmapped(message="no such table")).results)] * 9)

    assert bench.told.names() == []
    assert bench.account.may_call()


def test_a_restart_finds_rate_slots_window_and_silence_again(ledger: LedgerBench) -> None:
    before = AccountBench(ledger)
    for _ in range(4):
        assert before.account.throttle.delay() == 0.0
    before.calls(Throttled(message="too many", after=30.0))
    before.account.remember()

    after = AccountBench(ledger)

    assert (after.account.throttle.rate, after.account.slots.limit) == (0.5, 2)
    assert after.account.throttle.slow_for() == pytest.approx(30, abs=5)
    assert after.free() == 6
    after.clock.seconds += 60
    after.calls(ACCEPTED, 300)
    assert after.told.names() == ["throttle.recovered"]


def test_a_restart_finds_an_open_breaker_open(ledger: LedgerBench) -> None:
    before = AccountBench(ledger)
    before.calls(Retry(message="no route"), 3, replace(USUAL, status=None))
    before.account.remember()

    after = AccountBench(ledger)

    assert not after.account.may_call()
    after.clock.seconds += 61
    assert after.account.may_call()
    assert after.told.names() == ["breaker.closed"]


# A wait that the ERP asks for


@pytest.mark.parametrize("asked", [901.0, 1e9, math.inf])
def test_a_wait_beyond_measure_is_cut_and_told(ledger: LedgerBench, asked: float) -> None:
    bench = AccountBench(ledger, longest_wait=900.0)

    outcome = waited(bench, Throttled(message="no", after=asked))
    bench.account.remember()

    assert bench.account.throttle.slow_for() <= 900
    assert isinstance(outcome, Throttled)
    assert (outcome.after or 0) <= 900
    assert bench.told.of("throttle.wait_cut")[0]["waits"] == 900
    assert standing(ledger).asked_wait == pytest.approx(min(asked, 3.2e8))


@pytest.mark.parametrize("kind", [Retry, Throttled])
@pytest.mark.parametrize("after", [math.nan, -math.inf, -1.0, 0.0, 5.0, 1e300, math.inf])
def test_whatever_an_adapter_says_a_wait_is_within_bounds(
    bench: AccountBench, kind: type[Retry | Throttled], after: float
) -> None:
    outcome = waited(bench, kind(message="no", after=after))

    assert isinstance(outcome, Retry | Throttled)
    assert outcome.after is not None
    assert 0 <= outcome.after <= 900
    assert 0 <= bench.account.throttle.slow_for() <= 900


def test_an_operator_ends_a_wait_and_the_daemon_that_waits_goes_on(bench: AccountBench) -> None:
    bench.calls(Throttled(message="no", after=600.0))
    bench.account.remember()
    assert bench.account.delay() > 500

    with bench.ledger.database.transaction("test") as connection:
        bench.ledger.store.accounts.end_wait(connection, "erp")
    bench.clock.seconds += 10
    bench.account.delay()

    assert bench.account.throttle.slow_for() == 0
    assert bench.told.of("throttle.wait_ended")
    bench.account.remember()
    assert (standing(bench.ledger).slow_for, standing(bench.ledger).asked_wait) == (0, 0)


def test_a_database_that_does_not_answer_costs_a_wait_nothing(
    bench: AccountBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.calls(Throttled(message="no", after=600.0))

    def unanswered(*_: object) -> None:
        raise TryAgain("a lock wait took too long")

    monkeypatch.setattr(bench.ledger.store.accounts, "wait_ended_at", unanswered)

    assert bench.account.delay() > 500


def test_a_wait_that_was_ended_while_nobody_worked_is_over_after_the_start(
    bench: AccountBench,
) -> None:
    bench.calls(Throttled(message="no", after=600.0))
    bench.account.remember()
    with bench.ledger.database.transaction("test") as connection:
        bench.ledger.store.accounts.end_wait(connection, "erp")

    after = AccountBench(bench.ledger)

    assert after.account.throttle.slow_for() == 0


def standing(ledger: LedgerBench) -> AccountState:
    with ledger.database.transaction("test") as connection:
        return ledger.store.accounts.read(connection, "erp")
