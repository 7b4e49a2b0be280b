"""After several transport failures in a row the ERP is asked once in a while, no more."""

from __future__ import annotations

import threading

from sidecar.ports import Clock


class Breaker:
    """Closed: calls go.  Open: one question per `probe_every` seconds until the ERP answers."""

    def __init__(self, after: int, probe_every: float, clock: Clock) -> None:
        self._after = after
        self._probe_every = probe_every
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._ask_at: float | None = None

    @property
    def failures(self) -> int:
        """Transport failures in a row."""
        return self._failures

    @property
    def is_open(self) -> bool:
        """Whether calls are held back."""
        return self._ask_at is not None

    def restore(self, failures: int, open_: bool, ask_in: float) -> None:
        """Take up what the ledger remembers from before a restart."""
        with self._lock:
            self._failures = failures
            self._ask_at = self._clock.monotonic() + ask_in if open_ else None

    def may_ask(self) -> bool:
        """Whether the one question of an open breaker is due; taking it sets the next."""
        with self._lock:
            now = self._clock.monotonic()
            if self._ask_at is None or now < self._ask_at:
                return False
            self._ask_at = now + self._probe_every
            return True

    def asks_in(self) -> float:
        """Seconds until an open breaker asks again; 0 when it is closed."""
        with self._lock:
            return 0.0 if self._ask_at is None else max(0.0, self._ask_at - self._clock.monotonic())

    def failed(self) -> bool:
        """Count a transport failure; True when this one opened the breaker."""
        with self._lock:
            self._failures += 1
            if self._failures < self._after or self._ask_at is not None:
                return False
            self._ask_at = self._clock.monotonic() + self._probe_every
            return True

    def answered(self) -> bool:
        """The ERP answered; True when that closed an open breaker."""
        with self._lock:
            was_open = self._ask_at is not None
            self._failures = 0
            self._ask_at = None
            return was_open
