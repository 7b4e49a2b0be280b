"""How often an ERP is asked."""

from __future__ import annotations

import threading
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.delivery.throttle import Pace, Throttle
from tests.harness import HandClock


def throttled(
    requests: int | None = 10, window: float = 60.0, reserve: float = 0.0
) -> tuple[Throttle, HandClock]:
    clock = HandClock()
    return Throttle(Pace(4, requests, window, reserve), clock), clock


def calls_now(throttle: Throttle) -> int:
    """How many calls may go in this moment."""
    count = 0
    while go(throttle):
        count += 1
        assert count < 10_000
    return count


def go(throttle: Throttle) -> bool:
    """A call that may go now and takes no time."""
    if throttle.delay() > 0:
        return False
    throttle.ended()
    return True


def test_without_a_window_every_call_goes() -> None:
    throttle, _ = throttled(requests=None)

    assert all(go(throttle) for _ in range(1000))


def test_as_many_calls_as_the_window_takes_and_no_more() -> None:
    throttle, clock = throttled(requests=10)

    assert calls_now(throttle) == 10
    clock.seconds += 59.9
    assert calls_now(throttle) == 0
    clock.seconds += 0.1
    assert calls_now(throttle) == 10


def test_the_delay_is_the_time_until_the_next_place() -> None:
    throttle, clock = throttled(requests=2, window=60)
    go(throttle)
    clock.seconds += 20
    go(throttle)

    assert throttle.delay() == pytest.approx(40)
    clock.seconds += 40
    assert throttle.delay() == 0.0


def test_the_reserve_is_left_to_the_people_in_the_erp() -> None:
    throttle, _ = throttled(requests=10, reserve=0.3)

    assert calls_now(throttle) == 7


def test_one_call_is_always_allowed() -> None:
    throttle, _ = throttled(requests=1, reserve=0.9)

    assert calls_now(throttle) == 1


def test_retry_after_is_obeyed_also_without_a_window() -> None:
    throttle, clock = throttled(requests=None)

    throttle.refused(30)

    assert throttle.delay() == pytest.approx(30)
    assert throttle.slow_for() == pytest.approx(30)
    clock.seconds += 30
    assert throttle.delay() == 0.0


def test_a_shorter_retry_after_does_not_shorten_a_longer_one() -> None:
    throttle, _ = throttled()

    throttle.refused(30)
    throttle.refused(5)

    assert throttle.slow_for() == pytest.approx(30)


def refuse(throttle: Throttle, clock: HandClock) -> None:
    """A refusal of a call that was sent after the last one was refused."""
    clock.seconds += 1
    throttle.refused(None)


def test_a_refusal_halves_the_rate_and_answers_bring_it_back() -> None:
    throttle, clock = throttled(requests=100)

    refuse(throttle, clock)
    assert throttle.rate == 0.5
    for _ in range(200):
        clock.seconds += 1
        throttle.answered()
    assert throttle.rate == 1.0


def test_calls_that_are_refused_together_slow_it_down_once() -> None:
    throttle, clock = throttled(requests=100)
    clock.seconds += 5

    for _ in range(8):
        throttle.refused(None, took=0.2)

    assert throttle.rate == 0.5


def test_about_the_rate_that_was_refused_it_is_cut_and_grows_a_little_only() -> None:
    throttle, clock = throttled(requests=100)
    refuse(throttle, clock)
    refuse(throttle, clock)
    limit = 0.5
    while throttle.rate < 0.85 * limit:
        clock.seconds += 1
        throttle.answered()
    before = throttle.rate

    clock.seconds += 6
    throttle.answered()
    assert throttle.rate - before == pytest.approx(limit * 0.1 * 6 / 60)
    refuse(throttle, clock)
    assert throttle.rate == pytest.approx(0.9 * (before + limit * 0.01))


