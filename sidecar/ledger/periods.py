"""Which posting periods are closed, and what of one the ERP had only after that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa

from sidecar.ledger import fit
from sidecar.ledger.control import Audit
from sidecar.ledger.events import GATE, Events
from sidecar.ledger.moments import naive, utc
from sidecar.ledger.tables import Tables
from sidecar.model.settlement import OPEN, EventStatus


def waiting_for(period: str) -> str:
    """What an event says that waits for a closed period."""
    return f"{GATE}period: period {period} is closed"


@dataclass(frozen=True, slots=True)
class ClosedPeriod:
    """`waiting`: how many events wait for it."""

    period: str
    closed_at: datetime
    closed_by: str
    reason: str | None
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class CutOff:
    """A document of a period that the ERP did not have at the cut: it waits, or was sent later."""

    domain: str
    number: str
    event_id: str
    status: EventStatus
    why: str | None
    amount: Decimal | None
    currency: str | None
    made_at: datetime
    sent_at: datetime | None
    posting_date: datetime | None


class Periods:
    """Table `closed_period`; each close and opening stands in the audit."""

    def __init__(self, tables: Tables, events: Events, audit: Audit) -> None:
        self._names = tables.names
        self._events = events
        self._audit = audit

    def closed(self, connection: sa.Connection, *, kept: bool = False) -> frozenset[str]:
        """Their names; `kept`: nobody opens one of them until the commit."""
        rows = connection.exec_driver_sql(
            f"SELECT period FROM {self._names('closed_period')}"
            + (" LOCK IN SHARE MODE" if kept else "")
        )
        return frozenset(row[0] for row in rows)

    def closed_by(self, connection: sa.Connection) -> dict[str, str]:
        """Name of each closed one → who closed it."""
        rows = connection.exec_driver_sql(
            f"SELECT period, closed_by FROM {self._names('closed_period')}"
        )
        return {row[0]: row[1] for row in rows}

    def all(self, connection: sa.Connection) -> list[ClosedPeriod]:
        """The closed ones, the oldest first, with what waits for each."""
        rows = connection.exec_driver_sql(
            "SELECT period, closed_at, closed_by, reason "
            f"FROM {self._names('closed_period')} ORDER BY period"
        ).all()
        waits = connection.exec_driver_sql(
            f"SELECT waiting, COUNT(*) FROM {self._names('event')} "
            "WHERE status = %s AND waiting LIKE %s GROUP BY waiting",
            (EventStatus.PENDING, f"{GATE}period: %"),
        )
        waiting = {words: int(count) for words, count in waits}
        return [
            ClosedPeriod(
                row.period,
                utc(row.closed_at),
                row.closed_by,
                row.reason,
                waiting.get(waiting_for(row.period), 0),
            )
            for row in rows
        ]

    def close(self, connection: sa.Connection, period: str, who: str, reason: str | None) -> bool:
        """False where it was closed before, which stays as it is."""
        done = connection.exec_driver_sql(
            f"INSERT IGNORE INTO {self._names('closed_period')} "
            "(period, closed_at, closed_by, reason) VALUES (%s, UTC_TIMESTAMP(3), %s, %s)",
            (
                period,
                fit.text("closed_period", "closed_by", who),
                fit.text("closed_period", "reason", reason),
            ),
        )
        if done.rowcount == 1:
            self._audit.note(
                connection, who=who, command="calendar close", subject=period, reason=reason
            )
        return done.rowcount == 1

    def open(
        self,
        connection: sa.Connection,
        period: str,
        who: str,
        reason: str | None,
        *,
        closed_by: str | None = None,
    ) -> int | None:
        """How many events waited for it, which are looked at again; None: it was not closed.

        Waits for claims that decide by it.  `closed_by`: only where that one closed it.
        """
        done = connection.exec_driver_sql(
            f"DELETE FROM {self._names('closed_period')} WHERE period = %s "
            "AND closed_by = COALESCE(%s, closed_by)",
            (period, fit.text("closed_period", "closed_by", closed_by)),
        )
        if done.rowcount == 0:
            return None
        woken = self._events.wake_at(connection, waiting_for(period))
        self._audit.note(
            connection,
            who=who,
            command="calendar open",
            subject=period,
            reason=reason,
            detail={"woken": woken},
        )
        return woken

    def cut_off(
        self,
        connection: sa.Connection,
        domain: str,
        opening: str,
        first: datetime,
        after: datetime,
        cut: datetime,
    ) -> list[CutOff]:
        """Documents made in [`first`, `after`) that were not in the ERP at `cut`, by age."""
        one = (
            "SELECT domain, number, event_id, status, COALESCE(waiting, reason) AS why, amount, "
            "currency, occurred_at, sent_at, posting_date FROM {} WHERE domain = %(domain)s "
            "AND type = %(opening)s AND occurred_at >= %(first)s AND occurred_at < %(after)s "
            "AND (status IN %(open)s OR (status = %(accepted)s AND first_sent_at >= %(cut)s))"
        )
        rows = connection.exec_driver_sql(
            f"{one.format(self._names('event'))} UNION ALL "
            f"{one.format(self._names('event_archive'))} ORDER BY occurred_at, event_id",
            {
                "domain": domain,
                "opening": opening,
                "first": naive(first),
                "after": naive(after),
                "cut": naive(cut),
                "open": OPEN,
                "accepted": EventStatus.ACCEPTED,
            },
        )
        return [
            CutOff(
                row.domain,
                row.number,
                row.event_id,
                EventStatus(row.status),
                row.why,
                row.amount,
                row.currency,
                utc(row.occurred_at),
                utc(row.sent_at),
                utc(row.posting_date),
            )
            for row in rows
        ]
