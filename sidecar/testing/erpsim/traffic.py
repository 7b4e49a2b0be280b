"""What came in over the wire and what became of it; never counts the control face."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

LOG_LENGTH = 10_000


class Exchange(msgspec.Struct, kw_only=True, rename="camel"):
    """One request: `outcome` is None while it is being answered, then the status or `dropped`.

    `route` is the path without its variable parts, `in_flight` the number of requests under way
    when this one arrived, itself included, and `books` the sequence of the books at that moment.
    """

    ordinal: int
    time: datetime
    method: str
    path: str
    route: str
    in_flight: int
    books: int
    external: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    outcome: str | None = None


class Traffic:
    """Bounded log of exchanges and unbounded counters."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._in_flight = 0
        self.reset()

    def arrived(self, method: str, path: str, books: int) -> Exchange:
        """Log a request at its arrival."""
        with self._lock:
            self._ordinal += 1
            self._in_flight += 1
            exchange = Exchange(
                ordinal=self._ordinal,
                time=datetime.fromtimestamp(self._clock(), UTC),
                method=method,
                path=path,
                route=path.partition("?")[0],
                in_flight=self._in_flight,
                books=books,
            )
            self._log.append(exchange)
        return exchange

    def answered(self, exchange: Exchange, outcome: str) -> None:
        """Note how the exchange ended, just before its answer goes out."""
        with self._lock:
            self._in_flight -= 1
            exchange.outcome = outcome
            self._counts[f"{exchange.method} {exchange.route}"][outcome] += 1

    def books_before(self, exchange: Exchange, requests: int) -> int:
        """Sequence of the books when the request that many before this one arrived."""
        with self._lock:
            position = len(self._log) - 1 - (self._ordinal - exchange.ordinal) - requests
            return self._log[position].books if position >= 0 else 0

    def log(self) -> list[Exchange]:
        with self._lock:
            return list(self._log)

    def counts(self) -> dict[str, dict[str, int]]:
        """Requests per `METHOD route` and outcome."""
        with self._lock:
            return {route: dict(outcomes) for route, outcomes in self._counts.items()}

    def reset(self) -> None:
        with self._lock:
            self._ordinal = 0
            self._log: deque[Exchange] = deque(maxlen=LOG_LENGTH)
            self._counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