def test_an_erp_that_bears_a_quarter_is_refused_by_seldom_once_that_is_known() -> None:
    throttle, clock = throttled(requests=120, window=60)
    went: deque[float] = deque()
    served, refused = [0] * 20, [0] * 20
    for _ in range(20 * 60 * 10):
        clock.seconds += 0.1
        if not go(throttle):
            continue
        minute = int((clock.seconds - 1000) // 60) % 20
        while went and went[0] <= clock.seconds - 60:
            went.popleft()
        if len(went) < 30:
            went.append(clock.seconds)
            served[minute] += 1
            throttle.answered()
        else:
            refused[minute] += 1
            throttle.refused(went[0] + 60 - clock.seconds)

    assert sum(served[10:]) >= 0.85 * 30 * 10
    assert sum(refused[10:]) <= 0.05 * sum(served[10:])


def test_calls_that_went_before_the_refusal_count_in_the_smaller_window() -> None:
    throttle, clock = throttled(requests=10)
    for _ in range(10):
        go(throttle)
        clock.seconds += 1

    throttle.refused(None)

    assert throttle.delay() == pytest.approx(1000 + 5 + 60 - clock.seconds)
    clock.seconds = 1000 + 5 + 60
    assert go(throttle)
    assert not go(throttle)


def test_however_often_it_is_refused_it_goes_on() -> None:
    throttle, clock = throttled(requests=100)
    for _ in range(100):
        refuse(throttle, clock)

    assert calls_in(throttle, clock, seconds=60) == 5


def calls_in(throttle: Throttle, clock: HandClock, seconds: float) -> int:
    """How many calls go meanwhile, each as soon as it may."""
    until, count = clock.seconds + seconds, 0
    while clock.seconds < until:
        if go(throttle):
            count += 1
        else:
            clock.seconds += throttle.delay() + 1e-9
    return count


def test_while_it_is_slow_calls_go_at_even_distances() -> None:
    throttle, clock = throttled(requests=60, window=60)
    refuse(throttle, clock)

    assert go(throttle)
    assert throttle.delay() == pytest.approx(2)
    clock.seconds += 2
    assert go(throttle)


def test_a_place_is_free_one_window_after_the_call_has_ended() -> None:
    throttle, clock = throttled(requests=1, window=60)
    assert throttle.delay() == 0.0
    clock.seconds += 30
    assert throttle.delay() == pytest.approx(60)

    throttle.ended()

    clock.seconds += 59
    assert throttle.delay() == pytest.approx(1)
    clock.seconds += 1
    assert throttle.delay() == 0.0


def test_a_restart_takes_up_rate_waiting_and_window_as_they_were() -> None:
    throttle, clock = throttled(requests=10)

    throttle.restore(0.5, 12.0, used=3)

    assert throttle.rate == 0.5
    assert throttle.slow_for() == pytest.approx(12)
    clock.seconds += 12
    assert throttle.used() == 3
    assert calls_in(throttle, clock, seconds=47) == 2


def test_what_went_without_a_place_is_waited_for_afterwards() -> None:
    throttle, clock = throttled(requests=10)
    assert throttle.delay() == 0.0

    throttle.ended(9)

    assert throttle.used() == 9
    assert calls_now(throttle) == 1
    clock.seconds += 60
    assert calls_now(throttle) == 10


def test_a_place_in_which_nothing_was_called_is_free_at_once() -> None:
    throttle, _ = throttled(requests=1)
    assert throttle.delay() == 0.0

    throttle.ended(0)

    assert throttle.used() == 0
    assert go(throttle)


@given(
    st.lists(st.tuples(st.sampled_from("cra"), st.floats(0, 30)), max_size=80),
    st.integers(1, 20),
)
def test_no_window_ever_sees_more_calls_than_configured(
    acts: list[tuple[str, float]], requests: int
) -> None:
    throttle, clock = throttled(requests=requests, window=60)
    went: list[float] = []
    for act, pause in acts:
        clock.seconds += pause
        if act == "r":
            throttle.refused(None)
        elif act == "a":
            throttle.answered()
        elif go(throttle):
            went.append(clock.seconds)
        last = [at for at in went if at > clock.seconds - 60]
        assert len(last) <= requests


def test_threads_share_one_window() -> None:
    throttle, _ = throttled(requests=100)
    gone: list[int] = []

    def work() -> None:
        gone.append(sum(throttle.delay() == 0.0 for _ in range(100)))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(gone) == 100
