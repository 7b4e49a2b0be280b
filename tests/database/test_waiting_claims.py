"""What a domain has claimed while others go before it: little, and not for long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal

from sidecar.delivery.courier import Trust
from sidecar.delivery.pump import Pump
from sidecar.delivery.turns import Rank
from sidecar.ledger.events import NewEvent
from sidecar.model.event import encode_payload
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
