"""Accepted events that are sent again as they were frozen: the same id, the same reference."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from sidecar.ledger import fit
from sidecar.ledger.moments import naive
from sidecar.ledger.tables import NOW, Tables
from sidecar.model.settlement import EventStatus


class Replays:
    """Tables `event` and `event_archive`, of what is over."""

    def __init__(self, tables: Tables) -> None:
        self._names = tables.names
        self._event = tables.event

    def accepted(
        self,
        connection: sa.Connection,
        domain: str,
        opening: str,
        since: datetime,
        until: datetime,
        most: int,
    ) -> list[str]:
        """Ids of the accepted events that opened what was made in [`since`, `until`), by age."""
        one = (
            "SELECT event_id, occurred_at, id FROM {} WHERE domain = %(domain)s "
            "AND status = %(accepted)s AND type = %(opening)s "
            "AND occurred_at >= %(since)s AND occurred_at < %(until)s"
        )
        rows = connection.exec_driver_sql(
            f"{one.format(self._names('event'))} UNION ALL "
            f"{one.format(self._names('event_archive'))} ORDER BY occurred_at, id LIMIT %(most)s",
            {
                "domain": domain,
                "accepted": EventStatus.ACCEPTED,
                "opening": opening,
                "since": naive(since),
                "until": naive(until),
                "most": most,
            },
        )
        return [str(row[0]) for row in rows]

    def begin(
        self, connection: sa.Connection, ids: Sequence[int], *, in_doubt: bool, ask: bool, why: str
    ) -> None:
        """Make accepted events due again, their attempts counted anew.

        `in_doubt`: the ERP may have what they say; `ask`: it is asked whether it has.  The caller
        holds the lock of the entities.
        """
        if not ids:
            return
        self._fetch(connection, ids)
        c = self._event.c
        connection.execute(
            sa.update(self._event)
            .where(c.id.in_(ids), c.status == EventStatus.ACCEPTED)
            .values(
                status=EventStatus.UNKNOWN if ask else EventStatus.PENDING,
                due_at=NOW,
                maybe_booked=int(in_doubt),
                absent=0,
                vouched=0,
                attempts=0,
                questions=0,
                crashes=0,
                first_sent_at=None,
                finished_at=None,
                reason=fit.text("event", "reason", why),
            )
        )

    def _fetch(self, connection: sa.Connection, ids: Sequence[int]) -> None:
        """Out of the archive, what of them is there."""
        parameters = {"ids": list(ids)}
        archive, event = self._names("event_archive"), self._names("event")
        connection.exec_driver_sql(
            f"INSERT INTO {event} SELECT * FROM {archive} WHERE id IN %(ids)s", parameters
        )
        connection.exec_driver_sql(f"DELETE FROM {archive} WHERE id IN %(ids)s", parameters)
