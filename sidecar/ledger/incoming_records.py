"""What operators read of the ERP's own news, as typed rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from sidecar.ledger.incoming import OPEN
from sidecar.ledger.moments import utc
from sidecar.ledger.tables import NOW, Tables, in_seconds

#: Digits of what can be an id.
_LONGEST_ID = 18


class IncomingRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One news; `kind` and `entity_id`: the Magento document that it is about, where known."""

    id: int
    domain: str
    account: str
    number: str
    status: str
    kind: str | None
    entity_id: int | None
    state: str | None
    told_at: datetime | None
    tries: int
    what: str | None
    remedy: str | None
    document: int | None
    due_at: datetime | None
    created_at: datetime
    finished_at: datetime | None


class IncomingDetail(IncomingRecord, frozen=True, kw_only=True):
    """The same with what the ERP said."""

    payload: msgspec.Raw


class IncomingCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many news of a domain stand in a status; `oldest`: since when the first waits."""

    domain: str
    status: str
    count: int
    oldest: datetime | None


class IncomingRecords:
    """Table `incoming`, for people."""

    def __init__(self, tables: Tables) -> None:
        self._table = tables.incoming

    def listed(
        self,
        connection: sa.Connection,
        *,
        domain: str | None = None,
        statuses: Sequence[str] = (),
        limit: int = 100,
    ) -> list[IncomingRecord]:
        """The newest first."""
        c = self._table.c
        statement = sa.select(*_columns(self._table)).order_by(c.id.desc()).limit(limit)
        if domain is not None:
            statement = statement.where(c.domain == domain)
        if statuses:
            statement = statement.where(c.status.in_(statuses))
        return [IncomingRecord(**_values(row)) for row in connection.execute(statement)]

    def find(self, connection: sa.Connection, name: str) -> list[IncomingDetail]:
        """Those with the ERP's number, or the one with this id; the newest first.

        An order's number is digits too: what a number names is never mixed with what an id does.
        """
        c = self._table.c
        found = self._found(connection, c.number == name)
        if found or not name.isdecimal() or len(name) > _LONGEST_ID:
            return found
        return self._found(connection, c.id == int(name)) if name == str(int(name)) else []

    def _found(
        self, connection: sa.Connection, chosen: sa.ColumnElement[bool]
    ) -> list[IncomingDetail]:
        c = self._table.c
        statement = (
            sa.select(*_columns(self._table), c.payload)
            .where(chosen)
            .order_by(c.id.desc())
            .limit(100)
        )
        return [
            IncomingDetail(**_values(row), payload=msgspec.Raw(row.payload.encode()))
            for row in connection.execute(statement)
        ]

    def of(self, connection: sa.Connection, kind: str, entity_id: int) -> list[IncomingRecord]:
        """Those about one Magento document, the oldest first."""
        c = self._table.c
        rows = connection.execute(
            sa.select(*_columns(self._table))
            .where(c.kind == kind, c.entity_id == entity_id)
            .order_by(c.id)
        )
        return [IncomingRecord(**_values(row)) for row in rows]

    def counts(self, connection: sa.Connection) -> list[IncomingCount]:
        """What is open or waits for a person, by domain and status."""
        c = self._table.c
        rows = connection.execute(
            sa.select(
                c.domain,
                c.status,
                sa.func.count().label("news"),
                sa.func.min(c.waiting_since).label("oldest"),
            )
            .where(c.status.in_((*OPEN, "parked", "differs")))
            .group_by(c.domain, c.status)
            .order_by(c.domain, c.status)
        )
        return [
            IncomingCount(
                domain=row.domain, status=row.status, count=row.news, oldest=utc(row.oldest)
            )
            for row in rows
        ]

    def again(self, connection: sa.Connection, incoming: int, *, as_is: bool) -> None:
        """Try it anew at once; `as_is`: whatever rule of the configuration is against it."""
        connection.execute(
            sa.update(self._table)
            .where(self._table.c.id == incoming)
            .values(
                status="waiting",
                due_at=NOW,
                waiting_since=NOW,
                finished_at=None,
                tries=0,
                as_is=as_is,
            )
        )

    def drop(self, connection: sa.Connection, incoming: int) -> None:
        """Nothing is to become of it."""
        connection.execute(
            sa.update(self._table)
            .where(self._table.c.id == incoming)
            .values(status="dropped", due_at=None, finished_at=in_seconds(0))
        )

    def lock(self, connection: sa.Connection, ids: Sequence[int]) -> dict[int, str]:
        """Id → status of these rows, held to the end of the transaction."""
        c = self._table.c
        rows = connection.execute(sa.select(c.id, c.status).where(c.id.in_(ids)).with_for_update())
        return {row.id: row.status for row in rows}


def _columns(table: sa.TableClause) -> list[sa.ColumnElement[Any]]:
    return [table.c[name] for name in IncomingRecord.__struct_fields__]


def _values(row: Any) -> dict[str, Any]:
    return {
        name: utc(value) if isinstance(value, datetime) else value
        for name in IncomingRecord.__struct_fields__
        for value in (row._mapping[name],)
    }
