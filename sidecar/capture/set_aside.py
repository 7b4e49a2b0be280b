"""Park an entity that cannot be read, or not be kept, alone and with what little of it can be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from sidecar.capture.events import EventMaker
from sidecar.capture.outbox import Hint, Outbox
from sidecar.database.connection import Database
from sidecar.ledger.events import NewEvent
from sidecar.ledger.store import LedgerStore
from sidecar.magento.examiner import Examiner
from sidecar.model.entity import FORGOTTEN, EntityRow, KnownEntity, Snapshot
from sidecar.model.errors import described
from sidecar.model.settlement import BAD_DATA, Obstacle


class SetAside:
    """Gives the events that it parked; the hints are gone then, or they would block the outbox."""

    def __init__(
        self,
        database: Database,
        ledger: LedgerStore,
        outbox: Outbox,
        examiners: Mapping[str, Examiner],
        maker: EventMaker,
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._outbox = outbox
        self._examiners = examiners
        self._maker = maker

    def park(self, hints: Sequence[Hint], error: Exception, at: datetime) -> list[NewEvent]:
        """Park what these hints, all of one entity, point at."""
        examiner = self._examiners.get(hints[0].kind)
        with self._database.transaction("setting an entity aside") as connection:
            events = self._park(connection, examiner, hints[0], error, at) if examiner else []
            self._outbox.discard(connection, [hint.id for hint in hints])
        return events

    def _park(
        self,
        connection: sa.Connection,
        examiner: Examiner,
        hint: Hint,
        error: Exception,
        at: datetime,
    ) -> list[NewEvent]:
        outline = examiner.outline(connection, hint.entity_id)
        if outline is None:
            return []
        known = self._ledger.entities.read(connection, hint.kind, [hint.entity_id], locked=True)
        before = known.get(hint.entity_id)
        events = []
        if not self._is_waiting(connection, hint, before):
            events.append(self._event(examiner, outline, before, error, at))
        row = _memory(hint.kind, outline, before, len(events), at)
        self._ledger.entities.save(connection, [row])
        self._ledger.events.insert(connection, events)
        return events

    def _is_waiting(self, connection: sa.Connection, hint: Hint, known: KnownEntity | None) -> bool:
        """Whether a person knows already, or need not: of one from before the sidecar."""
        if known is not None and known.fingerprint is None:
            return True
        return self._ledger.events.is_parked(connection, hint.kind, hint.entity_id, BAD_DATA)

    def _event(
        self,
        examiner: Examiner,
        outline: Snapshot,
        known: KnownEntity | None,
        error: Exception,
        at: datetime,
    ) -> NewEvent:
        spec = examiner.spec
        sequence = (known.sequence if known else 0) + 1
        named = outline.number or self._maker.id_of(spec, outline.entity_id, sequence)
        return self._maker.make(
            spec,
            examiner.of_unread(known, outline),
            outline.payload,
            entity_id=outline.entity_id,
            number=outline.number,
            sequence=sequence,
            amount=outline.amount,
            currency=outline.currency,
            # By the database's clock, which gave the entity its date: by one that is behind it, it
            # would seem to be another one under the same id (`sidecar.identity.clone_guard`).
            occurred_at=at,
            obstacle=Obstacle(
                f"the {spec.noun} cannot be read or kept: {described(error)}",
                f"correct its rows in Magento, then 'erp-sidecar queue requeue {named}' reads it "
                "anew; or book it by hand in the ERP and 'erp-sidecar queue drop' it",
                BAD_DATA,
            ),
        )


def _memory(
    kind: str, outline: Snapshot, known: KnownEntity | None, events: int, at: datetime
) -> EntityRow:
    """Of an entity that cannot be read or kept: the next look finds it changed.

    One from before the sidecar stays one: of it nothing was ever to be told.
    """
    is_old = known is not None and known.fingerprint is None
    return EntityRow(
        kind=kind,
        entity_id=outline.entity_id,
        number=outline.number,
        store_id=None,
        state=outline.state,
        status=outline.status,
        held_by_us=bool(known and known.held_by_us) and outline.on_hold,
        amount=outline.amount,
        currency=outline.currency,
        fingerprint=None if is_old else FORGOTTEN,
        mark=outline.mark,
        facts=known.facts if known else None,
        sequence=(known.sequence if known else 0) + events,
        updated_at=outline.updated_at,
        looked_at=at,
        parent=outline.parent or (known.parent if known else None),
    )
