"""Refusals of one cause, put together: how many orders and how much money wait for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

#: Order numbers that stand for a cause.
EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Refusal:
    """An event that waits for a person; `cause` is its `error_print`, `name`
    what an operator writes for its document, `at` when it came to that."""

    cause: str
    entity: tuple[str, int]
    name: str
    code: str | None
    message: str
    amount: Decimal | None
    currency: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Cause:
    """`money`: currency → what the orders are worth, each counted once; `examples`: the oldest."""

    cause: str
    code: str | None
    message: str
    orders: int
    money: dict[str, Decimal]
    oldest: datetime
    newest: datetime
    examples: tuple[str, ...]


def causes(refusals: Iterable[Refusal]) -> list[Cause]:
    """By cause, those that hold up most orders first."""
    groups: dict[str, list[Refusal]] = defaultdict(list)
    for refusal in refusals:
        groups[refusal.cause].append(refusal)
    found = [_cause(sorted(group, key=lambda one: one.at)) for group in groups.values()]
    return sorted(found, key=lambda cause: (-cause.orders, cause.oldest))


def _cause(group: Sequence[Refusal]) -> Cause:
    newest = group[-1]
    # The newest word on an order is what it is worth; an older one of the same order is history.
    orders = {refusal.entity: refusal for refusal in group}
    money: dict[str, Decimal] = defaultdict(Decimal)
    for refusal in orders.values():
        if refusal.amount is not None and refusal.currency is not None:
            money[refusal.currency] += refusal.amount
    return Cause(
        cause=newest.cause,
        code=newest.code,
        message=newest.message,
        orders=len(orders),
        money=dict(money),
        oldest=group[0].at,
        newest=newest.at,
        examples=tuple(dict.fromkeys(refusal.name for refusal in group))[:EXAMPLES],
    )
