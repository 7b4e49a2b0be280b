"""Move finished events to the archive, forget old breadcrumbs and the ERP's overtaken words.

In small transactions.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

import sqlalchemy as sa

from sidecar.database.connection import Database
from sidecar.ledger.store import LedgerStore
from sidecar.model.settlement import OVER

_CHUNK = 500
#: News that nobody goes on with: neither the daemon nor a person.
_NEWS_OVER = ("applied", "superseded", "dropped")


class Retention:
    """`keep`: how long a finished event stays in the live table.

    `levels`: the domains whose news are levels.
    """

    def __init__(
        self,
        database: Database,
        ledger: LedgerStore,
        keep: timedelta,
        levels: Collection[str] = (),
    ) -> None:
        self._database = database
        self._levels = tuple(levels)
        self._names = ledger.names
        self._keep = int(keep.total_seconds())

    def run_once(self) -> int:
        """Archive one chunk, forget one; gives how many events and news that was."""
        return self._archive() + self._forget_news()

    def _archive(self) -> int:
        with self._database.transaction("archiving finished events") as connection:
            self._forget_faults(connection)
            ids = self._finished(connection)
            if not ids:
                return 0
            connection.execute(
                sa.text(
                    f"INSERT IGNORE INTO {self._names('event_archive')} "
                    f"SELECT * FROM {self._names('event')} WHERE id IN :ids"
                ).bindparams(sa.bindparam("ids", expanding=True)),
                {"ids": ids},
            )
            connection.execute(
                sa.text(f"DELETE FROM {self._names('event')} WHERE id IN :ids").bindparams(
                    sa.bindparam("ids", expanding=True)
                ),
                {"ids": ids},
            )
        return len(ids)

    def _forget_news(self) -> int:
        """What the ERP said of a document goes once a newer word on it was applied; the last stays.

        An ERP that is asked for everything tells it for ever: without the row a delivery that an
        operator dropped, because it was booked by hand, would be made.  Of levels nothing stays:
        Magento's tables are their memory.
        """
        incoming = self._names("incoming")
        with self._database.transaction("forgetting overtaken news") as connection:
            rows = connection.execute(
                sa.text(
                    f"SELECT r.id FROM {incoming} r WHERE r.status IN :over "
                    "AND r.finished_at < UTC_TIMESTAMP(3) - INTERVAL :keep SECOND "
                    "AND (r.domain IN :levels OR EXISTS ("
                    f"SELECT 1 FROM {incoming} n WHERE n.domain = r.domain "
                    "AND n.account = r.account AND n.number = r.number AND n.status = 'applied' "
                    "AND n.id > r.id AND n.finished_at >= r.finished_at "
                    "AND (r.told_at IS NULL OR n.told_at >= r.told_at))) "
                    "ORDER BY r.id LIMIT :chunk"
                ).bindparams(
                    sa.bindparam("over", expanding=True), sa.bindparam("levels", expanding=True)
                ),
                {"over": _NEWS_OVER, "levels": self._levels, "keep": self._keep, "chunk": _CHUNK},
            )
            ids = [row.id for row in rows]
            if ids:
                connection.execute(
                    sa.text(f"DELETE FROM {incoming} WHERE id IN :ids").bindparams(
                        sa.bindparam("ids", expanding=True)
                    ),
                    {"ids": ids},
                )
        return len(ids)

    def _forget_faults(self, connection: sa.Connection) -> None:
        connection.execute(
            sa.text(
                f"DELETE FROM {self._names('outbox_fault')} "
                "WHERE created_at < CURRENT_TIMESTAMP(3) - INTERVAL :keep SECOND "
                "ORDER BY id LIMIT :chunk"
            ),
            {"keep": self._keep, "chunk": _CHUNK},
        )

    def _finished(self, connection: sa.Connection) -> list[int]:
        rows = connection.execute(
            sa.text(
                f"SELECT id FROM {self._names('event')} "
                "WHERE status IN :over "
                "AND finished_at < UTC_TIMESTAMP(3) - INTERVAL :keep SECOND "
                "ORDER BY id LIMIT :chunk"
            ).bindparams(sa.bindparam("over", expanding=True)),
            {"over": OVER, "keep": self._keep, "chunk": _CHUNK},
        )
        return [row.id for row in rows]
