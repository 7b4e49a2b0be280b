"""How the daemon stands, in one line: for `systemctl status`."""

from __future__ import annotations

from datetime import timedelta

from sidecar.database import Database
from sidecar.ledger.overview import Overview
from sidecar.ledger.store import LedgerStore


class StatusLine:
    """Asked every few seconds, so it reads what waits, by an index, and nothing that is over."""

    def __init__(self, database: Database, ledger: LedgerStore, domain: str, account: str) -> None:
        self._database = database
        self._ledger = ledger
        self._domain = domain
        self._account = account

    def __call__(self, works: bool) -> str:
        """The line; `works`: this daemon holds the work lease."""
        with self._database.transaction("reading how things stand") as connection:
            overview = Overview(self._ledger.tables)
            count, oldest = overview.waiting(connection, self._domain)
            control = self._ledger.control.read(connection, [self._domain])[self._domain]
            account = self._ledger.accounts.read(connection, self._account)
            holder = None if works else self._ledger.work_lease.holder(connection)
        role = "working" if works else f"standing by, {holder or 'nobody any more'} works"
        standing = "stopped" if control.stopped_at else "paused" if control.paused else "open"
        age = "-" if oldest is None else str(timedelta(seconds=int(oldest)))
        breaker = "open" if account.open else "closed"
        return (
            f"{role}; {self._domain} {standing}: {count} waiting, oldest {age}; breaker {breaker}"
        )
