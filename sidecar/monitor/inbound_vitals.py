"""The figures of what the ERP tells by itself, domain by domain."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from sidecar.ledger.control import DomainControl
from sidecar.ledger.incoming import OPEN
from sidecar.ledger.incoming_records import IncomingRecords
from sidecar.ledger.overview import Overview
from sidecar.ledger.store import LedgerStore

#: Those that a person has to look at.
TROUBLED = ("parked", "differs")
#: Those that the daemon goes on with; `asked`: a call to Magento that was not answered.
WAITING = OPEN


@dataclass(frozen=True, slots=True)
class TellingLimits:
    """Of one domain that the ERP owns: its account, and what is worth a word.

    `pause_alarm`: seconds of a pause; `every`: seconds between two questions; `freshness`: seconds
    without an answer, None for any.
    """

    account: str
    pause_alarm: float
    every: float
    freshness: float | None = None


@dataclass(frozen=True, slots=True)
class InboundVitals:
    """`news`: those that are open or need a person, by status; `oldest`: since when one waits.

    `heard_ago`: seconds since the ERP last answered, None where it never did; `unheard`: for how
    long an answer is overdue, None where it never came; `stale`: longer ago than the configuration
    allows.  `differences`: what it said and cannot be, and is open.
    """

    account: str
    control: DomainControl
    pause_forgotten: bool
    news: Mapping[str, int]
    oldest: datetime | None
    heard_ago: float | None
    unheard: float | None
    stale: bool
    differences: int

    @property
    def troubled(self) -> int:
        """How many news wait for a person."""
        return sum(self.news.get(status, 0) for status in TROUBLED)

    @property
    def waiting(self) -> int:
        """How many the daemon itself goes on with."""
        return sum(self.news.get(status, 0) for status in WAITING)


class InboundVitalsReader:
    """`told`: the domains that the ERP owns."""

    def __init__(self, store: LedgerStore, told: Mapping[str, TellingLimits]) -> None:
        self._store = store
        self._told = told
        self._records = IncomingRecords(store.tables)
        self._overview = Overview(store.tables)

    def read(self, connection: sa.Connection) -> dict[str, InboundVitals]:
        """Plain selects, no lock."""
        if not self._told:
            return {}
        counts: dict[str, dict[str, int]] = defaultdict(dict)
        oldest: dict[str, datetime] = {}
        for count in self._records.counts(connection):
            counts[count.domain][count.status] = count.count
            if count.status in WAITING and count.oldest is not None:
                known = oldest.get(count.domain, count.oldest)
                oldest[count.domain] = min(known, count.oldest)
        controls = self._store.control.read(connection, list(self._told))
        differences = self._overview.differences_by_domain(connection)
        vitals = {}
        for name, limits in self._told.items():
            cursor = self._store.cursors.read(connection, name, limits.account)
            heard = cursor.heard_ago
            is_stale = limits.freshness is not None and (heard is None or heard > limits.freshness)
            vitals[name] = InboundVitals(
                account=limits.account,
                control=controls[name],
                pause_forgotten=controls[name].is_forgotten(limits.pause_alarm),
                news=counts[name],
                oldest=oldest.get(name),
                heard_ago=heard,
                unheard=None if heard is None else max(0.0, heard - limits.every),
                stale=is_stale,
                differences=differences.get(name, 0),
            )
        return vitals


def seconds_since(moment: datetime | None) -> float | None:
    """By this machine's clock."""
    return None if moment is None else (datetime.now(UTC) - moment).total_seconds()
