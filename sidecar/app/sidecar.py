"""The composition root: from a checked configuration to stations that work.

The only module that names concrete stores and adapters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from sidecar.acknowledge.write_back import WriteBackStation
from sidecar.app.erp_adapters import connection_of, load_adapter
from sidecar.app.renewing import RenewingAdapter
from sidecar.app.rules import pace_of, settler_of, totals_of, write_back_rules_of
from sidecar.capture.intake import Intake
from sidecar.capture.outbox import Outbox
from sidecar.capture.sweep import Sweep
from sidecar.capture.trigger_plan import Definer
from sidecar.capture.triggers import Triggers
from sidecar.database.connection import Database, Login, knows_skip_locked, require_supported
from sidecar.delivery.account import ErpAccount
from sidecar.delivery.breaker import Breaker
from sidecar.delivery.claim import Claimer
from sidecar.delivery.courier import Courier
from sidecar.delivery.gate import Gate
from sidecar.delivery.pump import Lane, Pump
from sidecar.delivery.slots import Slots
from sidecar.delivery.throttle import Throttle
from sidecar.host.owner import machine, owner
from sidecar.host.process import Stop, SystemClock
from sidecar.host.systemd import Supervisor
from sidecar.host.watchdog import Watchdog
from sidecar.identity.clone_guard import CloneGuard
from sidecar.identity.witness import Witness
from sidecar.install.installation import DEFINER
from sidecar.ledger.migrate import Ledger
from sidecar.ledger.overview import Overview
from sidecar.ledger.store import LedgerStore
from sidecar.ledger.tables import LedgerNames
from sidecar.magento.answered_orders import AnsweredOrders
from sidecar.magento.env_php import read_env_php
from sidecar.magento.extra_totals import extra_totals
from sidecar.magento.order_reader import OrderReader
from sidecar.magento.order_search import OrderSearch
from sidecar.magento.order_status import OwnStatus
from sidecar.magento.order_writer import OrderWriter
from sidecar.magento.schema_probe import MagentoSchema, probe
from sidecar.model.errors import ConfigurationError, Unavailable
from sidecar.model.event import source_of
from sidecar.model.reference import Reference
from sidecar.monitor.top.watch import Subject, Watch
from sidecar.monitor.vitals import VitalsReader
from sidecar.observe.audience import Audience
from sidecar.observe.log import LogNarrator
from sidecar.observe.log_file import require_appendable
from sidecar.operate.check import EndToEnd
from sidecar.operate.differences import Findings
from sidecar.operate.dry_run import DryRun
from sidecar.operate.identification import Identification
from sidecar.operate.queue import Operations
from sidecar.operate.story import Storyteller
from sidecar.ports import Connection, ErpAdapter, Narrator
from sidecar.settings.schema import Settings
from sidecar.settings.secrets import resolve

ORDERS = "orders"
#: States in which an accepted order may stand when our status is put on it.
_STATES_AT_WORK = ("new", "processing")
#: Orders whose answers are written in one transaction; their rows are held for its milliseconds.
_WRITTEN_TOGETHER = 20
#: Connections beside those of the workers: each duty of the daemon may need one at the same time.
_DUTIES = 10


@dataclass(frozen=True, slots=True)
class Account:
    """Magento's database as configured: the login, the table prefix."""

    login: Login
    prefix: str


