"""Documents from before the sidecar that an operator sends all the same, and how far that came."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from sidecar.ledger import fit
from sidecar.ledger.moments import naive, utc
from sidecar.ledger.tables import Tables
from sidecar.model.settlement import CLAIMABLE, OPEN, EventStatus


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which documents: made in [`since`, `until`) (UTC), or of these `numbers`."""

    kind: str
    opening: str
    since: datetime | None = None
    until: datetime | None = None
    numbers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Extent:
    """How many documents, made from when to when (UTC), and their money by currency."""

    documents: int
    first: datetime | None
    last: datetime | None
    money: dict[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Backfill:
    """One backfill; `per_minute` None: as fast as live traffic lets it."""

    id: int
    domain: str
    per_minute: int | None
    asked_by: str
    asked_at: datetime
    reason: str | None
    canceled_at: datetime | None
    finished_at: datetime | None

    @property
    def is_over(self) -> bool:
        """Whether it sends nothing more, unless a person lets it go on."""
        return self.canceled_at is not None or self.finished_at is not None


@dataclass(frozen=True, slots=True)
class Progress:
    """`pointed`: whose turn has come; `events`: what became of their first events, by status."""

    documents: int
    pointed: int
    events: Counter[str]


@dataclass(frozen=True, slots=True)
class BackfillLeft:
    """One that is at work: how many documents it has, and how many of them are to come."""

    backfill: int
    documents: int
    waiting: int


class Backfills:
    """Tables `backfill` and `backfill_document`."""

    def __init__(self, tables: Tables) -> None:
        self._names = tables.names
        name = tables.names
        #: Known, still there, never opened in the ERP by us, and nothing of it under way.
        self._unsent = (
            "e.kind = %(kind)s AND e.vanished_at IS NULL "
            f"AND NOT EXISTS (SELECT 1 FROM {name('link')} l WHERE l.kind = e.kind "
            "AND l.entity_id = e.entity_id AND l.is_main = 1) "
            f"AND NOT EXISTS (SELECT 1 FROM {name('event')} v WHERE v.kind = e.kind "
            "AND v.entity_id = e.entity_id AND (v.type = %(opening)s OR v.status IN %(open)s)) "
            f"AND NOT EXISTS (SELECT 1 FROM {name('event_archive')} a WHERE a.kind = e.kind "
            "AND a.entity_id = e.entity_id AND a.type = %(opening)s)"
        )

    def unsent(
        self, connection: sa.Connection, kind: str, opening: str, ids: Sequence[int]
    ) -> list[int]:
        """Those of the entities that a backfill may send."""
        rows = connection.exec_driver_sql(
            f"SELECT e.entity_id FROM {self._names('entity')} e "
            f"WHERE {self._unsent} AND e.entity_id IN %(ids)s",
            {"kind": kind, "opening": opening, "open": OPEN, "ids": sorted(set(ids))},
        )
        return [int(row[0]) for row in rows]

    def extent(self, connection: sa.Connection, chosen: Chosen) -> Extent:
        """What a backfill would send."""
        where, parameters = self._where(chosen)
        rows = connection.exec_driver_sql(
            "SELECT e.currency, COUNT(*) AS documents, MIN(e.made_at) AS first, "
            "MAX(e.made_at) AS last, SUM(e.amount) AS money "
            f"FROM {self._names('entity')} e WHERE {where} GROUP BY e.currency ORDER BY e.currency",
            parameters,
        ).all()
        return Extent(
            sum(row.documents for row in rows),
            utc(min((row.first for row in rows if row.first), default=None)),
            utc(max((row.last for row in rows if row.last), default=None)),
            {row.currency: row.money for row in rows if row.currency and row.money is not None},
        )

    def left_out(self, connection: sa.Connection, chosen: Chosen) -> list[str]:
        """Those of the numbers of which nothing would be sent."""
        if not chosen.numbers:
            return []
        where, parameters = self._where(chosen)
        rows = connection.exec_driver_sql(
            f"SELECT e.number FROM {self._names('entity')} e WHERE {where}", parameters
        )
        found = {row.number for row in rows}
        return [number for number in chosen.numbers if number not in found]

    def begin(
        self,
        connection: sa.Connection,
        domain: str,
        chosen: Chosen,
        *,
        per_minute: int | None,
        who: str,
        reason: str | None,
    ) -> int:
        """Write a backfill down with its documents; gives its id."""
        made = connection.exec_driver_sql(
            f"INSERT INTO {self._names('backfill')} (domain, per_minute, asked_by, reason, "
            "asked_at) VALUES (%s, %s, %s, %s, UTC_TIMESTAMP(3))",
            (domain, per_minute, fit.text("backfill", "asked_by", who), reason),
        )
        backfill = int(made.lastrowid)
        where, parameters = self._where(chosen)
        connection.exec_driver_sql(
            f"INSERT INTO {self._names('backfill_document')} (backfill, kind, entity_id) "
            f"SELECT %(backfill)s, e.kind, e.entity_id FROM {self._names('entity')} e "
            f"WHERE {where}",
            {**parameters, "backfill": backfill},
        )
        return backfill

    def newest(
        self, connection: sa.Connection, domain: str, *, locked: bool = False
    ) -> Backfill | None:
        """The domain's newest backfill; `locked`: nobody else changes it until the commit."""
        row = connection.exec_driver_sql(
            "SELECT id, domain, per_minute, asked_by, asked_at, reason, canceled_at, finished_at "
            f"FROM {self._names('backfill')} WHERE domain = %s ORDER BY id DESC LIMIT 1"
            + (" FOR UPDATE" if locked else ""),
            (domain,),
        ).first()
        return None if row is None else _backfill(row)

    def progress(self, connection: sa.Connection, backfill: int, opening: str) -> Progress:
        """How far it came."""
        documents, pointed = connection.exec_driver_sql(
            f"SELECT COUNT(*), COUNT(pointed_at) FROM {self._names('backfill_document')} "
            "WHERE backfill = %s",
            (backfill,),
        ).one()
        events: Counter[str] = Counter()
        for table in ("event", "event_archive"):
            rows = connection.exec_driver_sql(
                f"SELECT v.status, COUNT(*) FROM {self._names('backfill_document')} d "
                f"JOIN {self._names(table)} v ON v.kind = d.kind AND v.entity_id = d.entity_id "
                "WHERE d.backfill = %s AND d.pointed_at IS NOT NULL AND v.type = %s "
                "GROUP BY v.status",
                (backfill, opening),
            )
            events.update({EventStatus(status).value: int(count) for status, count in rows})
        return Progress(int(documents), int(pointed), events)

    def at_work(self, connection: sa.Connection) -> dict[str, BackfillLeft]:
        """Those that are not over, by domain."""
        rows = connection.exec_driver_sql(
            "SELECT b.domain, b.id, COUNT(d.entity_id), COUNT(d.entity_id) - COUNT(d.pointed_at) "
            f"FROM {self._names('backfill')} b JOIN {self._names('backfill_document')} d "
            "ON d.backfill = b.id WHERE b.canceled_at IS NULL AND b.finished_at IS NULL "
            "GROUP BY b.domain, b.id ORDER BY b.id"
        )
        return {domain: BackfillLeft(*map(int, figures)) for domain, *figures in rows}

    def set_canceled(self, connection: sa.Connection, backfill: int, *, canceled: bool) -> None:
        """Send no more of it, or go on with it."""
        connection.exec_driver_sql(
            f"UPDATE {self._names('backfill')} "
            "SET canceled_at = IF(%s, UTC_TIMESTAMP(3), NULL) WHERE id = %s",
            (canceled, backfill),
        )

    def finish(self, connection: sa.Connection, backfill: int) -> None:
        """Nothing of it is left to point at."""
        connection.exec_driver_sql(
            f"UPDATE {self._names('backfill')} SET finished_at = UTC_TIMESTAMP(3) WHERE id = %s",
            (backfill,),
        )

    def next(self, connection: sa.Connection, backfill: int, most: int) -> list[int]:
        """The documents whose turn it is, the oldest first."""
        rows = connection.exec_driver_sql(
            f"SELECT entity_id FROM {self._names('backfill_document')} "
            "WHERE backfill = %s AND pointed_at IS NULL ORDER BY entity_id LIMIT %s",
            (backfill, most),
        )
        return [int(row[0]) for row in rows]

    def pointed(self, connection: sa.Connection, backfill: int, ids: Sequence[int]) -> None:
        """Intake is pointed at these, in the same transaction."""
        connection.exec_driver_sql(
            f"UPDATE {self._names('backfill_document')} SET pointed_at = UTC_TIMESTAMP(3) "
            "WHERE backfill = %s AND entity_id IN %s",
            (backfill, ids),
        )

    def of_the_last_minute(self, connection: sa.Connection, backfill: int) -> int:
        """How many had their turn within it, by the database's clock."""
        count = connection.exec_driver_sql(
            f"SELECT COUNT(*) FROM {self._names('backfill_document')} WHERE backfill = %s "
            "AND pointed_at > UTC_TIMESTAMP(3) - INTERVAL 60 SECOND",
            (backfill,),
        ).scalar_one()
        return int(count)

    def under_way(self, connection: sa.Connection, backfill: Backfill, opening: str) -> int:
        """How many of its events go on by themselves: due, tried again later, or being sent."""
        count = connection.exec_driver_sql(
            f"SELECT COUNT(*) FROM {self._names('event')} v FORCE INDEX (status) "
            f"JOIN {self._names('backfill_document')} d "
            "ON d.backfill = %(backfill)s AND d.entity_id = v.entity_id AND d.kind = v.kind "
            "WHERE v.domain = %(domain)s AND v.type = %(opening)s AND ((v.status IN %(claimable)s "
            "AND v.due_at IS NOT NULL) OR v.status = %(sending)s)",
            {
                "backfill": backfill.id,
                "domain": backfill.domain,
                "opening": opening,
                "claimable": CLAIMABLE,
                "sending": EventStatus.SENDING,
            },
        ).scalar_one()
        return int(count)

    def others_are_due(
        self, connection: sa.Connection, backfill: Backfill, opening: str, domains: Sequence[str]
    ) -> bool:
        """Whether anything else of these domains may go now."""
        found = connection.exec_driver_sql(
            f"SELECT 1 FROM {self._names('event')} v FORCE INDEX (claim) "
            "WHERE v.domain IN %(domains)s AND v.due_at <= UTC_TIMESTAMP(3) "
            "AND v.status IN %(claimable)s AND NOT (v.type = %(opening)s AND EXISTS "
            f"(SELECT 1 FROM {self._names('backfill_document')} d WHERE d.backfill = %(backfill)s "
            "AND d.entity_id = v.entity_id AND d.kind = v.kind)) LIMIT 1",
            {
                "backfill": backfill.id,
                "domains": tuple(domains),
                "opening": opening,
                "claimable": CLAIMABLE,
            },
        )
        return found.first() is not None

    def _where(self, chosen: Chosen) -> tuple[str, dict[str, Any]]:
        where = [self._unsent]
        if chosen.since is not None:
            where.append("e.made_at >= %(since)s")
        if chosen.until is not None:
            where.append("e.made_at < %(until)s")
        if chosen.numbers:
            where.append("e.number IN %(numbers)s")
        return " AND ".join(where), {
            "kind": chosen.kind,
            "opening": chosen.opening,
            "open": OPEN,
            "since": naive(chosen.since),
            "until": naive(chosen.until),
            "numbers": chosen.numbers,
        }


def _backfill(row: Any) -> Backfill:
    return Backfill(
        row.id,
        row.domain,
        row.per_minute,
        row.asked_by,
        utc(row.asked_at),
        row.reason,
        utc(row.canceled_at),
        utc(row.finished_at),
    )
