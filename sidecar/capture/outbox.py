"""The outbox: hints that say "look at order 42", read without ever standing in checkout's way.

Every method runs on the caller's READ COMMITTED transaction.  A plain select takes no lock, a
delete by primary key locks only rows that no trigger touches again: an insert of the shop has
nothing to wait for, nor have we (tests/database/test_checkout_never_waits.py, test_outbox.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from sidecar.capture.trigger_plan import Names

#: Seconds between two polls that look below the low-water mark as well.
LOOK_BACK_SECONDS = 5.0
COUNT_LIMIT = 100_000


@dataclass(frozen=True, slots=True)
class Hint:
    """A row of the outbox: look at this entity.  It never says what happened to it."""

    id: int
    kind: str
    entity_id: int
    pointed: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class TriggerFault:
    """The breadcrumb of a trigger that could not write its hint: the sweep has to find that."""

    id: int
    kind: str
    entity_id: int
    pointed: str
    errno: int | None
    message: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Depth:
    """How much waits.  `count` stops at its limit (`capped`); `oldest` is None with no hint."""

    count: int
    capped: bool
    oldest: timedelta | None

    @property
    def seconds(self) -> float | None:
        """For how many seconds the oldest has waited."""
        return None if self.oldest is None else self.oldest.total_seconds()


NO_HINTS = Depth(0, capped=False, oldest=None)


class Outbox:
    """Reads, deletes and writes hints.

    One reader per instance: it remembers where the queue began.  `monotonic` gives seconds.
    """

    def __init__(self, names: Names, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._low = 0
        self._looked_back_at: float | None = None
        outbox, fault = names("outbox"), names("outbox_fault")
        # FORCE INDEX: MySQL thinks a table of few live rows cheap to scan from its start, deleted
        # rows and all, and the low-water mark would be of no use
        # (test_a_poll_stays_flat_while_somebody_holds_an_old_read_view).
        self._select = sa.text(
            f"SELECT id, kind, entity_id, pointed, created_at FROM {outbox} FORCE INDEX (PRIMARY) "
            "WHERE id >= :low AND kind IN :kinds ORDER BY id LIMIT :limit"
        ).bindparams(sa.bindparam("kinds", expanding=True))
        # A join in this order, and not a list: for a list that covers most of the table the
        # optimiser scans instead, and the scan waits for the uncommitted hint of an open checkout
        # (1205), FORCE INDEX or not.  Looked up one after the other, they cannot become a scan
        # (docs/decisions/0011; test_outbox.py).
        self._delete = (
            "DELETE hint FROM ({gone}) AS gone "
            f"STRAIGHT_JOIN {outbox} AS hint ON hint.id = gone.id"
        )
        self._insert = sa.text(
            f"INSERT INTO {outbox} (kind, entity_id, pointed) VALUES (:kind, :entity_id, :pointed)"
        )
        self._count = sa.text(
            f"SELECT COUNT(*) FROM (SELECT id FROM {outbox} LIMIT :limit) AS waiting"
        )
        self._pointed_by = sa.text(
            "SELECT COUNT(*) FROM (SELECT id FROM "
            f"(SELECT id, kind, pointed FROM {outbox} ORDER BY id LIMIT :limit) AS oldest "
            "WHERE kind = :kind AND pointed = :pointed LIMIT :most) AS waiting"
        )
        self._oldest = sa.text(
            f"SELECT TIMESTAMPDIFF(MICROSECOND, created_at, CURRENT_TIMESTAMP(3)) FROM {outbox} "
            "ORDER BY id LIMIT 1"
        )
        self._by_kind = sa.text(
            "SELECT kind, COUNT(*) AS hints, TIMESTAMPDIFF(MICROSECOND, MIN(created_at), "
            "CURRENT_TIMESTAMP(3)) AS age FROM "
            f"(SELECT kind, created_at FROM {outbox} ORDER BY id LIMIT :limit) AS waiting "
            "GROUP BY kind"
        )
        self._faults = sa.text(
            f"SELECT id, kind, entity_id, pointed, errno, message, created_at FROM {fault} "
            "ORDER BY id DESC LIMIT :limit"
        )

    def peek(self, connection: sa.Connection, limit: int, kinds: Sequence[str]) -> list[Hint]:
        """The oldest hints of these kinds, lowest id first; they stay until `discard`.

        The low-water mark is a short cut, never the truth.  While somebody holds an old read view
        (a running dump), deleted rows cannot be purged, and a poll from id 0 would walk over all
        of them: 100,000 hints make it 0.1 s.  But ids are given at insert and seen at commit, so a
        lower one may still come; every few seconds one poll looks from 0.
        """
        now = self._monotonic()
        if self._looked_back_at is None or now - self._looked_back_at >= LOOK_BACK_SECONDS:
            self._looked_back_at = now
            self._low = 0
        rows = connection.execute(
            self._select, {"low": self._low, "limit": limit, "kinds": list(kinds)}
        ).all()
        hints = [
            Hint(row.id, row.kind, row.entity_id, row.pointed, _utc(row.created_at)) for row in rows
        ]
        if hints:
            self._low = hints[0].id
        return hints

    def discard(self, connection: sa.Connection, ids: Sequence[int]) -> int:
        """Delete hints that were looked at; how many were still there."""
        if not ids:
            return 0
        gone = " UNION ALL ".join(["SELECT %s AS id", *["SELECT %s"] * (len(ids) - 1)])
        deleted = connection.exec_driver_sql(self._delete.format(gone=gone), tuple(ids))
        return int(deleted.rowcount)

    def add(
        self, connection: sa.Connection, kind: str, entity_ids: Iterable[int], pointed: str
    ) -> int:
        """Point at entities, as sweep and operators do; how many hints that made."""
        hints = [
            {"kind": kind, "entity_id": entity_id, "pointed": pointed} for entity_id in entity_ids
        ]
        if hints:
            connection.execute(self._insert, hints)
        return len(hints)

    def point(self, connection: sa.Connection, kind: str, entity_id: int, pointed: str) -> int:
        """Point at one entity; gives the hint's id."""
        made = connection.execute(
            self._insert, {"kind": kind, "entity_id": entity_id, "pointed": pointed}
        )
        return int(made.lastrowid)

    def pointed_by(self, connection: sa.Connection, kind: str, pointed: str, most: int) -> int:
        """How many hints of a kind one source has written that nobody has looked at, up to `most`.

        Of the `most` times ten oldest hints: behind more than that nothing moves soon anyway.
        """
        found = connection.execute(
            self._pointed_by,
            {"kind": kind, "pointed": pointed, "most": most, "limit": 10 * most},
        )
        return int(found.scalar_one())

    def depth(self, connection: sa.Connection) -> Depth:
        """How many hints wait and for how long, by the database's clock."""
        count = connection.execute(self._count, {"limit": COUNT_LIMIT}).scalar_one()
        microseconds = connection.execute(self._oldest).scalar_one_or_none()
        oldest = None if microseconds is None else timedelta(microseconds=int(microseconds))
        return Depth(count, count == COUNT_LIMIT, oldest)

    def depth_by_kind(self, connection: sa.Connection) -> dict[str, Depth]:
        """The same by kind; kinds with no hint are left out."""
        rows = connection.execute(self._by_kind, {"limit": COUNT_LIMIT}).all()
        capped = sum(row.hints for row in rows) == COUNT_LIMIT
        return {
            row.kind: Depth(row.hints, capped, timedelta(microseconds=int(row.age))) for row in rows
        }

    def faults(self, connection: sa.Connection, limit: int = 100) -> list[TriggerFault]:
        """The breadcrumbs, newest first."""
        return [
            TriggerFault(
                row.id,
                row.kind,
                row.entity_id,
                row.pointed,
                row.errno,
                row.message,
                _utc(row.created_at),
            )
            for row in connection.execute(self._faults, {"limit": limit})
        ]


def _utc(moment: datetime) -> datetime:
    # The session's time zone is UTC (sidecar.database), so a naive value of the driver is UTC.
    return moment.replace(tzinfo=UTC)
