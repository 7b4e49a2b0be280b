"""The events of the ledger: written by intake, claimed, settled and woken by delivery.

A claim is a lease by the database's clock with a fence.  Whoever settles must name the fence that
his claim was given; a settlement that comes after the lease was taken over matches no row and is
refused.  An expired lease means that a process died between sending and settling: the event is
*unknown* then, never pending.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from sidecar.domain.event import EventType
from sidecar.domain.settlement import OPEN, EventStatus, Settlement, error_print
from sidecar.ledger.tables import NOW, Tables, in_seconds

BEHIND_ANOTHER = "an earlier event of this entity"
_OPEN = tuple(status.value for status in OPEN)


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event as intake writes it; `parked` carries reason and remedy of one that cannot go."""

    event_id: str
    domain: str
    kind: str
    entity_id: int
    increment_id: str
    sequence: int
    type: EventType
    version: int
    payload: str
    grand_total: Decimal | None
    currency: str | None
    occurred_at: datetime
    status: EventStatus = EventStatus.PENDING
    reason: str | None = None
    remedy: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class OpenEvent:
    """What the plan of a claim needs to know of an event that is not over."""

    id: int
    entity_id: int
    sequence: int
    type: EventType
    status: EventStatus
    maybe_booked: bool
    due: bool
    code: str | None


@dataclass(frozen=True, slots=True)
class Candidate:
    """An event that is due."""

    id: int
    kind: str
    entity_id: int
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Claimed:
    """An event that is ours until its lease ends.

    `age`: seconds since it was first sent; `since_sent`: since it was last sent.
    """

    id: int
    event_id: str
    domain: str
    kind: str
    entity_id: int
    increment_id: str
    sequence: int
    type: EventType
    payload: str
    grand_total: Decimal | None
    currency: str | None
    occurred_at: datetime
    attempts: int
    fence: int
    maybe_booked: bool
    age: float
    since_sent: float


