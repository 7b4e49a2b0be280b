"""How many requests an ERP account is sent: one throttle, shared by all domains.

A sliding window of `requests` per `window`, of which `reserve` is left to the people who work in
the ERP; what the ERP asks for (`Retry-After`) is obeyed.  A place in the window is free again one
window after the call has *ended*: the ERP may have counted it as late as that.

Where the ERP bears less than was configured it says so by refusing: the rate is cut at once and
grows back, fast where nothing speaks against it, slowly around the rate at which the ERP last
refused.  While it is cut, calls go one by one at even distances: of a burst that goes beyond the
ERP's limit several would be refused.  How many requests are on their way at the same time is
another matter: `slots`.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from dataclasses import dataclass

from sidecar.ports import Clock

_SLOWEST = 0.05
#: Cut by a refusal that came as a surprise, and by one at about the rate of the last refusal.
_HALF, _A_LITTLE = 0.5, 0.9
#: Within these shares of the rate that was refused last the ERP's limit is believed to be.
_BELOW, _ABOVE = 0.85, 1.15
#: Grown by each answer; and, near the limit, by this share of it in each window.
_FAST, _SLOWLY = 0.02, 0.1


@dataclass(frozen=True, slots=True)
class Pace:
    """The configured bounds; `requests` None means no window.  `window` in seconds."""

    concurrency: int
    requests: int | None = None
    window: float = 60.0
    reserve: float = 0.0


class Throttle:
    """Thread-safe.  `rate` is the present share of the configured rate."""

    def __init__(self, pace: Pace, clock: Clock) -> None:
        self.pace = pace
        self.rate = 1.0
        self.clock = clock
        self._lock = threading.Lock()
        #: When the calls of the last window ended, and how many are on their way.
        self._ended: deque[float] = deque()
        self._on_their_way = 0
        self._went_at = -math.inf
        self._slow_until = 0.0
        #: The rate at which the ERP last refused; None: nothing is known against the full one.
        self._limit: float | None = None
        self._cut_at = 0.0
        self._grown_at = clock.monotonic()

    def delay(self) -> float:
        """Seconds until the next call may go; 0 takes its place, which `ended` gives back."""
        with self._lock:
            now = self.clock.monotonic()
            wait = max(self._slow_until - now, self._until_place(now), self._until_turn(now))
            if wait > 0:
                return wait
            self._on_their_way += 1
            self._went_at = now
            return 0.0

    def ended(self, calls: int = 1) -> None:
        """What had taken a place is over, and so many calls were made of it.

        Those beyond the one place are waited for afterwards; none leaves the place free.
        """
        with self._lock:
            self._on_their_way -= 1
            self._ended.extend([self.clock.monotonic()] * calls)

    def refused(self, after: float | None, took: float = 0.0) -> None:
        """The ERP said, `took` seconds after the call was sent, that we ask too often."""
        with self._lock:
            now = self.clock.monotonic()
            if after:
                self._slow_until = max(self._slow_until, now + after)
            if now - took < self._cut_at:
                # Sent before the last cut: what is on its way together is refused together.
                return
            expected = self._limit is not None and self._is_near(self.rate, self._limit)
            self._limit = self.rate
            self._cut_at = now
            self._grown_at = now
            self.rate = max(_SLOWEST, self.rate * (_A_LITTLE if expected else _HALF))

    def answered(self) -> None:
        """The ERP answered in a normal way."""
        with self._lock:
            now = self.clock.monotonic()
            passed, self._grown_at = now - self._grown_at, now
            if self.rate >= 1.0:
                return
            if self._limit is not None and self.rate > self._limit * _ABOVE:
                self._limit = None
            if self._limit is not None and self._is_near(self.rate, self._limit):
                grown = self._limit * _SLOWLY * min(1.0, passed / self.pace.window)
            else:
                grown = _FAST
            self.rate = min(1.0, self.rate + grown)

    def restore(self, rate: float, slow_for: float, used: int) -> None:
        """Take up what the ledger remembers from before a restart: `used` of the window."""
        with self._lock:
            now = self.clock.monotonic()
            self.rate = rate
            self._slow_until = now + slow_for
            self._ended.extend([now] * used)

    def end_wait(self) -> None:
        """Call again, though the ERP asked us to be quiet for longer."""
        with self._lock:
            self._slow_until = 0.0

    def slow_for(self) -> float:
        """Seconds for which the ERP asked us to be quiet."""
        with self._lock:
            return max(0.0, self._slow_until - self.clock.monotonic())

    def used(self) -> int:
        """Calls of the last window."""
        with self._lock:
            self._forget(self.clock.monotonic())
            return len(self._ended) + self._on_their_way

    def _until_place(self, now: float) -> float:
        """Seconds until the window has a place."""
        self._forget(now)
        if self.pace.requests is None:
            return 0.0
        too_many = len(self._ended) + self._on_their_way - max(1, int(self._allowed()))
        if too_many < 0:
            return 0.0
        # Those that are on their way leave the window last.
        leaves = self._ended[too_many] if too_many < len(self._ended) else now
        return leaves + self.pace.window - now

    def _until_turn(self, now: float) -> float:
        """Seconds until a call is due that goes at an even distance from the last one."""
        if self.rate >= 1.0 or self.pace.requests is None:
            return 0.0
        return self._went_at + self.pace.window / max(1.0, self._allowed()) - now

    def _allowed(self) -> float:
        """Calls per window, at the present rate."""
        return (self.pace.requests or 0) * (1 - self.pace.reserve) * self.rate

    def _forget(self, now: float) -> None:
        while self._ended and self._ended[0] <= now - self.pace.window:
            self._ended.popleft()

    def _is_near(self, rate: float, limit: float) -> bool:
        return limit * _BELOW <= rate <= limit * _ABOVE
