"""How much one call may be repeated in itself: the rounds of all its `$each` together.

Three loops within one another over an order of three hundred lines are 27 million rounds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.language.filters import ExpressionError

#: Under this name the values of a call have its `Rounds`; no expression can name it.
ROUNDS = "$rounds"
MOST = 100_000


class Rounds:
    """Those that are left; used by one thread."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._left = most

    def take(self) -> None:
        """One more.  Raises ExpressionError when there were too many."""
        self._left -= 1
        if self._left < 0:
            raise ExpressionError(f"more than {self._most:,} rounds in one call")


def rounds_of(values: Mapping[str, Any]) -> Rounds:
    """Those of the call; for an answer that is read, those of one loop."""
    rounds = values.get(ROUNDS)
    return rounds if isinstance(rounds, Rounds) else Rounds()
