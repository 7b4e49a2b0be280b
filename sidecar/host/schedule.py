"""When stations run.  The only importer of APScheduler.

The wall clock is set back when a machine boots with a wrong one and finds a time server, when a
virtual machine is resumed, by hand: intervals that are planned on it stop for as long.  So
APScheduler is given another clock to plan by (docs/decisions/0037).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

#: How often somebody who waits for the end is told that it goes on.
_LOOK_SECONDS = 2.0
_BEGIN = datetime(2000, 1, 1)  # noqa: DTZ001 - any day: only differences are looked at


class _SteadyZone(tzinfo):
    """A time zone whose time is `time.monotonic()`, whatever the wall clock says.

    APScheduler asks for the time by `datetime.now(zone)`, and Python asks the zone by `fromutc`.
    """

    def fromutc(self, _wall_clock: datetime) -> datetime:
        return _BEGIN.replace(tzinfo=self) + timedelta(seconds=time.monotonic())

    def utcoffset(self, _at: datetime | None) -> timedelta:
        return timedelta(0)

    def dst(self, _at: datetime | None) -> timedelta:
        return timedelta(0)

    def tzname(self, _at: datetime | None) -> str:
        return "steady"


_STEADY = _SteadyZone()


def _in(seconds: float) -> datetime:
    return datetime.now(_STEADY) + timedelta(seconds=max(0.0, seconds))


class _Every(BaseTrigger):  # type: ignore[misc] # APScheduler has no types
    """So many seconds after the run before began; what was missed meanwhile is left out."""

    def __init__(self, seconds: float) -> None:
        self._interval = timedelta(seconds=seconds)

    def get_next_fire_time(self, _previous: datetime | None, now: datetime) -> datetime:
        return now + self._interval


class _Alone:
    """A job that never runs twice at the same time, and runs again when it was woken meanwhile."""

    def __init__(self, job: Callable[[], object]) -> None:
        self._job = job
        self._running = threading.Lock()
        self._changing = threading.Lock()
        self._wished: datetime | None = None
        self._stopped = False

    def wish(self, at: datetime) -> None:
        """It is to run at `at`: a run that is going on then may have looked already."""
        with self._changing:
            self._wished = at if self._wished is None else min(self._wished, at)

    def stop(self) -> None:
        """Begin no further run."""
        self._stopped = True

    def has_ended(self, patience: float) -> bool:
        """Wait for the run that goes on, for so many seconds at the most."""
        ended = self._running.acquire(timeout=patience)
        if ended:
            self._running.release()
        return ended

    def __call__(self) -> None:
        # A run that outlasts the interval makes the next ones skip in silence; APScheduler's own
        # way to skip is a log line each.
        while not self._stopped and self._running.acquire(blocking=False):
            try:
                with self._changing:
                    self._wished = None
                self._job()
            finally:
                self._running.release()
            if not self._is_wished():
                return

    def _is_wished(self) -> bool:
        with self._changing:
            return self._wished is not None and self._wished <= datetime.now(_STEADY)


class Schedule:
    """Runs each job every so many seconds, or when it is woken, never twice at the same time."""

    def __init__(self) -> None:
        # misfire_grace_time=None: APScheduler's default skips a job that is over a second late,
        # with a log line only; max_instances: `_Alone` is what keeps runs apart, in silence.
        self._scheduler = BackgroundScheduler(
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1000},
            timezone=_STEADY,
        )
        self._jobs: dict[str, _Alone] = {}
        self._planning = threading.Lock()

    def every(self, seconds: float, name: str, job: Callable[[], object]) -> None:
        """Run `job` at once and then every `seconds`; an exception of it must be its own affair.

        Before `start` only.
        """
        self._jobs[name] = alone = _Alone(job)
        self._scheduler.add_job(alone, _Every(seconds), id=name, name=name, next_run_time=_in(0))

    def wake(self, name: str, after: float = 0.0) -> None:
        """Let one job run in `after` seconds, at the latest; when it is running then, once more."""
        at = _in(after)
        self._jobs[name].wish(at)
        with self._planning:
            # This waits until APScheduler has planned the run after one that just began.
            planned = self._scheduler.get_job(name)
            # None: it was stopped, and knows no job any more.
            if planned is not None and at < planned.next_run_time:
                planned.modify(next_run_time=at)

    def wake_all(self) -> None:
        """Let every job run now, whatever its interval: what was not allowed to run before is."""
        for name in self._jobs:
            self.wake(name)

    def start(self) -> None:
        """Begin."""
        # Two threads a job: one for its run, one to find that it is running.
        self._executor = ThreadPoolExecutor(2 * len(self._jobs))
        self._scheduler.add_executor(self._executor)
        self._scheduler.start()

    def stop(self, while_waiting: Callable[[], object] = lambda: None) -> None:
        """Begin no further run, and wait for those that are going on.

        `while_waiting` is called at once and every few seconds.

        Not by `shutdown(wait=True)`: it waits with the scheduler's lock in its hand, for a job that
        may be asking for it (`wake`), and so for ever.
        """
        for alone in self._jobs.values():
            alone.stop()
        with self._planning:
            self._scheduler.shutdown(wait=False)
        while_waiting()
        for alone in self._jobs.values():
            while not alone.has_ended(_LOOK_SECONDS):
                while_waiting()
        self._executor.shutdown(wait=True)
