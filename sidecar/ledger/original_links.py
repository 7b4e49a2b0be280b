"""The documents of another system's ERP, which count for nothing in a copy.

A document's number means something within one ERP only: the test ERP of a copy gives numbers that
the original's has given, and what is under such a number there is another order's document
(docs/decisions/0053).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import sqlalchemy as sa

from sidecar.ledger.tables import Tables
from sidecar.model.identity import Circumstances, Identity


class OriginalLinks:
    """Tables `original_link` and `original_former_link`, of the shape of those that they keep."""

    def __init__(self, tables: Tables) -> None:
        #: Each table, and the one of the same columns in which its rows are set aside.
        self._pairs = (
            (tables.link, tables.original_link),
            (tables.former_link, tables.original_former_link),
        )

    def sort(
        self,
        connection: sa.Connection,
        recorded: Identity,
        present: Circumstances,
        kinds: Mapping[str, Sequence[str]],
        *,
        is_copy: bool,
    ) -> None:
        """Somebody said what this is: only documents of the ERPs that are spoken to stay known.

        `kinds`: of which kinds documents go to each ERP account.
        """
        if is_copy and not recorded.is_copy:
            self._set_aside(connection)
        elif is_copy:
            moved = [name for name, at in present.erps.items() if recorded.erps.get(name) != at]
            self._forget(connection, _of(moved, kinds))
        elif recorded.is_copy:
            ours = [name for name, at in present.erps.items() if at in recorded.original_erps]
            self._bring_back(connection, _of(ours, kinds))

    def _set_aside(self, connection: sa.Connection) -> None:
        """This is a copy: no document of the original's ERPs is known to it."""
        for live, kept in self._pairs:
            connection.execute(sa.delete(kept))
            connection.execute(_moved(live, kept))
            connection.execute(sa.delete(live))

    def _bring_back(self, connection: sa.Connection, kinds: Collection[str]) -> None:
        """Of these kinds the original's ERP is spoken to again: what was set aside counts."""
        self._forget(connection, kinds)
        for live, kept in self._pairs:
            chosen = kept.c.kind.in_(kinds)
            connection.execute(_moved(kept, live, chosen))
            connection.execute(sa.delete(kept).where(chosen))

    def _forget(self, connection: sa.Connection, kinds: Collection[str]) -> None:
        """Another ERP is spoken to about these kinds, which has none of the documents."""
        for live, _ in self._pairs:
            connection.execute(sa.delete(live).where(live.c.kind.in_(kinds)))


def _of(accounts: Iterable[str], kinds: Mapping[str, Sequence[str]]) -> list[str]:
    return [kind for account in accounts for kind in kinds.get(account, ())]


def _moved(
    source: sa.TableClause, target: sa.TableClause, chosen: sa.ColumnElement[bool] | None = None
) -> sa.Insert:
    rows = sa.select(source)
    return sa.insert(target).from_select(
        list(source.c.keys()), rows if chosen is None else rows.where(chosen)
    )
