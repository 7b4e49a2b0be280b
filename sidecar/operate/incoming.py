"""What an operator does to the ERP's own news: look at them, let one through, drop one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from sidecar.database.connection import Database
from sidecar.ledger.incoming import OPEN, RUN
from sidecar.ledger.incoming_records import IncomingDetail, IncomingRecord, IncomingRecords
from sidecar.ledger.store import LedgerStore
from sidecar.model.domain_spec import DomainSpec
from sidecar.model.errors import BadData, UsageError
from sidecar.operate.queue import By


@dataclass(frozen=True, slots=True)
class Acted:
    """The news that an act touched; `already`: those that were so before."""

    news: tuple[IncomingRecord, ...]
    already: tuple[str, ...] = ()


class IncomingNews:
    """`told`: the specifications of the domains that the ERP owns, by name."""

    def __init__(
        self, database: Database, store: LedgerStore, told: Mapping[str, DomainSpec]
    ) -> None:
        self._database = database
        self._store = store
        self._told = told
        self._records = IncomingRecords(store.tables)

    def listed(
        self, *, domain: str | None, statuses: Sequence[str], limit: int
    ) -> list[IncomingRecord]:
        """The newest first."""
        with self._database.transaction("reading the ERP's news") as connection:
            return self._records.listed(connection, domain=domain, statuses=statuses, limit=limit)

    def show(self, name: str) -> list[IncomingDetail]:
        """Those of this id or number; raises BadData where there is none."""
        with self._database.transaction("reading the ERP's news") as connection:
            return self._found(connection, name)

    def apply(self, names: Sequence[str], by: By, *, dry_run: bool = False) -> Acted:
        """Try them anew, whatever rule of the configuration is against them.

        A run that waits whole: the next one may change as much.  A level that is parked under its
        own name cannot be let through: the bounds are what refuses it.
        """
        return self._act("incoming apply", names, by, dry_run=dry_run)

    def drop(self, names: Sequence[str], by: By, *, dry_run: bool = False) -> Acted:
        """End them without any further act; what was applied stays."""
        return self._act("incoming drop", names, by, dry_run=dry_run)

    def _act(self, command: str, names: Sequence[str], by: By, *, dry_run: bool) -> Acted:
        touched: list[IncomingRecord] = []
        already: list[str] = []
        with self._database.transaction("letting the ERP's news through") as connection:
            for name in dict.fromkeys(names):
                news = self._found(connection, name)[0]
                status = self._records.lock(connection, [news.id])[news.id]
                if status in ("applied", "dropped"):
                    already.append(name)
                    continue
                if not dry_run:
                    self._do(connection, command, news)
                    self._store.audit.note(
                        connection,
                        who=by.who,
                        command=command,
                        subject=f"incoming {news.id}",
                        reason=by.reason,
                        detail={"domain": news.domain, "number": news.number, "status": status},
                    )
                touched.append(news)
        return Acted(tuple(touched), tuple(already))

    def _do(self, connection: sa.Connection, command: str, news: IncomingDetail) -> None:
        if command == "incoming drop":
            self._records.drop(connection, news.id)
            return
        if news.number == RUN:
            figures = bytes(news.payload).decode()
            self._store.cursors.approve(connection, news.domain, news.account, figures)
            self._records.drop(connection, news.id)
            return
        spec = self._told.get(news.domain)
        if spec is not None and spec.tells is not None and spec.tells.levels:
            raise UsageError(
                f"{news.domain} {news.number}: a single level is not let through by hand",
                f"widen domains.{news.domain}.bounds, or correct it in the ERP: it is compared "
                "anew at the next run",
            )
        self._records.again(connection, news.id, as_is=news.status not in OPEN)

    def _found(self, connection: sa.Connection, name: str) -> list[IncomingDetail]:
        found = self._records.find(connection, name)
        if not found:
            raise BadData(
                f"the ERP told nothing of {name!r}, or it was not heard yet",
                "'erp-sidecar incoming list' has the ids and numbers",
            )
        return found
