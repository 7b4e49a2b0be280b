"""Park an order that cannot be read, or not be kept, alone and with what little of it can be."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from sidecar.capture.outbox import Hint, Outbox
from sidecar.database.connection import Database
from sidecar.domains.orders.compare import CANCELED, HOLDED
from sidecar.domains.orders.events import ORDER_CANCELED, ORDER_PLACED, ORDER_UPDATED
from sidecar.domains.orders.payload import Vanished
from sidecar.domains.orders.reader import OrderReader, Outline
from sidecar.domains.orders.spec import SPEC
from sidecar.ledger.entities import ANOTHER, EntityRow, KnownEntity
from sidecar.ledger.events import NewEvent
from sidecar.ledger.store import LedgerStore
from sidecar.model.errors import described
from sidecar.model.event import encode_payload, event_id
from sidecar.model.settlement import BAD_DATA, EventStatus

_KIND = "order"


class SetAside:
    """Gives the events that it parked; the hints are gone then, or they would block the outbox."""

    def __init__(
        self,
        database: Database,
        ledger: LedgerStore,
        outbox: Outbox,
        reader: OrderReader,
        *,
        shop: str,
        domain: str,
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._outbox = outbox
        self._reader = reader
        self._shop = shop
        self._domain = domain

    def park(self, hints: Sequence[Hint], error: Exception, at: datetime) -> list[NewEvent]:
        """Park what these hints, all of one entity, point at."""
        kind, entity_id = hints[0].kind, hints[0].entity_id
        with self._database.transaction("setting an order aside") as connection:
            events = self._park(connection, entity_id, error, at) if kind == _KIND else []
            self._outbox.discard(connection, [hint.id for hint in hints])
        return events

    def _park(
        self, connection: sa.Connection, entity_id: int, error: Exception, at: datetime
    ) -> list[NewEvent]:
        outline = self._reader.outline(connection, entity_id)
        if outline is None:
            return []
        known = self._ledger.entities.read(connection, _KIND, [entity_id], locked=True)
        before = known.get(entity_id)
        events = []
        if not self._is_waiting(connection, entity_id, before):
            events.append(self._event(outline.order, before, error, at))
        mark = self._reader.address_marks(connection, [entity_id])[entity_id]
        row = _memory(outline, before, len(events), mark=mark, at=at)
        self._ledger.entities.save(connection, [row])
        self._ledger.events.insert(connection, events)
        return events

    def _is_waiting(
        self, connection: sa.Connection, entity_id: int, known: KnownEntity | None
    ) -> bool:
        """Whether a person knows already, or need not: of an order from before the sidecar."""
        if known is not None and known.fingerprint is None:
            return True
        return self._ledger.events.is_parked(connection, _KIND, entity_id, BAD_DATA)

    def _event(
        self, order: Vanished, known: KnownEntity | None, error: Exception, at: datetime
    ) -> NewEvent:
        event_type = _type(order, known)
        sequence = (known.sequence if known else 0) + 1
        return NewEvent(
            event_id=event_id(self._shop, _KIND, order.entity_id, sequence),
            domain=self._domain,
            kind=_KIND,
            entity_id=order.entity_id,
            increment_id=order.increment_id,
            sequence=sequence,
            type=event_type,
            version=SPEC.event(event_type).version,
            payload=encode_payload(order).decode(),
            grand_total=order.grand_total,
            currency=order.order_currency_code,
            # By the database's clock, which gave the order its date: by one that is behind it the
            # order would seem to be another one under the same id (`sidecar.identity.clone_guard`).
            occurred_at=at,
            status=EventStatus.PARKED,
            reason=f"the order cannot be read or kept: {described(error)}",
            remedy="correct its rows in Magento, then 'erp-sidecar queue requeue "
            f"{order.increment_id or event_id(self._shop, _KIND, order.entity_id, sequence)}' reads"
            " it anew; or book it by hand in the ERP and 'erp-sidecar queue drop' it",
            code=BAD_DATA,
        )


def _type(order: Vanished, known: KnownEntity | None) -> str:
    if known is None:
        return ORDER_PLACED
    if order.state == CANCELED != known.state:
        return ORDER_CANCELED
    return ORDER_UPDATED


def _memory(
    outline: Outline, known: KnownEntity | None, events: int, *, mark: int | None, at: datetime
) -> EntityRow:
    """Of an order that cannot be read or kept: the next look finds it changed.

    One from before the sidecar stays one: of it nothing was ever to be told.
    """
    order = outline.order
    is_old = known is not None and known.fingerprint is None
    return EntityRow(
        kind=_KIND,
        entity_id=order.entity_id,
        increment_id=order.increment_id,
        store_id=None,
        state=order.state,
        status=order.status,
        held_by_us=bool(known and known.held_by_us) and order.state == HOLDED,
        grand_total=order.grand_total,
        currency=order.order_currency_code,
        fingerprint=None if is_old else ANOTHER,
        address_mark=mark,
        facts=known.facts if known else None,
        sequence=(known.sequence if known else 0) + events,
        updated_at=outline.updated_at,
        looked_at=at,
    )
