"""How the daemon stands, in one line: for `systemctl status`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

import sqlalchemy as sa

from sidecar.database.connection import Database
from sidecar.ledger.control import DomainControl
from sidecar.ledger.overview import Overview, Waiting
from sidecar.ledger.store import LedgerStore


class StatusLine:
    """Asked every few seconds, so it reads what waits, by an index, and nothing that is over.

    `accounts`: what the ledger calls the ERP accounts; `may_send`: whether this is the system that
    was installed (`sidecar.identity.clone_guard`).
    """

    def __init__(
        self,
        database: Database,
        ledger: LedgerStore,
        domains: Sequence[str],
        accounts: Sequence[str],
        may_send: Callable[[sa.Connection], bool],
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._domains = domains
        self._accounts = accounts
        self._may_send = may_send

    def __call__(self, works: bool) -> str:
        """The line; `works`: this daemon holds the work lease."""
        with self._database.transaction("reading how things stand") as connection:
            overview = Overview(self._ledger.tables)
            waiting = {name: overview.waiting(connection, name) for name in self._domains}
            controls = self._ledger.control.read(connection, self._domains)
            opened = [
                name for name in self._accounts if self._ledger.accounts.read(connection, name).open
            ]
            sends = self._may_send(connection)
            failing = self._ledger.stations.failing(connection)
            holder = None if works else self._ledger.work_lease.holder(connection)
        role = "working" if works else f"standing by, {holder or 'nobody any more'} works"
        doubt = "" if sends else "NOTHING IS SENT (erp-sidecar identity show); "
        queue = "; ".join(_queue(name, controls[name], waiting[name]) for name in self._domains)
        fails = "".join(f"{one.name} failing since {one.since:%H:%M} UTC; " for one in failing)
        return f"{doubt}{fails}{role}; {queue}; {self._breaker(opened)}"

    def _breaker(self, opened: Sequence[str]) -> str:
        if not opened:
            return "breaker closed"
        return "breaker open" if len(self._accounts) == 1 else f"breaker open: {', '.join(opened)}"


def _queue(name: str, control: DomainControl, waiting: Waiting) -> str:
    standing = "stopped" if control.stopped_at else "paused" if control.paused else "open"
    age = "-" if waiting.longest is None else str(timedelta(seconds=int(waiting.longest)))
    return f"{name} {standing}: {waiting.count} waiting, oldest {age}"
