"""What people ask the ledger: how it stands, what waits and why, one order's whole story.

Read-only, plain selects; rows come as dicts of plain values, the shape of `--json`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from sidecar.ledger.events import GATE
from sidecar.ledger.tables import NOW, Tables, in_seconds
from sidecar.model.cause import Refusal
from sidecar.model.domain_spec import DomainSpec
from sidecar.model.event import event_key

Row = dict[str, Any]

#: Where an event waits for a human.
REFUSED = ("rejected", "parked")
#: Where the daemon itself goes on.
WAITING = ("pending", "sending", "unknown")

#: An answer that is not in Magento after this time is worth a word.
LATE_WRITE_BACK = timedelta(minutes=5)

_NEWEST = 1_000

_LISTED = (
    "id", "event_id", "domain", "kind", "entity_id", "number", "sequence", "type", "status",
    "attempts", "due_at", "waiting", "maybe_booked", "reason", "remedy", "error_code",
    "error_print", "amount", "currency", "created_at", "finished_at",
)  # fmt: skip


class Overview:
    """Questions over all tables of one ledger."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._names = tables.names

    def counts(self, connection: sa.Connection, domain: str) -> dict[str, int]:
        """Events by status; finished ones included until they are archived."""
        c = self._tables.event.c
        rows = connection.execute(
            sa.select(c.status, sa.func.count()).where(c.domain == domain).group_by(c.status)
        )
        return {status: int(count) for status, count in rows}

    def waiting(self, connection: sa.Connection, domain: str) -> tuple[int, float | None]:
        """Events that are not over and not a human's turn; the age in seconds of the oldest."""
        c = self._tables.event.c
        age = sa.func.timestampdiff(sa.literal_column("SECOND"), sa.func.min(c.created_at), NOW)
        count, seconds = connection.execute(
            sa.select(sa.func.count(), age).where(c.domain == domain, c.status.in_(WAITING))
        ).one()
        return int(count), None if seconds is None else float(seconds)

    def oldest_waiting(self, connection: sa.Connection, domain: str) -> float | None:
        """Age in seconds of the oldest of them."""
        return self.waiting(connection, domain)[1]

    def parked_write_backs(self, connection: sa.Connection, limit: int) -> list[Row]:
        """The newest of them, each with the number of its order."""
        w, e = self._tables.write_back, self._tables.entity
        statement = (
            sa.select(e.c.number, w.c.entity_id, w.c.message)
            .join(e, sa.and_(e.c.kind == w.c.kind, e.c.entity_id == w.c.entity_id))
            .where(w.c.state == "parked")
            .order_by(w.c.id.desc())
            .limit(limit)
        )
        return _rows(connection, statement)

    def late(
        self, connection: sa.Connection, domain: str, status: str, seconds: float
    ) -> tuple[int, float]:
        """How many events are late by more than `seconds`, and by how much the latest is.

        Those of the status `pending` count from when they were due, others from when they were
        sent.
        """
        c = self._tables.event.c
        moment = c.due_at if status == "pending" else c.sent_at
        since = sa.func.timestampdiff(sa.literal_column("SECOND"), moment, NOW)
        count, longest = connection.execute(
            sa.select(sa.func.count(), sa.func.max(since)).where(
                c.domain == domain, c.status == status, moment <= in_seconds(-seconds)
            )
        ).one()
        return int(count), float(longest or 0)

    def counts_of(
        self, connection: sa.Connection, domain: str, statuses: Sequence[str]
    ) -> dict[str, int]:
        """Events in these statuses, 0 too: to count those that are over takes long."""
        c = self._tables.event.c
        rows = connection.execute(
            sa.select(c.status, sa.func.count())
            .where(c.status.in_(statuses), c.domain == domain)
            .group_by(c.status)
        )
        return dict.fromkeys(statuses, 0) | {status: int(count) for status, count in rows}

    def at_a_gate(self, connection: sa.Connection, domain: str) -> int:
        """Events that wait for a payment, a release or an earlier event: time alone moves none."""
        c = self._tables.event.c
        statement = sa.select(sa.func.count()).where(
            c.status == "pending", c.domain == domain, c.due_at.is_(None)
        )
        return int(connection.execute(statement).scalar_one())

    def due(self, connection: sa.Connection, domain: str) -> int:
        """Events that may go now, or are on their way."""
        c = self._tables.event.c
        is_due = sa.or_(c.status.in_(("sending", "unknown")), c.due_at <= NOW)
        statement = sa.select(sa.func.count()).where(
            c.status.in_(WAITING), c.domain == domain, is_due
        )
        return int(connection.execute(statement).scalar_one())

    def gates(self, connection: sa.Connection, domain: str) -> dict[str, int]:
        """How many events wait at each gate, by its name: payment, hold, state."""
        rows = connection.exec_driver_sql(
            "SELECT SUBSTRING_INDEX(SUBSTRING(waiting, %s), ':', 1) AS gate, COUNT(*) "
            f"FROM {self._names('event')} WHERE status = 'pending' AND domain = %s "
            "AND due_at IS NULL AND waiting LIKE %s GROUP BY gate ORDER BY gate",
            (len(GATE) + 1, domain, f"{GATE}%"),
        )
        return {str(gate): int(count) for gate, count in rows}

    def oldest_under_way(self, connection: sa.Connection, domain: str) -> float | None:
        """For how many seconds the oldest event is under way that the ERP has not answered.

        Since it was first sent, or since it might go: an order that was paid after a week is not
        late.
        """
        c = self._tables.event.c
        since = sa.func.min(sa.func.coalesce(c.first_sent_at, c.due_at, c.created_at))
        age = sa.func.timestampdiff(sa.literal_column("SECOND"), since, NOW)
        goes = sa.or_(c.status.in_(("sending", "unknown")), c.due_at.is_not(None))
        seconds = connection.execute(
            sa.select(age).where(c.status.in_(WAITING), c.domain == domain, goes)
        ).scalar_one()
        return None if seconds is None else max(0.0, float(seconds))

    def write_backs_waiting(self, connection: sa.Connection) -> int:
        """Answers that are not in Magento yet."""
        due_at = self._tables.write_back.c.due_at
        statement = sa.select(sa.func.count()).where(due_at.is_not(None))
        return int(connection.execute(statement).scalar_one())

    def oldest_write_back(self, connection: sa.Connection) -> float | None:
        """For how many seconds the oldest of them has waited."""
        c = self._tables.write_back.c
        age = sa.func.timestampdiff(sa.literal_column("SECOND"), sa.func.min(c.waiting_since), NOW)
        seconds = connection.execute(sa.select(age).where(c.due_at.is_not(None))).scalar_one()
        return None if seconds is None else max(0.0, float(seconds))

    def write_backs_parked(self, connection: sa.Connection) -> int:
        """Answers that cannot be written into Magento until a person has found out why."""
        statement = sa.select(sa.func.count()).where(self._tables.write_back.c.state == "parked")
        return int(connection.execute(statement).scalar_one())

    def write_backs_due_by_kind(self, connection: sa.Connection) -> dict[str, tuple[int, float]]:
        """Answers that are not in Magento yet: how many, for how many seconds the oldest."""
        c = self._tables.write_back.c
        age = sa.func.timestampdiff(sa.literal_column("SECOND"), sa.func.min(c.waiting_since), NOW)
        rows = connection.execute(
            sa.select(c.kind, sa.func.count(), age).where(c.due_at.is_not(None)).group_by(c.kind)
        )
        return {kind: (int(count), max(0.0, float(age or 0))) for kind, count, age in rows}

    def write_backs_parked_by_kind(self, connection: sa.Connection) -> Counter[str]:
        """How many answers wait for a person."""
        c = self._tables.write_back.c
        return Counter(connection.execute(sa.select(c.kind).where(c.state == "parked")).scalars())

    def write_backs(self, connection: sa.Connection) -> dict[str, int]:
        """Write-backs by state."""
        c = self._tables.write_back.c
        rows = connection.execute(sa.select(c.state, sa.func.count()).group_by(c.state))
        return {state: int(count) for state, count in rows}

    def open_differences(self, connection: sa.Connection, documents: int) -> list[Row]:
        """What still stands, of the `documents` that it was found in last, newest first."""
        d = self._tables.difference.c
        newest = (
            sa.select(d.kind, d.entity_id, sa.func.max(d.id).label("id"))
            .where(d.resolved_at.is_(None))
            .group_by(d.kind, d.entity_id)
            .order_by(sa.desc("id"))
            .limit(documents)
            .subquery()
        )
        statement = (
            sa.select(
                d.kind, d.entity_id, d.number, d["class"], d.ours, d.theirs, d.amount,
                d.currency, d.found_at,
            )
            .join(newest, sa.and_(newest.c.kind == d.kind, newest.c.entity_id == d.entity_id))
            .where(d.resolved_at.is_(None))
            .order_by(newest.c.id.desc(), d.id)
        )  # fmt: skip
        return _rows(connection, statement)

    def differing(self, connection: sa.Connection) -> Row:
        """How many differences still stand, in how many documents."""
        statement = sa.text(
            "SELECT COUNT(*) AS differences, COUNT(DISTINCT kind, entity_id) AS documents "
            f"FROM {self._names('difference')} WHERE resolved_at IS NULL"
        )
        return _rows(connection, statement)[0]

    def differences_by_domain(self, connection: sa.Connection) -> dict[str, int]:
        """How many differences still stand."""
        c = self._tables.difference.c
        rows = connection.execute(
            sa.select(c.domain, sa.func.count()).where(c.resolved_at.is_(None)).group_by(c.domain)
        )
        return {domain: int(count) for domain, count in rows}

    def last_accepted(self, connection: sa.Connection, domain: str) -> datetime | None:
        """When the ERP last took something, of the newest events: to read all takes seconds."""
        c = self._tables.event.c
        newest = (
            sa.select(c.finished_at)
            .where(c.domain == domain, c.status == "accepted")
            .order_by(c.id.desc())
            .limit(_NEWEST)
            .subquery()
        )
        at = connection.execute(sa.select(sa.func.max(newest.c.finished_at))).scalar_one()
        return at.replace(tzinfo=UTC) if at else None

    def queue(
        self,
        connection: sa.Connection,
        *,
        domains: Sequence[str] = (),
        statuses: Sequence[str] = (),
        print_: str | None = None,
        limit: int = 50,
    ) -> list[Row]:
        """Events, oldest first, without their payload."""
        c = self._tables.event.c
        statement = sa.select(*[c[name] for name in _LISTED]).order_by(c.id).limit(limit)
        if domains:
            statement = statement.where(c.domain.in_(domains))
        if statuses:
            statement = statement.where(c.status.in_(statuses))
        if print_:
            statement = statement.where(c.error_print == print_)
        return _rows(connection, statement)

    def listed(self, connection: sa.Connection, ids: Sequence[int]) -> list[Row]:
        """These events as they stand now, without their payload."""
        c = self._tables.event.c
        statement = sa.select(*[c[name] for name in _LISTED]).where(c.id.in_(ids)).order_by(c.id)
        return _rows(connection, statement)

    def refusals(self, connection: sa.Connection, spec: DomainSpec) -> list[Refusal]:
        """Every event of a domain that was refused or parked for a cause that has a print."""
        c = self._tables.event.c
        statement = sa.select(
            c.error_print, c.kind, c.entity_id, c.number, c.error_code, c.reason,
            c.amount, c.currency, sa.func.coalesce(c.sent_at, c.created_at).label("at"),
        ).where(
            c.domain == spec.name, c.status.in_(REFUSED), c.error_print.is_not(None)
        )  # fmt: skip
        return [
            Refusal(
                cause=row.error_print,
                entity=(row.kind, row.entity_id),
                name=spec.name_of(row.number),
                code=row.error_code,
                message=row.reason or "",
                amount=row.amount,
                currency=row.currency,
                at=row.at.replace(tzinfo=UTC),
            )
            for row in connection.execute(statement)
        ]

    def event(self, connection: sa.Connection, event_id: str) -> Row | None:
        """One event with its payload, by event id; also out of the archive."""
        key = event_key(event_id)
        if key is None:
            return None
        for table in ("event", "event_archive"):
            row = connection.execute(
                sa.text(
                    f"SELECT e.*, p.payload FROM {self._names(table)} e "
                    f"JOIN {self._names('payload')} p ON p.kind = e.kind "
                    "AND p.entity_id = e.entity_id AND p.sequence = e.sequence "
                    "WHERE e.kind = :kind AND e.entity_id = :entity_id "
                    "AND e.sequence = :sequence AND e.event_id = :event_id"
                ),
                dict(zip(("kind", "entity_id", "sequence"), key, strict=True), event_id=event_id),
            ).first()
            if row is not None:
                return _plain(row)
        return None

    def events_of(self, connection: sa.Connection, kind: str, entity_id: int) -> list[Row]:
        """All events of an entity, archived ones too, by sequence."""
        columns = ", ".join((*_LISTED, "first_sent_at", "occurred_at"))
        half = f"SELECT {columns} FROM {{}} WHERE kind = :kind AND entity_id = :entity_id"
        statement = sa.text(
            f"{half.format(self._names('event_archive'))} UNION ALL "
            f"{half.format(self._names('event'))} ORDER BY sequence"
        )
        return _rows(connection, statement, {"kind": kind, "entity_id": entity_id})

    def attempts_of(self, connection: sa.Connection, events: Sequence[int]) -> list[Row]:
        """All attempts of these events, in order."""
        if not events:
            return []
        a = self._tables.attempt
        statement = sa.select(a).where(a.c.event.in_(events)).order_by(a.c.id)
        return _rows(connection, statement)

    def link_of(self, connection: sa.Connection, kind: str, entity_id: int) -> Row | None:
        """What the ERP calls the entity."""
        table = self._tables.link
        rows = _rows(
            connection,
            sa.select(table).where(table.c.kind == kind, table.c.entity_id == entity_id),
        )
        return rows[0] if rows else None

    def write_backs_of(self, connection: sa.Connection, kind: str, entity_id: int) -> list[Row]:
        """What was written to Magento, or is to be."""
        table = self._tables.write_back
        return _rows(
            connection,
            sa.select(table)
            .where(table.c.kind == kind, table.c.entity_id == entity_id)
            .order_by(table.c.id),
        )

    def differences_of(self, connection: sa.Connection, kind: str, entity_id: int) -> list[Row]:
        """Differences of one entity."""
        table = self._tables.difference
        return _rows(
            connection,
            sa.select(table)
            .where(table.c.kind == kind, table.c.entity_id == entity_id)
            .order_by(table.c.id),
        )

    def audit_of(self, connection: sa.Connection, subject: str) -> list[Row]:
        """What operators did to one subject."""
        table = self._tables.audit
        return _rows(
            connection, sa.select(table).where(table.c.subject == subject).order_by(table.c.id)
        )

    def audit(
        self,
        connection: sa.Connection,
        *,
        subject: str | None = None,
        who: str | None = None,
        since: datetime | None = None,
        limit: int,
    ) -> list[Row]:
        """What operators did, newest first."""
        c = self._tables.audit.c
        statement = sa.select(self._tables.audit).order_by(c.id.desc()).limit(limit)
        if subject:
            statement = statement.where(c.subject == subject)
        if who:
            statement = statement.where(c.who == who)
        if since:
            statement = statement.where(c.at >= since.astimezone(UTC).replace(tzinfo=None))
        return _rows(connection, statement)


def _rows(
    connection: sa.Connection, statement: sa.Executable, parameters: Row | None = None
) -> list[Row]:
    return [_plain(row) for row in connection.execute(statement, parameters or {})]


def _plain(row: Any) -> Row:
    return {
        name: value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
        for name, value in row._mapping.items()
    }
