"""Table `installed`, kind `blueprint`: what somebody signed, whole: a change of it can be shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from sidecar.ledger.control import Installed

_KIND = "blueprint"


@dataclass(frozen=True, slots=True)
class Signature:
    """The newest of an owner; `who`: whose hand it was, `document`: what was signed."""

    owner: str
    digest: str
    at: datetime
    who: str
    reason: str | None
    document: Mapping[str, Any]


class Signatures:
    """One for each owner; the earlier ones are in the audit."""

    def __init__(self, installed: Installed) -> None:
        self._installed = installed

    def read(self, connection: sa.Connection) -> list[Signature]:
        """All of them, by owner."""
        return [
            Signature(
                owner,
                detail["digest"],
                datetime.fromisoformat(detail["at"]),
                detail["who"],
                detail["reason"],
                detail["document"],
            )
            for owner, detail in sorted(self._installed.of(connection, _KIND).items())
        ]

    def sign(
        self,
        connection: sa.Connection,
        owner: str,
        *,
        digest: str,
        document: Mapping[str, Any],
        who: str,
        reason: str | None,
    ) -> None:
        """Put it in the place of the owner's former one."""
        self._installed.note(
            connection,
            _KIND,
            owner,
            {
                "digest": digest,
                "at": datetime.now(UTC).isoformat(timespec="seconds"),
                "who": who,
                "reason": reason,
                "document": dict(document),
            },
        )
