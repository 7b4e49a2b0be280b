"""What was found or made before an order: remembered, believed late, made once."""

from __future__ import annotations

import threading

from adapters.calls.known_values import KnownValues

CUSTOMER = ("calls.yaml:7: orders.push.first.0", b"ada")
ABSENCE = 60.0


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def opened() -> tuple[KnownValues, Clock]:
    clock = Clock()
    known = KnownValues(clock, ABSENCE)
    with known.alone(CUSTOMER):
        pass
    clock.now += ABSENCE
    return known, clock


def test_after_the_first_call_none_is_not_believed_at_once() -> None:
    clock = Clock()
    known = KnownValues(clock, ABSENCE)
    with known.alone(CUSTOMER):
        assert known.wait(CUSTOMER) == ABSENCE
    clock.now += 45
    with known.alone(CUSTOMER):
        assert known.wait(CUSTOMER) == 15
    clock.now += 15
    assert known.wait(CUSTOMER) == 0


def test_after_a_call_without_an_answer_none_is_not_believed_at_once() -> None:
    known, clock = opened()

    assert known.doubt(CUSTOMER) == ABSENCE
    clock.now += 20
    assert known.wait(CUSTOMER) == 40
    assert known.wait(("another", b"step")) == 0


def test_what_was_made_is_remembered_while_a_search_may_not_show_it() -> None:
    known, clock = opened()
    known.was_made(CUSTOMER, 7, keep=0)

    known.forget([CUSTOMER])
    clock.now += ABSENCE - 1
    assert known.get(CUSTOMER) == (7,)
    clock.now += 1
    assert known.get(CUSTOMER) is None


def test_what_was_found_is_kept_as_long_as_the_file_says_and_forgotten_when_refused() -> None:
    known, clock = opened()
    known.found(CUSTOMER, 7, keep=3600)
    assert known.get(CUSTOMER) == (7,)

    known.forget([CUSTOMER])
    assert known.get(CUSTOMER) is None

    known.found(CUSTOMER, 8, keep=3600)
    clock.now += 3600
    assert known.get(CUSTOMER) is None


def test_what_is_not_kept_is_asked_for_each_time() -> None:
    known, _ = opened()
    known.found(CUSTOMER, 7, keep=0)

    assert known.get(CUSTOMER) is None


def test_a_value_of_none_is_told_from_no_value() -> None:
    known, _ = opened()
    known.found(CUSTOMER, None, keep=10)

    assert known.get(CUSTOMER) == (None,)


def test_two_that_want_the_same_at_once_make_it_once() -> None:
    known, _ = opened()
    made: list[int] = []
    ready = threading.Barrier(8)

    def find_or_make() -> None:
        ready.wait()
        with known.alone(CUSTOMER):
            if known.get(CUSTOMER) is None:
                made.append(1)
                known.was_made(CUSTOMER, len(made), keep=0)

    threads = [threading.Thread(target=find_or_make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert made == [1]