class Sidecar:
    """Everything that one configuration stands for, made when it is first needed."""

    def __init__(
        self,
        settings: Settings,
        *,
        origin: Mapping[str, str] | None = None,
        narrator: Narrator | None = None,
        supervisor: Supervisor | None = None,
    ) -> None:
        """`origin`: where each value of the settings was written (`Loaded.origin`)."""
        self.settings = settings
        self._origin = origin or {}
        self.clock = SystemClock()
        self.stop = Stop()
        self.supervisor = supervisor or Supervisor(None)
        interval = self.supervisor.watchdog_seconds
        self.watchdog = Watchdog(self.clock, self.supervisor.alive, interval)
        self.narrator = Audience(narrator or LogNarrator(settings.shop.name))
        self.account = account(settings)
        self.names = LedgerNames.placed(settings.ledger.schema, self.account.login.database)
        self.store = LedgerStore(self.names)
        self._closing: list[Callable[[], None]] = []

    @cached_property
    def database(self) -> Database:
        """Connections, with the server's fitness asserted."""
        pool = _DUTIES + self.settings.erp.throttle.concurrency
        database = Database(self.account.login, connections=pool)
        require_supported(database.server())
        return database

    @cached_property
    def magento(self) -> MagentoSchema:
        """Magento's tables, looked at, with the further totals of the configuration."""
        return self.with_totals(probe(self.database, self.account.prefix))

    def with_totals(self, schema: MagentoSchema) -> MagentoSchema:
        """Raises ConfigurationError for a column that is named and that the shop does not have."""
        named = totals_of(self.settings.domains.orders, schema)
        keys = {total.column: f"domains.orders.totals.{total.column}" for total in named}
        places = {column: _place(key, self._origin) for column, key in keys.items()}
        return replace(schema, totals=extra_totals(named, schema.columns, places))

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
            erp=self.settings.erp.address,
            clock=self.clock,
            narrator=self.narrator,
            witness=Witness.of(
                self.settings.ledger.witness,
                self.settings.shop.name,
                f"{self.names.schema}.{self.names.prefix}".rstrip("._"),
                self.account.login.place,
            ),
        )

    @cached_property
    def adapter(self) -> ErpAdapter:
        """The ERP's adapter, its file of calls checked."""
        return load_adapter(self.settings, self._connection)

    @cached_property
    def _connection(self) -> Connection:
        return connection_of(self.settings)

    def _renewing_adapter(self) -> RenewingAdapter:
        """The adapter for work that goes on while somebody changes a secret."""
        return RenewingAdapter(
            self.adapter,
            self._connection,
            partial(connection_of, self.settings),
            partial(load_adapter, self.settings),
            self.narrator,
        )

    @cached_property
    def triggers(self) -> Triggers:
        """The triggers that this configuration wants."""
        return Triggers(
            self.database,
            self.names,
            self.domains if self.settings.capture.triggers else (),
            self.stop,
            prefix=self.account.prefix,
            definer=self._definer(),
        )

    def _definer(self) -> Definer | None:
        """The account that the installer let define the triggers."""
        if not self.ledger.applied():
            return None
        kind, name = DEFINER
        with self.database.transaction("reading the triggers' definer") as connection:
            note = self.store.installed.of(connection, kind).get(name, {})
        account = note.get("account")
        return Definer(str(account), note.get("beside")) if account else None

    @property
    def domains(self) -> tuple[str, ...]:
        """The enabled domains."""
        return (ORDERS,) if self.settings.domains.orders.enabled else ()

    @property
    def own_statuses(self) -> list[OwnStatus]:
        """The order statuses that the acknowledgement uses, with the states they stand in."""
        rules = self.settings.domains.orders.acknowledge
        wanted: dict[str, tuple[str, set[str]]] = {}
        for mapping in (rules.accepted, *rules.statuses.values()):
            wanted.setdefault(mapping.status, (mapping.label, set()))[1].update(_STATES_AT_WORK)
        if rules.rejected.hold and rules.rejected.released is not None:
            released = wanted.setdefault(
                rules.rejected.released, (rules.rejected.released_label, set())
            )
            released[1].update(_STATES_AT_WORK)
        held = ("holded",) if rules.rejected.hold else ()
        wanted.setdefault(rules.rejected.status, (rules.rejected.label, set()))[1].update(held)
        return [
            OwnStatus(code, label, tuple(sorted(states)))
            for code, (label, states) in wanted.items()
        ]

    @property
    def _answered_orders(self) -> AnsweredOrders:
        numbered = self.settings.domains.orders.acknowledge.number != "none"
        codes = [status.code for status in self.own_statuses]
        return AnsweredOrders(self.magento, codes, has_number=numbered)

    @property
    def _reference(self) -> Reference:
        return Reference(self.settings.domains.orders.ref)

    def require_at_work(self) -> None:
        """Raises ConfigurationError when a domain is stopped: what waits there does not go."""
        with self.database.transaction("reading the domains' control") as connection:
            standing = self.store.control.read(connection, self.domains)
        for domain, control in standing.items():
            if control.stopped_at is not None:
                raise ConfigurationError(
                    f"{domain} is stopped, what waits there does not go: {control.stopped_reason}",
                    f"mend the cause, then 'erp-sidecar domain resume {domain}'",
                )

    def require_answered(self) -> None:
        """Raises Unavailable where the ERP did not answer last, and something waits for it."""
        with self.database.transaction("asking whether the ERP answered") as connection:
            account = self.store.accounts.read(connection, self.settings.erp.account_name)
            overview = Overview(self.store.tables)
            waits = overview.oldest_under_way(connection, ORDERS) is not None
        if account.failures and waits:
            raise Unavailable(
                f"the ERP at {self.settings.erp.address} does not answer, and orders wait for it",
                "they go with the next run after it answers; 'erp-sidecar doctor' asks it now",
            )

    def intake(self) -> Intake:
        """The station that turns hints into events."""
        return Intake(
            self.database,
            self.store,
            Outbox(self.names),
            OrderReader(self.magento),
            shop=self.settings.shop.name,
            triggers_on=self.settings.capture.triggers,
            clock=self.clock,
            narrator=self.narrator,
            tolerance=self.settings.domains.orders.tolerance,
        )

    def sweep(self) -> Sweep:
        """The station that finds what no hint announced."""
        return Sweep(
            self.database,
            Outbox(self.names),
            OrderSearch(self.magento, self.names("entity")),
            narrator=self.narrator,
            stopping=lambda: self.stop.asked,
            progress=self.watchdog.progress,
            broken=lambda connection: self.store.events.broken(
                connection, ORDERS, self.settings.capture.full_sweep_every.total_seconds()
            ),
        )

    def erp_account(self, adapter: ErpAdapter | None = None) -> ErpAccount:
        """The ERP account as the ledger remembers it; the pumps of one daemon share one."""
        breaker = self.settings.erp.breaker
        pace = pace_of(self.settings)
        account = ErpAccount(
            self.settings.erp.account_name,
            Throttle(pace, self.clock),
            Slots(pace.concurrency, float(self.settings.erp.throttle.slow_at), self.clock),
            Breaker(breaker.after, breaker.probe_every.total_seconds(), self.clock),
            adapter or self.adapter,
            self.database,
            self.store,
            self.narrator,
            longest_wait=self.settings.erp.throttle.longest_wait.total_seconds(),
        )
        account.restore()
        return account

    def pump(self, owner_name: str, account: ErpAccount | None = None) -> Pump:
        """The station that delivers orders."""
        orders = self.settings.domains.orders
        adapter = self._renewing_adapter()
        account = account or self.erp_account(adapter)
        capabilities = self.adapter.capabilities(ORDERS)
        lease = orders.lease.total_seconds()
        pump = Pump(
            self.database,
            self.store,
            Claimer(
                self.database,
                self.store,
                Gate(orders.gate.payment, orders.gate.waiting_states),
                self.clock,
                domain=ORDERS,
                subscriptions=capabilities.subscriptions,
                owner=owner_name,
                lease_seconds=lease,
                may_send=self.clone_guard.may_send,
                reference=self._reference,
                answered=self._answered_orders.among if capabilities.probe else None,
            ),
            Courier(
                adapter,
                account,
                settler_of(orders, capabilities),
                domain=ORDERS,
                source=source_of(self.settings.shop.name),
                clock=self.clock,
                sleeper=self.stop,
            ),
            account,
            Lane(
                domain=ORDERS,
                owner=owner_name,
                claim_size=orders.batch,
                batch=max(1, capabilities.batch),
                probe_batch=max(1, capabilities.probe_batch),
                concurrency=self.settings.erp.throttle.concurrency,
                lease_seconds=lease,
            ),
            clock=self.clock,
            sleeper=self.stop,
            narrator=self.narrator,
            progress=self.watchdog.progress,
        )
        self._closing += [pump.close, adapter.close]
        return pump

    def write_back(self) -> WriteBackStation:
        """The station that writes to Magento."""
        skip_locked = knows_skip_locked(self.database.server())
        return WriteBackStation(
            self.database,
            self.store,
            OrderWriter(self.magento, skip_locked=skip_locked),
            self.narrator,
            together=_WRITTEN_TOGETHER if skip_locked else 1,
            may_write=self.clone_guard.may_send,
            rules=write_back_rules_of(self.settings.domains.orders),
        )

    def vitals(self) -> VitalsReader:
        """Reads the figures that tell whether all is well."""
        return VitalsReader(
            self.database,
            self.store,
            self.triggers,
            may_send=self.clone_guard.may_send,
            domains=self.domains,
            accounts={self.settings.erp.account_name: self.settings.erp.throttle.concurrency},
            clock=self.clock,
        )

    @property
    def operations(self) -> Operations:
        """What operators do to events."""
        return Operations(
            self.database,
            self.store,
            ORDERS,
            clears_doubt=lambda: self.adapter.capabilities(ORDERS).clears_doubt,
        )

    @property
    def end_to_end(self) -> EndToEnd:
        """The check that moves a marked record through the running daemon."""
        return EndToEnd(
            self.database,
            self.store,
            Outbox(self.names),
            self.clone_guard,
            domain=ORDERS,
            account=self.settings.erp.account_name,
            clock=self.clock,
            sleeper=self.stop,
        )

    @property
    def identification(self) -> Identification:
        """What operators say about which system this is."""
        return Identification(self.database, self.store, self.clone_guard)

    @property
    def findings(self) -> Findings:
        """What operators do about differences."""
        return Findings(self.database, self.store)

    def dry_run(self) -> DryRun:
        """Shows calls without making them; needs no ledger."""
        store = self.store if self.ledger.applied() else None
        shop = self.settings.shop.name
        tolerance = self.settings.domains.orders.tolerance
        return DryRun(
            self.database,
            store,
            self.magento,
            self.adapter,
            shop,
            tolerance=tolerance,
            reference=self._reference,
        )

    def watch(self) -> Watch:
        """Looks at everything that `top` shows."""
        subject = Subject(
            self.settings.shop.name,
            self.settings.erp.address,
            self.settings.erp.account_name,
            self.domains,
            self.settings.erp.throttle.concurrency,
            self._trigger_states,
        )
        return Watch(self.database, self.store, subject, self.clock)

    def _trigger_states(self) -> tuple[dict[str, str], str | None]:
        suspension = self.triggers.suspension()
        states = {one.name: one.state.value for one in self.triggers.status()}
        return states, suspension.why if suspension else None

    def stories(self, number: str, *, ask_erp: bool) -> list[dict[str, Any]]:
        """The whole story of each order that carries this number (one per store)."""
        return Storyteller(self.database, self.store, self.magento, self._reference).stories(
            number, self.adapter if ask_erp else None
        )

    def prepare(self) -> None:
        """Make and check all that a daemon of this configuration needs, and change nothing.

        What is wrong is raised here, while a former daemon may still be at work.
        """
        self.ledger.require_current()
        _ = self.magento, self.adapter, self.triggers, self.clone_guard
        if self.settings.heartbeat.url is not None:
            resolve(self.settings.heartbeat.url)
        if self.settings.logging.file is not None:
            require_appendable(self.settings.logging.file)

    def close(self) -> None:
        """End the workers and give back the connections of what was made."""
        for close in self._closing:
            close()
        if "adapter" in self.__dict__:
            self.adapter.close()
        if "database" in self.__dict__:
            self.database.close()


def _place(key: str, origin: Mapping[str, str]) -> str:
    """File and line of a key, or of the first below it, with its name; the name alone for none."""
    written = next((at for name, at in origin.items() if f"{name}.".startswith(f"{key}.")), None)
    return f"{written}: {key}" if written else key


def account(settings: Settings) -> Account:
    """Magento's login: written out, or out of app/etc/env.php."""
    database = settings.shop.database
    if database.magento_root is not None:
        env = read_env_php(Path(database.magento_root))
        socket = str(env.socket) if env.socket else None
        login = Login(env.user, env.password, env.name, env.host, env.port, socket)
        return Account(login, env.table_prefix)
    if database.password is None:
        raise ConfigurationError("shop.database has no password", "name a file or a credential")
    login = Login(
        user=database.user,
        password=resolve(database.password).secret,
        database=database.name,
        host=database.host,
        port=database.port,
        socket=str(database.socket) if database.socket else None,
    )
    return Account(login, database.table_prefix)
