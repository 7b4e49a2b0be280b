"""When jobs run: on their interval, when they are woken, and never twice at the same time."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from sidecar.host.schedule import Schedule

FOR_EVER = 3600.0
SOON = 10.0


class Job:
    """A job that a test holds up; counts how often it ran, and how often at the same time."""

    def __init__(self) -> None:
        self.began = threading.Semaphore(0)
        self.go_on = threading.Semaphore(0)
        self.at_once = 0
        self.most_at_once = 0

    def __call__(self) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.began.release()
        assert self.go_on.acquire(timeout=SOON)
        self.at_once -= 1

    def ran(self) -> bool:
        """Wait for the next run to begin."""
        return self.began.acquire(timeout=SOON)

    def runs_again(self) -> bool:
        """Whether another run has begun within a moment."""
        return self.began.acquire(timeout=0.3)


@pytest.fixture
def schedule() -> Iterator[Schedule]:
    running = Schedule()
    yield running
    running.stop()


@pytest.fixture
def job(schedule: Schedule) -> Iterator[Job]:
    """A job that runs once now and then in an hour."""
    held_up = Job()
    schedule.every(FOR_EVER, "job", held_up)
    schedule.start()
    yield held_up
    held_up.go_on.release(100)


def test_a_job_runs_at_once_and_then_on_its_interval(schedule: Schedule) -> None:
    job = Job()
    job.go_on.release(100)
    schedule.every(0.05, "job", job)
    schedule.start()

    assert all(job.ran() for _ in range(3))


def test_a_job_that_is_woken_need_not_wait_for_its_interval(schedule: Schedule, job: Job) -> None:
    assert job.ran()
    job.go_on.release()

    schedule.wake("job")

    assert job.ran()


def test_a_job_that_is_woken_while_it_runs_runs_once_more_and_never_beside_itself(
    schedule: Schedule, job: Job
) -> None:
    assert job.ran()
    for _ in range(3):
        schedule.wake("job")
    assert not job.runs_again()

    job.go_on.release()

    assert job.ran()
    job.go_on.release()
    assert not job.runs_again()
    assert job.most_at_once == 1


def test_a_job_may_be_woken_for_later(schedule: Schedule, job: Job) -> None:
    assert job.ran()
    job.go_on.release()

    schedule.wake("job", after=0.5)

    assert not job.runs_again()
    assert job.ran()


def test_a_job_that_was_woken_for_later_runs_no_later_for_another_who_wants_it_later_still(
    schedule: Schedule, job: Job
) -> None:
    assert job.ran()
    job.go_on.release()

    schedule.wake("job")
    schedule.wake("job", after=FOR_EVER)

    assert job.ran()


def test_a_job_that_is_running_when_it_is_due_as_somebody_wished_runs_once_more(
    schedule: Schedule, job: Job
) -> None:
    assert job.ran()
    schedule.wake("job", after=0.1)
    assert not job.runs_again()

    job.go_on.release()

    assert job.ran()


def test_a_job_may_wish_while_it_runs_to_run_again_soon() -> None:
    """Also in the first instant of its run, when the plan of the next one is not yet made."""
    for _ in range(50):
        schedule = Schedule()
        runs = threading.Semaphore(0)

        def run(schedule: Schedule = schedule, runs: threading.Semaphore = runs) -> None:
            runs.release()
            schedule.wake("job", after=0.001)

        schedule.every(FOR_EVER, "job", run)
        schedule.start()
        assert all(runs.acquire(timeout=SOON) for _ in range(3))
        schedule.stop()


def test_a_schedule_that_was_stopped_begins_nothing_that_was_wished_before() -> None:
    schedule = Schedule()
    job = Job()
    schedule.every(FOR_EVER, "job", job)
    schedule.start()
    assert job.ran()
    schedule.wake("job")

    schedule.stop(while_waiting=job.go_on.release)

    assert not job.began.acquire(blocking=False)


def test_a_job_that_wakes_another_in_the_moment_of_a_stop_does_not_hang() -> None:
    for _ in range(20):
        schedule = Schedule()
        schedule.every(FOR_EVER, "other", lambda: None)
        stopping = threading.Event()

        def wake_all(schedule: Schedule = schedule, stopping: threading.Event = stopping) -> None:
            stopping.wait(SOON)
            schedule.wake_all()

        schedule.every(FOR_EVER, "job", wake_all)
        schedule.start()
        stopped = threading.Thread(target=schedule.stop)
        stopping.set()
        stopped.start()
        stopped.join(SOON)
        assert not stopped.is_alive()
