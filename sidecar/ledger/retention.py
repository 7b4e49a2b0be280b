"""Move finished events to the archive, and forget old breadcrumbs, in small transactions."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from sidecar.database.connection import Database
from sidecar.ledger.store import LedgerStore
from sidecar.model.settlement import OVER

_CHUNK = 500


class Retention:
    """`keep`: how long a finished event stays in the live table."""

    def __init__(self, database: Database, ledger: LedgerStore, keep: timedelta) -> None:
        self._database = database
        self._names = ledger.names
        self._keep = int(keep.total_seconds())

    def run_once(self) -> int:
        """Archive one chunk; gives how many events moved."""
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
