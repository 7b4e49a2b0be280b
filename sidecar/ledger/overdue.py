"""Documents that have stood in one state of the ERP's for longer than somebody wants to wait."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from sidecar.ledger.differences import Differences
from sidecar.ledger.incoming import Incoming
from sidecar.ledger.tables import NOW, Tables
from sidecar.model.settlement import Difference
from sidecar.model.span import age

#: The class of the difference that tells an operator of one.
LATE = "erp_state_late"


@dataclass(frozen=True, slots=True)
class Overdue:
    """One document, by its number, and the state that it does not leave."""

    entity_id: int
    number: str
    state: str


class OverdueStates:
    """`incoming` and `link` tell in which state a document is, `difference` what was told of it."""

    def __init__(self, tables: Tables, incoming: Incoming, differences: Differences) -> None:
        self._names = tables.names
        self._difference = tables.difference
        self._incoming = incoming
        self._differences = differences

    def begin(
        self, connection: sa.Connection, domain: str, kind: str, limits: Mapping[str, float]
    ) -> list[Overdue]:
        """Keep a difference of each that has stood in its state for longer; gives the new ones.

        `limits`: state → seconds.  Each stay is told once: an operator who has closed the
        difference has seen it.
        """
        found = [
            one
            for state, seconds in limits.items()
            for one in self._standing(connection, domain, kind, state, seconds)
        ]
        for one in found:
            difference = Difference(LATE, f"at most {age(limits[one.state])}", one.state)
            self._differences.add_told(connection, domain, kind, one.entity_id, difference)
        return found

    def _standing(
        self, connection: sa.Connection, domain: str, kind: str, state: str, seconds: float
    ) -> list[Overdue]:
        """By the news that brought them there, or by their acceptance where no news came yet."""
        incoming, link = self._names("incoming"), self._names("link")
        rows = connection.exec_driver_sql(
            "SELECT e.entity_id, e.number FROM ("
            f"SELECT i.entity_id, i.finished_at AS since FROM {incoming} i "
            "WHERE i.state = %(state)s AND i.domain = %(domain)s AND i.kind = %(kind)s "
            "AND i.status = 'applied' "
            f"AND NOT EXISTS (SELECT 1 FROM {incoming} n WHERE n.kind = i.kind "
            "AND n.entity_id = i.entity_id AND n.domain = i.domain AND n.status = 'applied' "
            "AND n.state IS NOT NULL AND (n.finished_at, n.id) > (i.finished_at, i.id)) "
            "UNION ALL "
            f"SELECT l.entity_id, l.updated_at FROM {link} l WHERE l.kind = %(kind)s "
            "AND l.is_main = 1 AND l.status = %(state)s AND l.ended_at IS NULL "
            f"AND NOT EXISTS (SELECT 1 FROM {incoming} n WHERE n.kind = l.kind "
            "AND n.entity_id = l.entity_id AND n.domain = %(domain)s AND n.status = 'applied' "
            "AND n.state IS NOT NULL)) s "
            f"JOIN {self._names('entity')} e ON e.kind = %(kind)s AND e.entity_id = s.entity_id "
            "WHERE s.since < UTC_TIMESTAMP(3) - INTERVAL %(seconds)s SECOND "
            f"AND NOT EXISTS (SELECT 1 FROM {self._names('difference')} d "
            "WHERE d.kind = e.kind AND d.entity_id = e.entity_id AND d.domain = %(domain)s "
            "AND d.class = %(class)s AND d.theirs = %(state)s AND d.found_at >= s.since)",
            {
                "domain": domain,
                "kind": kind,
                "state": state,
                "seconds": int(seconds),
                "class": LATE,
            },
        )
        return [Overdue(row.entity_id, row.number, state) for row in rows]

    def end(self, connection: sa.Connection, domain: str, kind: str) -> None:
        """The differences of those that have gone on since are over."""
        c = self._difference.c
        rows = connection.execute(
            sa.select(c.id, c.entity_id, c.theirs).where(
                c.domain == domain, c.kind == kind, c["class"] == LATE, c.resolved_at.is_(None)
            )
        ).all()
        gone_on = [
            row.id
            for row in rows
            if self._incoming.state_of(connection, domain, kind, row.entity_id)
            not in (None, row.theirs)
        ]
        if gone_on:
            connection.execute(
                sa.update(self._difference).where(c.id.in_(gone_on)).values(resolved_at=NOW)
            )
