"""What another system's ERP said, which counts for nothing in a copy.

A cursor is a moment on one ERP's clock, and a number means something within one ERP only: the test
ERP of a copy would not be asked for what it changed before that moment, and its delivery L-1001
would be taken for the one that the original's told of.
"""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from sidecar.ledger.tables import Tables
from sidecar.model.identity import Circumstances, Identity


class OriginalNews:
    """Tables `original_incoming` and `original_cursor`, of the shape of those that they keep."""

    def __init__(self, tables: Tables) -> None:
        #: Each table, and the one of the same columns in which its rows are set aside.
        self._pairs = (
            (tables.incoming, tables.original_incoming),
            (tables.cursor, tables.original_cursor),
        )

    def sort(
        self,
        connection: sa.Connection,
        recorded: Identity,
        present: Circumstances,
        *,
        is_copy: bool,
    ) -> None:
        """Somebody said what this is: only news of the ERPs that are spoken to stay known."""
        if is_copy and not recorded.is_copy:
            self._set_aside(connection)
        elif is_copy:
            moved = [name for name, at in present.erps.items() if recorded.erps.get(name) != at]
            self._forget(connection, moved)
        elif recorded.is_copy:
            ours = [name for name, at in present.erps.items() if at in recorded.original_erps]
            self._bring_back(connection, ours)

    def _set_aside(self, connection: sa.Connection) -> None:
        for live, kept in self._pairs:
            connection.execute(sa.delete(kept))
            columns = list(live.c.keys())
            connection.execute(sa.insert(kept).from_select(columns, sa.select(live)))
            connection.execute(sa.delete(live))

    def _bring_back(self, connection: sa.Connection, accounts: Collection[str]) -> None:
        """The original's ERP is spoken to again: what it said counts, it is asked from there."""
        self._forget(connection, accounts)
        for live, kept in self._pairs:
            chosen = kept.c.account.in_(accounts)
            columns = list(kept.c.keys())
            rows = sa.select(kept).where(chosen)
            connection.execute(sa.insert(live).from_select(columns, rows))
            connection.execute(sa.delete(kept).where(chosen))

    def _forget(self, connection: sa.Connection, accounts: Collection[str]) -> None:
        for live, _ in self._pairs:
            connection.execute(sa.delete(live).where(live.c.account.in_(accounts)))
