"""The few figures that tell whether all is well, cheap enough to be taken four times a minute.

`erp-sidecar status` counts everything and names it for a person; these are for machines, and none
of them takes longer with the number of orders that are over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from sidecar.capture.outbox import NO_HINTS, Outbox
from sidecar.capture.triggers import State, Triggers
from sidecar.database.connection import Database
from sidecar.ledger.overview import Overview
from sidecar.ledger.stations import Failing
from sidecar.ledger.store import LedgerStore
from sidecar.model.domain_spec import DomainSpec
from sidecar.model.settlement import OPEN
from sidecar.ports import Clock

#: Statuses of events that are not over.
COUNTED = tuple(status.value for status in OPEN)
#: The triggers are looked at more rarely: information_schema is slow in a shop of many tables.
_TRIGGERS_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class DomainVitals:
    """`oldest`: seconds for which the oldest event is under way; `gated`: pending, and not due.

    `gates`: how many of these wait at each gate, by its name.  `oldest_hint`, `oldest_write_back`:
    seconds of waiting.
    """

    events: Mapping[str, int]
    gated: int
    gates: Mapping[str, int]
    oldest: float | None
    last_accepted: datetime | None
    paused: bool
    stopped: bool
    hints: int
    oldest_hint: float | None
    write_backs_waiting: int
    write_backs_parked: int
    oldest_write_back: float | None
    differences: int


@dataclass(frozen=True, slots=True)
class AccountVitals:
    """`rate`: share of the configured one; `slots`, `most_slots`: calls at the same time."""

    breaker_open: bool
    rate: float
    slots: int
    most_slots: int


@dataclass(frozen=True, slots=True)
class Vitals:
    """How things stand; `holder` is the daemon that works, `sends` false in a copy of the shop.

    `accounts`: the ERP accounts by name; `failing`: the daemon's duties that fail.
    """

    holder: str | None
    sends: bool
    domains: Mapping[str, DomainVitals]
    accounts: Mapping[str, AccountVitals]
    triggers_amiss: tuple[str, ...]
    triggers_suspended: bool
    failing: tuple[Failing, ...]


class VitalsReader:
    """Reads them from the ledger; `accounts`: the ERP accounts' names there, and most slots."""

    def __init__(
        self,
        database: Database,
        ledger: LedgerStore,
        triggers: Triggers,
        *,
        may_send: Callable[[sa.Connection], bool],
        domains: Sequence[DomainSpec],
        accounts: Mapping[str, int],
        clock: Clock,
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._overview = Overview(ledger.tables)
        self._outbox = Outbox(ledger.names)
        self._triggers = triggers
        self._may_send = may_send
        self._domains = domains
        self._accounts = accounts
        self._clock = clock
        self._amiss: tuple[str, ...] = ()
        self._suspended = False
        self._triggers_at: float | None = None

    def read(self) -> Vitals:
        """Raises Unavailable when the database cannot be asked."""
        self._look_at_triggers()
        with self._database.transaction("reading the vital figures") as connection:
            return Vitals(
                holder=self._ledger.work_lease.holder(connection),
                sends=self._may_send(connection),
                domains=self._of_domains(connection),
                accounts={
                    name: self._of_account(connection, name, most)
                    for name, most in self._accounts.items()
                },
                triggers_amiss=self._amiss,
                triggers_suspended=self._suspended,
                failing=tuple(self._ledger.stations.failing(connection)),
            )

    def _of_domains(self, connection: sa.Connection) -> dict[str, DomainVitals]:
        overview = self._overview
        controls = self._ledger.control.read(connection, [spec.name for spec in self._domains])
        depths = self._outbox.depth_by_kind(connection)
        waiting = overview.write_backs_due_by_kind(connection)
        parked = overview.write_backs_parked_by_kind(connection)
        differences = overview.differences_by_domain(connection)
        domains = {}
        for spec in self._domains:
            domain, kind = spec.name, spec.kind
            depth = depths.get(kind, NO_HINTS)
            write_backs, oldest_write_back = waiting.get(kind, (0, None))
            domains[domain] = DomainVitals(
                events=overview.counts_of(connection, domain, COUNTED),
                gated=overview.at_a_gate(connection, domain),
                gates=overview.gates(connection, domain),
                oldest=overview.oldest_under_way(connection, domain),
                last_accepted=overview.last_accepted(connection, domain),
                paused=controls[domain].paused,
                stopped=controls[domain].stopped_at is not None,
                hints=depth.count,
                oldest_hint=depth.oldest.total_seconds() if depth.oldest else None,
                write_backs_waiting=write_backs,
                write_backs_parked=parked[kind],
                oldest_write_back=oldest_write_back,
                differences=differences.get(domain, 0),
            )
        return domains

    def _of_account(self, connection: sa.Connection, name: str, most: int) -> AccountVitals:
        account = self._ledger.accounts.read(connection, name)
        return AccountVitals(account.open, account.rate, account.slots or most, most)

    def _look_at_triggers(self) -> None:
        now = self._clock.monotonic()
        if self._triggers_at is not None and now - self._triggers_at < _TRIGGERS_SECONDS:
            return
        states = self._triggers.status()
        self._amiss = tuple(one.name for one in states if one.state is not State.OK)
        self._suspended = self._triggers.suspension() is not None
        self._triggers_at = now
