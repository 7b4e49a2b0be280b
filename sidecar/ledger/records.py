"""What the ledger remembers of single events and documents, as people are shown it.

Read-only, plain selects.  The fields of a row are the keys of `--json`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar

import msgspec
import sqlalchemy as sa

from sidecar.ledger.journal import main_link
from sidecar.ledger.moments import naive, utc
from sidecar.ledger.tables import Tables
from sidecar.model.cause import Refusal
from sidecar.model.domain_spec import DomainSpec
from sidecar.model.event import event_key
from sidecar.model.settlement import REFUSED, EventStatus
from sidecar.model.write_back import Action, Detail, WriteBackState, detail_or_none


class EventHead(msgspec.Struct, frozen=True, kw_only=True):
    """What an event is and where it stands; `error_print`: alike for all refusals of one cause."""

    id: int
    event_id: str
    domain: str
    kind: str
    entity_id: int
    number: str
    sequence: int
    type: str
    status: EventStatus
    due_at: datetime | None
    waiting: str | None
    maybe_booked: bool
    reason: str | None
    remedy: str | None
    error_code: str | None
    error_print: str | None
    amount: Decimal | None
    currency: str | None
    occurred_at: datetime
    created_at: datetime
    first_sent_at: datetime | None
    finished_at: datetime | None


class EventRow(EventHead, frozen=True, kw_only=True):
    """An event without its payload, and how often it was tried."""

    attempts: int


class WholeEvent(EventRow, frozen=True, kw_only=True):
    """An event with all that delivery knows of it, and its payload as it is stored."""

    version: int
    ref: str | None
    absent: bool
    vouched: bool
    questions: int
    crashes: int
    asking: bool
    fence: int
    lease_owner: str | None
    lease_until: datetime | None
    sent_at: datetime | None
    payload: str


class AttemptRow(msgspec.Struct, frozen=True, kw_only=True):
    """One call, one question or one recovery, and what came of it."""

    id: int
    event: int
    number: int
    operation: str
    fence: int
    owner: str
    outcome: str
    reference: str | None
    code: str | None
    message: str | None
    request: str | None
    http_status: int | None
    milliseconds: int | None
    answer: str | None
    at: datetime


class LinkRow(msgspec.Struct, frozen=True, kw_only=True):
    """One document of the ERP's; `ref`: the external reference it was booked under."""

    kind: str
    entity_id: int
    reference: str
    erp_key: str | None
    status: str | None
    total: Decimal | None
    tax: Decimal | None
    line_count: int | None
    currency: str | None
    ref: str | None
    event: int | None
    booked_at: datetime
    updated_at: datetime
    ended_at: datetime | None


class WriteBackRow(msgspec.Struct, frozen=True, kw_only=True):
    """What was written to Magento, or is to be; `detail`: None where it cannot be read."""

    id: int
    kind: str
    entity_id: int
    event: int | None
    incoming: int | None
    action: Action
    detail: Detail | None
    state: WriteBackState
    due_at: datetime | None
    waiting_since: datetime | None
    tries: int
    applied: int
    applied_at: datetime | None
    wrote_status: str | None
    wrote_reference: str | None
    message: str | None
    created_at: datetime


class DifferenceRow(msgspec.Struct, frozen=True, kw_only=True, rename={"class_": "class"}):
    """A figure that the ERP booked otherwise; `amount` is what it is worth."""

    id: int
    domain: str
    kind: str
    entity_id: int
    number: str
    class_: str
    ours: str | None
    theirs: str | None
    amount: Decimal | None
    currency: str | None
    event: int | None
    found_at: datetime
    resolved_at: datetime | None

    @property
    def document(self) -> tuple[str, int]:
        """Kind and id of what differs."""
        return self.kind, self.entity_id


