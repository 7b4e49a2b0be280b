"""One throttle per ERP account, shared by all domains.

A sliding window of `requests` per `window`, of which `reserve` is left to the people who work in
the ERP; what the ERP asks for (`Retry-After`) is obeyed; each refusal for haste halves the rate,
each answer brings a little of it back (additive increase, multiplicative decrease).
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

from sidecar.ports import Clock

_SLOWEST = 0.05
_DECREASE = 0.5
_INCREASE = 0.02


@dataclass(frozen=True, slots=True)
class Pace:
    """The configured bounds; `requests` None means no window.  `window` in seconds."""

    concurrency: int
    requests: int | None = None
    window: float = 60.0
    reserve: float = 0.0


class Throttle:
    """Thread-safe.  `rate` is the present share of the configured rate."""

    def __init__(self, pace: Pace, clock: Clock, *, rate: float = 1.0) -> None:
        self.pace = pace
        self._clock = clock
        self._calls: deque[float] = deque()
        self._lock = threading.Lock()
        self._slow_until = 0.0
        self.rate = rate

    def delay(self) -> float:
        """Seconds until the next call may go; 0 takes its place in the window."""
        with self._lock:
            now = self._clock.monotonic()
            if now < self._slow_until:
                return self._slow_until - now
            if self.pace.requests is None:
                return 0.0
            while self._calls and self._calls[0] <= now - self.pace.window:
                self._calls.popleft()
            allowed = max(1, int(self.pace.requests * (1 - self.pace.reserve) * self.rate))
            if len(self._calls) >= allowed:
                return self._calls[len(self._calls) - allowed] + self.pace.window - now
            self._calls.append(now)
            return 0.0

    def restore(self, rate: float, slow_for: float) -> None:
        """Take up what the ledger remembers from before a restart."""
        with self._lock:
            self.rate = rate
            self._slow_until = self._clock.monotonic() + slow_for

    def refused(self, after: float | None) -> None:
        """The ERP said that we ask too often."""
        with self._lock:
            self.rate = max(_SLOWEST, self.rate * _DECREASE)
            if after:
                self._slow_until = max(self._slow_until, self._clock.monotonic() + after)

    def answered(self) -> None:
        """The ERP answered in a normal way."""
        with self._lock:
            self.rate = min(1.0, self.rate + _INCREASE)

    def slow_for(self) -> float:
        """Seconds for which the ERP asked us to be quiet."""
        with self._lock:
            return max(0.0, self._slow_until - self._clock.monotonic())
