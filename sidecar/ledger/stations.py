"""Which duties of the daemon fail, since when and why: a row while one does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from sidecar.ledger import fit
from sidecar.ledger.moments import utc
from sidecar.ledger.tables import NOW, Tables


@dataclass(frozen=True, slots=True)
class Failing:
    """A duty that fails; `seconds`: for how long, by the database's clock."""

    name: str
    since: datetime
    seconds: float
    failures: int
    message: str
    remedy: str


class Stations:
    """Table `station`."""

    def __init__(self, tables: Tables) -> None:
        self._table = tables.station
        self._names = tables.names

    def failed(
        self, connection: sa.Connection, name: str, failures: int, message: str, remedy: str
    ) -> None:
        """Note that it fails, `failures` times in a row by now; the first moment is kept."""
        connection.exec_driver_sql(
            f"INSERT INTO {self._names('station')} (name, failing_since, failures, message, "
            "remedy, updated_at) VALUES (%s, UTC_TIMESTAMP(3), %s, %s, %s, UTC_TIMESTAMP(3)) "
            "ON DUPLICATE KEY UPDATE failures = VALUES(failures), message = VALUES(message), "
            "remedy = VALUES(remedy), updated_at = VALUES(updated_at)",
            (
                name,
                failures,
                fit.text("station", "message", message),
                fit.text("station", "remedy", remedy),
            ),
        )

    def recovered(self, connection: sa.Connection, name: str) -> None:
        """It came to a good end."""
        connection.execute(sa.delete(self._table).where(self._table.c.name == name))

    def forget(self, connection: sa.Connection) -> None:
        """A daemon begins: what failed in the one before it is history."""
        connection.execute(sa.delete(self._table))

    def failing(self, connection: sa.Connection) -> list[Failing]:
        """Those that fail, the longest first."""
        c = self._table.c
        seconds = sa.func.timestampdiff(sa.literal_column("SECOND"), c.failing_since, NOW)
        rows = connection.execute(
            sa.select(
                c.name, c.failing_since, seconds.label("seconds"), c.failures, c.message, c.remedy
            ).order_by(c.failing_since, c.name)
        )
        return [
            Failing(
                name=row.name,
                since=utc(row.failing_since),
                seconds=max(0.0, float(row.seconds)),
                failures=row.failures,
                message=row.message,
                remedy=row.remedy,
            )
            for row in rows
        ]
