"""Events as intake writes them: the one place where they are made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import msgspec

from sidecar.ledger.events import NewEvent
from sidecar.model.domain_spec import DomainSpec
from sidecar.model.event import encode_payload, event_id
from sidecar.model.settlement import EventStatus, Obstacle


@dataclass(frozen=True, slots=True)
class EventMaker:
    """Makes the events of one shop."""

    shop: str

    def id_of(self, spec: DomainSpec, entity_id: int, sequence: int) -> str:
        """The id of an entity's event."""
        return event_id(self.shop, spec.kind, entity_id, sequence)

    def make(
        self,
        spec: DomainSpec,
        type_: str,
        payload: msgspec.Struct,
        *,
        entity_id: int,
        number: str,
        sequence: int,
        amount: Decimal | None,
        currency: str | None,
        occurred_at: datetime,
        obstacle: Obstacle | None = None,
    ) -> NewEvent:
        """An event of an entity; one with an `obstacle` is parked."""
        return NewEvent(
            event_id=self.id_of(spec, entity_id, sequence),
            domain=spec.name,
            kind=spec.kind,
            entity_id=entity_id,
            number=number,
            sequence=sequence,
            type=type_,
            version=spec.event(type_).version,
            payload=encode_payload(payload).decode(),
            amount=amount,
            currency=currency,
            occurred_at=occurred_at,
            status=EventStatus.PARKED if obstacle else EventStatus.PENDING,
            reason=obstacle.reason if obstacle else None,
            remedy=obstacle.remedy if obstacle else None,
            code=obstacle.code if obstacle else None,
        )
