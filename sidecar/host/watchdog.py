"""Whether the work gets on: the watchdog lives on this and on nothing else.

Each duty has its turns.  A turn that neither ends nor reports progress for `patience`, and a turn
that does not come although it should have, is a duty that hangs; one that hangs is enough for no
beat to be given.  Beats are given by the threads that work, in their turns: a thread that did
nothing else would go on beating beside a daemon that is stuck.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sidecar.ports import Clock

#: How long a duty may be silent where no watchdog says how long.
_PATIENCE = 90.0
#: Share of the watchdog's interval.  What a duty waits for at the most must end within: a dead
#: pooled connection and then the new one, sixty seconds each (sidecar.database).
_SILENT = 0.75
_BEATS_PER_INTERVAL = 4


class Watchdog:
    """Used by several threads at once; `interval`: of the watchdog, None where there is none."""

    def __init__(self, clock: Clock, beat: Callable[[], None], interval: float | None) -> None:
        self._clock = clock
        self._beat = beat
        self._patience = interval * _SILENT if interval else _PATIENCE
        self._beat_every = interval / _BEATS_PER_INTERVAL if interval else 0.0
        self._beat_at = 0.0 if interval else float("inf")
        self._every: dict[str, float] = {}
        self._overdue_at: dict[str, float] = {}
        self._in_turn: set[str] = set()
        self._is_ending = False
        self._here = threading.local()
        self._lock = threading.Lock()

    def expect(self, name: str, every: float) -> None:
        """From now on `name` has its turn every so many seconds."""
        self._every[name] = every
        self._overdue_at[name] = self._clock.monotonic() + self._patience

    @contextmanager
    def turn(self, name: str) -> Iterator[None]:
        """One turn of a duty; a turn that ends in an error has ended."""
        self._here.duty = name
        self._begun(name)
        try:
            yield
        finally:
            self._here.duty = None
            self._ended(name)

    def progress(self) -> None:
        """The turn that this thread is in gets on; outside of one it is nobody's business."""
        name: str | None = getattr(self._here, "duty", None)
        if name is not None:
            with self._lock:
                self._overdue_at[name] = self._clock.monotonic() + self._patience
                self._beat_if_due()

    def end(self) -> None:
        """No further turns will come; those that go on must still get on."""
        with self._lock:
            self._is_ending = True
            self._overdue_at = {name: self._overdue_at[name] for name in self._in_turn}

    def gets_on(self) -> bool:
        """Whether no duty hangs."""
        with self._lock:
            return self._gets_on()

    def _begun(self, name: str) -> None:
        with self._lock:
            self._in_turn.add(name)
        self.progress()

    def _ended(self, name: str) -> None:
        with self._lock:
            self._in_turn.discard(name)
            if self._is_ending:
                self._overdue_at.pop(name, None)
            else:
                now = self._clock.monotonic()
                self._overdue_at[name] = now + self._every[name] + self._patience
            self._beat_if_due()

    def _gets_on(self) -> bool:
        now = self._clock.monotonic()
        return all(now < at for at in self._overdue_at.values())

    def _beat_if_due(self) -> None:
        now = self._clock.monotonic()
        if now >= self._beat_at and self._gets_on():
            self._beat_at = now + self._beat_every
            self._beat()
