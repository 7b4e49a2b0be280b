"""How many calls are on their way at once."""

from __future__ import annotations

import threading

import pytest

from sidecar.delivery.slots import Slots
from tests.harness import HandClock

USUAL = 0.5


def slots(most: int = 8, slow_at: float = 4.0) -> tuple[Slots, HandClock]:
    clock = HandClock()
    return Slots(most, slow_at, clock), clock


def calls(slots: Slots, count: int, seconds: float, kind: str = "push") -> None:
    """So many calls that took so long."""
    for _ in range(count):
        slots.answered(kind, seconds)


def test_as_many_as_configured_and_no_more() -> None:
    limiter, _ = slots(most=3)

    assert [limiter.take(0) for _ in range(4)] == [True, True, True, False]
    limiter.give()
    assert limiter.take(0)


def test_who_waits_is_let_in_when_a_call_ends() -> None:
    limiter, _ = slots(most=1)
    limiter.take(0)
    let_in: list[bool] = []
    waiting = threading.Thread(target=lambda: let_in.append(limiter.take(10)))
    waiting.start()

    limiter.give()
    waiting.join()

    assert let_in == [True]


def test_an_erp_that_slows_down_is_called_by_fewer_and_one_is_always_left() -> None:
    limiter, _ = slots(most=8)
    calls(limiter, 50, USUAL)

    calls(limiter, 30, 10 * USUAL)
    assert limiter.limit < 4
    calls(limiter, 200, 10 * USUAL)
    assert limiter.limit == 1
    assert limiter.take(0)


def test_it_comes_back_to_the_full_number_when_the_erp_does() -> None:
    limiter, _ = slots(most=8)
    calls(limiter, 50, USUAL)
    calls(limiter, 100, 10 * USUAL)

    calls(limiter, 20, USUAL)
    assert 1 < limiter.limit < 8
    calls(limiter, 100, USUAL)
    assert limiter.limit == 8


def test_a_single_slow_call_changes_nothing() -> None:
    limiter, _ = slots()
    calls(limiter, 50, USUAL)

    calls(limiter, 1, 10 * USUAL)
    calls(limiter, 5, USUAL)

    assert limiter.limit == 8


def test_milliseconds_more_are_nothing_however_quick_the_erp_usually_is() -> None:
    limiter, _ = slots()
    calls(limiter, 50, 0.002)

    calls(limiter, 200, 0.09)

    assert limiter.limit == 8


def test_a_call_is_compared_with_calls_of_its_kind() -> None:
    limiter, _ = slots()
    calls(limiter, 50, 0.2, "probe 1")

    calls(limiter, 100, 5.0, "push order.placed 50")

    assert limiter.limit == 8


def test_what_stays_slow_becomes_usual() -> None:
    limiter, _ = slots()
    calls(limiter, 50, USUAL)
    calls(limiter, 100, 6 * USUAL)
    assert limiter.limit == 1

    calls(limiter, 6000, 6 * USUAL)

    assert limiter.limit == 8


def test_calls_that_are_refused_together_cut_it_once() -> None:
    limiter, clock = slots(most=8)
    clock.seconds += 5

    for _ in range(8):
        limiter.refused(took=0.2)
    assert limiter.limit == 4

    clock.seconds += 1
    limiter.refused(took=0.2)
    assert limiter.limit == 2


@pytest.mark.parametrize(("kept", "limit"), [(2, 2), (0, 1), (99, 8)])
def test_a_restart_takes_it_up_within_what_is_configured(kept: int, limit: int) -> None:
    limiter, _ = slots(most=8)

    limiter.restore(kept)

    assert limiter.limit == limit
