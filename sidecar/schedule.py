"""When stations run.  The only importer of apscheduler."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.job import Job
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler

#: How often somebody who waits for the end is told that it goes on.
_LOOK_SECONDS = 2.0


class _Alone:
    """A job that never runs twice at the same time, and runs again when it was woken meanwhile."""

    def __init__(self, job: Callable[[], object]) -> None:
        self._job = job
        self._running = threading.Lock()
        self._woken = threading.Event()

    def wake(self) -> None:
        """Something has come for it: a run that is going on may have looked already."""
        self._woken.set()

    def has_ended(self, patience: float) -> bool:
        """Wait for the run that goes on, for so many seconds at the most."""
        ended = self._running.acquire(timeout=patience)
        if ended:
            self._running.release()
        return ended

    def __call__(self) -> None:
        # A run that outlasts the interval makes the next ones skip in silence; APScheduler's own
        # way to skip is a log line each.
        while self._running.acquire(blocking=False):
            try:
                self._woken.clear()
                self._job()
            finally:
                self._running.release()
            if not self._woken.is_set():
                return


class Schedule:
    """Runs each job every so many seconds, or when it is woken, never twice at the same time."""

    def __init__(self, most_jobs: int) -> None:
        # misfire_grace_time=None: APScheduler's default skips a job that is over a second late,
        # with a log line only; coalesce: what was missed is run once, not once per miss.
        self._executor = ThreadPoolExecutor(most_jobs)
        self._scheduler = BackgroundScheduler(
            executors={"default": self._executor},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 2},
            timezone=UTC,
        )
        self._jobs: dict[str, tuple[Job, _Alone]] = {}
        self._stopped = False

    def every(self, seconds: float, name: str, job: Callable[[], object]) -> None:
        """Run `job` now and then every `seconds`; an exception of it must be its own affair."""
        alone = _Alone(job)
        planned = self._scheduler.add_job(
            alone, "interval", seconds=seconds, name=name, next_run_time=datetime.now(UTC)
        )
        self._jobs[name] = planned, alone

    def wake(self, name: str, after: float = 0.0) -> None:
        """Let one job run in `after` seconds, or once more when it is running."""
        if self._stopped:
            return
        planned, alone = self._jobs[name]
        if after <= 0:
            alone.wake()
        with suppress(JobLookupError):  # a stop came in between: no job is known any more
            planned.modify(next_run_time=datetime.now(UTC) + timedelta(seconds=max(0.0, after)))

    def wake_all(self) -> None:
        """Let every job run now, whatever its interval: what was not allowed to run before is."""
        for name in self._jobs:
            self.wake(name)

    def start(self) -> None:
        """Begin."""
        self._scheduler.start()

    def stop(self, while_waiting: Callable[[], object] = lambda: None) -> None:
        """Begin no further run, and wait for those that are going on.

        `while_waiting` is called at once and every few seconds.

        Not by `shutdown(wait=True)`: it waits with the scheduler's lock in its hand, for a job that
        may be asking for it (`wake`), and so for ever.
        """
        self._stopped = True
        self._scheduler.shutdown(wait=False)
        while_waiting()
        for _, alone in self._jobs.values():
            while not alone.has_ended(_LOOK_SECONDS):
                while_waiting()
        self._executor.shutdown(wait=True)
