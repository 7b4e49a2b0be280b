"""What each event says: written once, apart from the event's own row, which is updated often."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from sidecar.database.connection import insert_rows
from sidecar.ledger.tables import Tables

#: (kind, entity_id, sequence): names an event among all, live or archived.
Key = tuple[str, int, int]


class Payloads:
    """Table `payload`."""

    def __init__(self, tables: Tables) -> None:
        self._payload = tables.payload
        self._names = tables.names

    def add(self, connection: sa.Connection, payloads: Sequence[tuple[Key, str]]) -> None:
        """Write the payloads of new events."""
        insert_rows(
            connection,
            f"{self._names('payload')} (kind, entity_id, sequence, payload)",
            "(%s, %s, %s, %s)",
            [(*key, payload) for key, payload in payloads],
        )

    def read(self, connection: sa.Connection, key: Key) -> str:
        """One event's payload."""
        statement = sa.select(self._payload.c.payload).where(self._is(key))
        return str(connection.execute(statement).scalar_one())

    def told(
        self, connection: sa.Connection, kind: str, ids: Sequence[int], *, newest: bool = False
    ) -> dict[int, str]:
        """What each entity said first, or last (`newest`), by entity id.

        Those that said nothing are missing.
        """
        if not ids:
            return {}
        table, chosen = self._names("payload"), "MAX" if newest else "MIN"
        rows = connection.exec_driver_sql(
            f"SELECT p.entity_id, p.payload FROM {table} p JOIN (SELECT entity_id, "
            f"{chosen}(sequence) AS sequence FROM {table} WHERE kind = %(kind)s "
            "AND entity_id IN %(ids)s GROUP BY entity_id) f "
            "ON f.entity_id = p.entity_id AND f.sequence = p.sequence WHERE p.kind = %(kind)s",
            {"kind": kind, "ids": sorted(set(ids))},
        )
        return {row[0]: row[1] for row in rows}

    def replace(self, connection: sa.Connection, key: Key, payload: str) -> None:
        """Let an event that no ERP has seen say something else."""
        connection.execute(sa.update(self._payload).where(self._is(key)).values(payload=payload))

    def _is(self, key: Key) -> sa.ColumnElement[Any]:
        c = self._payload.c
        return sa.and_(c.kind == key[0], c.entity_id == key[1], c.sequence == key[2])
