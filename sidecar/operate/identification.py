"""What an operator says about which system this is: show, accept, declare a copy."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sidecar.database.connection import Database
from sidecar.identity.clone_guard import CloneGuard
from sidecar.ledger.store import LedgerStore
from sidecar.model.errors import ConfigurationError
from sidecar.model.identity import Circumstances, Identity, IdentityVerdict
from sidecar.operate.queue import By


@dataclass(frozen=True, slots=True)
class Compared:
    """What was recorded, what is there, and what that comes to."""

    recorded: Identity | None
    present: Circumstances
    judgement: IdentityVerdict


class Identification:
    """The identity of one ledger."""

    def __init__(
        self,
        database: Database,
        store: LedgerStore,
        guard: CloneGuard,
        kinds: Mapping[str, tuple[str, ...]],
    ) -> None:
        """`kinds`: of which kinds documents go to each ERP account."""
        self._kinds = kinds
        self._database = database
        self._store = store
        self._guard = guard

    def look(self) -> Compared:
        """Compare, change nothing."""
        with self._database.transaction("asking which system this is") as connection:
            return Compared(
                self._store.identities.read(connection),
                self._guard.circumstances(connection),
                self._guard.judgement(connection),
            )

    def require_same(self) -> None:
        """Raise ConfigurationError while nobody may send from here."""
        judgement = self.look().judgement
        if not judgement.may_send:
            raise ConfigurationError(f"nothing is sent: {judgement.why}", judgement.remedy)

    def accept(self, by: By, *, dry_run: bool = False) -> Compared:
        """This is the system that was installed, under the circumstances of now."""
        return self._say("identity accept", by, is_copy=False, dry_run=dry_run)

    def declare_copy(self, by: By, *, dry_run: bool = False) -> Compared:
        """This is a copy: it may send to any ERP but the original's."""
        return self._say("identity is-copy", by, is_copy=True, dry_run=dry_run)

    def _say(self, command: str, by: By, *, is_copy: bool, dry_run: bool) -> Compared:
        with self._database.transaction("saying which system this is") as connection:
            recorded = self._store.identities.read(connection, locked=True)
            if recorded is None:
                raise ConfigurationError(
                    "the ledger does not say which system it belongs to",
                    "run 'erp-sidecar install'",
                )
            present = self._guard.circumstances(connection)
            before = self._guard.judgement(connection)
            if dry_run:
                return Compared(recorded, present, before)
            original: Collection[str] = ()
            if is_copy:
                original = recorded.original_erps or set(recorded.erps.values())
            # An accepted server stays known beside the new one: a failover has its way back.  A
            # copy has left the original's server for good.
            earlier = () if is_copy else recorded.servers
            self._store.identities.record(
                connection,
                present,
                servers=tuple(dict.fromkeys((*earlier, present.server))),
                who=by.who,
                reason=by.reason,
                original_erps=original,
            )
            self._store.original_links.sort(
                connection, recorded, present, self._kinds, is_copy=is_copy
            )
            self._store.original_news.sort(connection, recorded, present, is_copy=is_copy)
            self._store.audit.note(
                connection,
                who=by.who,
                command=command,
                subject="shop",
                reason=by.reason,
                detail={"changes": [str(change) for change in before.changes]},
            )
            return Compared(recorded, present, self._guard.judgement(connection))


def plain(compared: Compared) -> dict[str, Any]:
    """As a document: stable keys."""
    judgement = compared.judgement
    return {
        "standing": judgement.standing.value,
        "sends": judgement.may_send,
        "why": judgement.why or None,
        "remedy": judgement.remedy or None,
        "differences": [
            {"fact": change.fact, "recorded": change.recorded, "present": change.present}
            for change in judgement.changes
        ],
        "recorded": _recorded(compared.recorded) if compared.recorded else None,
        "present": {
            "server": str(compared.present.server),
            "magento_schema": compared.present.magento_schema,
            "ledger": compared.present.ledger,
            "base_urls": sorted(compared.present.base_urls),
            "erps": dict(compared.present.erps),
            "machine": compared.present.machine,
        },
    }


def _recorded(identity: Identity) -> dict[str, Any]:
    beat = identity.beat
    return {
        "servers": [str(server) for server in identity.servers],
        "magento_schema": identity.magento_schema,
        "ledger": identity.ledger,
        "base_urls": sorted(identity.base_urls),
        "erps": dict(identity.erps),
        "original_erps": sorted(identity.original_erps),
        "at": identity.recorded_at,
        "by": identity.recorded_by,
        "reason": identity.reason,
        "daemon": beat.owner if beat else None,
        "machine": beat.machine if beat else None,
        "beat_at": beat.at if beat else None,
    }
