"""How long an ERP took to answer, by the hour of the day."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import tzinfo

import msgspec

from sidecar.ledger.answers import AnsweredAttempt

#: A call's parts, one for each attempt that shares it: without a rest for most sizes of a batch.
_WHOLE = 720_720


class Hour(msgspec.Struct, frozen=True, kw_only=True):
    """Calls of one hour of the day.

    `median` and `worst` in milliseconds, of calls that were answered or timed out; `unanswered`:
    those that broke, or were never made, for another reason.
    """

    hour: int
    calls: int
    median: int | None
    worst: int | None
    timeouts: int
    unanswered: int


class Hours:
    """Counts calls; hours are those of `zone`."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._calls: Counter[int] = Counter()
        self._timeouts: Counter[int] = Counter()
        self._unanswered: Counter[int] = Counter()
        #: Duration → how many calls took it.
        self._took: dict[int, Counter[int]] = defaultdict(Counter)

    def note(self, attempt: AnsweredAttempt) -> None:
        """Each attempt of a call that many share is a part of it."""
        hour = attempt.at.astimezone(self._zone).hour
        part = _WHOLE // max(1, attempt.events)
        is_answered = attempt.http_status is not None or attempt.predicate is not None
        self._calls[hour] += part
        self._timeouts[hour] += part * attempt.timed_out
        self._unanswered[hour] += part * (not is_answered and not attempt.timed_out)
        if attempt.milliseconds is not None and (is_answered or attempt.timed_out):
            self._took[hour][attempt.milliseconds] += part

    def told(self) -> tuple[Hour, ...]:
        """The hours in which there were calls."""
        return tuple(
            Hour(
                hour=hour,
                calls=_calls(self._calls[hour]),
                median=_median(self._took[hour]),
                worst=max(self._took[hour], default=None),
                timeouts=_calls(self._timeouts[hour]),
                unanswered=_calls(self._unanswered[hour]),
            )
            for hour in sorted(self._calls)
        )


def _calls(parts: int) -> int:
    return round(parts / _WHOLE)


def _median(took: Counter[int]) -> int | None:
    left = took.total() / 2
    for milliseconds in sorted(took):
        left -= took[milliseconds]
        if left <= 0:
            return milliseconds
    return None
