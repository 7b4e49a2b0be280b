"""How everything stands, for a person: all that `erp-sidecar status` tells, and what needs him."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from sidecar.blueprint.answering import NOBODY, Answering
from sidecar.blueprint.signed import SignedBlueprint
from sidecar.capture.outbox import Outbox
from sidecar.database.connection import Database
from sidecar.ledger.backfills import BackfillLeft
from sidecar.ledger.control import DomainControl
from sidecar.ledger.overview import Overview
from sidecar.ledger.records import DifferenceRow, Records
from sidecar.ledger.store import LedgerStore
from sidecar.model.identity import IdentityVerdict
from sidecar.model.settlement import OVER, WAITING, EventStatus
from sidecar.model.span import age
from sidecar.model.write_back import WriteBackState
from sidecar.monitor.accounts import AccountVitals
from sidecar.monitor.ledger_vitals import DomainVitals, LedgerVitals, LedgerVitalsReader
from sidecar.monitor.trigger_states import TriggerStates

#: Differing documents that are told figure by figure.
_DOCUMENTS = 100
#: What waits for a person, and the command that lists it.
_LISTED = {
    EventStatus.REJECTED: "rejections list",
    EventStatus.PARKED: "queue list --status parked",
}


@dataclass(frozen=True, slots=True)
class DomainStanding:
    """`over`: events that are over, until they are archived; `due`: may go now, or are under way.

    `oldest`: age in seconds of the oldest event that is not over and not a person's turn.
    """

    vitals: DomainVitals
    over: Mapping[EventStatus, int]
    due: int
    oldest: float | None

    @property
    def events(self) -> Mapping[EventStatus, int]:
        """All of them by status, 0 too."""
        return {**self.vitals.events, **self.over}

    @property
    def waiting(self) -> int:
        """Events that the daemon itself goes on with."""
        return sum(self.vitals.events[status] for status in WAITING)


@dataclass(frozen=True, slots=True)
class Standing:
    """`faults`: hints that a trigger could not write; `write_backs`: answers by how far they came.

    `differences`: of the documents that they were found in last; `backfills`: those that are at
    work, by domain; `outdated`: signatures of another blueprint than the one in force, in words.
    """

    shop: str
    identity: IdentityVerdict
    triggers: TriggerStates
    faults: int
    ledger: LedgerVitals
    domains: Mapping[str, DomainStanding]
    write_backs: Mapping[WriteBackState, int]
    differences: Sequence[DifferenceRow]
    backfills: Mapping[str, BackfillLeft]
    outdated: Sequence[str] = ()
    answering: Answering = NOBODY

    @property
    def attention(self) -> list[str]:
        """What a person must look at, with the command that helps."""
        return [
            *_of_daemon(self),
            *_of_events(self),
            *_of_news(self),
            *_of_shop(self),
            *_of_accounts(self),
            *_of_blueprint(self),
        ]


class StandingReader:
    """Reads it: a few selects, some of which count everything.

    `judge` says which system this is, `look_at_triggers` how they stand now, `answering` who is
    named beside what needs a person.
    """

    def __init__(
        self,
        database: Database,
        store: LedgerStore,
        vitals: LedgerVitalsReader,
        *,
        shop: str,
        judge: Callable[[], IdentityVerdict],
        look_at_triggers: Callable[[], TriggerStates],
        signed: SignedBlueprint,
        answering: Answering,
    ) -> None:
        self._database = database
        self._store = store
        self._vitals = vitals
        self._shop = shop
        self._judge = judge
        self._look_at_triggers = look_at_triggers
        self._signed = signed
        self._answering = answering
        self._outbox = Outbox(store.names)
        self._overview = Overview(store.tables)
        self._records = Records(store.tables)

    def read(self) -> Standing:
        """Takes no lock."""
        triggers, identity = self._look_at_triggers(), self._judge()
        outdated = self._signed.outdated()
        with self._database.transaction("reading the ledger's standing") as connection:
            ledger = self._vitals.read(connection)
            return Standing(
                shop=self._shop,
                identity=identity,
                triggers=triggers,
                faults=len(self._outbox.faults(connection)),
                ledger=ledger,
                domains={
                    name: self._of_domain(connection, name, vitals)
                    for name, vitals in ledger.domains.items()
                },
                write_backs=self._overview.write_backs(connection),
                differences=self._records.open_differences(connection, _DOCUMENTS),
                backfills=self._store.backfills.at_work(connection),
                outdated=outdated,
                answering=self._answering,
            )

    def _of_domain(
        self, connection: sa.Connection, domain: str, vitals: DomainVitals
    ) -> DomainStanding:
        return DomainStanding(
            vitals=vitals,
            over=self._overview.counts_of(connection, domain, OVER),
            due=self._overview.due(connection, domain),
            oldest=self._overview.waiting(connection, domain).longest,
        )


def _of_daemon(standing: Standing) -> Iterator[str]:
    if standing.ledger.holder is None:
        yield "no daemon works (systemctl start erp-sidecar; erp-sidecar doctor)"
    if not standing.identity.may_send:
        yield f"NOTHING IS SENT: {standing.identity.why} (erp-sidecar identity show)"
    for name, domain in standing.domains.items():
        vitals = domain.vitals
        for line in _halted(name, vitals.control, forgotten=vitals.pause_forgotten):
            yield standing.answering.after(line, [name])
    for name, inbound in standing.ledger.inbound.items():
        for line in _halted(name, inbound.control, forgotten=inbound.pause_forgotten):
            yield standing.answering.after(line, [name])


def _halted(name: str, control: DomainControl, *, forgotten: bool) -> Iterator[str]:
    """Why a domain does not work, where a person must end that."""
    if control.stopped_at is not None:
        # Not why: that is the ERP's words, which may name a customer.
        yield (
            f"{name} are stopped since {_moment(control.stopped_at)} (why: erp-sidecar domain "
            f"list; then: erp-sidecar domain resume {name})"
        )
    if forgotten:
        end = control.paused_until
        yield (
            f"{name} are paused {f'until {_moment(end)}' if end else 'without an end'}, for "
            f"{age(control.paused_for)} now (erp-sidecar domain resume {name})"
        )


def _of_events(standing: Standing) -> Iterator[str]:
    for status, command in _LISTED.items():
        if count := standing.ledger.in_status(status):
            yield standing.answering.after(
                f"{count} event(s) {status} (erp-sidecar {command})",
                [name for name, one in standing.ledger.domains.items() if one.events[status]],
            )
    for one in standing.ledger.failing:
        yield (
            f"{one.name} has been failing for {age(one.seconds)}, {one.failures} time(s): "
            f"{one.message} ({one.remedy or 'station.failed in the log'})"
        )


def _of_news(standing: Standing) -> Iterator[str]:
    """What the ERP said by itself, and what a person has to see to."""
    for name, inbound in standing.ledger.inbound.items():
        if inbound.troubled:
            yield standing.answering.after(
                f"{inbound.troubled} of the ERP's news on {name} need a person "
                f"(erp-sidecar incoming list --domain {name})",
                [name],
            )
        if inbound.stale and inbound.control.may_work:
            yield standing.answering.after(
                f"{name}: nothing was heard of the ERP for {age(inbound.heard_ago)}, longer than "
                f"domains.{name}.freshness",
                [name],
            )


def _of_shop(standing: Standing) -> Iterator[str]:
    if late := standing.ledger.late_write_backs:
        yield (
            f"{late.count} answer(s) of the ERP are not in Magento, the oldest for "
            f"{age(late.longest)} (erp-sidecar doctor)"
        )
    if parked := standing.ledger.write_backs_parked:
        yield standing.answering.after(
            f"{parked} answer(s) of the ERP cannot be written into Magento (erp-sidecar doctor)",
            _where(standing, lambda one: one.write_backs_parked),
        )
    if amiss := standing.triggers.amiss:
        yield f"triggers amiss: {', '.join(amiss)} (erp-sidecar triggers status)"
    if (differing := standing.ledger.differing).documents:
        told = [name for name, one in standing.ledger.inbound.items() if one.differences]
        yield standing.answering.after(
            f"{differing.differences} difference(s) in {differing.documents} document(s) "
            "(erp-sidecar differences list)",
            [*_where(standing, lambda one: one.differences), *told],
        )


def _of_accounts(standing: Standing) -> Iterator[str]:
    for name, account in standing.ledger.accounts.items():
        for line in _of_account(f"the ERP account {name}", account):
            yield standing.answering.after(line, account.domains)


def _of_account(which: str, account: AccountVitals) -> Iterator[str]:
    if account.wait_cut:
        domain = next(iter(account.domains), "DOMAIN")
        yield (
            f"{which} asked for a wait of {age(account.asked_wait)}; nothing is sent to it for "
            f"{age(account.quiet_for)} (throttle.longest_wait; to go on now: erp-sidecar "
            f"domain resume {domain})"
        )
    if account.breaker_open:
        yield f"{which} does not answer: its breaker is open"


def _of_blueprint(standing: Standing) -> Iterator[str]:
    for line in standing.outdated:
        yield f"{line} (erp-sidecar blueprint diff)"


def _where(standing: Standing, of: Callable[[DomainVitals], int]) -> list[str]:
    """The domains in which there is some of it."""
    return [name for name, vitals in standing.ledger.domains.items() if of(vitals)]


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"
