"""What operators and the daemon itself decided about domains and the ERP account; and who works.

All of it is durable: a restart forgets no pause, no stopped domain, no open breaker.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from sidecar.ledger import fit
from sidecar.ledger.moments import naive, utc
from sidecar.ledger.tables import NOW, Tables, in_seconds


@dataclass(frozen=True, slots=True)
class DomainControl:
    """Whether a domain may work: `paused` by an operator, `stopped` by a failed login or alike.

    `paused_for`: seconds since the pause began.
    """

    domain: str
    paused: bool = False
    paused_for: float = 0.0
    paused_until: datetime | None = None
    paused_by: str | None = None
    paused_reason: str | None = None
    stopped_at: datetime | None = None
    stopped_reason: str | None = None

    @property
    def may_work(self) -> bool:
        """Neither paused nor stopped."""
        return not self.paused and self.stopped_at is None

    def is_forgotten(self, after: float) -> bool:
        """Whether the pause has no end, or has lasted longer than `after` seconds."""
        return self.paused and (self.paused_until is None or self.paused_for > after)


class Control:
    """Table `control`."""

    def __init__(self, tables: Tables) -> None:
        self._table = tables.control
        self._names = tables.names

    def read(self, connection: sa.Connection, domains: Sequence[str]) -> dict[str, DomainControl]:
        """How each domain stands by the database's clock; a pause that is over is none."""
        c = self._table.c
        paused = sa.and_(
            c.paused_at.is_not(None), sa.or_(c.paused_until.is_(None), c.paused_until > NOW)
        )
        paused_for = sa.func.timestampdiff(sa.literal_column("SECOND"), c.paused_at, NOW)
        rows = connection.execute(
            sa.select(
                c.domain, paused.label("paused"), paused_for.label("paused_for"), c.paused_until,
                c.paused_by, c.paused_reason, c.stopped_at, c.stopped_reason,
            ).where(c.domain.in_(domains))
        )  # fmt: skip
        found = {domain: DomainControl(domain) for domain in domains}
        for row in rows:
            found[row.domain] = DomainControl(
                domain=row.domain,
                paused=bool(row.paused),
                paused_for=float(row.paused_for) if row.paused else 0.0,
                paused_until=utc(row.paused_until) if row.paused else None,
                paused_by=row.paused_by if row.paused else None,
                paused_reason=row.paused_reason if row.paused else None,
                stopped_at=utc(row.stopped_at),
                stopped_reason=row.stopped_reason,
            )
        return found

    def pause(
        self,
        connection: sa.Connection,
        domain: str,
        *,
        until: datetime | None,
        who: str,
        reason: str | None,
    ) -> None:
        """Stop sending until `until` (UTC; None: until resumed)."""
        self._write(
            connection,
            domain,
            {
                "paused_at": datetime.now(UTC).replace(tzinfo=None),
                "paused_until": naive(until),
                "paused_by": fit.text("control", "paused_by", who),
                "paused_reason": fit.text("control", "paused_reason", reason),
            },
        )

    def resume(self, connection: sa.Connection, domain: str) -> None:
        """End a pause and a stop."""
        columns = ("paused_at", "paused_until", "paused_by", "paused_reason", "stopped_at",
                   "stopped_reason")  # fmt: skip
        self._write(connection, domain, dict.fromkeys(columns))

    def stop(self, connection: sa.Connection, domain: str, reason: str) -> None:
        """Stop a domain because every further call would fail alike; only `resume` ends it."""
        self._write(
            connection,
            domain,
            {
                "stopped_at": datetime.now(UTC).replace(tzinfo=None),
                "stopped_reason": fit.text("control", "stopped_reason", reason),
            },
        )

    def _write(self, connection: sa.Connection, domain: str, values: Mapping[str, Any]) -> None:
        updates = ", ".join(f"{name} = VALUES({name})" for name in values)
        connection.exec_driver_sql(
            f"INSERT INTO {self._names('control')} (domain, {', '.join(values)}) VALUES "
            f"(%s, {', '.join(['%s'] * len(values))}) ON DUPLICATE KEY UPDATE {updates}",
            (domain, *values.values()),
        )


