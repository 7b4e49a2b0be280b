"""The composition root: from a checked configuration to stations that work.

The only module that names concrete stores and adapters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path
from zoneinfo import ZoneInfo

from sidecar.acknowledge.write_back import WriteBackStation
from sidecar.app.domains import enabled, told
from sidecar.app.domains import specs as all_specs
from sidecar.app.erp_accounts import ErpAccounts, Line
from sidecar.app.erp_adapters import files_of_calls
from sidecar.app.inbound import Inbound
from sidecar.app.magento_api import magento_rest
from sidecar.app.rules import rank_of, settler_of
from sidecar.blueprint.answering import Answering, owners_by_domain
from sidecar.blueprint.document import Blueprint, blueprint_of
from sidecar.blueprint.signed import SignedBlueprint
from sidecar.capture.backfill import BackfillStation
from sidecar.capture.intake import Intake
from sidecar.capture.least_rights import inbound_needs
from sidecar.capture.outbox import Outbox
from sidecar.capture.pointers import Pointers
from sidecar.capture.sweep import Sweep
from sidecar.capture.tally import Tally
from sidecar.capture.trigger_plan import Definer
from sidecar.capture.triggers import Triggers
from sidecar.database.connection import Database, Login, knows_skip_locked, require_supported
from sidecar.delivery.claim import Claimer
from sidecar.delivery.courier import Courier
from sidecar.delivery.parents import Parents
from sidecar.delivery.pump import Lane, Pump
from sidecar.delivery.workers import Workers
from sidecar.domains.orders.domain import own_statuses, with_lifecycle
from sidecar.domains.orders.statuses import OwnStatus
from sidecar.host.owner import machine, owner
from sidecar.host.process import Stop, SystemClock
from sidecar.host.systemd import Supervisor
from sidecar.host.watchdog import Watchdog
from sidecar.identity.clone_guard import CloneGuard
from sidecar.identity.witness import Witness
from sidecar.install.installation import DEFINER
from sidecar.ledger.answers import Answers
from sidecar.ledger.migrate import Ledger
from sidecar.ledger.overview import Overview
from sidecar.ledger.store import LedgerStore
from sidecar.ledger.tables import LedgerNames
from sidecar.magento.applier import BesideMagento
from sidecar.magento.domain import Beside, Parts, RegisteredDomain
from sidecar.magento.env_php import read_env_php
from sidecar.magento.live_schema import MagentoSchema, read_schema
from sidecar.magento.rest.client import MagentoRest
from sidecar.magento.stores import StoreLimit
from sidecar.model.calendar import PostingRule
from sidecar.model.domain_spec import DomainSpec, Needs
from sidecar.model.errors import ConfigurationError, Unavailable, UsageError
from sidecar.model.event import source_of
from sidecar.model.guest import Guests
from sidecar.monitor.inbound_vitals import TellingLimits
from sidecar.monitor.ledger_vitals import LedgerVitalsReader
from sidecar.monitor.standing import Standing, StandingReader
from sidecar.monitor.top.watch import Subject, Watch
from sidecar.monitor.trigger_states import TriggerWatch, read_triggers
from sidecar.monitor.vitals import VitalsReader
from sidecar.observe.audience import Audience
from sidecar.observe.log import LogNarrator
from sidecar.observe.log_file import require_appendable
from sidecar.operate.backfill import BackfillOperations
from sidecar.operate.calendar import CalendarOperations
from sidecar.operate.check import EndToEnd
from sidecar.operate.differences import Findings
from sidecar.operate.domains import DomainSwitch
from sidecar.operate.dry_run import DryRun
from sidecar.operate.erase import Eraser
from sidecar.operate.identification import Identification
from sidecar.operate.incoming import IncomingNews
from sidecar.operate.learning import Learning, Learnt
from sidecar.operate.naming import name_of
from sidecar.operate.other_account import OtherAccount
from sidecar.operate.queue import Operations
from sidecar.operate.replay import ReplayOperations
from sidecar.operate.signing import Signing
from sidecar.operate.story import Story, Storyteller
from sidecar.ports import Narrator
from sidecar.settings.domain import Domain
from sidecar.settings.domains import Domains
from sidecar.settings.lifecycle import read_lifecycle
from sidecar.settings.origin import NOWHERE, Origin, named_by, place_of
from sidecar.settings.schema import Settings
from sidecar.settings.secrets import resolve, with_secrets

#: Orders whose answers are written in one transaction; their rows are held for its milliseconds.
_WRITTEN_TOGETHER = 20
#: Connections beside those of the workers: each duty of the daemon may need one at the same time.
_DUTIES = 10
#: Seconds between two looks at the triggers, which are dear: for the vital figures, and for `top`.
_VITALS_SEE_TRIGGERS = 300.0
_TOP_SEES_TRIGGERS = 60.0


@dataclass(frozen=True, slots=True)
class ShopDatabase:
    """Magento's database as configured: the login, the table prefix."""

    login: Login
    prefix: str


