"""The few figures that tell whether all is well, cheap enough to be taken four times a minute.

`erp-sidecar status` counts everything and names it for a person; these are for machines, and none
of them takes longer with the number of orders that are over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from sidecar.capture.outbox import Outbox
from sidecar.capture.triggers import State, Triggers
from sidecar.database.connection import Database
from sidecar.ledger.overview import Overview
from sidecar.ledger.stations import Failing
from sidecar.ledger.store import LedgerStore
from sidecar.model.settlement import OPEN
from sidecar.ports import Clock

#: Statuses of events that are not over.
COUNTED = tuple(status.value for status in OPEN)
#: The triggers are looked at more rarely: information_schema is slow in a shop of many tables.
_TRIGGERS_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class DomainVitals:
    """`oldest`: seconds for which the oldest event is under way; `gated`: pending, and not due.

    `gates`: how many of these wait at each gate, by its name.
    """

    events: Mapping[str, int]
    gated: int
    gates: Mapping[str, int]
    oldest: float | None
    last_accepted: datetime | None
    paused: bool
    stopped: bool


@dataclass(frozen=True, slots=True)
class Vitals:
    """How things stand; `holder` is the daemon that works, `sends` false in a copy of the shop.

    `failing`: its duties that fail; `oldest_hint`, `oldest_write_back`: seconds of waiting.
    """

    holder: str | None
    sends: bool
    domains: Mapping[str, DomainVitals]
    hints: int
    oldest_hint: float | None
    triggers_amiss: tuple[str, ...]
    triggers_suspended: bool
    write_backs_waiting: int
    write_backs_parked: int
    oldest_write_back: float | None
    failing: tuple[Failing, ...]
    differences: int
    breaker_open: bool
    rate: float
    slots: int
    most_slots: int


class VitalsReader:
    """Reads them from the ledger; `account` is the ERP account's name there."""

    def __init__(
        self,
        database: Database,
        ledger: LedgerStore,
        triggers: Triggers,
        *,
        may_send: Callable[[sa.Connection], bool],
        domains: Sequence[str],
        account: str,
        most_slots: int,
        clock: Clock,
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._overview = Overview(ledger.tables)
        self._outbox = Outbox(ledger.names)
        self._triggers = triggers
        self._may_send = may_send
        self._domains = domains
        self._account = account
        self._most_slots = most_slots
        self._clock = clock
        self._amiss: tuple[str, ...] = ()
        self._suspended = False
        self._triggers_at: float | None = None

    def read(self) -> Vitals:
        """Raises Unavailable when the database cannot be asked."""
        self._look_at_triggers()
        with self._database.transaction("reading the vital figures") as connection:
            controls = self._ledger.control.read(connection, self._domains)
            account = self._ledger.accounts.read(connection, self._account)
            depth = self._outbox.depth(connection)
            return Vitals(
                holder=self._ledger.work_lease.holder(connection),
                sends=self._may_send(connection),
                domains={
                    domain: DomainVitals(
                        events=self._overview.counts_of(connection, domain, COUNTED),
                        gated=self._overview.at_a_gate(connection, domain),
                        gates=self._overview.gates(connection, domain),
                        oldest=self._overview.oldest_under_way(connection, domain),
                        last_accepted=self._overview.last_accepted(connection, domain),
                        paused=controls[domain].paused,
                        stopped=controls[domain].stopped_at is not None,
                    )
                    for domain in self._domains
                },
                hints=depth.count,
                oldest_hint=depth.oldest.total_seconds() if depth.oldest else None,
                triggers_amiss=self._amiss,
                triggers_suspended=self._suspended,
                write_backs_waiting=self._overview.write_backs_waiting(connection),
                write_backs_parked=self._overview.write_backs_parked(connection),
                oldest_write_back=self._overview.oldest_write_back(connection),
                failing=tuple(self._ledger.stations.failing(connection)),
                differences=int(self._overview.differing(connection)["differences"]),
                breaker_open=account.open,
                rate=account.rate,
                slots=account.slots or self._most_slots,
                most_slots=self._most_slots,
            )

    def _look_at_triggers(self) -> None:
        now = self._clock.monotonic()
        if self._triggers_at is not None and now - self._triggers_at < _TRIGGERS_SECONDS:
            return
        states = self._triggers.status()
        self._amiss = tuple(one.name for one in states if one.state is not State.OK)
        self._suspended = self._triggers.suspension() is not None
        self._triggers_at = now