class Audit:
    """Table `audit`: who did what and why; append-only."""

    def __init__(self, tables: Tables) -> None:
        self._table = tables.audit

    def note(
        self,
        connection: sa.Connection,
        *,
        who: str,
        command: str,
        subject: str,
        reason: str | None,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Append one act."""
        connection.execute(
            sa.insert(self._table).values(
                at=NOW,
                who=fit.text("audit", "who", who),
                command=command,
                subject=fit.text("audit", "subject", subject),
                reason=fit.text("audit", "reason", reason),
                detail=json.dumps(detail, default=str) if detail else None,
            )
        )


class WorkLease:
    """Table `lease`: one daemon per ledger.

    By the database's clock, on a row and not with GET_LOCK, which Galera does not have and which a
    failover hands to two.  A holder trusts its lease only until a margin before its end, counted
    from before the request was sent; see `sidecar.model.lease`.
    """

    def __init__(self, tables: Tables, name: str = "daemon") -> None:
        self._table = tables.lease
        self._names = tables.names
        self._name = name

    def hold(
        self,
        connection: sa.Connection,
        owner: str,
        seconds: float,
        *,
        dead: str | None = None,
    ) -> bool:
        """Take or extend the lease; False while somebody else holds it.

        `dead`: a holder whose process has ended for certain.  It is named whole, so that the lease
        of whoever was quicker to take it over is left alone.
        """
        c = self._table.c
        free = sa.or_(c.owner.in_([owner] if dead is None else [owner, dead]), c.until <= NOW)
        taken = connection.execute(
            sa.update(self._table)
            .where(c.name == self._name, free)
            # The server assigns from left to right: `term` must be reckoned with the old owner.
            .ordered_values(
                (c.term, c.term + sa.case((c.owner == owner, 0), else_=1)),
                (c.owner, owner),
                (c.until, in_seconds(seconds)),
            )
        )
        if taken.rowcount == 1:
            return True
        # Only now: a duplicate leaves a shared lock, and an update by two that have it deadlocks.
        first = connection.execute(
            sa.insert(self._table)
            .prefix_with("IGNORE")
            .values(name=self._name, owner=owner, term=1, until=in_seconds(seconds))
        )
        return first.rowcount == 1

    def holder(self, connection: sa.Connection) -> str | None:
        """Who works now, None when nobody does."""
        c = self._table.c
        return connection.execute(
            sa.select(c.owner).where(c.name == self._name, c.until > NOW)
        ).scalar_one_or_none()

    def release(self, connection: sa.Connection, owner: str) -> None:
        """Let the next one begin at once."""
        c = self._table.c
        connection.execute(
            sa.update(self._table).where(c.name == self._name, c.owner == owner).values(until=NOW)
        )


class Installed:
    """Table `installed`: what was put into Magento's schema, and marks of the installation."""

    def __init__(self, tables: Tables) -> None:
        self._table = tables.installed
        self._names = tables.names

    def note(
        self, connection: sa.Connection, kind: str, name: str, detail: Mapping[str, Any]
    ) -> None:
        """Remember one thing."""
        connection.exec_driver_sql(
            f"INSERT INTO {self._names('installed')} (kind, name, detail, at) "
            "VALUES (%s, %s, %s, UTC_TIMESTAMP(3)) "
            "ON DUPLICATE KEY UPDATE detail = VALUES(detail), at = VALUES(at)",
            (kind, name, json.dumps(detail, default=str)),
        )

    def of(self, connection: sa.Connection, kind: str) -> dict[str, dict[str, Any]]:
        """Name → detail of one kind."""
        c = self._table.c
        rows = connection.execute(sa.select(c.name, c.detail).where(c.kind == kind))
        return {row.name: json.loads(row.detail or "{}") for row in rows}

    def forget(self, connection: sa.Connection, kind: str, name: str) -> None:
        """Remove one note."""
        c = self._table.c
        connection.execute(sa.delete(self._table).where(c.kind == kind, c.name == name))
