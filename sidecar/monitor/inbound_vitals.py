"""The figures of what the ERP tells by itself, domain by domain."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from sidecar.ledger.control import DomainControl
from sidecar.ledger.incoming_records import IncomingRecords
from sidecar.ledger.store import LedgerStore

#: Those that a person has to look at.
TROUBLED = ("parked", "differs")


@dataclass(frozen=True, slots=True)
class TellingLimits:
    """Of one domain that the ERP owns: its account, and what is worth a word.

    `pause_alarm`: seconds of a pause; `freshness`: seconds without an answer, None for any.
    """

    account: str
    pause_alarm: float
    freshness: float | None = None


@dataclass(frozen=True, slots=True)
class InboundVitals:
    """`news`: those that are open or need a person, by status; `oldest`: since when one waits.

    `heard_ago`: seconds since the ERP last answered, None where it never did; `stale`: longer ago
    than the configuration allows.
    """

    account: str
    control: DomainControl
    pause_forgotten: bool
    news: Mapping[str, int]
    oldest: datetime | None
    heard_ago: float | None
    stale: bool

    @property
    def troubled(self) -> int:
        """How many news wait for a person."""
        return sum(self.news.get(status, 0) for status in TROUBLED)


class InboundVitalsReader:
    """`told`: the domains that the ERP owns."""

    def __init__(self, store: LedgerStore, told: Mapping[str, TellingLimits]) -> None:
        self._store = store
        self._told = told
        self._records = IncomingRecords(store.tables)

    def read(self, connection: sa.Connection) -> dict[str, InboundVitals]:
        """Plain selects, no lock."""
        if not self._told:
            return {}
        counts: dict[str, dict[str, int]] = defaultdict(dict)
        oldest: dict[str, datetime] = {}
        for count in self._records.counts(connection):
            counts[count.domain][count.status] = count.count
            if count.status in ("waiting", "asked") and count.oldest is not None:
                known = oldest.get(count.domain, count.oldest)
                oldest[count.domain] = min(known, count.oldest)
        controls = self._store.control.read(connection, list(self._told))
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
                stale=is_stale,
            )
        return vitals


def seconds_since(moment: datetime | None) -> float | None:
    """By this machine's clock."""
    return None if moment is None else (datetime.now(UTC) - moment).total_seconds()
