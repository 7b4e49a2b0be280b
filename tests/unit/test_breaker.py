"""An ERP that does not answer is asked once in a while, no more."""

from __future__ import annotations

from sidecar.delivery.breaker import Breaker
from tests.harness import HandClock


def breaker(after: int = 3) -> tuple[Breaker, HandClock]:
    clock = HandClock()
    return Breaker(after, 60.0, clock), clock


def test_it_opens_at_the_last_failure_that_it_bears_and_says_so_once() -> None:
    circuit, _ = breaker(after=3)

    assert [circuit.failed() for _ in range(5)] == [False, False, True, False, False]
    assert circuit.is_open


def test_an_answer_between_failures_starts_the_count_anew() -> None:
    circuit, _ = breaker(after=2)

    circuit.failed()
    assert circuit.answered() is False
    circuit.failed()

    assert not circuit.is_open


def test_while_it_is_closed_there_is_no_question_to_ask() -> None:
    circuit, _ = breaker()

    assert not circuit.may_ask()
    assert circuit.asks_in() == 0.0


def test_while_it_is_open_one_question_is_asked_per_interval() -> None:
    circuit, clock = breaker(after=1)
    circuit.failed()

    asked = []
    for _ in range(300):
        clock.seconds += 1
        if circuit.may_ask():
            asked.append(clock.seconds - 1000)

    assert asked == [60, 120, 180, 240, 300]


def test_an_answer_closes_it_and_says_so_once() -> None:
    circuit, _ = breaker(after=1)
    circuit.failed()

    assert circuit.answered() is True
    assert circuit.answered() is False
    assert not circuit.is_open
    assert circuit.failures == 0


def test_a_failed_question_keeps_it_open_until_the_next() -> None:
    circuit, clock = breaker(after=1)
    circuit.failed()
    clock.seconds += 60
    assert circuit.may_ask()

    circuit.failed()

    assert circuit.is_open
    assert circuit.asks_in() == 60.0


def test_a_restart_takes_up_an_open_breaker_with_the_time_that_is_left() -> None:
    circuit, clock = breaker()

    circuit.restore(7, True, 25.0)

    assert circuit.is_open
    assert not circuit.may_ask()
    clock.seconds += 25
    assert circuit.may_ask()


def test_a_restart_takes_up_the_failures_of_a_closed_one() -> None:
    circuit, _ = breaker(after=3)

    circuit.restore(2, False, 0.0)

    assert not circuit.is_open
    assert circuit.failed() is True
