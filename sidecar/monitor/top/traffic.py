"""The calls of the last five minutes, as far as they were seen."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sidecar.ledger.backlog import Call

#: Seconds that are remembered.
SPAN = 300.0
#: Ids are given before they are seen: so many below the highest one are looked at again.
OVERLAP = 500


@dataclass(frozen=True, slots=True)
class Traffic:
    """`per_minute`: booked by the ERP, over the last minute and over five; None: too many to see.

    Times of calls are in milliseconds, None without a call.
    """

    last_minute: float | None
    last_five: float | None
    calls: int
    p50: float | None
    p95: float | None
    slowest: float | None


class Recent:
    """Remembers calls between two looks; moments are on the watcher's own monotonic clock."""

    def __init__(self) -> None:
        self._seen: dict[int, tuple[float, Call]] = {}
        self._whole_since = -math.inf

    @property
    def after(self) -> int:
        """The id above which to look."""
        return max(self._seen, default=OVERLAP) - OVERLAP

    def add(self, calls: Sequence[Call], now: float, *, cut: bool) -> None:
        """Take in what a look found; `cut`: there was more than it could bring."""
        for call in calls:
            self._seen[call.id] = (now - call.age, call)
        if cut and calls:
            self._whole_since = now - calls[-1].age
        # The highest id stays, so that `after` does not fall back to the beginning.
        highest = max(self._seen, default=0)
        self._seen = {
            id_: seen for id_, seen in self._seen.items() if now - seen[0] <= SPAN or id_ == highest
        }

    def traffic(self, now: float) -> Traffic:
        """What the screen tells."""
        young = [call for at, call in self._seen.values() if now - at <= SPAN]
        times = sorted(one.milliseconds for one in young if one.milliseconds is not None)
        return Traffic(
            self._rate(now, 60.0),
            self._rate(now, SPAN),
            len(times),
            _quantile(times, 0.5),
            _quantile(times, 0.95),
            float(times[-1]) if times else None,
        )

    def _rate(self, now: float, seconds: float) -> float | None:
        if now - self._whole_since < seconds:
            return None
        booked = _booked(call for at, call in self._seen.values() if now - at <= seconds)
        return booked * 60 / seconds


def _booked(calls: Iterable[Call]) -> int:
    return sum(call.outcome == "accepted" for call in calls)


def _quantile(ordered: Sequence[int], part: float) -> float | None:
    return float(ordered[math.ceil(part * len(ordered)) - 1]) if ordered else None
