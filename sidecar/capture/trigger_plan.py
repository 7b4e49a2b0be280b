"""Which triggers this shop gets: decided from its live schema, never from a fixed list alone.

On Magento 2.4.6 and 2.4.7 a foreign trigger on a table that Magento's own Mview watches makes
`bin/magento setup:upgrade` exit 1, before the data patches run (facts: magento-triggers 1).  Any
module may subscribe any table, so the plan is made again at every start and every hour.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Literal

import sqlalchemy as sa

from sidecar.model.domain_spec import DomainSpec, Watch
from sidecar.model.errors import PermissionDenied

OURS = "erp_sidecar_"
NAME_LIMIT = 64

TriggerEvent = Literal["INSERT", "UPDATE"]
#: A ledger table's full, quoted name from its short one.
Names = Callable[[str], str]


# Written by every save whatever changed; Magento's own triggers leave it out of the comparison too.
_NO_CONTENT = frozenset({"updated_at"})

_INTO_CHANGELOG = re.compile(
    r"INSERT\s+(?:IGNORE\s+)?INTO\s+(?:`?[\w$]+`?\.)?`?([\w$]+_cl)\b", re.IGNORECASE
)
_COMMENT = re.compile(r"^\s*--.*\n", re.MULTILINE)
_TEMPLATE = _COMMENT.sub(
    "", resources.files("sql").joinpath("trigger.sql").read_text(encoding="utf-8")
)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a watched table; `text` when a collation decides what it is equal to."""

    name: str
    text: bool


@dataclass(frozen=True, slots=True)
class LiveTrigger:
    """A trigger as the server has it; `definer` is `user@host`."""

    name: str
    table: str
    timing: str
    event: str
    body: str
    definer: str


@dataclass(frozen=True, slots=True)
class LiveSchema:
    """What a Magento schema is now.

    `tables`: every table, with its columns where it is one that we may watch.  `user`
    (`user@host`) is who looked; without the TRIGGER right the server shows it no triggers at all,
    or (MariaDB) only that there are some: on the tables `hidden`.
    """

    database: str
    prefix: str
    user: str
    tables: Mapping[str, tuple[Column, ...]]
    triggers: tuple[LiveTrigger, ...]
    hidden: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlannedTrigger:
    """A trigger to have: `statement` creates it, `body` is what the server then shows of it.

    Like Magento's own, the statement names no schema: it is run with the shop's selected.
    """

    name: str
    table: str
    event: TriggerEvent
    definer: str
    statement: str
    body: str


@dataclass(frozen=True, slots=True)
class Avoided:
    """A table that gets no trigger of ours; `wanted` when an enabled domain would watch it."""

    table: str
    why: str
    wanted: bool


@dataclass(frozen=True, slots=True)
class Lost:
    """A watch that cannot be had: its changes are found by the sweep, later than by a trigger."""

    watch: Watch
    why: str


@dataclass(frozen=True, slots=True)
class Definer:
    """A database user (`user@host`) that is known to be Magento's own.

    `beside`: who defined Magento's triggers when that was found out.  A dump that was restored as
    root leaves them root's, and that is no reason to let ours be root's too.
    """

    user: str
    beside: str | None = None


@dataclass(frozen=True, slots=True)
class TriggerPlan:
    """What to have, where to keep off, what falls to the sweep.

    `definer` is who ours run as, `magentos` who Magento's own do (None: it has none, or they are
    not seen).
    """

    planned: tuple[PlannedTrigger, ...]
    avoided: tuple[Avoided, ...]
    lost: tuple[Lost, ...]
    definer: str
    magentos: str | None = None