class Events:
    """Table `event`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._event = tables.event

    def insert(self, connection: sa.Connection, events: Sequence[NewEvent]) -> None:
        """Write new events; those that may go are due at once."""
        if events:
            connection.exec_driver_sql(
                _insert_statement(self._tables), [_parameters(event) for event in events]
            )

    def open_of(
        self, connection: sa.Connection, kind: str, ids: Iterable[int]
    ) -> dict[int, list[OpenEvent]]:
        """Events that are not over, per entity in the order of their sequence."""
        c = self._event.c
        statement = (
            sa.select(
                c.id,
                c.entity_id,
                c.sequence,
                c.type,
                c.status,
                c.maybe_booked,
                (sa.func.coalesce(c.due_at <= NOW, 0)).label("due"),
                c.error_code,
            )
            .where(c.kind == kind, c.entity_id.in_(sorted(set(ids))), c.status.in_(_OPEN))
            .order_by(c.entity_id, c.sequence)
        )
        found: dict[int, list[OpenEvent]] = defaultdict(list)
        for row in connection.execute(statement):
            found[row.entity_id].append(
                OpenEvent(
                    id=row.id,
                    entity_id=row.entity_id,
                    sequence=row.sequence,
                    type=EventType(row.type),
                    status=EventStatus(row.status),
                    maybe_booked=bool(row.maybe_booked),
                    due=bool(row.due),
                    code=row.error_code,
                )
            )
        return found

    def candidates(
        self, connection: sa.Connection, domain: str, limit: int, low: datetime | None = None
    ) -> list[Candidate]:
        """What is due, oldest first.

        `low` is the low-water guard: rows before it are known to be gone, and InnoDB cannot purge
        their index entries while anybody holds an old read view (facts: mysql-outbox 2.4).
        The index is forced: MySQL was seen to choose a full scan with a filesort.
        """
        c = self._event.c
        statement = (
            sa.select(c.id, c.kind, c.entity_id, c.due_at)
            .with_hint(self._event, "FORCE INDEX (claim)")
            .where(c.domain == domain, c.due_at <= NOW)
            .order_by(c.due_at, c.id)
            .limit(limit)
        )
        if low is not None:
            statement = statement.where(c.due_at >= low)
        return [
            Candidate(row.id, row.kind, row.entity_id, row.due_at)
            for row in connection.execute(statement)
        ]

    def take(
        self,
        connection: sa.Connection,
        ids: Sequence[int],
        owner: str,
        seconds: float,
        *,
        probing: bool = False,
    ) -> list[Claimed]:
        """Claim events for `seconds`; those that somebody else has meanwhile are left out.

        `probing`: only to ask the ERP about them, which is no attempt to deliver.
        """
        if not ids:
            return []
        c = self._event.c
        wanted = [EventStatus.PENDING.value] + [EventStatus.UNKNOWN.value] * probing
        sending: dict[str, Any] = {
            "attempts": c.attempts + 1,
            "sent_at": NOW,
            "first_sent_at": sa.func.coalesce(c.first_sent_at, NOW),
        }
        connection.execute(
            sa.update(self._event)
            .where(c.id.in_(ids), c.due_at.is_not(None), c.status.in_(wanted))
            .values(
                status=EventStatus.SENDING.value,
                due_at=None,
                waiting=None,
                fence=c.fence + 1,
                lease_owner=owner,
                lease_until=in_seconds(seconds),
                **({} if probing else sending),
            )
        )
        statement = (
            sa.select(*self._claim_columns())
            .where(
                c.id.in_(ids),
                c.status == EventStatus.SENDING.value,
                c.lease_owner == owner,
            )
            .order_by(c.id)
        )  # fmt: skip
        return [_claimed(row) for row in connection.execute(statement)]

    def renew(
        self, connection: sa.Connection, ids: Sequence[int], owner: str, seconds: float
    ) -> int:
        """Extend leases that are still ours; gives how many were."""
        c = self._event.c
        result = connection.execute(
            sa.update(self._event)
            .where(c.id.in_(ids), c.lease_owner == owner, c.status == EventStatus.SENDING.value)
            .where(c.lease_until > NOW)
            .values(lease_until=in_seconds(seconds))
        )
        return int(result.rowcount)

    def settle(
        self, connection: sa.Connection, claimed: Claimed, owner: str, settlement: Settlement
    ) -> bool:
        """Write the end of an attempt; False when the fence says that the claim is not ours."""
        c = self._event.c
        over = settlement.status in (EventStatus.ACCEPTED, EventStatus.SUPERSEDED)
        result = connection.execute(
            sa.update(self._event)
            .where(
                c.id == claimed.id,
                c.fence == claimed.fence,
                c.lease_owner == owner,
                c.status == EventStatus.SENDING.value,
            )
            .values(
                status=settlement.status.value,
                due_at=None if settlement.due_in is None else in_seconds(settlement.due_in),
                lease_owner=None,
                lease_until=None,
                maybe_booked=int(settlement.maybe_booked),
                reason=settlement.reason,
                remedy=settlement.remedy,
                error_code=settlement.code,
                error_print=error_print(settlement.code, settlement.reason)
                if settlement.reason and not over
                else None,
                finished_at=NOW if over else None,
            )
        )
        return int(result.rowcount) == 1

    def release(self, connection: sa.Connection, claimed: Sequence[Claimed], owner: str) -> None:
        """Give back claims that were certainly not sent (a stop before the call)."""
        c = self._event.c
        for event in claimed:
            status = EventStatus.UNKNOWN if event.maybe_booked else EventStatus.PENDING
            connection.execute(
                sa.update(self._event)
                .where(c.id == event.id, c.fence == event.fence, c.lease_owner == owner)
                .values(
                    status=status.value,
                    due_at=NOW,
                    lease_owner=None,
                    lease_until=None,
                    attempts=sa.case((c.attempts > 0, c.attempts - 1), else_=0),
                )
            )

    def expire(self, connection: sa.Connection, domain: str) -> list[Claimed]:
        """Leases that ran out: the process died in the middle.  They become unknown, due now."""
        c = self._event.c
        statement = (
            sa.select(*self._claim_columns())
            .where(
                c.domain == domain,
                c.lease_until < NOW,
                c.status == EventStatus.SENDING.value,
            )
            .limit(500)
        )  # fmt: skip
        expired = [_claimed(row) for row in connection.execute(statement)]
        if not expired:
            return []
        connection.execute(
            sa.update(self._event)
            .where(
                c.id.in_([event.id for event in expired]),
                c.lease_until < NOW,
                c.status == EventStatus.SENDING.value,
            )
            .values(
                status=EventStatus.UNKNOWN.value,
                due_at=NOW,
                lease_owner=None,
                lease_until=None,
                maybe_booked=1,
                reason="the process that was sending it died: the ERP is asked first",
            )
        )
        return expired

    def _claim_columns(self) -> list[sa.ColumnElement[Any]]:
        c = self._event.c
        return [
            c.id, c.event_id, c.domain, c.kind, c.entity_id, c.increment_id, c.sequence, c.type,
            c.payload, c.grand_total, c.currency, c.occurred_at, c.attempts, c.fence,
            c.maybe_booked,
            _seconds_between(c.first_sent_at, NOW).label("age"),
            _seconds_between(c.sent_at, NOW).label("since_sent"),
        ]  # fmt: skip

    def hold_back(self, connection: sa.Connection, ids: Sequence[int], waiting: str) -> None:
        """Take pending events out of the claim's way until `wake` is called for their entity."""
        if ids:
            connection.execute(
                sa.update(self._event)
                .where(self._event.c.id.in_(ids), self._event.c.status == EventStatus.PENDING.value)
                .values(due_at=None, waiting=waiting[:255])
            )

    def wake(self, connection: sa.Connection, kind: str, entity_ids: Iterable[int]) -> None:
        """Let events that wait for their entity be looked at again."""
        c = self._event.c
        connection.execute(
            sa.update(self._event)
            .where(
                c.kind == kind,
                c.entity_id.in_(sorted(set(entity_ids))),
                c.status == EventStatus.PENDING.value,
                c.due_at.is_(None),
            )
            .values(due_at=NOW, waiting=None)
        )

    def wake_domain(self, connection: sa.Connection, domain: str) -> int:
        """Look at every waiting event of a domain again (the configuration's gates changed)."""
        c = self._event.c
        result = connection.execute(
            sa.update(self._event)
            .where(
                c.domain == domain,
                c.status == EventStatus.PENDING.value,
                c.due_at.is_(None),
            )
            .values(due_at=NOW, waiting=None)
        )
        return int(result.rowcount)

    def revive(self, connection: sa.Connection, event_id: int) -> None:
        """Make a refused event pending again because newer data replaces what was refused."""
        connection.execute(
            sa.update(self._event)
            .where(
                self._event.c.id == event_id,
                self._event.c.status.in_((EventStatus.REJECTED.value, EventStatus.PARKED.value)),
            )
            .values(
                status=EventStatus.PENDING.value,
                due_at=NOW,
                attempts=0,
                first_sent_at=None,
                reason=None,
                remedy=None,
                error_code=None,
                error_print=None,
            )
        )

    def supersede(self, connection: sa.Connection, ids: Sequence[int], reason: str) -> None:
        """Close events whose content another event carries, or that have become moot."""
        if ids:
            connection.execute(
                sa.update(self._event)
                .where(self._event.c.id.in_(ids), self._event.c.status.in_(_OPEN))
                .values(
                    status=EventStatus.SUPERSEDED.value,
                    due_at=None,
                    waiting=None,
                    reason=reason,
                    remedy=None,
                    finished_at=NOW,
                )
            )

    def carry(self, connection: sa.Connection, target: int, source: int) -> None:
        """Let `target`, which no ERP has seen, carry the newer payload of `source`."""
        newer = connection.execute(
            sa.select(
                self._event.c.payload, self._event.c.grand_total, self._event.c.currency
            ).where(self._event.c.id == source)
        ).one()
        connection.execute(
            sa.update(self._event)
            .where(self._event.c.id == target)
            .values(payload=newer.payload, grand_total=newer.grand_total, currency=newer.currency)
        )

    def requeue(self, connection: sa.Connection, ids: Sequence[int], *, ask_first: bool) -> int:
        """Make parked, rejected or unknown events due now, with their attempts counted anew.

        `ask_first`: what the ERP may hold is asked for before it is sent again; without (an ERP
        that cannot be asked) the operator has looked himself.
        """
        if not ids:
            return 0
        c = self._event.c
        result = connection.execute(
            sa.update(self._event)
            .where(
                c.id.in_(ids),
                c.status.in_(
                    (
                        EventStatus.PARKED.value,
                        EventStatus.REJECTED.value,
                        EventStatus.UNKNOWN.value,
                        EventStatus.PENDING.value,
                    )
                ),
            )
            .values(
                status=sa.case(
                    (c.maybe_booked == 1, EventStatus.UNKNOWN.value),
                    else_=EventStatus.PENDING.value,
                )
                if ask_first
                else EventStatus.PENDING.value,
                maybe_booked=c.maybe_booked if ask_first else 0,
                due_at=NOW,
                waiting=None,
                attempts=0,
                first_sent_at=None,
                reason=None,
                remedy=None,
                error_code=None,
                error_print=None,
            )
        )
        return int(result.rowcount)

    def next_due_in(self, connection: sa.Connection, domain: str) -> float | None:
        """Seconds until the next event is due (0 when one is), None when none will be."""
        c = self._event.c
        seconds = connection.execute(
            sa.select(_seconds_between(NOW, sa.func.min(c.due_at)))
            .with_hint(self._event, "FORCE INDEX (claim)")
            .where(c.domain == domain, c.due_at.is_not(None))
        ).scalar_one()
        return None if seconds is None else max(0.0, float(seconds))


