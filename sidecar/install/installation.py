"""Put the sidecar beside a Magento shop, and take it away again.

Everything is checked before anything is changed; what a failing install has done is undone in the
reverse order.  Uninstall drops the triggers first, because a trigger whose outbox is gone loses
hints in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from sidecar.capture.least_rights import daemon_grants
from sidecar.capture.trigger_plan import quoted_user
from sidecar.capture.triggers import State, Triggers
from sidecar.database.connection import Database
from sidecar.domains.orders.shared_numbers import shared_references
from sidecar.domains.orders.statuses import (
    OwnStatus,
    Unregistered,
    missing,
    register,
    registered,
    unregister,
)
from sidecar.host.owner import is_dead
from sidecar.identity.clone_guard import CloneGuard
from sidecar.install.baseline import Baseline
from sidecar.ledger.grants import whole_schema
from sidecar.ledger.migrate import Ledger
from sidecar.ledger.rights import missing as missing_rights
from sidecar.ledger.rights import rights
from sidecar.ledger.store import LedgerStore
from sidecar.ledger.tables import TABLES
from sidecar.magento.domain import Parts
from sidecar.magento.live_schema import MagentoSchema
from sidecar.model.domain_spec import Needs
from sidecar.model.errors import PermissionDenied, TryAgain
from sidecar.model.settlement import OPEN

#: Under this note the ledger keeps the user that defines the triggers: the daemon, which logs in
#: with another one, compares with it.
DEFINER = ("definer", "triggers")
_SERVED_BEFORE = (
    "a sidecar served this shop before (order status {}), and its ledger is not here: this may be "
    "a copy of Magento's schema alone"
)


@dataclass(slots=True)
class InstallReport:
    """What an install did; empty lists where nothing was to be done.

    `definer`: the user that the triggers run as.  `not_sending`: why nothing will be sent (this
    may be a copy), and the way out.  `shared_numbers`: references that several orders have.
    """

    migrations: list[str] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)
    triggers: list[str] = field(default_factory=list)
    grants: list[str] = field(default_factory=list)
    definer: str = ""
    known: dict[str, int] = field(default_factory=dict)
    shared_numbers: list[str] = field(default_factory=list)
    not_sending: str | None = None
    who: str = ""


@dataclass(frozen=True, slots=True)
class UninstallReport:
    """What an uninstall did.

    `unfinished`: of the ledger that was dropped, by status: what nobody will send or look at now.
    """

    triggers: list[str]
    statuses: Unregistered
    ledger_dropped: bool
    unfinished: dict[str, int]


class Installation:
    """One shop's installation.

    `daemon_user` (`user@host`): the user that the daemon logs in with, when it is not the
    one that installs; it is granted the rights of sql/grants.sql.  It is asked for only then: what
    is taken away needs no login that may be refused by now.  `guard` remembers which system it is
    (None: nobody will send from it).  `inbound`: what the domains need that the ERP owns.
    """

    def __init__(
        self,
        database: Database,
        store: LedgerStore,
        ledger: Ledger,
        magento: MagentoSchema,
        triggers: Triggers,
        statuses: list[OwnStatus],
        parts: Sequence[Parts] = (),
        *,
        daemon_user: Callable[[], str | None] = lambda: None,
        guard: CloneGuard | None = None,
        inbound: Sequence[Needs] = (),
    ) -> None:
        self._database = database
        self._store = store
        self._ledger = ledger
        self._magento = magento
        self._triggers = triggers
        self._statuses = statuses
        self._daemon_user = daemon_user
        self._inbound = inbound
        self._guard = guard
        self._parts = parts

    def statements(self) -> list[str]:
        """What `install` would run: ledger, then triggers; statuses by their name."""
        self._triggers.require_own_ledger()
        statements = self._ledger.statements()
        with self._database.transaction("looking at order statuses") as connection:
            for name in missing(connection, self._magento, self._statuses):
                _, _, state = name.partition("/")
                table = "sales_order_status_state" if state else "sales_order_status"
                statements.append(f"-- register {name} in {self._magento.table(table)}")
        return statements + self._triggers.statements() + self._grants()

    def install(
        self, *, who: str, send_existing: bool = False, tell: Callable[[str], None] = lambda _: None
    ) -> InstallReport:
        """Ledger, baseline, statuses, triggers; repeating it repairs what is missing.

        `send_existing`: the orders that are in the shop already go to the ERP too.  Otherwise they
        are noted as known, and only what happens to them from now on is an event.
        """
        done = InstallReport(who=who)
        self._triggers.require_own_ledger()
        fresh = not self._ledger.applied()
        with ExitStack() as undo:
            done.migrations = [
                f"{migration.version:04d}_{migration.name}" for migration in self._ledger.migrate()
            ]
            if fresh:
                undo.callback(self._ledger.drop)
            tell(f"ledger: {', '.join(done.migrations) or 'up to date'}")
            done.not_sending = self._identify(who)
            if done.not_sending:
                tell(f"nothing will be sent: {done.not_sending}")
            if not send_existing:
                done.known = self._baselines(tell)
            done.shared_numbers = self._shared_numbers()
            if done.shared_numbers:
                tell(
                    "WARNING: several orders have one external reference, the younger ones will "
                    f"wait for a person: {'; '.join(done.shared_numbers)}: set domains.orders.ref "
                    "('erp-sidecar doctor explain numbers-shared')"
                )
            with self._database.transaction("registering order statuses") as connection:
                done.statuses = register(connection, self._magento, self._statuses)
            undo.callback(self._unregister, done.statuses)
            tell(f"order statuses: {', '.join(done.statuses) or 'up to date'}")
            done.triggers = [state.name for state in self._triggers.install()]
            tell(f"triggers: {', '.join(done.triggers) or 'up to date'}")
            done.definer = self._tell_definer(tell)
            done.grants = self._grant()
            self._note(done)
            undo.pop_all()
        return done

    def removal(self, *, drop_ledger: bool) -> list[str]:
        """What `uninstall` would do, a line each; raises what it would raise."""
        self._require_removable(drop_ledger=drop_ledger)
        there = [
            f"drop trigger {state.name}"
            for state in self._triggers.status()
            if state.state is not State.MISSING
        ]
        statuses = [f"remove order status {status.code} if unused" for status in self._statuses]
        left = in_words(self.unfinished()) if drop_ledger else ""
        return there + statuses + [f"drop the ledger{left and f' with {left}'}"] * drop_ledger

    def unfinished(self) -> dict[str, int]:
        """Events that are not over, by status: a dropped ledger forgets them."""
        if not self._ledger.applied():
            return {}
        with self._database.transaction("counting what is not over") as connection:
            rows = connection.exec_driver_sql(
                f"SELECT status, COUNT(*) FROM {self._store.names('event')} "
                "WHERE status IN %s GROUP BY status ORDER BY status",
                (OPEN,),
            )
            return {str(status): int(count) for status, count in rows}

    def uninstall(self, *, who: str, reason: str | None, drop_ledger: bool) -> UninstallReport:
        """Triggers first, then statuses that no order carries, then, if wanted, the ledger.

        Nothing is taken away before it is known that all can be; one that was cut off is repeated.
        """
        self._require_removable(drop_ledger=drop_ledger)
        triggers = self._triggers.remove()
        with self._database.transaction("removing order statuses") as connection:
            statuses = unregister(
                connection, self._magento, [status.code for status in self._statuses]
            )
            if self._ledger.applied() and not drop_ledger:
                self._store.audit.note(
                    connection, who=who, command="uninstall", subject="shop", reason=reason
                )
        unfinished = self.unfinished() if drop_ledger else {}
        if drop_ledger:
            self._ledger.drop()
        return UninstallReport(triggers, statuses, drop_ledger, unfinished)

    def _require_removable(self, *, drop_ledger: bool) -> None:
        """Raise PermissionDenied or TryAgain where an uninstall would stop half-way."""
        with self._database.transaction("looking at what may be taken away") as connection:
            user = str(connection.exec_driver_sql("SELECT CURRENT_USER()").scalar_one())
            held = rights(str(row[0]) for row in connection.exec_driver_sql("SHOW GRANTS"))
            holder = None
            if drop_ledger and self._ledger.applied():
                holder = self._store.work_lease.holder(connection)
        lacking = missing_rights(self._needed(user, drop_ledger=drop_ledger), held)
        if lacking:
            # Without TRIGGER the server shows no triggers: they would stay, and the ledger go.
            named = ", ".join(str(right) for lacks in lacking.values() for right in lacks)
            raise PermissionDenied(
                f"{user} lacks {named}: nothing was taken away",
                f"name a database user that has it (--user), or: {'; '.join(lacking)};",
            )
        if holder is not None and not is_dead(holder):
            raise TryAgain(
                f"{holder} works with this ledger: nothing was taken away",
                "stop the daemon first ('systemctl stop erp-sidecar'); after a kill on another "
                "machine its lease ends by itself (ledger.work_lease)",
            )

    def _needed(self, user: str, *, drop_ledger: bool) -> list[str]:
        """What taking all away needs, as GRANT statements."""
        to, table = quoted_user(user), self._magento.table
        needed = [f"GRANT TRIGGER ON {table(name)} TO {to}" for name in self._triggers.tables()]
        needed += [
            f"GRANT SELECT, DELETE ON {table(name)} TO {to}"
            for name in ("sales_order_status", "sales_order_status_state")
        ]
        needed.append(f"GRANT SELECT ON {table('sales_order')} TO {to}")
        if drop_ledger:
            names = self._store.names
            places = (
                [names(ledger_table) for ledger_table in TABLES]
                if names.prefix
                else [f"{whole_schema(names.schema)}.*"]
            )
            needed += [f"GRANT DROP ON {place} TO {to}" for place in places]
        return needed

    def _identify(self, who: str) -> str | None:
        """Note which system this is, or that it was served before by a ledger that is not here.

        The dump of a shop without the sidecar's schema, restored elsewhere, looks like that.
        Gives why nothing may be sent.
        """
        if self._guard is None:
            return None
        with self._database.transaction("noting which system this is") as connection:
            served = registered(connection, self._magento, self._statuses)
            doubt = _SERVED_BEFORE.format(", ".join(served)) if served else None
            self._guard.record_new(connection, who=who, doubt=doubt)
            judgement = self._guard.judgement(connection)
        return None if judgement.may_send else f"{judgement.why}; {judgement.remedy}"

    def _tell_definer(self, tell: Callable[[str], None]) -> str:
        plan = self._triggers.plan()
        if plan.planned:
            tell(f"triggers run as: {plan.definer}")
        if plan.magentos not in (None, plan.definer):
            tell(
                f"  (Magento's own triggers run as {plan.magentos}: a dump was restored by that "
                "user. If it is ever dropped, they fail every order; ours do not)"
            )
        return plan.definer

    def _grants(self) -> list[str]:
        user = self._daemon_user()
        if user is None:
            return []
        return daemon_grants(
            user,
            self._magento.table,
            self._store.names,
            domains=self._triggers.domains,
            inbound=self._inbound,
            optional=[name for name in self._magento.optional if self._magento.has_table(name)],
        )

    def _grant(self) -> list[str]:
        statements = self._grants()
        with self._database.definition("granting the daemon's rights") as connection:
            for statement in statements:
                # The driver takes a lone % for a place of a parameter, and a host is often "%".
                connection.exec_driver_sql(statement.replace("%", "%%"))
        return statements

    def _baselines(self, tell: Callable[[str], None]) -> dict[str, int]:
        """Domain → what of it was noted as known, of those that had no baseline yet."""
        counts = {}
        for parts in self._parts:
            spec = parts.examiner.spec
            baseline = Baseline(self._database, self._store, parts)
            if not baseline.is_there():
                counts[spec.name] = baseline.take()
                tell(f"known {spec.name}: {counts[spec.name]}")
        return counts

    def _shared_numbers(self) -> list[str]:
        with self._database.transaction("looking for shared numbers") as connection:
            return [
                shared
                for parts in self._parts
                if parts.examiner.spec.kind == "order"
                for shared in shared_references(connection, self._magento, parts.reference)
            ]

    def _unregister(self, added: list[str]) -> None:
        with self._database.transaction("taking order statuses back") as connection:
            unregister(connection, self._magento, [name for name in added if "/" not in name])

    def _note(self, done: InstallReport) -> None:
        with self._database.transaction("noting the installation") as connection:
            plan = self._triggers.plan()
            self._store.installed.note(
                connection, *DEFINER, {"user": plan.definer, "beside": plan.magentos}
            )
            self._store.audit.note(
                connection,
                who=done.who,
                command="install",
                subject="shop",
                reason=None,
                detail={
                    "migrations": done.migrations,
                    "statuses": done.statuses,
                    "triggers": done.triggers,
                },
            )


def in_words(unfinished: Mapping[str, int]) -> str:
    """What is not over, for a person; empty where all is."""
    counts = ", ".join(f"{count} {status}" for status, count in unfinished.items())
    return f"{sum(unfinished.values())} event(s) that are not over ({counts})" if counts else ""
