"""What an operator does to a whole domain: look at it, pause it, let it go on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from sidecar.database.connection import Database
from sidecar.ledger.control import DomainControl
from sidecar.ledger.store import LedgerStore
from sidecar.model.errors import UsageError
from sidecar.operate.queue import By


class Change(StrEnum):
    """What an act came to."""

    PAUSED = "paused"
    ALREADY_PAUSED = "already_paused"
    RESUMED = "resumed"
    ALREADY_WORKING = "already_working"


class DomainSwitch:
    """`accounts`: each enabled domain, and what the ledger calls the ERP account that it uses."""

    def __init__(self, database: Database, store: LedgerStore, accounts: Mapping[str, str]) -> None:
        self._database = database
        self._store = store
        self._accounts = accounts

    def list(self) -> list[DomainControl]:
        """Each domain: whether it works, and why not."""
        with self._database.transaction("reading domains") as connection:
            return [*self._store.control.read(connection, list(self._accounts)).values()]

    def pause(
        self, domain: str, by: By, *, until: datetime | None, dry_run: bool = False
    ) -> Change:
        """Send nothing more of a domain until `until` (None: until it is resumed)."""
        self._require_enabled(domain)
        with self._database.transaction("pausing the domain") as connection:
            before = self._store.control.read(connection, [domain])[domain]
            if not dry_run:
                self._store.control.pause(
                    connection, domain, until=until, who=by.who, reason=by.reason
                )
                self._store.audit.note(
                    connection,
                    who=by.who,
                    command="domain pause",
                    subject=domain,
                    reason=by.reason,
                    detail={"until": until},
                )
        return Change.ALREADY_PAUSED if before.paused else Change.PAUSED

    def resume(self, domain: str, by: By, *, dry_run: bool = False) -> Change:
        """End a pause, a stop that followed an answer of the ERP, or a wait that it asked for."""
        self._require_enabled(domain)
        account = self._accounts[domain]
        with self._database.transaction("resuming the domain") as connection:
            before = self._store.control.read(connection, [domain])[domain]
            waits = self._store.accounts.read(connection, account).slow_for > 0
            if not dry_run:
                self._store.control.resume(connection, domain)
                if waits:
                    self._store.accounts.end_wait(connection, account)
                    self._store.events.hurry(connection, domain)
                self._store.audit.note(
                    connection,
                    who=by.who,
                    command="domain resume",
                    subject=domain,
                    reason=by.reason,
                )
        return Change.ALREADY_WORKING if before.may_work and not waits else Change.RESUMED

    def _require_enabled(self, domain: str) -> None:
        """UsageError for a domain that is not enabled: a pause of it would hold up nothing."""
        if domain not in self._accounts:
            raise UsageError(
                f"{domain} is not carried here", f"there are {', '.join(self._accounts)}"
            )