class Sidecar:
    """Everything that one configuration stands for, made when it is first needed."""

    def __init__(
        self,
        settings: Settings,
        *,
        origin: Origin | None = None,
        narrator: Narrator | None = None,
        supervisor: Supervisor | None = None,
    ) -> None:
        """`origin`: where each value of the settings was written (`Loaded.origin`)."""
        self.settings = settings
        self.origin = origin or NOWHERE
        self.clock = SystemClock()
        self.stop = Stop()
        self.supervisor = supervisor or Supervisor(None)
        interval = self.supervisor.watchdog_seconds
        self.watchdog = Watchdog(self.clock, self.supervisor.alive, interval)
        self.narrator = Audience(
            narrator or LogNarrator(settings.shop.name, owners_by_domain(settings))
        )
        self.shop_database = shop_database(settings, self.origin)
        self.names = LedgerNames.placed(settings.ledger.schema, self.shop_database.login.database)
        self.store = LedgerStore(self.names)
        self.erps = ErpAccounts(settings, self.origin, self.narrator)
        self._lines: dict[str, Line] = {}
        self._closing: list[Callable[[], None]] = []

    @cached_property
    def database(self) -> Database:
        """Connections, with the server's fitness asserted."""
        pool = _DUTIES + sum(erp.throttle.concurrency for erp in self.settings.accounts.values())
        database = Database(self.shop_database.login, connections=pool)
        require_supported(database.server())
        return database

    @cached_property
    def magento(self) -> MagentoSchema:
        """Magento's tables, looked at."""
        return read_schema(
            self.database, self.specs, self.shop_database.prefix, inbound=self.inbound_needs
        )

    @property
    def inbound_needs(self) -> tuple[Needs, ...]:
        """What the domains that the ERP owns need of Magento's schema."""
        return inbound_needs(all_specs(), self.settings.domains)

    @cached_property
    def parts(self) -> Mapping[str, Parts]:
        """What the enabled domains do beside this shop, by domain."""
        skip_locked = knows_skip_locked(self.database.server())
        self.require_stores(self.database, self.magento)
        parts = self.parts_of(self.magento, skip_locked=skip_locked)
        require_known(self.database, parts.values())
        return parts

    def require_stores(self, database: Database, schema: MagentoSchema) -> None:
        """Raises ConfigurationError for a store or a website that the shop does not have."""
        place = place_of("domains.orders.only", self.origin)
        with database.transaction("reading the shop's stores") as connection:
            self._stores(schema).require_known(connection, place)

    def _stores(self, schema: MagentoSchema) -> StoreLimit:
        """The orders' limit, which what belongs to an order shares.

        A refund of an order that is not carried would wait for its document for ever.
        """
        only = self.settings.domains.orders.only
        return StoreLimit(schema, only.stores, only.websites)

    def parts_of(self, schema: MagentoSchema, *, skip_locked: bool = True) -> Mapping[str, Parts]:
        """Raises ConfigurationError for what is configured and the shop does not have."""
        table, stores = self.names("entity"), self._stores(schema)
        return {
            domain.spec.name: domain.open(
                Beside(
                    schema,
                    table,
                    self.settings_of(domain.spec),
                    stores,
                    skip_locked,
                    self.origin,
                    guests=_guests(self.settings.domains),
                )
            )
            for domain in self._enabled
            if domain.open is not None
        }

    def settings_of(self, spec: DomainSpec) -> Domain:
        """The section of a domain that goes to the ERP."""
        return self.settings.domains.carried()[spec.name]

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger's schema."""
        return Ledger(self.database, self.names)

    @cached_property
    def name(self) -> str:
        """This process's name on leases and beats."""
        return owner()

    @cached_property
    def clone_guard(self) -> CloneGuard:
        """What keeps a copy of the shop's database from sending."""
        return CloneGuard(
            self.database,
            self.store,
            self.magento,
            owner=self.name,
            machine=machine(),
            erps=self.settings.guarded_addresses,
            clock=self.clock,
            narrator=self.narrator,
            witness=Witness.of(
                self.settings.ledger.witness,
                self.settings.shop.name,
                f"{self.names.schema}.{self.names.prefix}".rstrip("._"),
                self.shop_database.login.place,
            ),
        )

    @cached_property
    def triggers(self) -> Triggers:
        """The triggers that this configuration wants."""
        return Triggers(
            self.database,
            self.names,
            self.specs if self.settings.capture.triggers else (),
            self.stop,
            prefix=self.shop_database.prefix,
            definer=self._definer(),
        )

    def _definer(self) -> Definer | None:
        """The database user that the installer let define the triggers."""
        if not self.ledger.applied():
            return None
        kind, name = DEFINER
        with self.database.transaction("reading the triggers' definer") as connection:
            note = self.store.installed.of(connection, kind).get(name, {})
        user = note.get("user")
        return Definer(str(user), note.get("beside")) if user else None

    @cached_property
    def _enabled(self) -> tuple[RegisteredDomain, ...]:
        return enabled(self.settings.domains, self.origin)

    @property
    def specs(self) -> tuple[DomainSpec, ...]:
        """The specifications of the enabled domains."""
        return tuple(domain.spec for domain in self._enabled)

    @property
    def domains(self) -> tuple[str, ...]:
        """The names of the enabled domains."""
        return tuple(spec.name for spec in self.specs)

    @property
    def own_statuses(self) -> list[OwnStatus]:
        """The order statuses that we write, with the states they stand in."""
        statuses = own_statuses(self.settings.domains.orders.acknowledge)
        told_of = self.settings.domains.order_status
        if not told_of.enabled or told_of.lifecycle is None:
            return statuses
        return with_lifecycle(statuses, read_lifecycle(told_of.lifecycle))

    def require_at_work(self) -> None:
        """Raises ConfigurationError when a domain is stopped: what waits there does not go."""
        with self.database.transaction("reading the domains' control") as connection:
            standing = self.store.control.read(connection, self.domains)
        for domain, control in standing.items():
            if control.stopped_at is not None:
                raise ConfigurationError(
                    f"{domain} is stopped, what waits there does not go: {control.stopped_reason}",
                    f"correct the cause, then 'erp-sidecar domain resume {domain}'",
                )

    def require_answered(self) -> None:
        """Raises Unavailable where the ERP did not answer last, and something waits for it."""
        with self.database.transaction("asking whether the ERP answered") as connection:
            overview = Overview(self.store.tables)
            waiting = [
                domain
                for domain in self.domains
                if overview.oldest_under_way(connection, domain) is not None
            ]
            silent = {
                account: [name for name in self.settings.domains_of(account) if name in waiting]
                for account in self.settings.accounts
                if self.store.accounts.read(connection, account).failures
            }
        for account, domains in silent.items():
            if domains:
                raise Unavailable(
                    f"the ERP at {self.settings.accounts[account].address} does not answer, and "
                    f"{', '.join(domains)} wait for it",
                    "they go with the next run after it answers; 'erp-sidecar doctor' asks it now",
                )

    def intake(self) -> Intake:
        """The station that turns hints into events."""
        return Intake(
            self.database,
            self.store,
            Outbox(self.names),
            [parts.examiner for parts in self.parts.values()],
            shop=self.settings.shop.name,
            triggers_on=self.settings.capture.triggers,
            pointers=Pointers.of(self.database, Outbox(self.names), self.parts),
            clock=self.clock,
            narrator=self.narrator,
        )

    def tallies(self) -> list[Tally]:
        """What tells sums over a window, one for each domain that has such."""
        return [
            Tally(
                self.database,
                self.store,
                parts.totals,
                shop=self.settings.shop.name,
                narrator=self.narrator,
            )
            for parts in self.parts.values()
            if parts.totals is not None
        ]

    def backfill_stations(self) -> list[BackfillStation]:
        """What lets documents from before the sidecar go, one for each domain."""
        return [
            BackfillStation(
                self.database,
                self.store,
                spec,
                [
                    name
                    for name in self.domains
                    if self.settings.account_of(name) == self.settings.account_of(spec.name)
                ],
                most=self.settings_of(spec).batch,
                narrator=self.narrator,
            )
            for spec in self.specs
        ]

    def sweeps(self) -> list[Sweep]:
        """What finds what no hint announced, one for each domain."""
        return [self._sweep(parts) for parts in self.parts.values()]

    def _sweep(self, parts: Parts) -> Sweep:
        spec = parts.search.spec
        return Sweep(
            self.database,
            Outbox(self.names),
            parts.search,
            narrator=self.narrator,
            stopping=lambda: self.stop.asked,
            progress=self.watchdog.progress,
            broken=lambda connection: self.store.events.broken(
                connection, spec.name, self.settings.capture.full_sweep_every.total_seconds()
            ),
        )

    def pumps(self, owner_name: str) -> list[Pump]:
        """The stations that deliver, one for each domain, in the order of the domains."""
        self._lines.clear()
        return [
            self._pump(domain, owner_name, self.line(self.settings.account_of(domain)))
            for domain in self.domains
        ]

    def line(self, name: str) -> Line:
        """An ERP account at work, made when a station first needs it."""
        if name not in self._lines:
            erp = self.settings.accounts[name]
            adapter = self.erps.renewing(name)
            account = self.erps.restored(name, adapter, self.database, self.store, self.clock)
            threads = erp.throttle.concurrency
            workers = Workers(account, threads, clock=self.clock, sleeper=self.stop)
            self._closing += [workers.close, adapter.close]
            self._lines[name] = Line(name, adapter, account, workers)
        return self._lines[name]

    @cached_property
    def inbound(self) -> Inbound:
        """What makes the stations of the domains that the ERP owns."""
        return Inbound(
            self.settings,
            self.line,
            self._beside_magento,
            self.database,
            self.store,
            may_write=self.clone_guard.may_send,
            stopping=lambda: self.stop.asked,
            progress=self.watchdog.progress,
            clock=self.clock,
            narrator=self.narrator,
        )

    @property
    def incoming(self) -> IncomingNews:
        """What operators do to the ERP's own news."""
        specs = {domain.spec.name: domain.spec for domain in told(self.settings.domains)}
        return IncomingNews(self.database, self.store, specs)

    @property
    def level_domains(self) -> tuple[str, ...]:
        """The domains that tell levels, enabled or not."""
        return tuple(spec.name for spec in all_specs() if spec.tells and spec.tells.levels)

    @cached_property
    def magento_api(self) -> MagentoRest | None:
        """Magento's REST API, where the configuration has it."""
        api = self.settings.shop.api
        return None if api is None else magento_rest(api, self.origin)

    def _beside_magento(self, spec: DomainSpec) -> BesideMagento:
        return BesideMagento(
            schema=self.magento,
            database=self.database,
            api=self.magento_api,
            settings=self.settings.domains.enabled()[spec.name],
            ledger=self.names,
            origin=self.origin,
            account=self.settings.account_of(spec.name),
        )

    def _pump(self, domain: str, owner_name: str, line: Line) -> Pump:
        adapter, account, workers = line.adapter, line.account, line.workers
        parts = self.parts[domain]
        spec = next(one for one in self.specs if one.name == domain)
        settings = self.settings_of(spec)
        capabilities = adapter.capabilities(domain)
        lease = settings.lease.total_seconds()
        parent = next((one for one in self.specs if one.kind == spec.parent), None)
        return Pump(
            self.database,
            self.store,
            Claimer(
                self.database,
                self.store,
                parts.gate,
                self.clock,
                spec=spec,
                subscriptions=capabilities.subscriptions,
                owner=owner_name,
                lease_seconds=lease,
                may_send=self.clone_guard.may_send,
                reference=parts.reference,
                parents=Parents(self.store, parent, optional=spec.lacks_parents)
                if parent
                else None,
                answered=parts.answered if capabilities.probe else None,
                posting=self._posting_rule(settings),
            ),
            Courier(
                adapter,
                account,
                settler_of(spec, settings, capabilities),
                spec=spec,
                source=source_of(self.settings.shop.name),
                clock=self.clock,
                sleeper=self.stop,
                parent=parent,
            ),
            account,
            workers,
            Lane(
                rank=rank_of(spec, settings),
                owner=owner_name,
                claim_size=settings.batch,
                batch=max(1, capabilities.batch),
                probe_batch=max(1, capabilities.probe_batch),
                lease_seconds=lease,
                answers_checks=spec is self.specs[0],
            ),
            clock=self.clock,
            sleeper=self.stop,
            narrator=self.narrator,
            progress=self.watchdog.progress,
        )

    def _posting_rule(self, settings: Domain) -> PostingRule | None:
        when_closed = settings.posting.when_closed
        if when_closed == "send":
            return None
        zone = ZoneInfo(self.settings.shop.timezone)
        return PostingRule(zone, moves=when_closed == "next_open")

    @property
    def calendar(self) -> CalendarOperations:
        """What operators do about posting periods."""
        return CalendarOperations(
            self.database,
            self.store,
            {
                spec.name: (spec, self.settings_of(spec).posting.when_closed)
                for spec in self.specs
                if spec.opening is not None and not spec.is_state
            },
            ZoneInfo(self.settings.shop.timezone),
        )

    def write_back(self) -> WriteBackStation:
        """The station that writes to Magento."""
        skip_locked = knows_skip_locked(self.database.server())
        return WriteBackStation(
            self.database,
            self.store,
            [one.acknowledger for one in self.parts.values() if one.acknowledger is not None],
            self.narrator,
            together=_WRITTEN_TOGETHER if skip_locked else 1,
            may_write=self.clone_guard.may_send,
        )

    def vitals(self) -> VitalsReader:
        """Reads the figures that tell whether all is well."""
        triggers = TriggerWatch(self.triggers, self.clock, _VITALS_SEE_TRIGGERS)
        may_send = self.clone_guard.may_send
        return VitalsReader(self.database, self.ledger_vitals(), triggers, may_send)

    def ledger_vitals(self) -> LedgerVitalsReader:
        """Reads those of them that the ledger alone tells."""
        alarms = {
            name: section.pause_alarm.total_seconds()
            for name, section in self.settings.domains.carried().items()
        }
        return LedgerVitalsReader(self.store, self.specs, self.erps.limits, alarms, self._told())

    def _told(self) -> dict[str, TellingLimits]:
        """What is worth a word of the domains that the ERP owns."""
        stock = self.settings.domains.stock.freshness
        freshness = {"stock": stock.total_seconds() if stock else None}
        return {
            name: TellingLimits(
                self.settings.account_of(name),
                section.pause_alarm.total_seconds(),
                section.every.total_seconds(),
                freshness.get(name),
            )
            for name, section in self.settings.domains.told().items()
        }

    def standing(self) -> Standing:
        """How everything stands, for a person."""
        return StandingReader(
            self.database,
            self.store,
            self.ledger_vitals(),
            shop=self.settings.shop.name,
            judge=lambda: self.identification.look().judgement,
            look_at_triggers=lambda: read_triggers(self.triggers),
            signed=self.signed,
            answering=self.answering,
        ).read()

    @property
    def operations(self) -> Operations:
        """What operators do to events."""
        return Operations(
            self.database,
            self.store,
            self.specs,
            clears_doubt=self._clears_doubt,
        )

    @property
    def backfills(self) -> BackfillOperations:
        """What operators do about documents from before the sidecar."""
        return BackfillOperations(
            self.database,
            self.store,
            self.specs,
            clears_doubt=self._clears_doubt,
            timezone=ZoneInfo(self.settings.shop.timezone),
        )

    def replays(self, domain: str) -> ReplayOperations:
        """What operators do to events of a domain that are over.

        Raises UsageError for one that does not go to the ERP.
        """
        spec = next((one for one in self.specs if one.name == domain), None)
        if spec is None:
            raise UsageError(f"nothing of {domain} goes to the ERP here")
        return ReplayOperations(
            self.database,
            self.store,
            spec,
            self.settings.account_of(domain),
            lambda: self.erps.adapter_of(domain).capabilities(domain),
            partial(self._other_account, spec),
            ZoneInfo(self.settings.shop.timezone),
        )

    def _other_account(self, spec: DomainSpec, name: str) -> OtherAccount:
        if name not in self.settings.accounts:
            there = ", ".join(self.settings.accounts)
            raise UsageError(f"there is no ERP account {name}", f"erps has {there}")
        adapter = self.erps.adapters[name]
        capabilities = adapter.capabilities(spec.name)
        if spec.opening not in capabilities.subscriptions:
            raise UsageError(
                f"the file of calls of {name} has none for {spec.opening}",
                f"write one under {spec.name} in erps.{name}.calls",
            )
        return OtherAccount(
            name,
            adapter,
            self.erps.restored(name, adapter, self.database, self.store, self.clock),
            capabilities,
            self.database,
            self.store,
            above=next((one for one in self.specs if one.kind == spec.parent), None),
            may_send=self.clone_guard.may_send,
            source=source_of(self.settings.shop.name),
            owner=self.name,
            sleeper=self.stop,
        )

    def _clears_doubt(self, domain: str) -> bool:
        return self.erps.adapter_of(domain).capabilities(domain).clears_doubt

    @property
    def end_to_end(self) -> EndToEnd:
        """The check that moves a marked record through the running daemon."""
        return EndToEnd(
            self.database,
            self.store,
            Outbox(self.names),
            self.clone_guard,
            domain=self.domains[0],
            account=self.settings.account_of(self.domains[0]),
            clock=self.clock,
            sleeper=self.stop,
        )

    @property
    def identification(self) -> Identification:
        """What operators say about which system this is."""
        return Identification(
            self.database, self.store, self.clone_guard, self.erps.kinds(self.specs)
        )

    @property
    def domain_switch(self) -> DomainSwitch:
        """What operators do to whole domains."""
        enabled_ones = self.settings.domains.enabled()
        accounts = {domain: self.settings.account_of(domain) for domain in enabled_ones}
        return DomainSwitch(self.database, self.store, accounts)

    @cached_property
    def blueprint(self) -> Blueprint:
        """Who owns what, of the files as they are now."""
        return blueprint_of(self.settings, files_of_calls)

    @property
    def answering(self) -> Answering:
        """Who answers for each domain."""
        return Answering.by(self.settings)

    @property
    def signed(self) -> SignedBlueprint:
        """Who signed it, and what has changed since."""
        return SignedBlueprint(self.database, self.store.signatures, lambda: self.blueprint)

    @property
    def signing(self) -> Signing:
        """What operators do about the blueprint."""
        return Signing(self.database, self.store, self.blueprint)

    @property
    def findings(self) -> Findings:
        """What operators do about differences."""
        return Findings(self.database, self.store, self.specs)

    def eraser(self, domain: str) -> Eraser:
        """Erases people, who are the entities of `domain`.

        Raises ConfigurationError where that is not carried.
        """
        if domain not in self.parts:
            raise ConfigurationError(
                f"domains.{domain} is not enabled, and nothing is known of its people",
                "enable it, if need be for this command only",
            )
        shop = self.settings.shop.name
        return Eraser(self.database, self.store, self.parts[domain], shop)

    def dry_run(self) -> DryRun:
        """Shows calls without making them; needs no ledger."""
        store = self.store if self.ledger.applied() else None
        shop = self.settings.shop.name
        parts = list(self.parts.values())
        return DryRun(self.database, store, parts, self.erps.adapter_of, shop)

    def learn(self, since: datetime, domains: Sequence[str]) -> Learnt:
        """What the ERP answered of these domains since then, out of the ledger."""
        by_name = {spec.name: spec for spec in self.specs}
        learning = Learning(
            ZoneInfo(self.settings.shop.timezone),
            lambda domain, number: by_name[domain].name_of(number),
            {name: spec.opening for name, spec in by_name.items()},
        )
        attempts = Answers(self.database, self.names).since(since, domains)
        return learning.learn(attempts, since, domains)

    def watch(self) -> Watch:
        """Looks at everything that `top` shows."""
        subject = Subject(
            self.settings.shop.name,
            self.erps.limits,
            self.domains,
            TriggerWatch(self.triggers, self.clock, _TOP_SEES_TRIGGERS).look,
            partial(name_of, self.specs),
            self._told(),
        )
        return Watch(self.database, self.store, subject, self.clock)

    def stories(self, number: str, *, ask_erp: bool) -> list[Story]:
        """The whole story of each order that carries this number (one per store)."""
        return Storyteller(self.database, self.store, list(self.parts.values())).stories(
            number, self.erps.adapter_of if ask_erp else None
        )

    def prepare(self) -> None:
        """Make and check all that a daemon of this configuration needs, and change nothing.

        What is wrong is raised here, while a former daemon may still be at work.
        """
        self.ledger.require_current()
        _ = self.magento, self.erps.adapters, self.triggers, self.clone_guard
        with_secrets(self.settings.heartbeat, at="heartbeat", origin=self.origin)
        if self.settings.logging.file is not None:
            require_appendable(self.settings.logging.file)

    def close(self) -> None:
        """End the workers and give back the connections of what was made."""
        for close in self._closing:
            close()
        self.erps.close()
        if "database" in self.__dict__:
            self.database.close()


