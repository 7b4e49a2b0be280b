"""Refusals of one cause, put together: how many documents and how much money wait for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

#: Documents that stand for a cause.
EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Refusal:
    """An event that waits for a person; `cause` is its `error_print`, `name`
    what an operator writes for its document, `at` when it came to that."""

    cause: str
    domain: str
    entity: tuple[str, int]
    name: str
    code: str | None
    message: str
    amount: Decimal | None
    currency: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Cause:
    """`money`: currency → what the documents are worth, each counted once; `examples`: the
    oldest, as an operator writes them; `domains`: those whose documents have it."""

    cause: str
    domains: tuple[str, ...]
    code: str | None
    message: str
    documents: int
    money: dict[str, Decimal]
    oldest: datetime
    newest: datetime
    examples: tuple[str, ...]


def causes(refusals: Iterable[Refusal]) -> list[Cause]:
    """By cause, those that hold up most documents first."""
    groups: dict[str, list[Refusal]] = defaultdict(list)
    for refusal in refusals:
        groups[refusal.cause].append(refusal)
    found = [_cause(sorted(group, key=lambda one: one.at)) for group in groups.values()]
    return sorted(found, key=lambda cause: (-cause.documents, cause.oldest))


def _cause(group: Sequence[Refusal]) -> Cause:
    newest = group[-1]
    # The newest word on a document is what it is worth; an older one is history.
    newest_of = {refusal.entity: refusal for refusal in group}
    money: dict[str, Decimal] = defaultdict(Decimal)
    for refusal in newest_of.values():
        if refusal.amount is not None and refusal.currency is not None:
            money[refusal.currency] += refusal.amount
    return Cause(
        cause=newest.cause,
        domains=tuple(dict.fromkeys(refusal.domain for refusal in group)),
        code=newest.code,
        message=newest.message,
        documents=len(newest_of),
        money=dict(money),
        oldest=group[0].at,
        newest=newest.at,
        examples=tuple(dict.fromkeys(refusal.name for refusal in group))[:EXAMPLES],
    )