def _seconds_between(start: Any, end: Any) -> sa.ColumnElement[Any]:
    return sa.func.timestampdiff(sa.literal_column("MICROSECOND"), start, end) / 1_000_000


def _claimed(row: Any) -> Claimed:
    return Claimed(
        id=row.id,
        event_id=row.event_id,
        domain=row.domain,
        kind=row.kind,
        entity_id=row.entity_id,
        increment_id=row.increment_id,
        sequence=row.sequence,
        type=EventType(row.type),
        payload=row.payload,
        grand_total=row.grand_total,
        currency=row.currency,
        occurred_at=row.occurred_at,
        attempts=row.attempts,
        fence=row.fence,
        maybe_booked=bool(row.maybe_booked),
        age=float(row.age or 0),
        since_sent=float(row.since_sent or 0),
    )


_INSERTED = (
    "event_id", "domain", "kind", "entity_id", "increment_id", "sequence", "type", "version",
    "status", "payload", "grand_total", "currency", "reason", "remedy", "error_code",
    "error_print", "occurred_at",
)  # fmt: skip


def _insert_statement(tables: Tables) -> str:
    values = ", ".join(f"%({name})s" for name in _INSERTED)
    return (
        f"INSERT INTO {tables.names('event')} ({', '.join(_INSERTED)}, created_at, due_at, "
        f"finished_at) VALUES ({values}, UTC_TIMESTAMP(3), "
        "IF(%(status)s = 'pending', UTC_TIMESTAMP(3), NULL), "
        "IF(%(status)s = 'superseded', UTC_TIMESTAMP(3), NULL))"
    )


def _parameters(event: NewEvent) -> dict[str, Any]:
    return {
        "event_id": event.event_id,
        "domain": event.domain,
        "kind": event.kind,
        "entity_id": event.entity_id,
        "increment_id": event.increment_id,
        "sequence": event.sequence,
        "type": event.type.value,
        "version": event.version,
        "status": event.status.value,
        "payload": event.payload,
        "grand_total": event.grand_total,
        "currency": event.currency,
        "reason": event.reason,
        "remedy": event.remedy,
        "error_code": event.code,
        "error_print": error_print(event.code, event.reason)
        if event.reason and event.status is EventStatus.PARKED
        else None,
        "occurred_at": event.occurred_at.replace(tzinfo=None),
    }
