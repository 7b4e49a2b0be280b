"""The events of the ledger: written by intake, folded, held back and woken by delivery.

Their claims are in `claims`, what operators do to them in `acts`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from sidecar.database.connection import insert_rows
from sidecar.ledger import fit
from sidecar.ledger.claims import Candidate, Claimed, Claims
from sidecar.ledger.tables import NOW
from sidecar.model.settlement import (
    AT_REST,
    BAD_DATA,
    DROPPED,
    MAPPING,
    OPEN,
    PUT_ASIDE,
    REFUSED,
    EventStatus,
    Obstacle,
    error_print,
)

__all__ = ["BEHIND_ANOTHER", "GATE", "Candidate", "Claimed", "Events", "NewEvent", "OpenEvent"]

BEHIND_ANOTHER = "an earlier event of this entity"
#: Before the name of the gate at which an event waits, and a colon.
GATE = "gate "
#: How many orders one sweep looks at again.
_MOST_AGAIN = 1_000
FROM_BEFORE = "it was in the shop before the sidecar came"
DROPPED_BEFORE = "an operator dropped its placement"
#: So often is a refused event sent again at once when its order has changed.
_QUICKLY_REVIVED = 5


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event as intake writes it; `parked` carries reason and remedy of one that cannot go."""

    event_id: str
    domain: str
    kind: str
    entity_id: int
    number: str
    sequence: int
    type: str
    version: int
    payload: str
    amount: Decimal | None
    currency: str | None
    occurred_at: datetime
    status: EventStatus = EventStatus.PENDING
    reason: str | None = None
    remedy: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class OpenEvent:
    """What the plan of a claim, and what decides whether it may go, need of one that is not over.

    `sent`: it was claimed to be sent at some time; stays when its attempts are counted anew.
    """

    id: int
    entity_id: int
    sequence: int
    type: str
    status: EventStatus
    maybe_booked: bool
    due: bool
    code: str | None
    crashes: int = 0
    attempts: int = 0
    sent: bool = False
    absent: bool = False
    vouched: bool = False
    number: str = ""
    ref: str | None = None
    occurred_at: datetime | None = None
    posting_date: datetime | None = None


