"""Closes and opens posting periods as the ERP tells.

What a person closed stays closed until a person opens it: the ERP opens only what it closed itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from sidecar.database.connection import Database
from sidecar.domains.calendar.news import PostingPeriod
from sidecar.domains.calendar.spec import SPEC
from sidecar.ledger.periods import Periods
from sidecar.magento.applier import Plan, Refusal, Written
from sidecar.model.calendar import Period
from sidecar.model.domain_spec import DomainSpec
from sidecar.model.errors import UsageError


class CalendarApplier:
    """See `sidecar.magento.applier.LevelApplier`; `account`: of the ERP that tells."""

    spec: DomainSpec = SPEC

    def __init__(self, database: Database, periods: Periods, account: str) -> None:
        self._database = database
        self._periods = periods
        self._who = f"the ERP (account {account})"

    def plan(self, rows: Iterable[PostingPeriod], *, whole: bool) -> Plan:  # noqa: ARG002
        """Compare with the calendar.  What the ERP does not speak of stays as it is."""
        told = _newest(rows)
        with self._database.transaction("reading the calendar") as connection:
            closed_by = self._periods.closed_by(connection)
        refused = [refusal for row in told.values() if (refusal := _refused(row))]
        unusable = {refusal.number for refusal in refused}
        changes = [
            row
            for name, row in told.items()
            if name not in unusable and self._changes(row, closed_by.get(name))
        ]
        equal = len(told) - len(refused) - len(changes)
        return Plan(changes, refused, known=len(closed_by), equal=equal)

    def write(self, plan: Plan, stopping: Callable[[], bool]) -> Written:
        """Close and open; what a person closed or opened meanwhile is left as it is."""
        done = 0
        for row in plan.changes:
            if stopping():
                break
            with self._database.transaction("closing and opening periods") as connection:
                if row.closed:
                    done += self._periods.close(connection, row.period, self._who, row.reason)
                else:
                    opened = self._periods.open(
                        connection, row.period, self._who, row.reason, closed_by=self._who
                    )
                    done += opened is not None
        return Written(done)

    def shown(self, plan: Plan, most: int) -> Sequence[Mapping[str, object]]:
        """The first changes: the month, what it is and what it would be."""
        return [
            {
                "number": row.period,
                "is": "open" if row.closed else "closed",
                "would_be": "closed" if row.closed else "open",
            }
            for row in plan.changes[:most]
        ]

    def _changes(self, row: PostingPeriod, closed_by: str | None) -> bool:
        return closed_by is None if row.closed else closed_by == self._who


def _newest(rows: Iterable[PostingPeriod]) -> dict[str, PostingPeriod]:
    """By the month: the newest by `at`, else the last that was told."""
    newest: dict[str, PostingPeriod] = {}
    for row in rows:
        known = newest.get(row.period)
        if known is None or row.at is None or known.at is None or row.at >= known.at:
            newest[row.period] = row
    return newest


def _refused(row: PostingPeriod) -> Refusal | None:
    try:
        Period.named(row.period)
    except UsageError as wrong:
        theirs = "closed" if row.closed else "open"
        return Refusal(row.period, f"{wrong.message}: it has to be a month, 2026-11", "", theirs)
    return None