class AuditRow(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator did; `detail` is JSON."""

    id: int
    at: datetime
    who: str
    command: str
    subject: str
    reason: str | None
    detail: str | None


class ParkedWriteBack(NamedTuple):
    """An answer that cannot be written into Magento, and why."""

    kind: str
    entity_id: int
    number: str
    message: str | None


_Row = TypeVar("_Row", bound=msgspec.Struct)
_OF_EVENTS: Mapping[str, Callable[[Any], Any]] = {
    "status": EventStatus,
    "maybe_booked": bool,
    "absent": bool,
    "vouched": bool,
    "asking": bool,
}
#: What the database has as a number or a text and a row has not.  Not `msgspec.convert`, which
#: makes a decoder in whatever thread asks first (tests/unit/test_decoders_are_made_early.py).
_MADE: Mapping[type[msgspec.Struct], Mapping[str, Callable[[Any], Any]]] = {
    EventRow: _OF_EVENTS,
    WholeEvent: _OF_EVENTS,
    WriteBackRow: {"action": Action, "detail": detail_or_none, "state": WriteBackState},
}


class Records:
    """Questions about single events and documents of one ledger."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._names = tables.names
        self._listed = [tables.event.c[name] for name in EventRow.__struct_fields__]

    # --- events -----------------------------------------------------------------------------

    def queue(
        self,
        connection: sa.Connection,
        *,
        domains: Sequence[str] = (),
        statuses: Sequence[EventStatus] = (),
        print_: str | None = None,
        limit: int = 50,
    ) -> list[EventRow]:
        """Events, oldest first; no `domains`, no `statuses`: of all."""
        c = self._tables.event.c
        statement = sa.select(*self._listed).order_by(c.id).limit(limit)
        if domains:
            statement = statement.where(c.domain.in_(domains))
        if statuses:
            statement = statement.where(c.status.in_(statuses))
        if print_:
            statement = statement.where(c.error_print == print_)
        return _rows(EventRow, connection.execute(statement))

    def listed(self, connection: sa.Connection, ids: Sequence[int]) -> list[EventRow]:
        """These events as they stand now."""
        c = self._tables.event.c
        statement = sa.select(*self._listed).where(c.id.in_(ids)).order_by(c.id)
        return _rows(EventRow, connection.execute(statement))

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
                domain=spec.name,
                entity=(row.kind, row.entity_id),
                name=spec.name_of(row.number),
                code=row.error_code,
                message=row.reason or "",
                amount=row.amount,
                currency=row.currency,
                at=utc(row.at),
            )
            for row in connection.execute(statement)
        ]

    def event(self, connection: sa.Connection, event_id: str) -> WholeEvent | None:
        """One event with its payload, by event id; also out of the archive."""
        key = event_key(event_id)
        if key is None:
            return None
        for table in ("event", "event_archive"):
            statement = sa.text(
                f"SELECT e.*, p.payload FROM {self._names(table)} e "
                f"JOIN {self._names('payload')} p ON p.kind = e.kind "
                "AND p.entity_id = e.entity_id AND p.sequence = e.sequence "
                "WHERE e.kind = :kind AND e.entity_id = :entity_id "
                "AND e.sequence = :sequence AND e.event_id = :event_id"
            )
            named = dict(zip(("kind", "entity_id", "sequence"), key, strict=True))
            found = _rows(
                WholeEvent, connection.execute(statement, {**named, "event_id": event_id})
            )
            if found:
                return found[0]
        return None

    def events_of(self, connection: sa.Connection, kind: str, entity_id: int) -> list[EventRow]:
        """All events of an entity, archived ones too, by sequence."""
        columns = ", ".join(EventRow.__struct_fields__)
        half = f"SELECT {columns} FROM {{}} WHERE kind = :kind AND entity_id = :entity_id"
        statement = sa.text(
            f"{half.format(self._names('event_archive'))} UNION ALL "
            f"{half.format(self._names('event'))} ORDER BY sequence"
        )
        found = connection.execute(statement, {"kind": kind, "entity_id": entity_id})
        return _rows(EventRow, found)

    def attempts_of(self, connection: sa.Connection, events: Sequence[int]) -> list[AttemptRow]:
        """All attempts of these events, in order."""
        if not events:
            return []
        a = self._tables.attempt
        statement = sa.select(a).where(a.c.event.in_(events)).order_by(a.c.id)
        return _rows(AttemptRow, connection.execute(statement))

    # --- documents --------------------------------------------------------------------------

    def links_of(
        self, connection: sa.Connection, kind: str, entity_id: int
    ) -> tuple[LinkRow | None, list[LinkRow]]:
        """What the ERP calls the entity, and further documents that belong to it, oldest first."""
        link = self._tables.link
        documents = self._of(link, kind, entity_id).order_by(link.c.booked_at, link.c.reference)
        main = _rows(LinkRow, connection.execute(documents.where(main_link(link))))
        further = connection.execute(documents.where(link.c.is_main.is_(None)))
        return main[0] if main else None, _rows(LinkRow, further)

    def write_backs_of(
        self, connection: sa.Connection, kind: str, entity_id: int
    ) -> list[WriteBackRow]:
        """What was written to Magento, or is to be."""
        table = self._tables.write_back
        statement = self._of(table, kind, entity_id).order_by(table.c.id)
        return _rows(WriteBackRow, connection.execute(statement))

    def parked_write_backs(self, connection: sa.Connection, limit: int) -> list[ParkedWriteBack]:
        """The newest of them, each with the number of its document."""
        w, e = self._tables.write_back, self._tables.entity
        statement = (
            sa.select(w.c.kind, w.c.entity_id, e.c.number, w.c.message)
            .join(e, sa.and_(e.c.kind == w.c.kind, e.c.entity_id == w.c.entity_id))
            .where(w.c.state == WriteBackState.PARKED)
            .order_by(w.c.id.desc())
            .limit(limit)
        )
        return [ParkedWriteBack(*row) for row in connection.execute(statement)]

    def differences_of(
        self, connection: sa.Connection, kind: str, entity_id: int
    ) -> list[DifferenceRow]:
        """Differences of one entity, ended ones too."""
        table = self._tables.difference
        statement = self._of(table, kind, entity_id).order_by(table.c.id)
        return _rows(DifferenceRow, connection.execute(statement))

    def open_differences(self, connection: sa.Connection, documents: int) -> list[DifferenceRow]:
        """What still stands, of the `documents` that it was found in last, newest first."""
        table = self._tables.difference
        d = table.c
        newest = (
            sa.select(d.kind, d.entity_id, sa.func.max(d.id).label("id"))
            .where(d.resolved_at.is_(None))
            .group_by(d.kind, d.entity_id)
            .order_by(sa.desc("id"))
            .limit(documents)
            .subquery()
        )
        statement = (
            sa.select(table)
            .join(newest, sa.and_(newest.c.kind == d.kind, newest.c.entity_id == d.entity_id))
            .where(d.resolved_at.is_(None))
            .order_by(newest.c.id.desc(), d.id)
        )
        return _rows(DifferenceRow, connection.execute(statement))

    # --- acts -------------------------------------------------------------------------------

    def audit_of(self, connection: sa.Connection, subject: str) -> list[AuditRow]:
        """What operators did to one subject."""
        table = self._tables.audit
        statement = sa.select(table).where(table.c.subject == subject).order_by(table.c.id)
        return _rows(AuditRow, connection.execute(statement))

    def audit(
        self,
        connection: sa.Connection,
        *,
        subject: str | None = None,
        who: str | None = None,
        since: datetime | None = None,
        limit: int,
    ) -> list[AuditRow]:
        """What operators did, newest first."""
        c = self._tables.audit.c
        statement = sa.select(self._tables.audit).order_by(c.id.desc()).limit(limit)
        if subject:
            statement = statement.where(c.subject == subject)
        if who:
            statement = statement.where(c.who == who)
        if since:
            statement = statement.where(c.at >= naive(since))
        return _rows(AuditRow, connection.execute(statement))

    def _of(self, table: sa.TableClause, kind: str, entity_id: int) -> sa.Select[Any]:
        return sa.select(table).where(table.c.kind == kind, table.c.entity_id == entity_id)


def _rows(kind: type[_Row], found: Iterable[sa.Row[Any]]) -> list[_Row]:
    """As typed rows: a field has the name of its column, or the one that JSON has for it."""
    columns = dict(zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True))
    made = _MADE.get(kind, {})
    return [
        kind(
            **{
                field: _value(row._mapping[column], made.get(field))
                for field, column in columns.items()
            }
        )
        for row in found
    ]


def _value(stored: Any, made: Callable[[Any], Any] | None) -> Any:
    if isinstance(stored, datetime):
        return utc(stored)
    return made(stored) if made else stored
