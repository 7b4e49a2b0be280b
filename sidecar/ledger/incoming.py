"""What the ERP said by itself, and what became of it.

Each news is kept once, by the ERP's number and by what it says: what a poll with an overlap repeats
is no second one.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from sidecar.database.connection import insert_rows
from sidecar.ledger import fit
from sidecar.ledger.moments import naive, utc
from sidecar.ledger.tables import NOW, Tables, in_seconds

#: What is not finished.
OPEN = ("waiting", "asked")
#: By this number a whole run is kept that waits for a person; no SKU is called so.
RUN = "(run)"


@dataclass(frozen=True, slots=True)
class Told:
    """One row as the ERP told it: `payload` is its JSON, `at` its own moment (UTC)."""

    number: str
    payload: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class IncomingRow:
    """One news that is due; `asked_ago` and `waited` in seconds, by the database's clock."""

    id: int
    domain: str
    account: str
    number: str
    payload: str
    told_at: datetime | None
    entity_id: int | None
    tries: int
    asked_ago: float | None
    waited: float
    memory: str | None
    as_is: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is written of a news: `due_in` seconds where it is tried again, else it is finished."""

    status: str
    what: str
    remedy: str = ""
    due_in: float | None = None
    document: int | None = None
    state: str | None = None


class Incoming:
    """Table `incoming`."""

    def __init__(self, tables: Tables) -> None:
        self._table = tables.incoming
        self._names = tables.names

    def keep(
        self, connection: sa.Connection, domain: str, account: str, rows: Sequence[Told]
    ) -> int:
        """Keep what is new of these, due at once; gives how many that is."""
        versions = self._versions(connection, domain, account, [row.number for row in rows])
        new = []
        for row in rows:
            said = versions[row.number]
            version = _version(row, said)
            if version is None:
                continue
            said.append(version)
            at = naive(row.at)
            new.append((domain, account, row.number, version, at, row.payload))
        insert_rows(
            connection,
            f"{self._names('incoming')} (domain, account, number, version, told_at, payload, "
            "status, due_at, waiting_since, created_at)",
            f"({'%s, ' * 6}'waiting', UTC_TIMESTAMP(3), UTC_TIMESTAMP(3), UTC_TIMESTAMP(3))",
            new,
        )
        # What waits for a person and was said otherwise since is history.
        self.outdated(connection, domain, account, [row[2] for row in new])
        return len(new)

    def _versions(
        self,
        connection: sa.Connection,
        domain: str,
        account: str,
        numbers: Iterable[str],
        status: str = "%",
    ) -> dict[str, list[str]]:
        """Number → the versions of it that are known (in this status), the oldest first."""
        versions: dict[str, list[str]] = defaultdict(list)
        wanted = sorted(set(numbers))
        if not wanted:
            return versions
        for number, version in connection.exec_driver_sql(
            f"SELECT number, version FROM {self._names('incoming')} WHERE domain = %(domain)s "
            "AND account = %(account)s AND number IN %(numbers)s AND status LIKE %(status)s "
            "ORDER BY id",
            {"domain": domain, "account": account, "numbers": wanted, "status": status},
        ):
            versions[number].append(version)
        return versions

    def due(self, connection: sa.Connection, domain: str, limit: int) -> list[IncomingRow]:
        """What wants to be applied now, as the ERP told it: its oldest word first.

        Of one number only the first that is open, so that its versions are applied in their order.
        """
        c = self._table.c
        older = self._table.alias("older")
        before = sa.exists().where(
            older.c.domain == c.domain,
            older.c.account == c.account,
            older.c.number == c.number,
            older.c.status.in_(OPEN),
            sa.or_(
                older.c.told_at < c.told_at,
                sa.and_(older.c.told_at.is_not_distinct_from(c.told_at), older.c.id < c.id),
            ),
        )
        second: sa.ColumnElement[object] = sa.literal_column("MICROSECOND")
        rows = connection.execute(
            sa.select(
                c.id, c.domain, c.account, c.number, c.payload, c.told_at, c.entity_id,
                c.tries, c.memory, c.as_is,
                sa.func.timestampdiff(second, c.asked_at, NOW).label("asked_ago"),
                sa.func.timestampdiff(second, c.waiting_since, NOW).label("waited"),
            )
            .where(c.domain == domain, c.status.in_(OPEN), c.due_at <= NOW, ~before)
            .order_by(c.told_at, c.id)
            .limit(limit)
        )  # fmt: skip
        return [
            IncomingRow(
                id=row.id,
                domain=row.domain,
                account=row.account,
                number=row.number,
                payload=row.payload,
                told_at=utc(row.told_at),
                entity_id=row.entity_id,
                tries=row.tries,
                asked_ago=None if row.asked_ago is None else row.asked_ago / 1e6,
                waited=row.waited / 1e6,
                memory=row.memory,
                as_is=bool(row.as_is),
            )
            for row in rows
        ]

    def belongs_to(
        self, connection: sa.Connection, incoming: int, kind: str, entity_id: int
    ) -> None:
        """Note the Magento document that a news is about."""
        connection.execute(
            sa.update(self._table)
            .where(self._table.c.id == incoming)
            .values(kind=kind, entity_id=entity_id)
        )

    def entity_of(self, connection: sa.Connection, incoming: int) -> int | None:
        """The Magento document that a news is about, where that is known."""
        c = self._table.c
        return connection.execute(sa.select(c.entity_id).where(c.id == incoming)).scalar()

    def asking(self, connection: sa.Connection, incoming: int, memory: str) -> None:
        """A call that may write it to Magento goes out now."""
        connection.execute(
            sa.update(self._table)
            .where(self._table.c.id == incoming, self._table.c.status.in_(OPEN))
            .values(status="asked", asked_at=NOW, memory=memory)
        )

    def settle(self, connection: sa.Connection, incoming: int, verdict: Verdict) -> bool:
        """Write down what became of it; False where it was ended meanwhile (an operator's drop)."""
        is_open = verdict.due_in is not None
        result = connection.execute(
            sa.update(self._table)
            .where(self._table.c.id == incoming, self._table.c.status.in_(OPEN))
            .values(
                status=verdict.status,
                due_at=in_seconds(verdict.due_in) if verdict.due_in is not None else None,
                finished_at=None if is_open else NOW,
                tries=self._table.c.tries + 1,
                what=fit.text("incoming", "what", verdict.what),
                remedy=fit.text("incoming", "remedy", verdict.remedy),
                document=sa.func.coalesce(verdict.document, self._table.c.document),
                state=fit.text("incoming", "state", verdict.state),
            )
        )
        return int(result.rowcount) == 1

    def is_overtaken(self, connection: sa.Connection, row: IncomingRow) -> bool:
        """Whether a newer word of the ERP on the same thing was applied already."""
        if row.told_at is None:
            return False
        c = self._table.c
        newer = sa.select(sa.literal(1)).where(
            c.domain == row.domain,
            c.account == row.account,
            c.number == row.number,
            c.status == "applied",
            c.told_at > row.told_at.replace(tzinfo=None),
        )
        return connection.execute(newer.limit(1)).first() is not None

    def refused(
        self,
        connection: sa.Connection,
        domain: str,
        account: str,
        rows: Sequence[tuple[Told, str, str]],
    ) -> int:
        """Keep levels that are not written, with why and the remedy; gives how many are new.

        A newer word on the same thing takes the place of what was parked of it.
        """
        numbers = [told.number for told, _, _ in rows]
        versions = self._versions(connection, domain, account, numbers)
        parked = self._versions(connection, domain, account, numbers, status="parked")
        new = [
            (told, _next_version(told, versions[told.number]), why, remedy)
            for told, why, remedy in rows
            if _digest(told) not in map(_said, parked[told.number])
        ]
        self.outdated(connection, domain, account, [told.number for told, _, _, _ in new])
        insert_rows(
            connection,
            f"{self._names('incoming')} (domain, account, number, version, told_at, payload, "
            "what, remedy, status, waiting_since, created_at, finished_at)",
            f"({'%s, ' * 8}'parked', UTC_TIMESTAMP(3), UTC_TIMESTAMP(3), UTC_TIMESTAMP(3))",
            [
                (
                    domain,
                    account,
                    told.number,
                    version,
                    naive(told.at),
                    told.payload,
                    fit.text("incoming", "what", why),
                    fit.text("incoming", "remedy", remedy),
                )
                for told, version, why, remedy in new
            ],
        )
        return len(new)

    def outdated(
        self, connection: sa.Connection, domain: str, account: str, numbers: Sequence[str]
    ) -> int:
        """What is parked of these things is history: the ERP says something else now."""
        if not numbers:
            return 0
        result = connection.exec_driver_sql(
            f"UPDATE {self._names('incoming')} SET status = 'superseded', "
            "finished_at = UTC_TIMESTAMP(3) WHERE domain = %(domain)s AND account = %(account)s "
            "AND status = 'parked' AND number IN %(numbers)s",
            {"domain": domain, "account": account, "numbers": sorted(set(numbers))},
        )
        return int(result.rowcount)

    def parked_numbers(self, connection: sa.Connection, domain: str, account: str) -> set[str]:
        """The things of which a row is parked."""
        c = self._table.c
        rows = connection.execute(
            sa.select(c.number).where(
                c.domain == domain, c.account == account, c.status == "parked"
            )
        )
        return {row.number for row in rows}

    def rounds(self, connection: sa.Connection, kind: str, entity_id: int, hours: int) -> list[str]:
        """The states that the ERP's news brought an entity of late, the oldest first."""
        rows = connection.exec_driver_sql(
            f"SELECT state FROM {self._names('incoming')} WHERE kind = %s AND entity_id = %s "
            "AND status = 'applied' AND state IS NOT NULL "
            "AND finished_at > UTC_TIMESTAMP(3) - INTERVAL %s HOUR ORDER BY finished_at, id",
            (kind, entity_id, hours),
        )
        return [row[0] for row in rows]

    def state_of(
        self, connection: sa.Connection, domain: str, kind: str, entity_id: int
    ) -> str | None:
        """The state in which the ERP's last news left an entity; None where none was applied."""
        row = connection.exec_driver_sql(
            f"SELECT state FROM {self._names('incoming')} WHERE domain = %s AND kind = %s "
            "AND entity_id = %s AND status = 'applied' AND state IS NOT NULL "
            "ORDER BY finished_at DESC, id DESC LIMIT 1",
            (domain, kind, entity_id),
        ).first()
        return row[0] if row else None


def _version(row: Told, said: Sequence[str]) -> str | None:
    """The version of a row, None for one that is known.

    A row with a moment of its own is known by what it says.  Without one only its repetition is:
    what the ERP says again after something else is news (a status that goes there and back).
    """
    spoken = [_said(version) for version in said]
    if _digest(row) in spoken and (row.at is not None or spoken[-1] == _digest(row)):
        return None
    return _next_version(row, said)


def _next_version(row: Told, said: Sequence[str]) -> str:
    """The digest of what a row says, counted where it said so before.

    Above the highest: earlier ones may be gone by retention.
    """
    digest = _digest(row)
    counted = [int(version.partition(".")[2] or 0) for version in said if _said(version) == digest]
    return f"{digest}.{max(counted) + 1}" if counted else digest


def _digest(row: Told) -> str:
    return hashlib.sha256(row.payload.encode()).hexdigest()[:32]


def _said(version: str) -> str:
    return version.partition(".")[0]
