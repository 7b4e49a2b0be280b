"""Putting our triggers on Magento's tables, looking after them, taking them off again."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

import sqlalchemy as sa

from sidecar.capture import other_ledger
from sidecar.capture.ddl import YieldingDdl
from sidecar.capture.rehearsal import Rehearsal
from sidecar.capture.trigger_plan import (
    OURS,
    Definer,
    LiveSchema,
    LiveTrigger,
    Names,
    PlannedTrigger,
    TriggerPlan,
    normalised,
    plan,
    quoted,
    quoted_user,
    read_live,
)
from sidecar.database.connection import Database
from sidecar.model.domain_spec import DomainSpec
from sidecar.model.errors import PermissionDenied, SidecarError, TryAgain
from sidecar.ports import Sleeper


class State(Enum):
    """How a trigger stands to the plan."""

    OK = "ok"
    MISSING = "missing"
    DRIFTED = "drifted"
    WRONG_DEFINER = "wrong definer"
    UNPLANNED = "unplanned"


@dataclass(frozen=True, slots=True)
class TriggerState:
    """One trigger of ours; `detail` says what differs, as a clause, empty when it is ok."""

    name: str
    table: str
    state: State
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Suspension:
    """Who took the triggers off for a while, why and since when (UTC)."""

    who: str
    why: str
    since: datetime


class Triggers:
    """The triggers of one shop.

    `database` is logged in to Magento's schema.  `definer` is what is known of Magento's own
    database user; `is_magentos`: who is logged in is Magento's own database user.  `sleeper` waits
    between two tries of a statement that had to give way.
    """

    def __init__(
        self,
        database: Database,
        names: Names,
        domains: Iterable[DomainSpec],
        sleeper: Sleeper,
        *,
        prefix: str = "",
        definer: Definer | None = None,
        is_magentos: bool = False,
    ) -> None:
        self._database = database
        self._names = names
        self.domains = tuple(domains)
        self._ddl = YieldingDdl(database, sleeper)
        self._prefix = prefix
        self._definer = definer
        self._is_magentos = is_magentos

    def domain_of(self, kind: str) -> str:
        """The domain of a kind; empty for one that none of these domains is about."""
        return next(
            (
                spec.name
                for spec in self.domains
                if kind in (spec.kind, *(watch.names for watch in spec.watches))
            ),
            "",
        )

    def plan(self) -> TriggerPlan:
        """What this shop should have, from its schema as it is now."""
        return self._plan(self._live())

    def status(self) -> list[TriggerState]:
        """Plan against server: every planned trigger, then those of ours that no plan names."""
        live = self._live()
        return _compare(live, self._plan(live))

    def tables(self) -> list[str]:
        """The tables, without prefix, that carry a trigger of ours or are to get one."""
        live = self._live()
        on = {planned.table for planned in self._plan(live).planned}
        on |= {trigger.table for trigger in _ours(live)}
        return sorted(table.removeprefix(self._prefix) for table in on)

    def statements(self) -> list[str]:
        """The statements that `install` would run now; none when all is well."""
        self.require_own_ledger()
        live = self._live()
        wanted = self._plan(live)
        changes = _changes(live, wanted)
        before: list[str] = []
        if _creates(changes):
            rehearsal = self._rehearsal(live, wanted).statements()
            before = [f"USE {quoted(live.database)}", *rehearsal]
        return before + [statement for change in changes for statement in change.statements(live)]

    def install(self) -> list[TriggerState]:
        """Make the server's triggers those of the plan; returns what was found wrong and put right.

        On a failure the triggers that this call added are dropped again.  Raises TryAgain when a
        table stayed busy or the triggers are suspended, PermissionDenied with the line to run.
        """
        self.require_own_ledger()
        if suspension := self.suspension():
            raise TryAgain(
                f"{suspension.who} suspended the triggers at "
                f"{suspension.since:%Y-%m-%d %H:%M} UTC: {suspension.why}",
                "when the deploy is through: 'erp-sidecar triggers resume'",
            )
        return self._install()

    def remove(self) -> list[str]:
        """Drop every trigger named `erp_sidecar_*` in Magento's schema; returns their names.

        Asks nothing of the ledger, which may be gone.  One that gives way does not keep the
        others; TryAgain at the end names what is left.
        """
        live = self._live()
        dropped, busy = [], []
        for trigger in _ours(live):
            try:
                self._ddl.run(_drop(trigger.name, live))
                dropped.append(trigger.name)
            except TryAgain:
                busy.append(trigger.name)
        if busy:
            raise TryAgain(
                f"{', '.join(busy)} could not be dropped: an open transaction holds the table",
                "run it again, or look for long transactions with SHOW FULL PROCESSLIST",
            )
        return dropped

    def suspend(self, who: str, why: str) -> list[str]:
        """Take the triggers off for a deploy; they stay off until `resume`.

        The note is written first: a daemon that looks in between finds it and changes nothing.
        """
        with self._database.transaction("suspending the triggers") as connection:
            connection.execute(
                sa.text(
                    f"REPLACE INTO {self._names('installed')} (kind, name, detail, at) "
                    "VALUES ('suspension', 'triggers', :detail, UTC_TIMESTAMP(3))"
                ),
                {"detail": json.dumps({"who": who, "why": why})},
            )
        return self.remove()

    def resume(self) -> list[TriggerState]:
        """Put the triggers on again, then forget the suspension; the sweep finds the gap."""
        self.require_own_ledger()
        repaired = self._install()
        with self._database.transaction("resuming the triggers") as connection:
            connection.exec_driver_sql(
                f"DELETE FROM {self._names('installed')} "
                "WHERE kind = 'suspension' AND name = 'triggers'"
            )
        return repaired

    def suspension(self) -> Suspension | None:
        """The suspension that stands, if any."""
        with self._database.transaction("looking for a suspension") as connection:
            row = connection.exec_driver_sql(
                f"SELECT detail, at FROM {self._names('installed')} "
                "WHERE kind = 'suspension' AND name = 'triggers'"
            ).one_or_none()
        if row is None:
            return None
        note = json.loads(row.detail)
        return Suspension(note["who"], note["why"], row.at.replace(tzinfo=UTC))

    def require_own_ledger(self) -> None:
        """Raise ConfigurationError where the triggers serve another ledger of this shop."""
        live = self._live()
        with self._database.transaction("asking whose ledger the triggers serve") as connection:
            other_ledger.require_none(connection, live, self._names)

    def rehearse(self) -> None:
        """Try the rights on a table of our own (see `Rehearsal.run`), as `install` does first."""
        live = self._live()
        self._rehearsal(live, self._plan(live)).run()

    def _live(self) -> LiveSchema:
        with self._database.transaction("reading Magento's triggers") as connection:
            return read_live(connection, self._database.login.database, self._prefix, self.domains)

    def _plan(self, live: LiveSchema) -> TriggerPlan:
        definer = self._definer
        if self._is_magentos:
            there = plan(live, (), self._names)
            definer = Definer(live.user, there.magentos)
        return plan(live, self.domains, self._names, definer)

    def _install(self) -> list[TriggerState]:
        live = self._live()
        if live.hidden:
            raise PermissionDenied(
                f"{live.user} may not read the triggers on {', '.join(live.hidden)}: it cannot "
                "see which user is Magento's own",
                f"GRANT TRIGGER ON {quoted(live.database)}.* TO {quoted_user(live.user)};",
            )
        wanted = self._plan(live)
        changes = _changes(live, wanted)
        if _creates(changes):
            self._rehearsal(live, wanted).run()
        added: list[str] = []
        try:
            for change in changes:
                for statement in change.statements(live):
                    self._ddl.run(statement)
                if change.found.state is State.MISSING:
                    added.append(change.found.name)
        except SidecarError:
            for name in added:
                # Where the table is busy a whole trigger stays, which does no harm.
                with suppress(TryAgain):
                    self._ddl.run(_drop(name, live))
            raise
        return [change.found for change in changes]

    def _rehearsal(self, live: LiveSchema, wanted: TriggerPlan) -> Rehearsal:
        return Rehearsal(self._database, self._ddl, live, wanted.definer, self._names)


@dataclass(frozen=True, slots=True)
class _Change:
    """What is amiss with one trigger, and what to create in its place if anything."""

    found: TriggerState
    create: PlannedTrigger | None

    def statements(self, live: LiveSchema) -> list[str]:
        there = self.found.state is not State.MISSING
        drop = [_drop(self.found.name, live)] if there else []
        return drop + ([self.create.statement] if self.create else [])


def _creates(changes: Iterable[_Change]) -> bool:
    return any(change.create for change in changes)


def _changes(live: LiveSchema, wanted: TriggerPlan) -> list[_Change]:
    planned = {trigger.name: trigger for trigger in wanted.planned}
    return [
        _Change(status, planned.get(status.name))
        for status in _compare(live, wanted)
        if status.state is not State.OK
    ]


def _compare(live: LiveSchema, wanted: TriggerPlan) -> list[TriggerState]:
    there = {trigger.name: trigger for trigger in _ours(live)}
    avoided = {entry.table: entry.why for entry in wanted.avoided}
    states = [
        _state(planned, there.pop(planned.name, None), live.database) for planned in wanted.planned
    ]
    for trigger in there.values():
        why = avoided.get(trigger.table, "no enabled domain wants it")
        states.append(TriggerState(trigger.name, trigger.table, State.UNPLANNED, why))
    return states


def _state(planned: PlannedTrigger, live: LiveTrigger | None, database: str) -> TriggerState:
    def in_state(state: State, detail: str = "") -> TriggerState:
        return TriggerState(planned.name, planned.table, state, detail)

    if live is None:
        return in_state(State.MISSING)
    if live.table != planned.table:
        # A table swapped by RENAME keeps its triggers: ours then sits on the discarded copy.
        return in_state(State.DRIFTED, f"it sits on {live.table}")
    if (live.timing, live.event) != ("AFTER", planned.event):
        return in_state(State.DRIFTED, f"it fires {live.timing} {live.event}")
    written = other_ledger.outbox_of(live.body, database)
    if written is not None and written != other_ledger.outbox_of(planned.body, database):
        return in_state(State.DRIFTED, f"it writes into the ledger in {written[0]}")
    if normalised(live.body) != normalised(planned.body):
        return in_state(State.DRIFTED, "its body is not ours, or the table's columns changed")
    if live.definer != planned.definer:
        return in_state(State.WRONG_DEFINER, f"{live.definer} instead of {planned.definer}")
    return in_state(State.OK)


def _ours(live: LiveSchema) -> list[LiveTrigger]:
    return [trigger for trigger in live.triggers if trigger.name.startswith(OURS)]


def _drop(name: str, live: LiveSchema) -> str:
    return f"DROP TRIGGER IF EXISTS {quoted(live.database)}.{quoted(name)}"
