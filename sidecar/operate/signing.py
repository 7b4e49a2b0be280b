"""What an operator does about the blueprint: sign it, and see what has changed since."""

from __future__ import annotations

from sidecar.blueprint.document import Blueprint
from sidecar.blueprint.signed import SignedBlueprint, SignedBy
from sidecar.database.connection import Database
from sidecar.ledger.store import LedgerStore
from sidecar.model.errors import UsageError
from sidecar.operate.queue import By
from sidecar.settings.fields import closest


class Signing:
    """`blueprint`: of the configuration as it is in the files now."""

    def __init__(self, database: Database, store: LedgerStore, blueprint: Blueprint) -> None:
        self._database = database
        self._store = store
        self._blueprint = blueprint
        self._signed = SignedBlueprint(database, store.signatures, lambda: blueprint)

    def signatures(self) -> tuple[SignedBy, ...]:
        """Each owner's newest, with what has changed since."""
        return self._signed.read()

    def sign(self, owner: str, by: By, *, dry_run: bool = False) -> str:
        """Keep that this owner agrees with all of it; gives its hash."""
        if owner not in self._blueprint.owners:
            known = (
                ", ".join(self._blueprint.owners) or "none: write owners: into the configuration"
            )
            raise UsageError(
                f'there is no owner "{owner}"{closest(owner, self._blueprint.owners)}',
                f"there are {known}",
            )
        digest = self._blueprint.digest
        if dry_run:
            return digest
        with self._database.transaction("signing the blueprint") as connection:
            self._store.signatures.sign(
                connection,
                owner,
                digest=digest,
                document=self._blueprint.plain(),
                who=by.who,
                reason=by.reason,
            )
            self._store.audit.note(
                connection,
                who=by.who,
                command="blueprint sign",
                subject=owner,
                reason=by.reason,
                detail={"digest": digest},
            )
        return digest
