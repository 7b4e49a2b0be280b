"""Whose call to an ERP account is next, where several domains wait for one.

**Priority.** The best domain that waits goes (the smallest number; among equals the one whose last
call is longest ago).

**Share.** With every call that is made a domain that waits is owed its share of one; where the
shares of those that others go before come to more than half, they are cut in proportion.  Whom a
whole call is owed goes before the best one when that, or one of its priority, has just had a call,
so that nobody waits for it who comes and has had none; whom two are owed need not wait for that.
Never twice in a row.

So a domain that waits gets its share of the calls, whatever the others do.  And the best one waits
for the call that is under way, and for one more only where that call was its own, or where so many
go first that somebody was passed over until two were owed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

#: What all shares together come to at the most: more than every second call cannot be promised.
_MOST_PROMISED = Decimal("0.5")
_ALL = Decimal(1)


@dataclass(frozen=True, slots=True, eq=False)
class Rank:
    """Where a domain stands: `priority`, smaller is earlier; `share` of the calls, 0 to 0.5.

    Compared by identity, which is quick: there is one for each domain.
    """

    name: str
    priority: int
    share: Decimal


#: End-to-end checks: rare, one call each, and somebody waits at a terminal.
CHECK = Rank("end-to-end check", 0, Decimal(0))


class Turns:
    """Not thread-safe: whoever asks holds a lock."""

    def __init__(self) -> None:
        self._owed: dict[Rank, Decimal] = defaultdict(Decimal)
        self._calls = 0
        self._last_call: dict[Rank, int] = {}
        self._last: Rank | None = None
        self._was_owed = False

    def next(self, waiting: Collection[Rank]) -> Rank:
        """Who goes, of those that wait; nothing is noted before `made`."""
        best = self._best(waiting)
        others = [rank for rank in waiting if rank != best]
        if not others or self._was_owed:
            return best
        creditor = max(others, key=lambda rank: (self._owed[rank], -rank.priority))
        owed = self._owed[creditor]
        has_just_gone = self._last is not None and self._last.priority == best.priority
        return creditor if owed >= 2 or (owed >= 1 and has_just_gone) else best

    def made(self, rank: Rank, waiting: Collection[Rank]) -> None:
        """`rank` makes a call; it and the others of `waiting` waited for it."""
        best = self._best(waiting)
        promised = sum(one.share for one in waiting if one != best)
        cut = _MOST_PROMISED / promised if promised > _MOST_PROMISED else _ALL
        for one in waiting:
            self._owed[one] += one.share * cut
        self._owed[rank] = max(Decimal(0), self._owed[rank] - 1)
        self._was_owed = rank != best
        self._calls += 1
        self._last_call[rank] = self._calls
        self._last = rank

    def _best(self, waiting: Collection[Rank]) -> Rank:
        return min(waiting, key=lambda rank: (rank.priority, self._last_call.get(rank, 0)))
