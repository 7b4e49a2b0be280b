"""A search for customers whose index lags behind what was written."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sidecar.testing.erpsim.side_books import Customer, SideBooks


class CustomerSearch:
    """Finds customers by e-mail address, some seconds after they were made: its index lags."""

    def __init__(
        self, side_books: SideBooks, lag: float, clock: Callable[[], float] = time.time
    ) -> None:
        self.lag = lag
        self._side_books = side_books
        self._clock = clock

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    def find(self, email: str) -> list[Customer]:
        """All that have the address, whatever its case, and are old enough to be seen."""
        latest = self.now() - timedelta(seconds=self.lag)
        return [
            customer
            for customer in self._side_books.customers()
            if customer.created
            and customer.created <= latest
            and (customer.email or "").casefold() == email.casefold()
        ]