class Events(Claims):
    """Table `event`, with its claims."""

    def insert(self, connection: sa.Connection, events: Sequence[NewEvent]) -> None:
        """Write new events; those that may go, or be asked about, are due at once."""
        insert_rows(
            connection,
            f"{self._tables.names('event')} ({', '.join(_INSERTED)}, created_at, due_at, "
            "finished_at)",
            f"({', '.join(['%s'] * len(_INSERTED))}, UTC_TIMESTAMP(3), "
            f"IF(%s IN ('{EventStatus.PENDING}', '{EventStatus.UNKNOWN}'), "
            "UTC_TIMESTAMP(3), NULL), "
            f"IF(%s = '{EventStatus.SUPERSEDED}', UTC_TIMESTAMP(3), NULL))",
            [_parameters(event) for event in events],
        )
        self._payloads.add(
            connection,
            [((event.kind, event.entity_id, event.sequence), event.payload) for event in events],
        )

    def open_of(
        self, connection: sa.Connection, kind: str, ids: Iterable[int]
    ) -> dict[int, list[OpenEvent]]:
        """Events that are not over, per entity in the order of their sequence."""
        rows = connection.exec_driver_sql(
            "SELECT id, entity_id, sequence, type, status, maybe_booked, "
            "COALESCE(due_at <= UTC_TIMESTAMP(3), 0) AS due, error_code, crashes, attempts, "
            "sent_at IS NOT NULL AS sent, absent, vouched, number, ref, occurred_at, posting_date "
            f"FROM {self._tables.names('event')} FORCE INDEX (entity_sequence) "
            "WHERE kind = %s AND entity_id IN %s AND status IN %s ORDER BY entity_id, sequence",
            (kind, sorted(set(ids)), OPEN),
        )
        found: dict[int, list[OpenEvent]] = defaultdict(list)
        for row in rows:
            found[row.entity_id].append(
                OpenEvent(
                    id=row.id,
                    entity_id=row.entity_id,
                    sequence=row.sequence,
                    type=row.type,
                    status=EventStatus(row.status),
                    maybe_booked=bool(row.maybe_booked),
                    due=bool(row.due),
                    code=row.error_code,
                    crashes=row.crashes,
                    attempts=row.attempts,
                    sent=bool(row.sent),
                    absent=bool(row.absent),
                    vouched=bool(row.vouched),
                    number=row.number,
                    ref=row.ref,
                    occurred_at=row.occurred_at,
                    posting_date=row.posting_date,
                )
            )
        return found

    def sent_of_late(
        self, connection: sa.Connection, kind: str, entity_id: int, hours: int
    ) -> dict[str, int]:
        """Type → how many events of an entity were sent within so many hours."""
        rows = connection.exec_driver_sql(
            f"SELECT type, COUNT(*) FROM {self._tables.names('event')} WHERE kind = %s "
            "AND entity_id = %s AND sent_at > UTC_TIMESTAMP(3) - INTERVAL %s HOUR "
            "GROUP BY type ORDER BY type",
            (kind, entity_id, hours),
        )
        return {type_: int(count) for type_, count in rows}

    def is_parked(self, connection: sa.Connection, kind: str, entity_id: int, code: str) -> bool:
        """Whether an event of this entity was parked with this code."""
        c = self._event.c
        found = connection.execute(
            sa.select(c.id)
            .where(c.kind == kind, c.entity_id == entity_id)
            .where(c.status == EventStatus.PARKED, c.error_code == code)
            .limit(1)
        )
        return found.first() is not None

    def broken(self, connection: sa.Connection, domain: str, longest: float) -> list[int]:
        """Entities that were parked as bad data and want a look, by their ids.

        After as long as it has been parked already, so ever more rarely, and `longest` seconds at
        the most: what an importer writes is there in seconds, what a person corrects in hours.
        """
        rows = connection.exec_driver_sql(
            "SELECT DISTINCT e.entity_id "
            f"FROM {self._tables.names('event')} e FORCE INDEX (status) "
            f"JOIN {self._tables.names('entity')} n "
            "ON n.kind = e.kind AND n.entity_id = e.entity_id "
            f"WHERE e.status = '{EventStatus.PARKED}' AND e.domain = %s AND e.error_code = %s "
            "AND n.vanished_at IS NULL AND n.looked_at <= UTC_TIMESTAMP(3) - INTERVAL "
            "LEAST(%s, GREATEST(0, TIMESTAMPDIFF(SECOND, e.created_at, n.looked_at))) SECOND "
            f"LIMIT {_MOST_AGAIN}",
            (domain, BAD_DATA, longest),
        )
        return [int(row[0]) for row in rows]

    def hold_back(self, connection: sa.Connection, ids: Sequence[int], waiting: str) -> None:
        """Take pending events out of the claim's way until `wake` is called for their entity."""
        if ids:
            connection.execute(
                sa.update(self._event)
                .where(self._event.c.id.in_(ids), self._event.c.status == EventStatus.PENDING)
                .values(due_at=None, waiting=fit.text("event", "waiting", waiting))
            )

    def post_on(
        self, connection: sa.Connection, event_id: int, posting_date: datetime | None
    ) -> None:
        """On which day (UTC of its midnight) the ERP is to post it; None: on its own."""
        c = self._event.c
        connection.execute(
            sa.update(self._event).where(c.id == event_id).values(posting_date=posting_date)
        )

    def wake_at(self, connection: sa.Connection, waiting: str) -> int:
        """Look again at all that waits for this, in these very words."""
        c = self._event.c
        result = connection.execute(
            sa.update(self._event)
            .where(c.status == EventStatus.PENDING, c.due_at.is_(None), c.waiting == waiting)
            .values(due_at=NOW, waiting=None)
        )
        return int(result.rowcount)

    def with_pending(self, connection: sa.Connection, kind: str, ids: Sequence[int]) -> list[int]:
        """Those of the entities that still have something to send: of many, few."""
        rows = connection.exec_driver_sql(
            "SELECT DISTINCT entity_id "
            f"FROM {self._tables.names('event')} FORCE INDEX (entity_sequence) "
            "WHERE kind = %s AND entity_id IN %s AND status = %s ORDER BY entity_id",
            (kind, sorted(set(ids)), EventStatus.PENDING),
        )
        return [int(row[0]) for row in rows]

    def wake(self, connection: sa.Connection, kind: str, entity_ids: Iterable[int]) -> None:
        """Let events that wait for their entity be looked at again.

        The caller holds the lock of the entities.  Looked up first, because most wait for nothing;
        and by the forced index, because in a young table the optimiser was seen to choose the one
        by status: an update would then lock every pending event on its way.
        """
        ids = sorted(set(entity_ids))
        if not ids:
            return
        waiting = connection.exec_driver_sql(
            f"SELECT id FROM {self._tables.names('event')} FORCE INDEX (entity_sequence) "
            "WHERE kind = %s AND entity_id IN %s AND status = %s AND due_at IS NULL",
            (kind, ids, EventStatus.PENDING),
        )
        c = self._event.c
        if found := [row[0] for row in waiting]:
            connection.execute(
                sa.update(self._event)
                .where(c.id.in_(found), c.status == EventStatus.PENDING)
                .values(due_at=NOW, waiting=None)
            )

    def wake_domain(self, connection: sa.Connection, domain: str) -> int:
        """Look at every waiting event of a domain again (the configuration's gates changed)."""
        c = self._event.c
        result = connection.execute(
            sa.update(self._event)
            .where(
                c.domain == domain,
                c.status == EventStatus.PENDING,
                c.due_at.is_(None),
            )
            .values(due_at=NOW, waiting=None)
        )
        return int(result.rowcount)

    def hurry(self, connection: sa.Connection, domain: str) -> int:
        """Let what is tried again later go now: the wait that it was given is ended."""
        c = self._event.c
        result = connection.execute(
            sa.update(self._event)
            .where(
                c.domain == domain,
                c.status == EventStatus.PENDING,
                c.due_at > NOW,
            )
            .values(due_at=NOW)
        )
        return int(result.rowcount)

    def revive(self, connection: sa.Connection, event_id: int) -> None:
        """Make a refused event pending again because newer data replaces what was refused.

        One that an operator put aside stays aside, with the newer data.  What was refused several
        times goes a minute after the last time for each of them: a module that saves an order over
        and over must not have the ERP refuse it over and over.
        """
        c = self._event.c
        connection.execute(
            sa.update(self._event)
            .where(
                c.id == event_id,
                c.status.in_(REFUSED),
                sa.or_(c.error_code.is_(None), c.error_code != PUT_ASIDE),
            )
            .values(
                status=EventStatus.PENDING,
                due_at=sa.literal_column(
                    f"IF(attempts < {_QUICKLY_REVIVED}, UTC_TIMESTAMP(3), GREATEST("
                    "UTC_TIMESTAMP(3), sent_at + INTERVAL LEAST(attempts, 60) MINUTE))"
                ),
                first_sent_at=None,
                reason=None,
                remedy=None,
                error_code=None,
                error_print=None,
            )
        )

    def revive_unmapped(self, connection: sa.Connection, domain: str) -> int:
        """Let what our file of calls could not express go again: the file was read anew."""
        c = self._event.c
        result = connection.execute(
            sa.update(self._event)
            .where(
                c.domain == domain,
                c.status == EventStatus.PARKED,
                c.error_code == MAPPING,
            )
            .values(
                status=sa.case(
                    (c.maybe_booked == 1, EventStatus.UNKNOWN),
                    else_=EventStatus.PENDING,
                ),
                due_at=NOW,
                waiting=None,
                reason=None,
                remedy=None,
                error_code=None,
                error_print=None,
            )
        )
        return int(result.rowcount)

    def park(self, connection: sa.Connection, ids: Sequence[int], why: Obstacle) -> None:
        """Give events that are not in flight to a person."""
        if ids:
            c = self._event.c
            connection.execute(
                sa.update(self._event)
                .where(c.id.in_(ids), c.status.in_(AT_REST))
                .values(
                    status=EventStatus.PARKED,
                    due_at=None,
                    waiting=None,
                    vouched=0,
                    reason=fit.text("event", "reason", why.reason),
                    remedy=fit.text("event", "remedy", why.remedy),
                    error_code=why.code,
                    error_print=error_print(why.code, why.reason),
                )
            )

    def not_ours(
        self, connection: sa.Connection, kind: str, ids: Iterable[int], opening: str | None
    ) -> dict[int, str]:
        """Why these entities are not the sidecar's to open; those that are, are left out.

        `opening`: the type of event that opens a document.
        """
        wanted = sorted(set(ids))
        if not wanted:
            return {}
        one = (
            "SELECT entity_id, error_code FROM {} WHERE kind = %(kind)s AND entity_id IN %(ids)s "
            "AND type = %(opening)s"
        )
        names = self._tables.names
        rows = connection.exec_driver_sql(
            f"{one.format(names('event'))} UNION ALL {one.format(names('event_archive'))}",
            {"kind": kind, "ids": wanted, "opening": opening},
        )
        placed: dict[int, set[str | None]] = defaultdict(set)
        for entity_id, code in rows:
            placed[entity_id].add(code)
        return {
            entity_id: DROPPED_BEFORE if entity_id in placed else FROM_BEFORE
            for entity_id in wanted
            if entity_id not in placed or DROPPED in placed[entity_id]
        }

    def supersede(self, connection: sa.Connection, ids: Sequence[int], reason: str) -> None:
        """Close events whose content another event carries, or that have become moot."""
        if ids:
            connection.execute(
                sa.update(self._event)
                .where(self._event.c.id.in_(ids), self._event.c.status.in_(OPEN))
                .values(
                    status=EventStatus.SUPERSEDED,
                    due_at=None,
                    waiting=None,
                    reason=reason,
                    remedy=None,
                    finished_at=NOW,
                )
            )

    def carry(self, connection: sa.Connection, target: int, source: int) -> None:
        """Let `target`, which no ERP has seen, carry the newer payload of `source`."""
        c = self._event.c
        of = sa.select(c.kind, c.entity_id, c.sequence, c.amount, c.currency)
        older = connection.execute(of.where(c.id == target)).one()
        newer = connection.execute(of.where(c.id == source)).one()
        connection.execute(
            sa.update(self._event)
            .where(c.id == target)
            .values(amount=newer.amount, currency=newer.currency)
        )
        payload = self._payloads.read(connection, (newer.kind, newer.entity_id, newer.sequence))
        self._payloads.replace(connection, (older.kind, older.entity_id, older.sequence), payload)


_INSERTED = (
    "event_id", "domain", "kind", "entity_id", "number", "sequence", "type", "version",
    "status", "amount", "currency", "reason", "remedy", "error_code",
    "error_print", "occurred_at",
)  # fmt: skip


def _parameters(event: NewEvent) -> tuple[Any, ...]:
    values = {
        "event_id": event.event_id,
        "domain": event.domain,
        "kind": event.kind,
        "entity_id": event.entity_id,
        "number": event.number,
        "sequence": event.sequence,
        "type": event.type,
        "version": event.version,
        "status": event.status,
        "amount": event.amount,
        "currency": fit.text("event", "currency", event.currency),
        "reason": fit.text("event", "reason", event.reason),
        "remedy": fit.text("event", "remedy", event.remedy),
        "error_code": event.code,
        "error_print": error_print(event.code, event.reason)
        if event.reason and event.status is EventStatus.PARKED
        else None,
        "occurred_at": event.occurred_at.replace(tzinfo=None),
    }
    return (*(values[name] for name in _INSERTED), event.status, event.status)
