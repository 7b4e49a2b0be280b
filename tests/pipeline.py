"""A whole sidecar inside the test's own process, whose time a test lets pass: no waiting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from importlib import resources
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sidecar.app.installer import Installer
from sidecar.app.sidecar import Sidecar
from sidecar.host.process import Stop
from sidecar.ledger.records import EventRow, Records
from sidecar.ledger.tables import TABLES
from sidecar.operate.queue import By
from sidecar.ports import ErpAdapter
from sidecar.settings.load import load
from sidecar.testing.magento_db import MagentoDatabase
from tests.harness import RecordingNarrator

DEMO_CALLS = resources.files("sidecar.testing.demo").joinpath("calls.yaml").read_text("utf-8")
#: Without those of refunds, which stand last.
ORDER_CALLS = DEMO_CALLS.partition("\nrefunds:")[0]
USER = "pipeline"

#: Moments in the ledger.  Time passes for it when they all move into the past.
_MOMENTS = {
    "incoming": ("due_at", "waiting_since", "asked_at"),
    "event": ("due_at", "lease_until", "first_sent_at", "sent_at"),
    "write_back": ("due_at",),
    "backfill_document": ("pointed_at",),
    "erp_account": ("opened_at", "ask_at", "slow_until"),
    "control": ("paused_until",),
    "lease": ("until",),
}
#: The process's clock runs this much further, past every guard that takes the ledger's moments for
#: fixed ones (the claim's low-water mark).
_PAST_GUARDS = 6.0

_CONFIGURATION = """\
version: 1
shop:
  name: {shop}
  timezone: {timezone}
  database: {{socket: {socket}, name: {name}, user: {user}, password: {{file: password}}}}
{api}ledger: {{schema: {ledger}}}
erp:
  adapter: rest.generic
  url: {url}
  calls: calls.yaml
  timeout: {{connect: 500ms, read: 400ms}}
  throttle: {{concurrency: {concurrency}, requests: 100000/min, reserve: 0%}}
