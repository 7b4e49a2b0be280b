"""Tell by how much totals changed: one message for each, over a window.

Read and told in one transaction, under a lock: a change is in exactly one message, whatever dies
when, and whoever else reads (docs/decisions/0065).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa

from sidecar.capture.events import EventMaker
from sidecar.database.connection import Database
from sidecar.host.crash_point import passing
from sidecar.ledger.events import NewEvent
from sidecar.ledger.store import LedgerStore
from sidecar.ledger.sums import ToldSum
from sidecar.magento.totals import Totals, message_id
from sidecar.model.entity import EntityRow
from sidecar.ports import Narrator

_NOTHING = Decimal(0)


class Tally:
    """Of one domain."""

    def __init__(
        self,
        database: Database,
        ledger: LedgerStore,
        totals: Totals,
        *,
        shop: str,
        narrator: Narrator,
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._totals = totals
        self._kind = totals.spec.kind
        self._maker = EventMaker(shop)
        self._narrator = narrator

    @property
    def every(self) -> float:
        """Seconds."""
        return self._totals.every

    @property
    def domain(self) -> str:
        """Its name."""
        return self._totals.spec.name

    def run_once(self) -> int:
        """Tell what changed since the last time; gives how many messages that made.

        What the baseline did not note is told whole, as documents that it did not note are.
        """
        with self._database.transaction(f"summing {self.domain}") as connection:
            since = self._ledger.sums.lock(connection, self._kind)
            until: datetime = connection.exec_driver_sql("SELECT UTC_TIMESTAMP(3)").scalar_one()
            totals = self._totals.read(connection)
            events = self._tell(connection, totals, since or until, until)
            passing("tally.told")
        if events:
            self._narrator.tell("capture.summed", domain=self.domain, count=len(events))
        return len(events)

    def _tell(
        self,
        connection: sa.Connection,
        totals: Mapping[str, Decimal],
        since: datetime,
        until: datetime,
    ) -> list[NewEvent]:
        told = self._ledger.sums.told(connection, self._kind)
        fresh = dict.fromkeys(totals.keys() - told.keys(), _NOTHING)
        self._ledger.sums.note(connection, self._kind, fresh, until)
        if fresh:
            told = self._ledger.sums.told(connection, self._kind)
        changed = {
            name: one
            for name, one in sorted(told.items())
            if totals.get(name, _NOTHING) != one.total
        }
        events = [
            self._event(name, one, totals.get(name, _NOTHING) - one.total, since, until)
            for name, one in changed.items()
        ]
        # Rows of theirs, so that whoever claims or settles one has something to lock.
        self._ledger.entities.save(connection, [_memory(event, until) for event in events])
        self._ledger.events.insert(connection, events)
        now = [(name, totals.get(name, _NOTHING)) for name in changed]
        self._ledger.sums.tell(connection, self._kind, now, until)
        return events

    def _event(
        self, name: str, one: ToldSum, change: Decimal, since: datetime, until: datetime
    ) -> NewEvent:
        message = self._totals.message(name, change, since, until)
        return self._maker.make(
            self._totals.spec,
            self._totals.type,
            message.payload,
            entity_id=message_id(one.id, one.messages),
            number=message.number,
            sequence=1,
            amount=None,
            currency=None,
            occurred_at=until,
        )


def _memory(event: NewEvent, at: datetime) -> EntityRow:
    return EntityRow(
        kind=event.kind,
        entity_id=event.entity_id,
        number=event.number,
        store_id=None,
        state="told",
        status="",
        held_by_us=False,
        amount=None,
        currency=None,
        fingerprint=None,
        mark=None,
        facts=None,
        sequence=1,
        updated_at=None,
        looked_at=at,
    )
