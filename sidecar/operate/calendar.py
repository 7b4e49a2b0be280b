"""What operators do about posting periods: close, open, list, and what came too late for one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal

from sidecar.database.connection import Database
from sidecar.ledger.periods import ClosedPeriod, CutOff
from sidecar.ledger.store import LedgerStore
from sidecar.model.calendar import Period
from sidecar.model.domain_spec import DomainSpec
from sidecar.model.settlement import EventStatus
from sidecar.operate.queue import By


@dataclass(frozen=True, slots=True)
class PeriodChanged:
    """`changed`: False where it was so before.  `woken`: events that waited for it.

    `closed_by`: who had closed one that is open now.  `domains`: what each does with a document of
    a closed period (`posting.when_closed`).
    """

    period: str
    changed: bool
    domains: Mapping[str, str]
    woken: int = 0
    closed_by: str | None = None


@dataclass(frozen=True, slots=True)
class CutOffSum:
    """`waits`: or was sent after the cut."""

    domain: str
    currency: str | None
    waits: bool
    documents: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class CutOffList:
    """`cut`: when the period was closed, or its end where it is open."""

    period: str
    cut: datetime
    closed: bool
    sums: tuple[CutOffSum, ...]
    documents: tuple[CutOff, ...]


class CalendarOperations:
    """`domains`: those that open documents, with their `posting.when_closed`."""

    def __init__(
        self,
        database: Database,
        store: LedgerStore,
        domains: Mapping[str, tuple[DomainSpec, str]],
        timezone: tzinfo,
    ) -> None:
        self._database = database
        self._store = store
        self._domains = domains
        self._timezone = timezone

    def close(self, name: str, by: By) -> PeriodChanged:
        """What belongs to it and is not in the ERP waits, or is posted later."""
        period = str(Period.named(name))
        with self._database.transaction("closing a period") as connection:
            changed = self._store.periods.close(connection, period, by.who, by.reason)
        return PeriodChanged(period, changed, self._rules())

    def open(self, name: str, by: By) -> PeriodChanged:
        """What waits for it is looked at again, in the same transaction."""
        period = str(Period.named(name))
        with self._database.transaction("opening a period") as connection:
            closed_by = self._store.periods.closed_by(connection).get(period)
            woken = self._store.periods.open(connection, period, by.who, by.reason)
        return PeriodChanged(period, woken is not None, self._rules(), woken or 0, closed_by)

    def closed(self) -> list[ClosedPeriod]:
        """The closed periods."""
        with self._database.transaction("reading the calendar") as connection:
            return self._store.periods.all(connection)

    def cut_off(self, name: str) -> CutOffList:
        """What of a period the ERP did not have at the cut."""
        period = Period.named(name)
        first, after = period.begins(self._timezone), period.next.begins(self._timezone)
        found: list[CutOff] = []
        with self._database.transaction("reading a cut-off") as connection:
            closed = {one.period: one for one in self._store.periods.all(connection)}
            known = closed.get(str(period))
            cut = known.closed_at if known else after
            for domain, (spec, _) in self._domains.items():
                if spec.opening is not None:
                    found += self._store.periods.cut_off(
                        connection, domain, spec.opening, first, after, cut
                    )
        return CutOffList(str(period), cut, known is not None, _sums(found), tuple(found))

    def _rules(self) -> dict[str, str]:
        return {domain: when_closed for domain, (_, when_closed) in self._domains.items()}


def _sums(found: list[CutOff]) -> tuple[CutOffSum, ...]:
    groups: dict[tuple[str, str | None, bool], list[Decimal]] = defaultdict(list)
    for one in found:
        waits = one.status is not EventStatus.ACCEPTED
        groups[one.domain, one.currency, waits].append(one.amount or Decimal(0))
    return tuple(
        CutOffSum(domain, currency, waits, len(amounts), sum(amounts, Decimal(0)))
        for (domain, currency, waits), amounts in groups.items()
    )
