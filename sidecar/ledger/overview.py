"""How things stand in the ledger, in figures: how much waits, for how long, and for what.

Read-only, plain selects; single events and documents are in `sidecar.ledger.records`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import sqlalchemy as sa

from sidecar.ledger.events import GATE
from sidecar.ledger.tables import NOW, Tables, in_seconds
from sidecar.model.settlement import UNDER_WAY, WAITING, EventStatus
from sidecar.model.write_back import WriteBackState

_NEWEST = 1_000


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many wait; `longest`: seconds of the one that waits longest, None where none does."""

    count: int
    longest: float | None


class OpenDifferences(NamedTuple):
    """How many differences still stand, in how many documents."""

    differences: int
    documents: int


class Overview:
    """Questions over all tables of one ledger."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._names = tables.names

    def counts(self, connection: sa.Connection, domain: str) -> dict[EventStatus, int]:
        """Events by status; finished ones included until they are archived."""
        c = self._tables.event.c
        rows = connection.execute(
            sa.select(c.status, sa.func.count()).where(c.domain == domain).group_by(c.status)
        )
        return {EventStatus(status): int(count) for status, count in rows}

    def waiting(self, connection: sa.Connection, domain: str) -> Waiting:
        """Events that are not over and not a human's turn; since they were made."""
        c = self._tables.event.c
        statement = sa.select(sa.func.count(), _longest_since(c.created_at)).where(
            c.domain == domain, c.status.in_(WAITING)
        )
        return _waiting(connection, statement)

    def late(
        self, connection: sa.Connection, domain: str, status: EventStatus, seconds: float
    ) -> Waiting:
        """Events that are late by more than `seconds`.

        Those of the status `pending` count from when they were due, others from when they were
        sent.
        """
        c = self._tables.event.c
        moment = c.due_at if status is EventStatus.PENDING else c.sent_at
        statement = sa.select(sa.func.count(), _longest_since(moment)).where(
            c.domain == domain, c.status == status, moment <= in_seconds(-seconds)
        )
        return _waiting(connection, statement)

    def counts_of(
        self, connection: sa.Connection, domain: str, statuses: Sequence[EventStatus]
    ) -> dict[EventStatus, int]:
        """Events in these statuses, 0 too: to count those that are over takes long."""
        c = self._tables.event.c
        rows = connection.execute(
            sa.select(c.status, sa.func.count())
            .where(c.status.in_(statuses), c.domain == domain)
            .group_by(c.status)
        )
        counted = {EventStatus(status): int(count) for status, count in rows}
        return dict.fromkeys(statuses, 0) | counted

    def at_a_gate(self, connection: sa.Connection, domain: str) -> int:
        """Events that wait for a payment, a release or an earlier event: time alone moves none."""
        c = self._tables.event.c
        statement = sa.select(sa.func.count()).where(
            c.status == EventStatus.PENDING, c.domain == domain, c.due_at.is_(None)
        )
        return int(connection.execute(statement).scalar_one())

    def due(self, connection: sa.Connection, domain: str) -> int:
        """Events that may go now, or are on their way."""
        c = self._tables.event.c
        is_due = sa.or_(c.status.in_(UNDER_WAY), c.due_at <= NOW)
        statement = sa.select(sa.func.count()).where(
            c.status.in_(WAITING), c.domain == domain, is_due
        )
        return int(connection.execute(statement).scalar_one())

    def gates(self, connection: sa.Connection, domain: str) -> dict[str, int]:
        """How many events wait at each gate, by its name: payment, hold, state."""
        rows = connection.exec_driver_sql(
            "SELECT SUBSTRING_INDEX(SUBSTRING(waiting, %s), ':', 1) AS gate, COUNT(*) "
            f"FROM {self._names('event')} WHERE status = %s AND domain = %s "
            "AND due_at IS NULL AND waiting LIKE %s GROUP BY gate ORDER BY gate",
            (len(GATE) + 1, EventStatus.PENDING, domain, f"{GATE}%"),
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
        goes = sa.or_(c.status.in_(UNDER_WAY), c.due_at.is_not(None))
        seconds = connection.execute(
            sa.select(age).where(c.status.in_(WAITING), c.domain == domain, goes)
        ).scalar_one()
        return None if seconds is None else max(0.0, float(seconds))

    def write_backs_waiting(self, connection: sa.Connection) -> dict[str, Waiting]:
        """Answers that are not in Magento yet, by kind; kinds of which none waits are left out."""
        c = self._tables.write_back.c
        rows = connection.execute(
            sa.select(c.kind, sa.func.count(), _longest_since(c.waiting_since))
            .where(c.due_at.is_not(None))
            .group_by(c.kind)
        )
        return {kind: _counted(count, seconds) for kind, count, seconds in rows}

    def write_backs_parked(self, connection: sa.Connection) -> Counter[str]:
        """Answers that cannot be written into Magento until a person has found out why, by kind."""
        c = self._tables.write_back.c
        parked = sa.select(c.kind).where(c.state == WriteBackState.PARKED)
        return Counter(connection.execute(parked).scalars())

    def write_backs(self, connection: sa.Connection) -> dict[WriteBackState, int]:
        """Write-backs by state, 0 too."""
        c = self._tables.write_back.c
        rows = connection.execute(sa.select(c.state, sa.func.count()).group_by(c.state))
        counted = {WriteBackState(state): int(count) for state, count in rows}
        return dict.fromkeys(WriteBackState, 0) | counted

    def differing(self, connection: sa.Connection) -> OpenDifferences:
        """How many differences still stand, in how many documents."""
        row = connection.exec_driver_sql(
            "SELECT COUNT(*), COUNT(DISTINCT kind, entity_id) "
            f"FROM {self._names('difference')} WHERE resolved_at IS NULL"
        ).one()
        return OpenDifferences(int(row[0]), int(row[1]))

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
            .where(c.domain == domain, c.status == EventStatus.ACCEPTED)
            .order_by(c.id.desc())
            .limit(_NEWEST)
            .subquery()
        )
        at = connection.execute(sa.select(sa.func.max(newest.c.finished_at))).scalar_one()
        return at.replace(tzinfo=UTC) if at else None


def _longest_since(moment: sa.ColumnElement[datetime]) -> sa.ColumnElement[int]:
    return sa.func.timestampdiff(sa.literal_column("SECOND"), sa.func.min(moment), NOW)


def _waiting(connection: sa.Connection, statement: sa.Executable) -> Waiting:
    count, seconds = connection.execute(statement).one()
    return _counted(count, seconds)


def _counted(count: int, seconds: int | None) -> Waiting:
    return Waiting(int(count), None if seconds is None else max(0.0, float(seconds)))
