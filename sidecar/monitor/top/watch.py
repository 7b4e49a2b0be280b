"""One look at everything that `top` shows: one short transaction of plain selects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import groupby

import sqlalchemy as sa

from sidecar.capture.outbox import Outbox
from sidecar.database.connection import Database
from sidecar.host.owner import living
from sidecar.ledger.backlog import Backlog, TroubledEvent
from sidecar.ledger.control import DomainControl
from sidecar.ledger.overview import Overview
from sidecar.ledger.records import DifferenceRow, Records
from sidecar.ledger.store import LedgerStore
from sidecar.model.settlement import EventStatus
from sidecar.monitor.accounts import AccountLimits, AccountVitals, read_accounts
from sidecar.monitor.inbound_vitals import InboundVitals, InboundVitalsReader, TellingLimits
from sidecar.monitor.top.traffic import Recent, Traffic
from sidecar.monitor.trigger_states import TriggerStates
from sidecar.ports import Clock

#: Troubled events and differing orders that are looked up; a screen shows fewer.
_LISTED = 20
#: Calls that one look brings.
_MOST_CALLS = 5_000


@dataclass(frozen=True, slots=True)
class DomainRow:
    """One domain's queue: `events` that are not over by status, `oldest` in seconds."""

    name: str
    control: DomainControl
    events: Mapping[EventStatus, int]
    oldest: float | None
    troubled: Sequence[TroubledEvent]


@dataclass(frozen=True, slots=True)
class CaptureRow:
    """Hints that wait, hints that a trigger could not write, the triggers; `oldest` in seconds."""

    hints: int
    oldest: float | None
    faults: int
    triggers: TriggerStates


@dataclass(frozen=True, slots=True)
class DifferingRow:
    """The open differences of one document: `amount` is the greatest of them."""

    number: str
    classes: Sequence[str]
    figures: int
    amount: Decimal | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class Look:
    """How everything stood at one moment."""

    shop: str
    at: datetime
    daemon: str | None
    capture: CaptureRow
    accounts: Mapping[str, AccountVitals]
    traffic: Traffic
    unwritten: int
    domains: Sequence[DomainRow]
    inbound: Mapping[str, InboundVitals]
    differing: Sequence[DifferingRow]
    differing_documents: int
    differences: int


@dataclass(frozen=True, slots=True)
class Subject:
    """What is looked at.

    `accounts`: the ERP accounts by the ledger's name.  `name_of` is what an operator writes for a
    kind and a number.  `told`: the domains that the ERP owns.
    """

    shop: str
    accounts: Mapping[str, AccountLimits]
    domains: Sequence[str]
    triggers: Callable[[], TriggerStates]
    name_of: Callable[[str, str], str]
    told: Mapping[str, TellingLimits] = field(default_factory=dict)


class Watch:
    """Looks again and again; remembers the calls that it saw."""

    def __init__(
        self, database: Database, store: LedgerStore, subject: Subject, clock: Clock
    ) -> None:
        self._database = database
        self._store = store
        self._subject = subject
        self._clock = clock
        self._outbox = Outbox(store.names)
        self._overview = Overview(store.tables)
        self._records = Records(store.tables)
        self._backlog = Backlog(store.tables)
        self._inbound = InboundVitalsReader(store, subject.told)
        self._recent = Recent()

    def look(self) -> Look:
        """Ask the ledger; takes no lock."""
        triggers = self._subject.triggers()
        with self._database.transaction("looking at how things stand") as connection:
            depth = self._outbox.depth(connection)
            differing = self._overview.differing(connection)
            return Look(
                shop=self._subject.shop,
                at=self._clock.now(),
                daemon=living(self._store.work_lease.holder(connection)),
                capture=CaptureRow(
                    hints=depth.count,
                    oldest=depth.seconds,
                    faults=len(self._outbox.faults(connection)),
                    triggers=triggers,
                ),
                accounts=read_accounts(connection, self._store.accounts, self._subject.accounts),
                traffic=self._traffic(connection),
                unwritten=self._backlog.unwritten(connection),
                domains=self._domains(connection),
                inbound=self._inbound.read(connection),
                differing=self._differing(connection) if differing.documents else (),
                differing_documents=differing.documents,
                differences=differing.differences,
            )

    def _traffic(self, connection: sa.Connection) -> Traffic:
        calls = self._backlog.calls(connection, self._recent.after, _MOST_CALLS)
        now = self._clock.monotonic()
        self._recent.add(calls, now, cut=len(calls) == _MOST_CALLS)
        return self._recent.traffic(now)

    def _domains(self, connection: sa.Connection) -> list[DomainRow]:
        controls = self._store.control.read(connection, self._subject.domains)
        return [
            DomainRow(
                name,
                control,
                self._backlog.counts(connection, name),
                self._backlog.oldest(connection, name),
                self._backlog.troubled(connection, name, _LISTED),
            )
            for name, control in controls.items()
        ]

    def _differing(self, connection: sa.Connection) -> list[DifferingRow]:
        rows = self._records.open_differences(connection, _LISTED)
        return [
            self._put_together(list(found))
            for _, found in groupby(rows, key=lambda one: one.document)
        ]

    def _put_together(self, found: Sequence[DifferenceRow]) -> DifferingRow:
        amounts = [one.amount for one in found if one.amount is not None]
        return DifferingRow(
            self._subject.name_of(found[0].kind, found[0].number),
            list(dict.fromkeys(one.class_ for one in found)),
            len(found),
            max(amounts, default=None),
            found[0].currency,
        )
