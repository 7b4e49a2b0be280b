"""A table of Magento's whose changes its own triggers note in a changelog, which its indexer reads.

Which triggers these are is not looked for: their names are abbreviated by length, and an account
sees them only with the right to make some.  That a change was noted is seen where it counts, in
the transaction that made it; once in each run, for each question waits for a busy server.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import sqlalchemy as sa

from sidecar.model.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class NewRow:
    """What a row is to hold; `entity`: by which id the changelog names it."""

    key: int
    entity: int
    values: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class NotedTable:
    """`key`: its primary key; `columns`: those that are written; `lock`: how rows are locked."""

    name: str
    changelog: str
    key: str
    columns: tuple[str, ...]
    lock: str

    def locked(self, connection: sa.Connection, keys: Sequence[int]) -> dict[int, tuple[Any, ...]]:
        """Key → what the columns hold, of those rows that nobody else holds."""
        if not keys:
            return {}
        rows = connection.exec_driver_sql(
            f"SELECT {self.key}, {', '.join(self.columns)} FROM {self.name} "
            f"WHERE {self.key} IN %s ORDER BY {self.key} {self.lock}",
            (list(keys),),
        )
        return {row[0]: tuple(row[1:]) for row in rows}

    def update(self, connection: sa.Connection, rows: Sequence[NewRow], proved: set[str]) -> None:
        """Let rows, each of which is locked and differs, hold this.

        Raises ConfigurationError where the changelog does not have them afterwards; that is looked
        at unless this table is among `proved`, to which it then belongs.
        """
        if not rows:
            return
        if self.name in proved:
            self._update(connection, rows)
            return
        noted = self._noted(connection)
        self._update(connection, rows)
        self._require_noted(connection, noted, rows[0].entity)
        proved.add(self.name)

    def _update(self, connection: sa.Connection, rows: Sequence[NewRow]) -> None:
        names = ("id", *self.columns)
        first = ", ".join(f"%s AS {name}" for name in names)
        further = f" UNION ALL SELECT {', '.join(['%s'] * len(names))}" * (len(rows) - 1)
        sets = ", ".join(f"present.{name} = told.{name}" for name in self.columns)
        connection.exec_driver_sql(
            # Joined in this order, so that no other row is looked at, and none waited for.
            f"UPDATE (SELECT {first}{further}) AS told STRAIGHT_JOIN {self.name} AS present "
            f"ON present.{self.key} = told.id SET {sets}",
            tuple(chain.from_iterable((row.key, *row.values) for row in rows)),
        )

    def _noted(self, connection: sa.Connection) -> int:
        rows = connection.exec_driver_sql(f"SELECT MAX(version_id) FROM {self.changelog}")
        return int(rows.scalar_one() or 0)

    def _require_noted(self, connection: sa.Connection, before: int, entity: int) -> None:
        rows = connection.exec_driver_sql(
            f"SELECT 1 FROM {self.changelog} WHERE version_id > %s AND entity_id = %s LIMIT 1",
            (before, entity),
        )
        if rows.first() is None:
            raise ConfigurationError(
                f"no trigger of Magento's noted a change of {self.name} in {self.changelog}: its "
                "index would not learn of it (nothing was written)",
                "let Magento make its triggers anew (bin/magento indexer:set-mode realtime, then "
                "schedule, for inventory and cataloginventory_stock), or write "
                "domains.stock.write: rest",
            )
