"""What was told of totals that are told as sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa

from sidecar.database.connection import insert_rows
from sidecar.ledger.tables import Tables

#: The row of a kind that says when its totals were last read, and which whoever reads them locks.
_READ = ""


@dataclass(frozen=True, slots=True)
class ToldSum:
    """One total: its row, what was told of it altogether, in how many messages."""

    id: int
    total: Decimal
    messages: int


class Sums:
    """Table `told_sum`."""

    def __init__(self, tables: Tables) -> None:
        self._table = tables.names("told_sum")

    def lock(self, connection: sa.Connection, kind: str) -> datetime | None:
        """When the totals of a kind were last read; None where they never were.

        The row is locked: what is read after this call is newer than all that was told, and nobody
        else tells of it until this transaction ends.
        """
        found = connection.exec_driver_sql(
            f"SELECT told_at FROM {self._table} WHERE kind = %s AND name = %s FOR UPDATE",
            (kind, _READ),
        )
        moment: datetime | None = found.scalar_one_or_none()
        return moment

    def told(self, connection: sa.Connection, kind: str) -> dict[str, ToldSum]:
        """Name → what was told of each total of a kind."""
        rows = connection.exec_driver_sql(
            f"SELECT name, id, total, messages FROM {self._table} WHERE kind = %s AND name <> %s",
            (kind, _READ),
        )
        return {row.name: ToldSum(row.id, row.total, row.messages) for row in rows}

    def note(
        self, connection: sa.Connection, kind: str, totals: Mapping[str, Decimal], at: datetime
    ) -> None:
        """Make rows for totals that were not known, and note that all were read at this moment.

        What is there already stays as it is: `tell` changes it.
        """
        insert_rows(
            connection,
            f"{self._table} (kind, name, total, messages, told_at)",
            "(%s, %s, %s, 0, %s)",
            [(kind, name, total, at) for name, total in (*totals.items(), (_READ, Decimal(0)))],
            f"ON DUPLICATE KEY UPDATE told_at = IF(name = '{_READ}', VALUES(told_at), told_at)",
        )

    def tell(
        self,
        connection: sa.Connection,
        kind: str,
        changes: Sequence[tuple[str, Decimal]],
        at: datetime,
    ) -> None:
        """One more message of each of these totals, which are known, brings it to this."""
        insert_rows(
            connection,
            f"{self._table} (kind, name, total, messages, told_at)",
            "(%s, %s, %s, 0, %s)",
            [(kind, name, total, at) for name, total in changes],
            "ON DUPLICATE KEY UPDATE total = VALUES(total), messages = messages + 1, "
            "told_at = VALUES(told_at)",
        )
