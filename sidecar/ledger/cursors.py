"""How far the news of each domain have been read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from sidecar.ledger.moments import naive, utc
from sidecar.ledger.tables import Tables


@dataclass(frozen=True, slots=True)
class Cursor:
    """`since`: what the ERP changed before was read; `full_ago`, `heard_ago`: seconds since all was
    read, and since the ERP last answered at all.

    `approved`: what a person lets the next run change beyond its bounds (JSON).
    """

    since: datetime | None = None
    full_ago: float | None = None
    heard_ago: float | None = None
    approved: str | None = None


class Cursors:
    """Table `cursor`."""

    def __init__(self, tables: Tables) -> None:
        self._names = tables.names

    def read(self, connection: sa.Connection, domain: str, account: str) -> Cursor:
        """Where a domain's reading stands; an account that never answered has none."""
        row = connection.exec_driver_sql(
            "SELECT since, TIMESTAMPDIFF(MICROSECOND, full_at, UTC_TIMESTAMP(3)), "
            "TIMESTAMPDIFF(MICROSECOND, updated_at, UTC_TIMESTAMP(3)), approved "
            f"FROM {self._names('cursor')} WHERE domain = %s AND account = %s",
            (domain, account),
        ).first()
        if row is None:
            return Cursor()
        since, full, heard, approved = row
        return Cursor(
            utc(since),
            None if full is None else full / 1e6,
            heard / 1e6,
            approved,
        )

    def advance(
        self,
        connection: sa.Connection,
        domain: str,
        account: str,
        since: datetime | None,
        *,
        whole: bool,
    ) -> None:
        """All pages were read and kept.  `since` None leaves it where it is.

        What a person approved is used up by it.
        """
        connection.exec_driver_sql(
            f"INSERT INTO {self._names('cursor')} (domain, account, since, full_at, updated_at) "
            "VALUES (%s, %s, %s, IF(%s, UTC_TIMESTAMP(3), NULL), UTC_TIMESTAMP(3)) "
            "ON DUPLICATE KEY UPDATE since = COALESCE(VALUES(since), since), "
            "full_at = COALESCE(VALUES(full_at), full_at), approved = NULL, "
            "updated_at = VALUES(updated_at)",
            (domain, account, naive(since), whole),
        )

    def approve(self, connection: sa.Connection, domain: str, account: str, what: str) -> None:
        """A person lets the next run change so much (JSON)."""
        connection.exec_driver_sql(
            f"INSERT INTO {self._names('cursor')} (domain, account, approved, updated_at) "
            "VALUES (%s, %s, %s, UTC_TIMESTAMP(3)) "
            "ON DUPLICATE KEY UPDATE approved = VALUES(approved)",
            (domain, account, what),
        )
