"""Which system this ledger belongs to, and the sign of life of the daemon that works on it."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import astuple
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.dialects.mysql import insert

from sidecar.ledger import fit
from sidecar.ledger.moments import utc
from sidecar.ledger.tables import NOW, Tables, in_seconds
from sidecar.model.identity import (
    Beat,
    Circumstances,
    Identity,
    IdentityVerdict,
    ReportedDoubt,
    ServerMark,
    Standing,
)

_ONLY = 1
#: Seconds for which a daemon's doubt is its word: it tells it again with every look.
_WORD_LASTS = 60


class Identities:
    """Table `identity`, of one row."""

    def __init__(self, tables: Tables) -> None:
        self._table = tables.identity

    def read(self, connection: sa.Connection, *, locked: bool = False) -> Identity | None:
        """What is recorded; None before the first install."""
        c = self._table.c
        told = c.told_at > in_seconds(-_WORD_LASTS)
        statement = sa.select(self._table, told.label("is_told")).where(c.id == _ONLY)
        row = connection.execute(statement.with_for_update() if locked else statement).first()
        if row is None:
            return None
        return Identity(
            servers=tuple(ServerMark(*mark) for mark in json.loads(row.servers)),
            magento_schema=row.magento_schema,
            ledger=row.ledger,
            base_urls=frozenset(json.loads(row.base_urls)),
            erps=json.loads(row.erps),
            original_erps=frozenset(json.loads(row.original_erps or "[]")),
            doubt=row.doubt,
            recorded_at=utc(row.recorded_at),
            recorded_by=row.recorded_by,
            reason=row.reason,
            beat=Beat(row.beat_by, row.beat, row.beat_machine, utc(row.beat_at))
            if row.beat_at
            else None,
            token=row.token,
            past_order=row.past_order,
            told=ReportedDoubt(Standing(row.told), row.told_why) if row.is_told else None,
        )

    def record(
        self,
        connection: sa.Connection,
        present: Circumstances,
        *,
        servers: tuple[ServerMark, ...],
        who: str,
        reason: str | None,
        original_erps: Collection[str] = (),
        doubt: str | None = None,
    ) -> None:
        """This is the system: `present`, on each of `servers`.

        The last beat is forgotten: what it was compared with is settled.
        """
        values = {
            "servers": json.dumps([astuple(server) for server in servers]),
            "magento_schema": present.magento_schema,
            "ledger": present.ledger,
            "base_urls": json.dumps(sorted(present.base_urls)),
            "erps": json.dumps(dict(present.erps)),
            "original_erps": json.dumps(sorted(original_erps)) if original_erps else None,
            "doubt": fit.text("identity", "doubt", doubt),
            "recorded_at": NOW,
            "recorded_by": fit.text("identity", "recorded_by", who),
            "reason": reason,
            "beat_by": None,
            "beat_at": None,
            "token": uuid4().hex,
            "past_order": present.known_order,
            "told": None,
            "told_why": None,
            "told_at": None,
        }
        connection.execute(
            insert(self._table).values(id=_ONLY, beat=0, **values).on_duplicate_key_update(**values)
        )

    def tell(self, connection: sa.Connection, judgement: IdentityVerdict, *, lasting: bool) -> None:
        """Leave a daemon's doubt for those who only look.

        `lasting`: it stands until somebody says which system this is; the process that found it out
        may be the only one that could.
        """
        values: dict[str, object] = {
            "told": judgement.standing.value,
            "told_why": judgement.why,
            "told_at": NOW,
        }
        if lasting:
            values["doubt"] = fit.text("identity", "doubt", judgement.why)
        connection.execute(sa.update(self._table).where(self._table.c.id == _ONLY).values(values))

    def last(self, connection: sa.Connection) -> tuple[str, int] | None:
        """Token and number of the last beat, for those who ask often."""
        c = self._table.c
        row = connection.execute(sa.select(c.token, c.beat).where(c.id == _ONLY)).first()
        return None if row is None else (row.token, int(row.beat))

    def beat(
        self, connection: sa.Connection, owner: str, machine: str | None, *, past: int = 0
    ) -> Beat:
        """Leave a sign of life, which ends a doubt that was told.

        `past`: the last number that anybody knows.  A replica may lack it, and it never comes
        again: a beat that goes back is what a restore is told by.
        """
        c = self._table.c
        connection.execute(
            sa.update(self._table)
            .where(c.id == _ONLY)
            .values(
                beat=sa.func.greatest(c.beat, past) + 1,
                beat_by=owner,
                beat_machine=machine,
                beat_at=NOW,
            )
            .values(told=None, told_why=None, told_at=None)
        )
        row = connection.execute(sa.select(c.beat, c.beat_at).where(c.id == _ONLY)).one()
        return Beat(owner, int(row.beat), machine, utc(row.beat_at))