def _guests(domains: Domains) -> Guests:
    """What becomes of an order's guest; nothing where customers are not carried."""
    customers = domains.customers
    return Guests(customers.guests, customers.guest_account) if customers.enabled else Guests()


def require_known(database: Database, parts: Iterable[Parts]) -> None:
    """Raises ConfigurationError for what the configuration names and the shop does not have."""
    with database.transaction("comparing the configuration with the shop") as connection:
        for one in parts:
            if one.require_known is not None:
                one.require_known(connection)


def shop_database(settings: Settings, origin: Origin = NOWHERE) -> ShopDatabase:
    """Magento's login: written out, or out of app/etc/env.php."""
    database = settings.shop.database
    if database.magento_root is not None:
        env = read_env_php(Path(database.magento_root))
        socket = str(env.socket) if env.socket else None
        login = Login(env.user, env.password, env.name, env.host, env.port, socket)
        return ShopDatabase(login, env.table_prefix)
    if database.password is None:
        raise ConfigurationError("shop.database has no password", "name a file or a credential")
    with named_by("shop.database.password", origin):
        password = resolve(database.password).secret
    login = Login(
        user=database.user,
        password=password,
        database=database.name,
        host=database.host,
        port=database.port,
        socket=str(database.socket) if database.socket else None,
    )
    return ShopDatabase(login, database.table_prefix)
