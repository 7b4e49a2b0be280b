"""Many rows in calls that Magento takes, until each row that it does not take is known.

These calls may be repeated without harm (they say what *is*, not what is added), so a portion that
is refused is halved until the culprits stand alone.  Where Magento refuses a portion whole, each
good row is written once; where it writes the good rows and does not tell which were bad, a good row
may be written again with the value that it has by then, which changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from sidecar.magento.rest.client import Limits
from sidecar.magento.rest.errors import LimitExceeded, MagentoRefused
from sidecar.model.bulkhead import apart

Row = TypeVar("Row")
#: Rows that go in one call: all tiers of a SKU, say; mostly one row.
Unit = tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Refusal(Generic[Row]):
    """A row that Magento did not take, and why in its own words."""

    row: Row
    reasons: tuple[str, ...]


#: Writes units in one call; the rows that Magento named as not taken.  Raises MagentoRefused where
#: it refused them all, or did not tell which.
Send = Callable[[Sequence[Unit[Row]]], Iterable[Refusal[Row]]]


def in_portions(
    units: Sequence[Unit[Row]], send: Send[Row], limits: Limits
) -> tuple[Refusal[Row], ...]:
    """Write all units; those rows that were not taken.

    Raises whatever keeps a call from being answered: then some are written and some are not, and
    all may be written again.
    """
    refused: list[Refusal[Row]] = []
    waiting = list(units)
    while waiting:
        portion = _portion(waiting, limits.items)
        try:
            refused += _written(portion, send)
        except LimitExceeded as limit:
            # Before Magento wrote anything: it looks at the size first.
            if limit.most >= sum(map(len, portion)) or len(portion) == 1:
                refused += [Refusal(row, limit.reasons) for unit in portion for row in unit]
            else:
                limits.items = limit.most
                continue
        del waiting[: len(portion)]
    return tuple(refused)


def _portion(units: Sequence[Unit[Row]], most: int) -> Sequence[Unit[Row]]:
    """The first units with at most so many rows; one at least."""
    rows = 0
    for count, unit in enumerate(units):
        rows += len(unit)
        if rows > most and count:
            return units[:count]
    return units


def _written(portion: Sequence[Unit[Row]], send: Send[Row]) -> Iterator[Refusal[Row]]:
    def together(units: Sequence[Unit[Row]]) -> list[Refusal[Row]]:
        return list(send(units))

    def alone(unit: Unit[Row], error: Exception) -> list[Refusal[Row]]:
        reasons = error.reasons if isinstance(error, MagentoRefused) else (str(error),)
        return [Refusal(row, reasons) for row in unit]

    for refused in apart(portion, together, alone, divides=_divides):
        yield from refused


def _divides(error: Exception) -> bool:
    return isinstance(error, MagentoRefused) and not isinstance(error, LimitExceeded)
