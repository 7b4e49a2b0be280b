"""The ERP's documents on their way into Magento: asked for, kept in `incoming`, applied one by one.

Each row is kept before anything is done about it, once; where the daemon dies in between, it goes
on from what is kept.  What cannot be applied stays there with its reason and remedy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import sqlalchemy as sa

from sidecar.database.connection import Database
from sidecar.host.crash_point import passing
from sidecar.inbound.asking import Questions, Reached
from sidecar.inbound.numbers import number_of
from sidecar.inbound.unread import unread
from sidecar.ledger.incoming import Told
from sidecar.ledger.store import LedgerStore
from sidecar.model.domain_spec import DomainSpec
from sidecar.ports import Clock, Narrator

_ENCODER = msgspec.json.Encoder(decimal_format="string")


class Inbox:
    """Asks one account about one domain, and keeps what is new."""

    def __init__(
        self,
        spec: DomainSpec,
        account: str,
        questions: Questions,
        database: Database,
        ledger: LedgerStore,
        *,
        may_work: Callable[[sa.Connection], bool],
        whole: Callable[[float | None], bool],
        clock: Clock,
        narrator: Narrator,
    ) -> None:
        """`whole`: whether everything is to be asked for, so many seconds after it last was."""
        self._spec = spec
        self._account = account
        self._questions = questions
        self._database = database
        self._ledger = ledger
        self._may_work = may_work
        self._whole = whole
        self._clock = clock
        self._narrator = narrator

    def run_once(self) -> int:
        """Ask, and keep; gives how many were new."""
        spec, account = self._spec, self._account
        with self._database.transaction("reading how far the ERP's news were read") as connection:
            if not self._may_work(connection):
                return 0
            cursor = self._ledger.cursors.read(connection, spec.name, account)
        whole = self._whole(cursor.full_ago)
        reached = Reached(self._questions, self._clock.now())
        new = 0
        for page in self._questions.pages(None if whole else self._questions.since(cursor)):
            for row in page.rows:
                reached.see(row)
            new += self._keep([self._told(row) for row in page.rows], unread(page))
            passing("inbound.kept")
        with self._database.transaction("noting how far the ERP's news were read") as connection:
            self._ledger.cursors.advance(
                connection, spec.name, account, reached.since(cursor.since), whole=whole
            )
        if new:
            self._narrator.tell("inbound.told", domain=spec.name, account=account, new=new)
        return new

    def _keep(self, told: list[Told], unread: list[tuple[Told, str, str]]) -> int:
        if not told and not unread:
            return 0
        domain, account, incoming = self._spec.name, self._account, self._ledger.incoming
        with self._database.transaction("keeping what the ERP said") as connection:
            incoming.refused(connection, domain, account, unread)
            return incoming.keep(connection, domain, account, told)

    def _told(self, row: Any) -> Told:
        payload = _ENCODER.encode(row).decode()
        return Told(number_of(self._spec, row), payload, self._questions.moment(row))
