"""Posting periods: months of the shop's own calendar, some of which are closed."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from sidecar.model.errors import UsageError

_PERIOD = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True)
class PostingRule:
    """`moves`: what belongs to a closed period goes with another posting date; else it waits."""

    timezone: tzinfo
    moves: bool


@dataclass(frozen=True, slots=True)
class Period:
    """A month.  Compared by time."""

    year: int
    month: int

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"

    @classmethod
    def named(cls, text: str) -> Period:
        """`2026-11`.  Raises UsageError for what is none."""
        found = _PERIOD.fullmatch(text)
        if found is None or int(found[1]) == 0:
            raise UsageError(f"{text} is no period", "write a month: 2026-11")
        return cls(int(found[1]), int(found[2]))

    @property
    def next(self) -> Period:
        """The month after it."""
        return Period(self.year + self.month // 12, self.month % 12 + 1)

    def begins(self, timezone: tzinfo) -> datetime:
        """Its first moment there, aware.  A zone may skip midnight: then the moment after."""
        midnight = datetime(self.year, self.month, 1, tzinfo=timezone)
        return midnight.astimezone(UTC).astimezone(timezone)


def period_of(moment: datetime, timezone: tzinfo) -> Period:
    """The month in which a moment (aware) is, by the clocks there."""
    there = moment.astimezone(timezone)
    return Period(there.year, there.month)


class PostingCalendar:
    """`closed`: the names of the closed periods."""

    def __init__(self, timezone: tzinfo, closed: Collection[str]) -> None:
        self._timezone = timezone
        self._closed = frozenset(closed)

    def closed_period_of(self, moment: datetime) -> str | None:
        """The closed period that a moment belongs to, None where it is open."""
        name = str(period_of(moment, self._timezone))
        return name if name in self._closed else None

    def moved(self, moment: datetime) -> datetime | None:
        """Midnight of the first open day after a moment of a closed period; None: it is open."""
        if self.closed_period_of(moment) is None:
            return None
        period = period_of(moment, self._timezone)
        while str(period) in self._closed:
            period = period.next
        return period.begins(self._timezone)
