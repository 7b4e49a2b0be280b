"""The rounds of `$each`: what one knows of itself, and how many there may be in one call.

Three loops within one another over an order of three hundred lines are 27 million rounds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adapters.language.filters import ExpressionError
from adapters.language.shape import Plain, Record

#: The name of the innermost loop's round.
LOOP = "loop"
#: What it is in an expression.
ROUND = Record(LOOP, {"index": Plain("whole number"), "first": Plain("truth value")})
#: Under this name the values of a call have its `Rounds`; no expression can name it.
ROUNDS = "$rounds"
MOST = 100_000


@dataclass(frozen=True, slots=True)
class Round:
    """`loop` in an expression: `index` counts from 1 the rounds that the condition let through."""

    index: int

    @property
    def first(self) -> bool:
        """Whether none came before."""
        return self.index == 1


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
