from __future__ import annotations

import pytest

from sidecar.host.liveness import Liveness
from tests.harness import HandClock


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def liveness(clock: HandClock) -> Liveness:
    made = Liveness(clock, {"intake": 60.0, "deliver": 600.0})
    made.works_until(clock.seconds + 10_000)
    return made


def test_it_works_once_every_duty_came_to_an_end(liveness: Liveness) -> None:
    assert liveness.silent() == ["intake", "deliver"]
    liveness.ended("intake")
    assert liveness.silent() == ["deliver"]
    liveness.ended("deliver")
    assert liveness.works


def test_a_duty_that_hangs_is_silent_after_its_own_time(
    liveness: Liveness, clock: HandClock
) -> None:
    liveness.ended("intake")
    liveness.ended("deliver")
    clock.seconds += 60
    assert liveness.works
    clock.seconds += 1
    assert liveness.silent() == ["intake"]
    liveness.ended("intake")
    assert liveness.works


def test_without_the_work_lease_it_does_not_work(liveness: Liveness, clock: HandClock) -> None:
    liveness.ended("intake")
    liveness.ended("deliver")
    works = []
    for until in (0.0, clock.seconds, clock.seconds + 5):
        liveness.works_until(until)
        works.append(liveness.works)
    assert works == [False, False, True]


def test_a_duty_without_a_limit_is_never_silent(liveness: Liveness) -> None:
    liveness.ended("retention")
    assert "retention" not in liveness.silent()


def test_an_erp_that_gives_no_answer_leaves_the_daemon_at_work(clock: HandClock) -> None:
    liveness = Liveness(clock, {}, of_others=["hear stock"])
    liveness.works_until(clock.seconds + 10_000)
    for duty in ("hear stock", "intake"):
        liveness.failed(duty)
    clock.seconds += 301
    assert liveness.failing() == ["intake"]
    liveness.ended("intake")
    assert liveness.works