def read_live(
    connection: sa.Connection, database: str, prefix: str, domains: Iterable[DomainSpec]
) -> LiveSchema:
    """Read the schema `database`, whose Magento tables carry `prefix` (mostly none)."""
    schema = {"schema": database}
    tables: dict[str, list[Column]] = {
        row.name: []
        for row in connection.execute(
            sa.text(
                "SELECT TABLE_NAME AS name FROM information_schema.TABLES "
                "WHERE TABLE_SCHEMA = :schema AND TABLE_TYPE = 'BASE TABLE'"
            ),
            schema,
        )
    }
    watched = sorted({prefix + watch.table for spec in domains for watch in spec.watches})
    for row in connection.execute(
        sa.text(
            "SELECT TABLE_NAME AS tbl, COLUMN_NAME AS name, COLLATION_NAME AS collation "
            "FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = :schema "
            "AND TABLE_NAME IN :tables ORDER BY TABLE_NAME, ORDINAL_POSITION"
        ).bindparams(sa.bindparam("tables", expanding=True)),
        {**schema, "tables": watched},
    ):
        tables[row.tbl].append(Column(row.name, row.collation is not None))
    triggers = connection.execute(
        sa.text(
            "SELECT TRIGGER_NAME AS name, EVENT_OBJECT_TABLE AS tbl, ACTION_TIMING AS timing, "
            "EVENT_MANIPULATION AS event, ACTION_STATEMENT AS body, DEFINER AS definer "
            "FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = :schema ORDER BY TRIGGER_NAME"
        ),
        schema,
    )
    rows = triggers.all()
    user = str(connection.exec_driver_sql("SELECT CURRENT_USER()").scalar_one())
    hidden = {row.tbl for row in rows if row.body is None}
    if on_ours := sorted(hidden & set(watched)):
        raise PermissionDenied(
            f"{user} may not read the triggers on {', '.join(on_ours)}",
            "".join(
                f"GRANT TRIGGER ON {quoted(database)}.{quoted(table)} TO {quoted_user(user)}; "
                for table in on_ours
            ).strip(),
        )
    return LiveSchema(
        database=database,
        prefix=prefix,
        user=user,
        tables={name: tuple(columns) for name, columns in tables.items()},
        triggers=tuple(
            LiveTrigger(row.name, row.tbl, row.timing, row.event, row.body, row.definer)
            for row in rows
            if row.body is not None
        ),
        hidden=tuple(sorted(hidden)),
    )


def plan(
    live: LiveSchema,
    domains: Iterable[DomainSpec],
    names: Names,
    definer: Definer | None = None,
) -> TriggerPlan:
    """Decide; `definer`: what is known of Magento's own database user, which is to define them.

    A lost definer fails checkout (1449) and no handler can catch it.  Magento's own user is
    the one that cannot be lost without the shop being down anyway.
    """
    mview = [trigger for trigger in live.triggers if changelogs(trigger) is not None]
    watches = [(spec, watch) for spec in domains for watch in spec.watches]
    magentos = _definer(mview)
    user = _chosen(magentos, definer) or live.user
    avoided = _avoided(mview, {live.prefix + watch.table for _, watch in watches})
    reasons = {entry.table: entry.why for entry in avoided}
    planned, lost = [], []
    for spec, watch in watches:
        table = live.prefix + watch.table
        if table in reasons:
            lost.append(Lost(watch, reasons[table]))
        elif table not in live.tables:
            lost.append(Lost(watch, f"this shop has no table {table}"))
        elif watch.entity not in {column.name for column in live.tables[table]}:
            lost.append(Lost(watch, f"{table} has no column {watch.entity} in this shop"))
        else:
            planned.append(_planned(spec, watch, live, user, names))
    return TriggerPlan(tuple(planned), avoided, tuple(lost), user, magentos)


def changelogs(trigger: LiveTrigger) -> tuple[str, ...] | None:
    """The changelog tables a trigger of Magento's Mview writes; None when it is none of Mview's."""
    if trigger.name.startswith(OURS):
        return None
    logs = tuple(dict.fromkeys(_INTO_CHANGELOG.findall(trigger.body)))
    named_so = trigger.name.startswith(f"trg_{trigger.table}_after_")
    return logs if logs or named_so else None


