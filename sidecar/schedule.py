"""When stations run: a thread each, by a clock that nobody can set.

The wall clock is set back when a machine boots with a wrong one and finds a time server, when a
virtual machine is resumed, by hand: intervals that are planned on it stop for as long
(docs/decisions/0037).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

#: What a lock can be waited for is bounded; beyond it, it is only looked again.
_LONGEST_SLEEP = 3600.0
#: How often somebody who waits for the end is told that it goes on.
_LOOK_SECONDS = 2.0


class _Job:
    """One job in a thread of its own, which is why it never runs twice at the same time."""

    def __init__(self, seconds: float, name: str, run: Callable[[], object]) -> None:
        self._every = seconds
        self._run = run
        self._due = time.monotonic()
        self._is_stopped = False
        self._changed = threading.Condition()
        self.thread = threading.Thread(target=self._work, name=name)

    def wake(self, after: float) -> None:
        """Run in `after` seconds, at the latest; when it is running now, once more."""
        with self._changed:
            self._due = min(self._due, time.monotonic() + max(0.0, after))
            self._changed.notify()

    def stop(self) -> None:
        """Begin no further run."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify()

    def _work(self) -> None:
        while self._wait():
            began = time.monotonic()
            self._run()
            self._plan(began)

    def _wait(self) -> bool:
        """Wait until it is due; False when it is not to run any more."""
        with self._changed:
            while not self._is_stopped and (left := self._due - time.monotonic()) > 0:
                self._changed.wait(min(left, _LONGEST_SLEEP))
            # From here on only somebody who wakes it makes it due.
            self._due = float("inf")
            return not self._is_stopped

    def _plan(self, began: float) -> None:
        """Plan the next run; those that this one outlasted are left out."""
        with self._changed:
            missed = (time.monotonic() - began) // self._every
            self._due = min(self._due, began + (missed + 1) * self._every)


class Schedule:
    """Runs each job every so many seconds, or when it is woken, never twice at the same time."""

    def __init__(self) -> None:
        self._jobs: dict[str, _Job] = {}

    def every(self, seconds: float, name: str, job: Callable[[], object]) -> None:
        """Run `job` at once and then every `seconds`; an exception of it must be its own affair."""
        self._jobs[name] = _Job(seconds, name, job)

    def wake(self, name: str, after: float = 0.0) -> None:
        """Let one job run in `after` seconds, or once more when it is running."""
        self._jobs[name].wake(after)

    def wake_all(self) -> None:
        """Let every job run now, whatever its interval: what was not allowed to run before is."""
        for job in self._jobs.values():
            job.wake(0.0)

    def start(self) -> None:
        """Begin."""
        for job in self._jobs.values():
            job.thread.start()

    def stop(self, while_waiting: Callable[[], object] = lambda: None) -> None:
        """Begin no further run, and wait for those that are going on.

        `while_waiting` is called at once and every few seconds.
        """
        for job in self._jobs.values():
            job.stop()
        while_waiting()
        for job in self._jobs.values():
            while job.thread.is_alive():
                job.thread.join(_LOOK_SECONDS)
                if job.thread.is_alive():
                    while_waiting()
