"""End-to-end checks under way: which stations have seen each of them, by the database's clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import sqlalchemy as sa

from sidecar.ledger import fit
from sidecar.ledger.tables import NOW, Tables, in_seconds

#: What the outbox calls a hint that points at a check.
CHECK = "check"
Reached = Literal["looked_at", "taken_at", "answered_at", "written_at"]


@dataclass(frozen=True, slots=True)
class CheckRun:
    """One check; a moment is None until its station has seen it."""

    asked_at: datetime
    looked_at: datetime | None
    taken_at: datetime | None
    answered_at: datetime | None
    written_at: datetime | None
    answer: str | None
    failure: str | None
    remedy: str | None


class CheckRuns:
    """Table `check_run`: empty unless somebody checks at this moment."""

    def __init__(self, tables: Tables) -> None:
        self._table = tables.check_run

    def begin(self, connection: sa.Connection, who: str, seconds: float) -> int:
        """A check that is over, whatever became of it, in so many seconds; gives its id."""
        made = connection.execute(
            sa.insert(self._table).values(
                asked_by=fit.text("check_run", "asked_by", who),
                asked_at=NOW,
                until=in_seconds(seconds),
            )
        )
        return int(made.lastrowid)

    def note_hint(self, connection: sa.Connection, run: int, hint: int) -> None:
        """Its hint in the outbox, to be found by its key when nobody took it."""
        c = self._table.c
        connection.execute(sa.update(self._table).where(c.id == run).values(hint=hint))

    def read(self, connection: sa.Connection, run: int) -> CheckRun | None:
        """How far it has come; None when it is gone."""
        c = self._table.c
        row = connection.execute(
            sa.select(
                c.asked_at, c.looked_at, c.taken_at, c.answered_at, c.written_at, c.answer,
                c.failure, c.remedy,
            ).where(c.id == run)
        ).first()  # fmt: skip
        return CheckRun(*row) if row else None

    def unanswered(self, connection: sa.Connection) -> list[int]:
        """Those that intake has seen and for which the ERP is to be asked."""
        c = self._table.c
        return self._waiting(connection, c.looked_at.is_not(None), c.answered_at.is_(None))

    def unwritten(self, connection: sa.Connection) -> list[int]:
        """Those for which the ERP has answered, and whose way back is to be walked."""
        c = self._table.c
        return self._waiting(connection, c.answered_at.is_not(None), c.written_at.is_(None))

    def reached(self, connection: sa.Connection, runs: Sequence[int], station: Reached) -> None:
        """A station has seen them."""
        c = self._table.c
        connection.execute(
            sa.update(self._table)
            .where(c.id.in_(runs), c[station].is_(None))
            .values({station: NOW})
        )

    def answered(self, connection: sa.Connection, run: int, answer: str) -> None:
        """What the ERP said."""
        c = self._table.c
        connection.execute(
            sa.update(self._table)
            .where(c.id == run)
            .values(answered_at=NOW, answer=fit.text("check_run", "answer", answer))
        )

    def failed(self, connection: sa.Connection, run: int, message: str, remedy: str) -> None:
        """It came to an end before its time."""
        c = self._table.c
        connection.execute(
            sa.update(self._table)
            .where(c.id == run)
            .values(
                failure=fit.text("check_run", "failure", message),
                remedy=fit.text("check_run", "remedy", remedy),
            )
        )

    def end(self, connection: sa.Connection, run: int) -> int | None:
        """Remove it; gives its hint."""
        c = self._table.c
        hint = connection.execute(sa.select(c.hint).where(c.id == run)).scalar_one_or_none()
        connection.execute(sa.delete(self._table).where(c.id == run))
        return hint

    def left_over(self, connection: sa.Connection) -> list[int]:
        """Those whose asker died: he would have removed them by now."""
        c = self._table.c
        return list(connection.execute(sa.select(c.id).where(c.until < NOW)).scalars())

    def _waiting(self, connection: sa.Connection, *conditions: sa.ColumnElement[bool]) -> list[int]:
        c = self._table.c
        statement = sa.select(c.id).where(*conditions, c.failure.is_(None), c.until > NOW)
        return list(connection.execute(statement).scalars())
