"""The figures that the ledger tells of each domain, account and duty: read here and nowhere else.

None of them takes longer with the number of orders that are over.  `status`, `doctor`, `nagios` and
the metrics say the same because they have it from here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType

import sqlalchemy as sa

from sidecar.capture.outbox import NO_HINTS, Depth, Outbox
from sidecar.host.owner import living
from sidecar.ledger.control import DomainControl
from sidecar.ledger.overview import OpenDifferences, Overview, Waiting
from sidecar.ledger.stations import Failing
from sidecar.ledger.store import LedgerStore
from sidecar.model.domain_spec import DomainSpec
from sidecar.model.settlement import OPEN, EventStatus
from sidecar.monitor.accounts import AccountLimits, AccountVitals, read_accounts
from sidecar.monitor.inbound_vitals import InboundVitals, InboundVitalsReader, TellingLimits

_NOTHING = Waiting(0, None)
#: An answer that is not in Magento after this time is worth a word.
_LATE_WRITE_BACK = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class DomainVitals:
    """`events`: those that are not over; `gated`: pending, and time alone moves none of them.

    `gates`: how many of these wait at each gate, by its name.  `under_way`: seconds for which the
    oldest event is under way.  `write_backs`: answers that are to be written into Magento.
    """

    control: DomainControl
    pause_forgotten: bool
    events: Mapping[EventStatus, int]
    gated: int
    gates: Mapping[str, int]
    under_way: float | None
    last_accepted: datetime | None
    hints: Depth
    write_backs: Waiting
    write_backs_parked: int
    differences: int


@dataclass(frozen=True, slots=True)
class LedgerVitals:
    """`holder`: the daemon that works, None where none does; `failing`: its duties that fail.

    `inbound`: the domains that the ERP owns.  `hints`, `write_backs`, `write_backs_parked`: of all
    kinds, also of domains that are not enabled
    any more.
    """

    holder: str | None
    domains: Mapping[str, DomainVitals]
    accounts: Mapping[str, AccountVitals]
    hints: Depth
    write_backs: Waiting
    write_backs_parked: int
    differing: OpenDifferences
    failing: tuple[Failing, ...]
    inbound: Mapping[str, InboundVitals] = field(default_factory=dict)

    @property
    def late_write_backs(self) -> Waiting | None:
        """Answers that wait to be written into Magento, where the oldest is worth a word."""
        found = self.write_backs
        is_late = found.longest is not None and found.longest >= _LATE_WRITE_BACK.total_seconds()
        return found if is_late else None

    def in_status(self, status: EventStatus) -> int:
        """Events of all domains in an open status."""
        return sum(domain.events[status] for domain in self.domains.values())


class LedgerVitalsReader:
    """`accounts`: the ERP accounts by the ledger's name; `pause_alarms`: domain → seconds.

    `told`: the domains that the ERP owns.
    """

    def __init__(
        self,
        store: LedgerStore,
        domains: Sequence[DomainSpec],
        accounts: Mapping[str, AccountLimits],
        pause_alarms: Mapping[str, float],
        told: Mapping[str, TellingLimits] = MappingProxyType({}),
    ) -> None:
        self._store = store
        self._domains = domains
        self._accounts = accounts
        self._pause_alarms = pause_alarms
        self._overview = Overview(store.tables)
        self._inbound = InboundVitalsReader(store, told)
        self._outbox = Outbox(store.names)

    def read(self, connection: sa.Connection) -> LedgerVitals:
        """Plain selects, no lock."""
        hints = self._outbox.depth_by_kind(connection)
        write_backs = self._overview.write_backs_waiting(connection)
        parked = self._overview.write_backs_parked(connection)
        return LedgerVitals(
            holder=living(self._store.work_lease.holder(connection)),
            domains=self._of_domains(connection, hints, write_backs, parked),
            accounts=read_accounts(connection, self._store.accounts, self._accounts),
            hints=_deepest(hints.values()),
            write_backs=_longest(write_backs.values()),
            write_backs_parked=parked.total(),
            differing=self._overview.differing(connection),
            failing=tuple(self._store.stations.failing(connection)),
            inbound=self._inbound.read(connection),
        )

    def _of_domains(
        self,
        connection: sa.Connection,
        hints: Mapping[str, Depth],
        write_backs: Mapping[str, Waiting],
        parked: Counter[str],
    ) -> dict[str, DomainVitals]:
        overview = self._overview
        controls = self._store.control.read(connection, [spec.name for spec in self._domains])
        differences = overview.differences_by_domain(connection)
        return {
            spec.name: DomainVitals(
                control=controls[spec.name],
                pause_forgotten=controls[spec.name].is_forgotten(self._pause_alarms[spec.name]),
                events=overview.counts_of(connection, spec.name, OPEN),
                gated=overview.at_a_gate(connection, spec.name),
                gates=overview.gates(connection, spec.name),
                under_way=overview.oldest_under_way(connection, spec.name),
                last_accepted=overview.last_accepted(connection, spec.name),
                hints=hints.get(spec.kind, NO_HINTS),
                write_backs=write_backs.get(spec.kind, _NOTHING),
                write_backs_parked=parked[spec.kind],
                differences=differences.get(spec.name, 0),
            )
            for spec in self._domains
        }


def _longest(waiting: Iterable[Waiting]) -> Waiting:
    each = list(waiting)
    longest = [one.longest for one in each if one.longest is not None]
    return Waiting(sum(one.count for one in each), max(longest, default=None))


def _deepest(depths: Iterable[Depth]) -> Depth:
    each = list(depths)
    oldest = [one.oldest for one in each if one.oldest is not None]
    return Depth(
        sum(one.count for one in each),
        any(one.capped for one in each),
        max(oldest, default=None),
    )
