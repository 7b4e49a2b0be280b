"""The stations of what the ERP owns: made of the configuration, one or two for each domain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import sqlalchemy as sa

from sidecar.app.domains import inbound_of, told
from sidecar.app.erp_accounts import Line
from sidecar.app.rules import rank_of
from sidecar.database.connection import Database
from sidecar.delivery.question_turn import QuestionTurn
from sidecar.inbound.apply import Applying
from sidecar.inbound.asking import Questions
from sidecar.inbound.inbox import Inbox
from sidecar.inbound.levels import Levels
from sidecar.inbound.overdue import OverdueWatch
from sidecar.ledger.store import LedgerStore
from sidecar.magento.applier import (
    Applier,
    BesideMagento,
    DocumentApplier,
    LevelApplier,
    LimitsStays,
)
from sidecar.magento.domain import RegisteredDomain
from sidecar.model.domain_spec import DomainSpec
from sidecar.model.errors import ConfigurationError
from sidecar.ports import Clock, Narrator, Telling
from sidecar.settings.inbound import Told
from sidecar.settings.schema import Settings


class Working(Protocol):
    """What a station of the daemon calls."""

    def run_once(self) -> int: ...


@dataclass(frozen=True, slots=True)
class InboundStations:
    """Of one domain: `ask` hears what is new, `apply` carries it into Magento.

    `apply` is None where levels are written at once; `overdue` tells of documents that stand
    still, None where nothing limits their stay.
    """

    spec: DomainSpec
    every: float
    ask: Working
    apply: Working | None
    overdue: Working | None = None


class Inbound:
    """Makes them.  `lines`: the ERP accounts at work, by name."""

    def __init__(
        self,
        settings: Settings,
        lines: Callable[[str], Line],
        beside: Callable[[DomainSpec], BesideMagento],
        database: Database,
        ledger: LedgerStore,
        *,
        may_write: Callable[[sa.Connection], bool],
        stopping: Callable[[], bool],
        progress: Callable[[], None],
        clock: Clock,
        narrator: Narrator,
    ) -> None:
        self._settings = settings
        self._lines = lines
        self._beside = beside
        self._database = database
        self._ledger = ledger
        self._may_write = may_write
        self._stopping = stopping
        self._progress = progress
        self._clock = clock
        self._narrator = narrator

    def stations(self) -> Sequence[InboundStations]:
        """Those of every domain that the ERP owns.

        Raises ConfigurationError where an ERP cannot tell of one, or Magento cannot be told.
        """
        return [self._of(domain) for domain in told(self._settings.domains)]

    def level_applier_of(self, name: str) -> LevelApplier:
        """What compares the levels of a domain with Magento's; raises as `applier_of`."""
        inbound_of(self._settings.domains, name)
        specs = {domain.spec.name: domain.spec for domain in told(self._settings.domains)}
        return _level(self.applier_of(specs[name]))

    def applier_of(self, spec: DomainSpec) -> Applier:
        """What carries a domain's news into Magento.

        Raises UsageError where the ERP does not own it, ConfigurationError where Magento cannot be
        told of it.
        """
        return inbound_of(self._settings.domains, spec.name)(self._beside(spec))

    def questions_of(self, spec: DomainSpec) -> Questions:
        """The questions to its ERP account; raises ConfigurationError."""
        name = spec.name
        section = self._section(name)
        line = self._lines(self._settings.account_of(name))
        capabilities = line.adapter.capabilities(name)
        if not isinstance(line.adapter, Telling) or not (
            capabilities.tells_changes or capabilities.tells_all
        ):
            raise ConfigurationError(
                f"domains.{name}: its ERP account has no call that asks what is new",
                f"write {name}: changes or list into the file of calls of "
                f"{self._settings.key_of(line.name)}, or domains.{name}.enabled: false",
            )
        return Questions(
            spec,
            line.adapter,
            QuestionTurn(
                rank_of(spec, self._settings.domains.enabled()[name]),
                line.account,
                line.workers,
                self._clock,
            ),
            self._clock,
            overlap=section.overlap,
            progress=self._progress,
        )

    def _section(self, name: str) -> Told:
        section = self._settings.domains.enabled()[name]
        if not isinstance(section, Told):
            raise ConfigurationError(f"domains.{name}.owner: erp: nothing is told of it")
        return section

    def _of(self, domain: RegisteredDomain) -> InboundStations:
        spec, section = domain.spec, self._section(domain.spec.name)
        name, account = spec.name, self._settings.account_of(spec.name)
        questions = self.questions_of(spec)
        applier = self.applier_of(spec)
        may_work = partial(self._may_work, name)
        whole = self._whole(name, account)
        every = self._settings.domains.enabled()[name].every.total_seconds()
        if spec.tells is not None and spec.tells.levels:
            levels = Levels(
                _level(applier),
                account,
                questions,
                self._database,
                self._ledger,
                may_work=may_work,
                whole=whole,
                stopping=self._is_to_end,
                clock=self._clock,
                narrator=self._narrator,
            )
            return InboundStations(spec, every, levels, None)
        inbox = Inbox(
            spec,
            account,
            questions,
            self._database,
            self._ledger,
            may_work=may_work,
            whole=whole,
            clock=self._clock,
            narrator=self._narrator,
        )
        applying = Applying(
            _document(applier),
            self._database,
            self._ledger,
            self._narrator,
            may_work=may_work,
            give_up_after=section.give_up_after.total_seconds(),
            progress=self._progress,
        )
        return InboundStations(spec, every, inbox, applying, self._overdue(applier, may_work))

    def _overdue(
        self, applier: Applier, may_work: Callable[[sa.Connection], bool]
    ) -> OverdueWatch | None:
        stays = applier.longest_stays if isinstance(applier, LimitsStays) else {}
        if not stays:
            return None
        return OverdueWatch(
            applier.spec, stays, self._database, self._ledger, self._narrator, may_work=may_work
        )

    def _whole(self, name: str, account: str) -> Callable[[float | None], bool]:
        """Whether everything is to be asked for, by when it last was."""
        capabilities = self._lines(account).adapter.capabilities(name)
        section = self._section(name)
        if not capabilities.tells_changes:
            return lambda _: True
        if not capabilities.tells_all:
            return lambda _: False
        every = section.full_every.total_seconds() if section.full_every else None
        return lambda full_ago: full_ago is None or (every is not None and full_ago >= every)

    def _is_to_end(self) -> bool:
        """Asked between two chunks of a run: it gets on."""
        self._progress()
        return self._stopping()

    def _may_work(self, name: str, connection: sa.Connection) -> bool:
        """Neither a copy of the shop, nor paused, nor stopped."""
        if self._stopping() or not self._may_write(connection):
            return False
        return self._ledger.control.read(connection, [name])[name].may_work


def _level(applier: Applier) -> LevelApplier:
    if isinstance(applier, LevelApplier):
        return applier
    raise TypeError(f"{type(applier).__name__} writes no levels")


def _document(applier: Applier) -> DocumentApplier:
    if isinstance(applier, DocumentApplier):
        return applier
    raise TypeError(f"{type(applier).__name__} applies no documents")