capture: {{triggers: {triggers}}}
domains:
  orders:
    lease: {lease}s
    gate: {{payment: {{banktransfer: paid, default: always}}}}
    retry: {{first: 5s, factor: 2, most: 60s, give_up_after: {give_up_after}h}}
    unknown: {{probe_after: 2s, trust_absence_after: {trust_absence_after}s}}
{more}{domains}"""
_DEFAULTS: Mapping[str, object] = {
    "shop": "main",
    "url": "http://127.0.0.1:9/erp",
    "concurrency": 1,
    "triggers": "true",
    "lease": 20,
    "give_up_after": 48,
    "trust_absence_after": 60,
    "domains": "",
    "api": "",
    "timezone": "UTC",
    "more": "",
}


class HandClock(Stop):
    """A clock that tests move, and a sleeper whose sleep moves it."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 1000.0

    def now(self) -> datetime:
        return datetime(2026, 11, 23, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def wait(self, seconds: float) -> bool:
        self.seconds += seconds
        return False


class Pipeline:
    """Made of a configuration by `sidecar.app.sidecar`, installed beside `magento`, run by hand.

    `adapter` replaces the one that the configuration names; `settings` are places of the
    configuration text above.
    """

    _names = count(1)

    def __init__(
        self,
        magento: MagentoDatabase,
        folder: Path,
        *,
        calls: str = DEMO_CALLS,
        adapter: ErpAdapter | None = None,
        **settings: object,
    ) -> None:
        self.magento = magento
        self.told = RecordingNarrator()
        with magento.server.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE USER IF NOT EXISTS {USER}@localhost IDENTIFIED BY '{USER}'")
            cursor.execute(f"GRANT ALL ON *.* TO {USER}@localhost WITH GRANT OPTION")
        folder.mkdir(exist_ok=True)
        (folder / "password").touch(mode=0o600)
        (folder / "password").write_text(USER, "utf-8")
        (folder / "calls.yaml").write_text(calls, "utf-8")
        places = {
            **_DEFAULTS,
            "ledger": f"{magento.name}_ledger",
            "socket": magento.server.socket,
            "name": magento.name,
            "user": USER,
        }
        config = folder / "sidecar.yaml"
        config.write_text(_CONFIGURATION.format(**{**places, **settings}), "utf-8")
        loaded = load(config)
        self.sidecar = Sidecar(loaded.settings, origin=loaded.origin, narrator=self.told)
        self._installer = Installer(self.sidecar)
        self._installation = self._installer.installation()
        self._installation.install(who="test")
        if adapter is not None:
            self.sidecar.erps.adapters = {"main": adapter}
        self.clock = HandClock()
        self.sidecar.clock = self.clock  # type: ignore[assignment]
        self.sidecar.stop = self.clock
        self.start()

    def start(self) -> None:
        """A process begins, with nothing in its memory."""
        self.owner = f"process {next(self._names)}"
        self.sweeps = self.sidecar.sweeps()
        self.sweep, *_ = self.sweeps
        self.intake = self.sidecar.intake()
        self.backfills = self.sidecar.backfill_stations()
        self.pumps = self.sidecar.pumps(self.owner)
        self.pump, *_ = self.pumps
        self.write_back = self.sidecar.write_back()
        self.inbound = self.sidecar.inbound.stations()

    def hear(self) -> None:
        """Every domain that the ERP owns asks what is new, and all of it is carried in."""
        for of_domain in self.inbound:
            of_domain.ask.run_once()
        for of_domain in self.inbound:
            while of_domain.apply is not None and of_domain.apply.run_once():
                pass
        self.work()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.sidecar.close()
        # The statuses too: a shop that has them was served before, and another ledger waits.
        self._installation.uninstall(who="test", reason=None, drop_ledger=True)
        self._installer.close()

    def let_pass(self, seconds: float) -> None:
        """Let time pass, for the ledger and for the process."""
        self.clock.seconds += seconds + _PAST_GUARDS
        with self.sidecar.database.transaction("letting time pass") as connection:
            for table, columns in _MOMENTS.items():
                moved = ", ".join(f"{c} = {c} - INTERVAL {int(seconds)} SECOND" for c in columns)
                connection.exec_driver_sql(f"UPDATE {self.sidecar.names(table)} SET {moved}")

    def work(self) -> int:
        """What is due now, at every station, until nothing is; gives how much that was."""
        total = 0
        for _ in range(200):
            done = sum(
                run()
                for run in (
                    self.intake.run_once,
                    *(backfill.run_once for backfill in self.backfills),
                    *(pump.run_once for pump in self.pumps),
                    self.write_back.run_once,
                )
            )
            if not done:
                return total
            total += done
        raise AssertionError("the stations come to no end")

    def run(self, *, sweep: bool = True) -> None:
        """Work, and let time pass, until nothing is due any more at any time."""
        for _ in range(200):
            if sweep:
                self.look_everywhere()
            self.work()
            if not self._waits_for_time():
                return
            self.let_pass(20)
        raise AssertionError(f"it comes to no end: {self.open_events()}")

    def look_everywhere(self) -> None:
        """Sweep all domains, in full."""
        for sweep in self.sweeps:
            sweep.full()

    def _waits_for_time(self) -> bool:
        if self.stopped():
            return False
        due = "SELECT 1 FROM {table} WHERE due_at IS NOT NULL OR {more} LIMIT 1"
        return any(
            self.sql(due.format(table=self.sidecar.names(table), more=more))
            for table, more in (("event", "status = 'sending'"), ("write_back", "FALSE"))
        )

    @property
    def domains(self) -> list[str]:
        """Those that are carried."""
        return list(self.sidecar.settings.domains.carried())

    def stopped(self) -> str | None:
        """Why a domain does not work, None when all do."""
        with self.sidecar.database.transaction("reading the control") as connection:
            controls = self.sidecar.store.control.read(connection, self.domains)
        idle = [control for control in controls.values() if not control.may_work]
        return idle[0].stopped_reason or "paused" if idle else None

    def pause(self) -> None:
        with self.sidecar.database.transaction("pausing") as connection:
            for domain in self.domains:
                self.sidecar.store.control.pause(
                    connection, domain, until=None, who="test", reason="a test"
                )

    def resume(self) -> None:
        with self.sidecar.database.transaction("resuming") as connection:
            for domain in self.domains:
                self.sidecar.store.control.resume(connection, domain)

    def requeue(self, number: str) -> None:
        """As 'erp-sidecar queue requeue NUMBER' does; NUMBER or KIND/NUMBER."""
        self.sidecar.operations.requeue([number], By("test", "a test"))

    def sql(self, statement: str, *parameters: Any) -> list[Any]:
        """The rows of one statement in a transaction of its own."""
        with self.sidecar.database.transaction("looking") as connection:
            result = connection.exec_driver_sql(statement, parameters or None)
            return list(result) if result.returns_rows else []

    def ask(self, question: Callable[..., Any], *arguments: Any) -> Any:
        """A question of `Records`."""
        with self.sidecar.database.transaction("asking the ledger") as connection:
            return question(Records(self.sidecar.store.tables), connection, *arguments)

    def events(self, entity_id: int, kind: str = "order") -> list[EventRow]:
        """A document's events, in their order."""
        found: list[EventRow] = self.ask(Records.events_of, kind, entity_id)
        return found

    def open_events(self) -> list[Any]:
        """What is neither accepted nor superseded."""
        return self.sql(
            "SELECT kind, number, sequence, type, status, waiting, reason, remedy, due_at, "
            f"entity_id, error_code, maybe_booked FROM {self.sidecar.names('event')} "
            "WHERE status NOT IN ('accepted', 'superseded') ORDER BY kind, entity_id, sequence"
        )

    def differences(self, entity_id: int) -> list[str]:
        """The classes of an order's differences."""
        rows = self.ask(Records.differences_of, "order", entity_id)
        return sorted(row.class_ for row in rows)

    def forget(self) -> None:
        """A shop without orders beside an empty ledger; the installation stays."""
        magento = self.magento.name
        with self.sidecar.database.transaction("cleaning up") as connection:
            for table in ("sales_order", "sales_order_grid", "inventory_reservation", "quote"):
                connection.exec_driver_sql(f"DELETE FROM `{magento}`.`{self.magento.table(table)}`")
            for table in TABLES:
                if table not in ("migration", "installed", "identity"):
                    connection.exec_driver_sql(f"DELETE FROM {self.sidecar.names(table)}")
        self.told.lines.clear()
