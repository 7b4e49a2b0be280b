"""When stations run.  The only importer of apscheduler."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler


class Schedule:
    """Runs each job every so many seconds, never twice at the same time."""

    def __init__(self, most_jobs: int) -> None:
        # misfire_grace_time=None: APScheduler's default skips a job that is over a second late,
        # with a log line only; coalesce: what was missed is run once, not once per miss.
        self._executor = ThreadPoolExecutor(most_jobs)
        self._scheduler = BackgroundScheduler(
            executors={"default": self._executor},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
            timezone=UTC,
        )

    def every(self, seconds: float, name: str, job: Callable[[], object]) -> None:
        """Run `job` now and then every `seconds`; an exception of it must be its own affair."""
        never_twice = threading.Lock()

        def alone() -> None:
            # A job that outlasts its interval is skipped in silence; APScheduler logs each skip.
            if never_twice.acquire(blocking=False):
                try:
                    job()
                finally:
                    never_twice.release()

        self._scheduler.add_job(
            alone,
            "interval",
            seconds=seconds,
            name=name,
            max_instances=2,
            next_run_time=datetime.now(UTC),
        )

    def all_at_once(self) -> None:
        """Let every job run now, whatever its interval: what was not allowed to run before is."""
        for job in self._scheduler.get_jobs():
            job.modify(next_run_time=datetime.now(UTC))

    def start(self) -> None:
        """Begin."""
        self._scheduler.start()

    def stop(self) -> None:
        """Begin no further run, and wait for those that are going on.

        Not by `shutdown(wait=True)`: it waits with the scheduler's lock in its hand, for a job that
        may be asking for it (`all_at_once`), and so for ever.
        """
        self._scheduler.shutdown(wait=False)
        self._executor.shutdown(wait=True)
