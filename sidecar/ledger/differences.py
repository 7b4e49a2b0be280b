"""What the ERP's figures and ours do not agree on, until a person or a newer answer ends it."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from sidecar.database.connection import insert_rows
from sidecar.ledger import fit
from sidecar.ledger.claims import Claimed
from sidecar.ledger.tables import NOW, Tables
from sidecar.model.settlement import Difference


class Differences:
    """Table `difference`."""

    def __init__(self, tables: Tables) -> None:
        self._difference = tables.difference
        self._names = tables.names

    def add(self, connection: sa.Connection, found: Sequence[tuple[Claimed, Difference]]) -> None:
        """Keep what was found."""
        insert_rows(
            connection,
            f"{self._names('difference')} (domain, kind, entity_id, number, class, ours, "
            "theirs, amount, currency, event, found_at)",
            f"({'%s, ' * 10}UTC_TIMESTAMP(3))",
            [_row(claimed, difference) for claimed, difference in found],
        )

    def add_told(
        self,
        connection: sa.Connection,
        domain: str,
        kind: str,
        entity_id: int,
        difference: Difference,
    ) -> None:
        """Keep what the ERP said by itself and cannot be; what stands there already stays once."""
        table = self._names("difference")
        connection.exec_driver_sql(
            f"INSERT INTO {table} (domain, kind, entity_id, number, class, ours, theirs, amount, "
            "currency, found_at) SELECT %(domain)s, e.kind, e.entity_id, e.number, %(class)s, "
            "%(ours)s, %(theirs)s, %(amount)s, e.currency, UTC_TIMESTAMP(3) "
            f"FROM {self._names('entity')} e WHERE e.kind = %(kind)s AND e.entity_id = %(id)s "
            f"AND NOT EXISTS (SELECT 1 FROM {table} d WHERE d.kind = e.kind "
            "AND d.entity_id = e.entity_id AND d.domain = %(domain)s AND d.class = %(class)s "
            "AND d.theirs <=> %(theirs)s AND d.resolved_at IS NULL)",
            {
                "domain": domain,
                "kind": kind,
                "id": entity_id,
                "class": fit.text("difference", "class", difference.kind),
                "ours": fit.text("difference", "ours", difference.ours),
                "theirs": fit.text("difference", "theirs", difference.theirs),
                "amount": fit.number("difference", "amount", difference.amount),
            },
        )

    def end(self, connection: sa.Connection, kind: str, entity_ids: Sequence[int]) -> int:
        """Nothing that was found of these entities so far stands any more; gives how much that was.

        A newer answer was compared, or a person has seen to it.
        """
        if not entity_ids:
            return 0
        c = self._difference.c
        ended = connection.execute(
            sa.update(self._difference)
            .where(c.kind == kind, c.entity_id.in_(entity_ids), c.resolved_at.is_(None))
            .values(resolved_at=NOW)
        )
        return int(ended.rowcount)


def _row(claimed: Claimed, difference: Difference) -> tuple[object, ...]:
    return (
        claimed.domain,
        claimed.kind,
        claimed.entity_id,
        claimed.number,
        fit.text("difference", "class", difference.kind),
        fit.text("difference", "ours", difference.ours),
        fit.text("difference", "theirs", difference.theirs),
        fit.number("difference", "amount", difference.amount),
        claimed.currency,
        claimed.id,
    )
