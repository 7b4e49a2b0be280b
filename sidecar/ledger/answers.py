"""What an ERP answered and how long it took, read back from the attempts; plain selects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from sidecar.database.connection import Database
from sidecar.ledger.moments import naive, utc
from sidecar.ledger.tables import LedgerNames

#: Attempts that are read at once: a page of them is a few megabytes.
_PAGE = 1_000
_COLUMNS = (
    "a.id, a.operation, a.outcome, a.code, a.http_status, a.milliseconds, a.timed_out, a.answer, "
    "a.predicate, a.doubt, a.events, a.request IS NOT NULL AS is_call, a.at"
)


class AnsweredAttempt(NamedTuple):
    """One attempt, and the event that it was about.

    `is_call`: something was to go over the wire; `events` as many attempts share the one call.
    """

    domain: str
    kind: str
    number: str
    event_type: str
    operation: str
    outcome: str
    code: str | None
    http_status: int | None
    milliseconds: int | None
    timed_out: bool
    answer: str | None
    predicate: str | None
    doubt: str | None
    events: int
    is_call: bool
    at: datetime


class Answers:
    """The attempts of one ledger as answers of the ERP."""

    def __init__(self, database: Database, names: LedgerNames) -> None:
        self._database = database
        self._names = names

    def since(self, moment: datetime, domains: Sequence[str]) -> Iterator[AnsweredAttempt]:
        """Pushes and questions of these domains, the newest first, each page in its own moment.

        By the primary key from its end, so that nothing older is read: `at` has no index, which
        each attempt would pay for.
        """
        beneath: int | None = None
        while True:
            with self._database.transaction("reading what the ERP answered") as connection:
                rows = self._page(connection, beneath)
            for row in rows:
                if row.at < naive(moment):
                    return
                if row.domain in domains and row.operation in ("push", "probe"):
                    yield _attempt(row)
            if len(rows) < _PAGE:
                return
            beneath = rows[-1].id

    def _page(
        self, connection: sa.Connection, beneath: int | None
    ) -> Sequence[sa.Row[tuple[object, ...]]]:
        event, archive = self._names("event"), self._names("event_archive")
        end = "" if beneath is None else "WHERE id < %(beneath)s"
        return connection.exec_driver_sql(
            f"SELECT {_COLUMNS}, COALESCE(e.domain, r.domain) AS domain, "
            "COALESCE(e.kind, r.kind) AS kind, COALESCE(e.number, r.number) AS number, "
            f"COALESCE(e.type, r.type) AS event_type FROM (SELECT * FROM {self._names('attempt')} "
            f"{end} ORDER BY id DESC LIMIT {_PAGE}) a LEFT JOIN {event} e ON e.id = a.event "
            f"LEFT JOIN {archive} r ON r.id = a.event ORDER BY a.id DESC",
            {"beneath": beneath},
        ).all()


def _attempt(row: sa.Row[tuple[object, ...]]) -> AnsweredAttempt:
    told = row._mapping
    fields = {name: told[name] for name in AnsweredAttempt._fields}
    fields |= {name: bool(told[name]) for name in ("timed_out", "is_call")}
    return AnsweredAttempt(**{**fields, "at": utc(row.at)})
