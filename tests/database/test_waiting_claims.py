"""What a domain claims while others go before it, or a call of its own lasts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal

from sidecar.delivery.parcels import Trust
from sidecar.delivery.pump import Pump
from sidecar.delivery.turns import Rank
from sidecar.ledger.events import NewEvent
from sidecar.model.event import encode_payload
from sidecar.ports import Delivery, PushCall
from sidecar.testing.sample_order import simple_order
from tests.harness import HandClock, LedgerBench, ScriptedErp, drain, new_event

#: A domain that goes before the orders of these tests, whatever they are promised.
URGENT = Rank("urgent", 0, Decimal(0))
FOREVER = Trust(1e12)


@contextmanager
def everything_taken(pump: Pump) -> Iterator[None]:
    """One call of a more urgent domain is under way and another waits, until the block ends."""
    is_over = threading.Event()
    calls = [pump.workers.submit(URGENT, FOREVER, is_over.wait) for _ in range(2)]
    try:
        yield
    finally:
        is_over.set()
        for call in calls:
            call.result(30)


class HangingErp(ScriptedErp):
    """The call of one order lasts until the test ends it."""

    def __init__(self, number: str) -> None:
        super().__init__()
        self.number = number
        self.is_over = threading.Event()

    def push(self, batch: Sequence[Delivery]) -> list[PushCall]:
        calls = super().push(batch)
        if batch[0].ref == self.number:
            assert self.is_over.wait(30)
        return calls

    def received(self) -> set[str]:
        return {delivery.ref for delivery in self.pushed}


class CountingClock(HandClock):
    """Counts how often somebody looks whether the daemon stops, as a pump does in each round."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0

    def wait(self, seconds: float) -> bool:
        self.looks += 1
        return super().wait(seconds)


@contextmanager
def running(pump: Pump) -> Iterator[None]:
    """The pump runs meanwhile, and has come to its end afterwards."""
    thread = threading.Thread(target=pump.run_once)
    thread.start()
    try:
        yield
    finally:
        thread.join(30)
        assert not thread.is_alive()


def until(is_so: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)


def order_event(entity_id: int) -> NewEvent:
    payload = encode_payload(simple_order(f"{entity_id:09}")).decode()
    return new_event(entity_id, payload=payload)


def statuses(ledger: LedgerBench) -> list[str]:
    return [status for _, status in ledger.statuses()]


def test_a_domain_that_others_go_before_claims_two_calls_and_the_rest_when_it_may(
    ledger: LedgerBench,
) -> None:
    ledger.add(*(order_event(number) for number in range(1, 21)))
    erp = ScriptedErp()
    with ledger.pump(erp, concurrency=1) as pump:
        with running(pump), everything_taken(pump):
            until(lambda: "sending" in statuses(ledger))
            assert statuses(ledger).count("sending") == 2
            assert not erp.pushed
        drain(pump)

    assert set(statuses(ledger)) == {"accepted"}


def test_a_claim_that_was_renewed_and_whose_turn_did_not_come_is_given_back(
    ledger: LedgerBench,
) -> None:
    ledger.add(order_event(1))
    erp, clock = ScriptedErp(), HandClock()
    with ledger.pump(erp, concurrency=1, lease_seconds=3.0, clock=clock) as pump:
        with everything_taken(pump), running(pump):
            until(lambda: statuses(ledger) == ["sending"])
            (first,) = ledger.events()
            clock.seconds += 1.5
            until(lambda: ledger.events()[0].lease_until > first.lease_until)
            clock.seconds += 1.5
            until(lambda: statuses(ledger) == ["pending"])
        (event,) = ledger.events()
        assert (event.attempts, erp.pushed) == (0, [])
        drain(pump)

    assert statuses(ledger) == ["accepted"]
    assert len(erp.pushed) == 1


def test_an_order_that_comes_while_a_call_lasts_does_not_wait_for_it(ledger: LedgerBench) -> None:
    with ledger.database.transaction() as connection:
        assert ledger.store.work_lease.hold(connection, "one", 3600)
    ledger.add(order_event(1))
    erp, clock = HangingErp("000000001"), HandClock()
    with ledger.pump(erp, concurrency=2, clock=clock) as pump, running(pump):
        try:
            until(lambda: erp.received() == {"000000001"})
            clock.seconds += 5.0
            ledger.add(order_event(2))
            until(lambda: statuses(ledger) == ["sending", "accepted"])
        finally:
            erp.is_over.set()

    assert statuses(ledger) == ["accepted", "accepted"]


def test_without_the_work_lease_nothing_more_is_claimed_while_a_call_lasts(
    ledger: LedgerBench,
) -> None:
    with ledger.database.transaction() as connection:
        assert ledger.store.work_lease.hold(connection, "another", 3600)
    ledger.add(order_event(1))
    erp, clock = HangingErp("000000001"), CountingClock()
    with ledger.pump(erp, concurrency=2, clock=clock) as pump, running(pump):
        until(lambda: erp.received() == {"000000001"})
        clock.seconds += 5.0
        rounds_before = clock.looks
        until(lambda: clock.looks > rounds_before + 2)
        ledger.add(order_event(2))
        until(lambda: clock.looks > rounds_before + 5)
        erp.is_over.set()

    assert statuses(ledger) == ["accepted", "pending"]
