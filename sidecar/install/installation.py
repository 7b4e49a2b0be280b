"""Put the sidecar beside a Magento shop, and take it away again.

Everything is checked before anything is changed; what a failing install has done is undone in the
reverse order.  Uninstall drops the triggers first, because a trigger whose outbox is gone loses
hints in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from sidecar.capture.least_rights import daemon_grants
from sidecar.capture.trigger_plan import quoted_account
from sidecar.capture.triggers import State, Triggers
from sidecar.database.connection import Database
from sidecar.host.owner import is_dead
from sidecar.identity.clone_guard import CloneGuard
from sidecar.ledger.entities import EntityRow
from sidecar.ledger.glance import OPEN
from sidecar.ledger.grants import whole_schema
from sidecar.ledger.migrate import Ledger
from sidecar.ledger.rights import missing as missing_rights
from sidecar.ledger.rights import rights
from sidecar.ledger.store import LedgerStore
from sidecar.ledger.tables import TABLES
from sidecar.magento.order_reader import OrderReader
from sidecar.magento.order_search import OrderSearch
from sidecar.magento.order_status import (
    OwnStatus,
    Unregistered,
    missing,
    register,
    registered,
    unregister,
)
from sidecar.magento.schema_probe import OPTIONAL, MagentoSchema
from sidecar.magento.shared_numbers import shared_references
from sidecar.model.bulkhead import apart
from sidecar.model.errors import PermissionDenied, TryAgain
from sidecar.model.lifecycle import facts_of, fingerprint, placed_at
from sidecar.model.order import Order
from sidecar.model.reference import Reference

_CHUNK = 5_000
_SEEDED = 200
_BASELINE = ("baseline", "orders")
#: Under this note the ledger keeps the account that defines the triggers: the daemon, which logs in
#: with another one, compares with it.
DEFINER = ("definer", "triggers")
_SERVED_BEFORE = (
    "a sidecar served this shop before (order status {}), and its ledger is not here: this may be "
    "a copy of Magento's schema alone"
)


@dataclass(slots=True)
class Installed:
    """What an install did; empty lists where nothing was to be done.

    `definer`: the account that the triggers run as.  `not_sending`: why nothing will be sent (this
    may be a copy), and the way out.  `shared_numbers`: references that several orders have.
    """

    migrations: list[str] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)
    triggers: list[str] = field(default_factory=list)
    grants: list[str] = field(default_factory=list)
    definer: str = ""
    known_orders: int = 0
    shared_numbers: list[str] = field(default_factory=list)
    not_sending: str | None = None
    who: str = ""


@dataclass(frozen=True, slots=True)
class Uninstalled:
    """What an uninstall did.

    `unfinished`: of the ledger that was dropped, by status: what nobody will send or look at now.
    """

    triggers: list[str]
    statuses: Unregistered
    ledger_dropped: bool
    unfinished: dict[str, int]


class Installation:
    """One shop's installation.

    `daemon_account` (`user@host`): the account that the daemon logs in with, when it is not the
    one that installs; it is granted the rights of sql/grants.sql.  It is asked for only then: what
    is taken away needs no login that may be refused by now.  `guard` remembers which system it is
    (None: nobody will send from it).
    """

    def __init__(
        self,
        database: Database,
        store: LedgerStore,
        ledger: Ledger,
        magento: MagentoSchema,
        triggers: Triggers,
        statuses: list[OwnStatus],
        *,
        daemon_account: Callable[[], str | None] = lambda: None,
        guard: CloneGuard | None = None,
        reference: Reference | None = None,
    ) -> None:
        self._reference = reference or Reference()
        self._database = database
        self._store = store
        self._ledger = ledger
        self._magento = magento
        self._triggers = triggers
        self._statuses = statuses
        self._daemon_account = daemon_account
        self._guard = guard
        self._search = OrderSearch(magento, store.names("entity"))

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
    ) -> Installed:
        """Ledger, baseline, statuses, triggers; repeating it mends what is missing.

        `send_existing`: the orders that are in the shop already go to the ERP too.  Otherwise they
        are noted as known, and only what happens to them from now on is an event.
        """
        done = Installed(who=who)
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
            if not self._has_baseline() and not send_existing:
                done.known_orders = self._baseline()
                tell(f"known orders: {done.known_orders}")
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

    def uninstall(self, *, who: str, reason: str | None, drop_ledger: bool) -> Uninstalled:
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
        return Uninstalled(triggers, statuses, drop_ledger, unfinished)

    def _require_removable(self, *, drop_ledger: bool) -> None:
        """Raise PermissionDenied or TryAgain where an uninstall would stop half-way."""
        with self._database.transaction("looking at what may be taken away") as connection:
            account = str(connection.exec_driver_sql("SELECT CURRENT_USER()").scalar_one())
            held = rights(str(row[0]) for row in connection.exec_driver_sql("SHOW GRANTS"))
            holder = None
            if drop_ledger and self._ledger.applied():
                holder = self._store.work_lease.holder(connection)
        lacking = missing_rights(self._needed(account, drop_ledger=drop_ledger), held)
        if lacking:
            # Without TRIGGER the server shows no triggers: they would stay, and the ledger go.
            named = ", ".join(str(right) for lacks in lacking.values() for right in lacks)
            raise PermissionDenied(
                f"{account} lacks {named}: nothing was taken away",
                f"name an account that has it (--user), or: {'; '.join(lacking)};",
            )
        if holder is not None and not is_dead(holder):
            raise TryAgain(
                f"{holder} works with this ledger: nothing was taken away",
                "stop the daemon first ('systemctl stop erp-sidecar'); after a kill on another "
                "machine its lease ends by itself (ledger.work_lease)",
            )

    def _needed(self, account: str, *, drop_ledger: bool) -> list[str]:
        """What taking all away needs, as GRANT statements."""
        to, table = quoted_account(account), self._magento.table
        needed = [f"GRANT TRIGGER ON {table(name)} TO {to}" for name in self._triggers.tables()]
        needed += [
            f"GRANT SELECT, DELETE ON {table(name)} TO {to}"
            for name in ("sales_order_status", "sales_order_status_state")
        ]
        needed.append(f"GRANT SELECT ON {table('sales_order')} TO {to}")
        if drop_ledger:
            names = self._store.names
            places = (
                [names(one) for one in TABLES]
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
                "account. If it is ever dropped, they fail every order; ours do not)"
            )
        return plan.definer

    def _grants(self) -> list[str]:
        account = self._daemon_account()
        if account is None:
            return []
        return daemon_grants(
            account,
            self._magento.table,
            self._store.names,
            domains=self._triggers.domains,
            optional=[one for one in OPTIONAL if self._magento.has_table(one)],
        )

    def _grant(self) -> list[str]:
        statements = self._grants()
        with self._database.definition("granting the daemon's rights") as connection:
            for statement in statements:
                # The driver takes a lone % for a place of a parameter, and a host is often "%".
                connection.exec_driver_sql(statement.replace("%", "%%"))
        return statements

    def _has_baseline(self) -> bool:
        with self._database.transaction("looking for the baseline") as connection:
            return _BASELINE[1] in self._store.installed.of(connection, _BASELINE[0])

    def _shared_numbers(self) -> list[str]:
        with self._database.transaction("looking for shared numbers") as connection:
            return shared_references(connection, self._magento, self._reference)

    def _baseline(self) -> int:
        known = 0
        with self._database.transaction("looking at the range of orders") as connection:
            first, last = self._search.span(connection)
        for after in range(first - 1, last, _CHUNK):
            with self._database.transaction("noting known orders") as connection:
                known += self._search.baseline(connection, after, min(after + _CHUNK, last))
        self._seed()
        with self._database.transaction("noting the baseline") as connection:
            self._store.installed.note(connection, *_BASELINE, {"known": known, "last": last})
        return known

    def _seed(self) -> None:
        """Take the fingerprints of open orders, so that a change of one of them is seen."""
        reader = OrderReader(self._magento)
        after = 0
        while ids := self._unseeded(after):
            # One that cannot be read stays as the baseline knows it.
            for _ in apart(ids, partial(self._seed_part, reader), lambda _id, _error: None):
                pass
            after = ids[-1]

    def _seed_part(self, reader: OrderReader, ids: Sequence[int]) -> None:
        with self._database.snapshot("reading open orders") as view:
            at = view.exec_driver_sql("SELECT UTC_TIMESTAMP(3)").scalar_one()
            orders = reader.read(view, ids)
            marks = reader.address_marks(view, ids)
        rows = [_row(order, marks.get(order.entity_id), at) for order in orders.values()]
        with self._database.transaction("noting open orders") as connection:
            self._store.entities.save(connection, rows)

    def _unseeded(self, after: int) -> list[int]:
        with self._database.transaction("looking for open orders") as connection:
            rows = connection.exec_driver_sql(
                f"SELECT entity_id FROM {self._store.names('entity')} WHERE kind = 'order' "
                "AND entity_id > %s AND fingerprint IS NULL "
                "AND state NOT IN ('complete', 'closed', 'canceled') "
                f"ORDER BY entity_id LIMIT {_SEEDED}",
                (after,),
            )
            return [int(row[0]) for row in rows]

    def _unregister(self, added: list[str]) -> None:
        with self._database.transaction("taking order statuses back") as connection:
            unregister(connection, self._magento, [name for name in added if "/" not in name])

    def _note(self, done: Installed) -> None:
        with self._database.transaction("noting the installation") as connection:
            plan = self._triggers.plan()
            self._store.installed.note(
                connection, *DEFINER, {"account": plan.definer, "beside": plan.magentos}
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


def _row(order: Order, mark: int | None, at: datetime) -> EntityRow:
    return EntityRow(
        kind="order",
        entity_id=order.entity_id,
        increment_id=order.increment_id,
        store_id=order.store_id,
        state=order.state,
        status=order.status,
        held_by_us=False,
        grand_total=order.grand_total,
        currency=order.order_currency_code,
        fingerprint=fingerprint(order),
        address_mark=mark,
        facts=facts_of(order),
        sequence=0,
        placed_at=placed_at(order),
        updated_at=order.updated_at,
        looked_at=at,
    )