def normalised(body: str) -> str:
    """A trigger's body with its white space evened out, for comparing."""
    return " ".join(body.split())


def quoted(identifier: str) -> str:
    """An identifier in backticks."""
    return "`" + identifier.replace("`", "``") + "`"


def quoted_user(user: str) -> str:
    """`user@host`, as the server shows it, as it goes into a statement."""
    name, _, host = user.rpartition("@")
    return f"{quoted(name)}@{quoted(host)}"


def trigger_name(table: str, event: TriggerEvent) -> str:
    """`erp_sidecar_<table>_<ai|au>`; a table name too long for that is cut and marked by a hash."""
    suffix = f"_a{event[0].lower()}"
    room = NAME_LIMIT - len(OURS) - len(suffix)
    if len(table) > room:
        mark = hashlib.sha256(table.encode()).hexdigest()[:8]
        table = f"{table[: room - 9]}_{mark}"
    return f"{OURS}{table}{suffix}"


def _chosen(magentos: str | None, known: Definer | None) -> str | None:
    """Magento's triggers tell its user; what is known stands until they tell another one."""
    if known is not None and magentos in (None, known.user, known.beside):
        return known.user
    return magentos


def _definer(mview: Iterable[LiveTrigger]) -> str | None:
    definers = Counter(trigger.definer for trigger in mview)
    return definers.most_common(1)[0][0] if definers else None


def _avoided(mview: list[LiveTrigger], wanted: set[str]) -> tuple[Avoided, ...]:
    entries = []
    for table in sorted({trigger.table for trigger in mview}):
        there = [trigger for trigger in mview if trigger.table == table]
        logs = sorted({log for trigger in there for log in changelogs(trigger) or ()})
        why = (
            f"Magento's Mview keeps {', '.join(trigger.name for trigger in there)} on {table} "
            f"(changelog {', '.join(logs) or 'unknown'}); beside them a trigger of ours would make "
            "'bin/magento setup:upgrade' exit 1 on Magento 2.4.6 and 2.4.7, before the data patches"
        )
        if table in wanted:
            why += ". Changes of this table are found by the sweep instead"
        entries.append(Avoided(table, why, table in wanted))
    return tuple(entries)


def _planned(
    spec: DomainSpec, watch: Watch, live: LiveSchema, definer: str, names: Names
) -> PlannedTrigger:
    table = live.prefix + watch.table
    name = trigger_name(table, watch.event)
    statement = _TEMPLATE.format(
        definer=quoted_user(definer),
        trigger=quoted(name),
        event=watch.event,
        table=quoted(table),
        kind=watch.names or spec.kind,
        entity=quoted(watch.entity),
        pointed=name.removeprefix(OURS),
        changed=_changed(live.tables[table]) if watch.compare else "TRUE",
        outbox=_seen_from(live.database, names("outbox")),
        outbox_fault=_seen_from(live.database, names("outbox_fault")),
    ).strip()
    body = statement.partition("FOR EACH ROW")[2].strip()
    return PlannedTrigger(name, table, watch.event, definer, statement, body)


def _seen_from(database: str, table: str) -> str:
    """A table's name in a trigger of `database`: with its schema only where that is another.

    The server keeps the statement as it was written, and a dump carries it: a trigger that names
    its own schema stops the import of the shop under another name.
    """
    return table.removeprefix(f"{quoted(database)}.")


def _changed(columns: Iterable[Column]) -> str:
    """The condition that some content column differs.

    Texts are compared as bytes: a general_ci collation calls "Muller" and "Müller" equal, and
    that correction of an address would never reach the ERP.
    """
    side = "CAST({0}.{1} AS BINARY)"
    differences = [
        f"NOT ({side.format('OLD', name)} <=> {side.format('NEW', name)})"
        if column.text
        else f"NOT (OLD.{name} <=> NEW.{name})"
        for column in columns
        if column.name not in _NO_CONTENT
        for name in [quoted(column.name)]
    ]
    return "\n    OR ".join(differences)
