from __future__ import annotations

import pytest

from sidecar.host.liveness import Pulse
from tests.harness import HandClock


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def pulse(clock: HandClock) -> Pulse:
    made = Pulse(clock, {"intake": 60.0, "deliver": 600.0})
    made.works_until(clock.seconds + 10_000)
    return made


def test_it_works_once_every_duty_came_to_an_end(pulse: Pulse) -> None:
    assert pulse.silent() == ["intake", "deliver"]
    pulse.ended("intake")
    assert pulse.silent() == ["deliver"]
    pulse.ended("deliver")
    assert pulse.works


def test_a_duty_that_hangs_is_silent_after_its_own_time(pulse: Pulse, clock: HandClock) -> None:
    pulse.ended("intake")
    pulse.ended("deliver")
    clock.seconds += 60
    assert pulse.works
    clock.seconds += 1
    assert pulse.silent() == ["intake"]
    pulse.ended("intake")
    assert pulse.works


def test_without_the_work_lease_it_does_not_work(pulse: Pulse, clock: HandClock) -> None:
    pulse.ended("intake")
    pulse.ended("deliver")
    works = []
    for until in (0.0, clock.seconds, clock.seconds + 5):
        pulse.works_until(until)
        works.append(pulse.works)
    assert works == [False, False, True]


def test_a_duty_without_a_limit_is_never_silent(pulse: Pulse) -> None:
    pulse.ended("retention")
    assert "retention" not in pulse.silent()
