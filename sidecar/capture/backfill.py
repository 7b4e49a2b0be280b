"""Let a backfill's documents go a handful at a time, behind everything else of their ERP account.

What waits of a backfill waits in its own table, not in the queue: a claim never stands behind more
than one handful of it, however many thousands are left.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from sidecar.capture.intake import BACKFILL
from sidecar.capture.outbox import Outbox
from sidecar.database.connection import Database
from sidecar.ledger.backfills import Backfill
from sidecar.ledger.store import LedgerStore
from sidecar.model.domain_spec import DomainSpec
from sidecar.ports import Narrator


class BackfillStation:
    """Of one domain; `account`: all domains of its ERP account, its own too.

    `most`: how many of a backfill may be under way at the same time.
    """

    def __init__(
        self,
        database: Database,
        ledger: LedgerStore,
        spec: DomainSpec,
        account: Sequence[str],
        *,
        most: int,
        narrator: Narrator,
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._outbox = Outbox(ledger.names)
        self._spec = spec
        self._account = account
        self._most = most
        self._narrator = narrator

    @property
    def domain(self) -> str:
        """Its domain's name."""
        return self._spec.name

    def run_once(self) -> int:
        """Point intake at the next documents; gives how many."""
        opening = self._spec.opening
        if opening is None:
            return 0
        finished: Backfill | None = None
        with self._database.transaction("going on with a backfill") as connection:
            backfill = self._ledger.backfills.newest(connection, self._spec.name)
            if backfill is None or backfill.is_over:
                return 0
            # Locked only now: nearly always there is none, and nobody waits for a look.
            backfill = self._ledger.backfills.newest(connection, self._spec.name, locked=True)
            if backfill is None or backfill.is_over:
                return 0
            hints = self._outbox.pointed_by(connection, self._spec.kind, BACKFILL, self._most)
            under_way = hints + self._ledger.backfills.under_way(connection, backfill, opening)
            room = self._room(connection, backfill, opening, under_way)
            ids = self._ledger.backfills.next(connection, backfill.id, max(room, 1))
            if ids and room > 0:
                self._outbox.add(connection, self._spec.kind, ids, BACKFILL)
                self._ledger.backfills.pointed(connection, backfill.id, ids)
            elif not ids and not under_way:
                self._ledger.backfills.finish(connection, backfill.id)
                finished = backfill
        if finished is not None:
            self._narrator.tell("backfill.finished", domain=self._spec.name, backfill=finished.id)
        return len(ids) if room > 0 else 0

    def _room(
        self, connection: sa.Connection, backfill: Backfill, opening: str, under_way: int
    ) -> int:
        """How many may go now; none while anything else of the account may."""
        room = self._most - under_way
        if backfill.per_minute is not None:
            of_late = self._ledger.backfills.of_the_last_minute(connection, backfill.id)
            room = min(room, backfill.per_minute - of_late)
        if room <= 0:
            return 0
        control = self._ledger.control.read(connection, [*self._account])
        if not control[self._spec.name].may_work:
            return 0
        # What a paused domain has waiting goes nowhere, and keeps nobody from going.
        working = [domain for domain in self._account if control[domain].may_work]
        due = self._ledger.backfills.others_are_due(connection, backfill, opening, working)
        return 0 if due else room
