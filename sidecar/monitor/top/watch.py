"""One look at everything that `top` shows: one short transaction of plain selects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from operator import itemgetter

import sqlalchemy as sa

from sidecar.capture.outbox import Outbox
from sidecar.database.connection import Database
from sidecar.ledger.accounts import AccountState
from sidecar.ledger.control import DomainControl
from sidecar.ledger.glance import Glance
from sidecar.ledger.overview import Overview, Row
from sidecar.ledger.store import LedgerStore
from sidecar.monitor.top.traffic import Recent, Traffic
from sidecar.ports import Clock

#: Troubled events and differing orders that are looked up; a screen shows fewer.
_LISTED = 20
#: Calls that one look brings.
_MOST_CALLS = 5_000
#: The plan of the triggers is made from the whole live schema: not every second.
_TRIGGERS_EVERY = 60.0


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An ERP account."""

    name: str
    address: str
    breaker_open: bool
    asks_in: float
    rate: float
    slots: int
    most_slots: int
    quiet_for: float


@dataclass(frozen=True, slots=True)
class Domain:
    """One domain's queue: `events` by status, `oldest` in seconds."""

    name: str
    control: DomainControl
    events: Mapping[str, int]
    oldest: float | None
    troubled: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Capture:
    """`oldest` in seconds; `amiss`: triggers that are not as planned; `suspended`: why."""

    hints: int
    oldest: float | None
    faults: int
    triggers: int
    amiss: Sequence[str]
    suspended: str | None


@dataclass(frozen=True, slots=True)
class Differing:
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
    capture: Capture
    accounts: Sequence[AccountRow]
    traffic: Traffic
    unwritten: int
    domains: Sequence[Domain]
    differing: Sequence[Differing]
    differing_documents: int
    differences: int


@dataclass(frozen=True, slots=True)
class Subject:
    """What is looked at.

    `addresses`: of each ERP account, by name.  `triggers` gives name → state, and why they are
    suspended.  `name_of` is what an operator writes for a kind and a number.
    """

    shop: str
    addresses: Mapping[str, str]
    domains: Sequence[str]
    most_slots: Mapping[str, int]
    triggers: Callable[[], tuple[Mapping[str, str], str | None]]
    name_of: Callable[[str, str], str]


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
        self._glance = Glance(store.tables)
        self._recent = Recent()
        self._triggers: tuple[Mapping[str, str], str | None] = ({}, None)
        self._triggers_at: float | None = None

    def look(self) -> Look:
        """Ask the ledger; takes no lock."""
        triggers, suspended = self._planned()
        with self._database.transaction("looking at how things stand") as connection:
            depth = self._outbox.depth(connection)
            differing = self._overview.differing(connection)
            return Look(
                shop=self._subject.shop,
                at=self._clock.now(),
                daemon=self._store.work_lease.holder(connection),
                capture=Capture(
                    hints=depth.count,
                    oldest=depth.oldest.total_seconds() if depth.oldest else None,
                    faults=len(self._outbox.faults(connection)),
                    triggers=len(triggers),
                    amiss=[name for name, state in triggers.items() if state != "ok"],
                    suspended=suspended,
                ),
                accounts=[
                    self._account(name, self._store.accounts.read(connection, name))
                    for name in self._subject.addresses
                ],
                traffic=self._traffic(connection),
                unwritten=self._glance.unwritten(connection),
                domains=self._domains(connection),
                differing=self._differing(connection) if differing["documents"] else (),
                differing_documents=differing["documents"],
                differences=differing["differences"],
            )

    def _planned(self) -> tuple[Mapping[str, str], str | None]:
        now = self._clock.monotonic()
        if self._triggers_at is None or now - self._triggers_at >= _TRIGGERS_EVERY:
            self._triggers, self._triggers_at = self._subject.triggers(), now
        return self._triggers

    def _account(self, name: str, state: AccountState) -> AccountRow:
        most = self._subject.most_slots[name]
        return AccountRow(
            name,
            self._subject.addresses[name],
            state.open,
            state.ask_in,
            state.rate,
            most if state.slots is None else state.slots,
            most,
            state.slow_for,
        )

    def _traffic(self, connection: sa.Connection) -> Traffic:
        calls = self._glance.calls(connection, self._recent.after, _MOST_CALLS)
        now = self._clock.monotonic()
        self._recent.add(calls, now, cut=len(calls) == _MOST_CALLS)
        return self._recent.traffic(now)

    def _domains(self, connection: sa.Connection) -> list[Domain]:
        controls = self._store.control.read(connection, self._subject.domains)
        return [
            Domain(
                name,
                control,
                self._glance.counts(connection, name),
                self._glance.oldest(connection, name),
                self._glance.troubled(connection, name, _LISTED),
            )
            for name, control in controls.items()
        ]

    def _differing(self, connection: sa.Connection) -> list[Differing]:
        rows = self._overview.open_differences(connection, _LISTED)
        return [
            self._put_together(list(found))
            for _, found in groupby(rows, key=itemgetter("kind", "entity_id"))
        ]

    def _put_together(self, found: list[Row]) -> Differing:
        amounts = [one["amount"] for one in found if one["amount"] is not None]
        return Differing(
            self._subject.name_of(found[0]["kind"], found[0]["number"]),
            list(dict.fromkeys(one["class"] for one in found)),
            len(found),
            max(amounts, default=None),
            found[0]["currency"],
        )
