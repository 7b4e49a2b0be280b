"""What must be in the ERP first: a refund waits for its order's document.

The same for what the configuration makes wait (`domains.NAME.needs`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from sidecar.ledger.events import GATE
from sidecar.ledger.store import LedgerStore
from sidecar.model.domain_spec import DomainSpec
from sidecar.model.entity import KnownEntity
from sidecar.model.settlement import EventStatus
from sidecar.ports import Link

_PARENT = f"{GATE}parent: "
#: What `event.waiting` holds.
_LONGEST = 255


@dataclass(frozen=True, slots=True)
class ParentDocument:
    """What a claim takes along of a parent: what it said (JSON), and its document.

    It said first what was booked; of a state the newest counts.
    """

    payload: str | None
    link: Link


class Parents:
    """Of one domain whose documents wait for `spec`'s; `optional`: one that names none goes."""

    def __init__(self, ledger: LedgerStore, spec: DomainSpec, *, optional: bool = False) -> None:
        self._ledger = ledger
        self._optional = optional
        self.spec = spec

    def documents(
        self, connection: sa.Connection, known: Mapping[int, KnownEntity]
    ) -> dict[int, ParentDocument]:
        """Entity → its parent's document, of those whose parent the ERP has."""
        of = {
            entity_id: entity.parent[1]
            for entity_id, entity in known.items()
            if entity.parent is not None and entity.parent[0] == self.spec.kind
        }
        ids = sorted(set(of.values()))
        links = self._ledger.journal.links(connection, self.spec.kind, ids)
        told = self._ledger.payloads.told
        payloads = told(connection, self.spec.kind, list(links), newest=self.spec.is_state)
        return {
            entity_id: ParentDocument(payloads.get(parent_id), links[parent_id])
            for entity_id, parent_id in of.items()
            if parent_id in links and not links[parent_id].ended
        }

    def why_not(self, connection: sa.Connection, entity: KnownEntity) -> str | None:
        """Why an entity must wait, whose parent the ERP does not have: whose move it is.

        None where it waits for none.
        """
        noun = self.spec.noun
        if entity.parent is None or entity.parent[0] != self.spec.kind:
            return None if self._optional else f"{_PARENT}it names no {noun}"
        parent_id = entity.parent[1]
        parent = self._ledger.entities.read(connection, self.spec.kind, [parent_id]).get(parent_id)
        if parent is None:
            return f"{_PARENT}its {noun} (entity_id {parent_id}) is not known yet"
        name = f"{noun} {parent.number}"
        return f"{_PARENT}{self._standing(connection, parent, name)}"[:_LONGEST]

    def _standing(self, connection: sa.Connection, parent: KnownEntity, name: str) -> str:
        kind, parent_id = parent.kind, parent.entity_id
        events = self._ledger.events.open_of(connection, kind, [parent_id]).get(parent_id, [])
        shown = f"'erp-sidecar show {self.spec.name_of(parent.number)}' says why"
        statuses = {event.status for event in events}
        if EventStatus.REJECTED in statuses:
            return f"the ERP refused {name}, a person must act; {shown}"
        if EventStatus.PARKED in statuses:
            return f"{name} is parked, a person must act; {shown}"
        if events:
            return f"{name} is not in the ERP yet, it goes first"
        if self.spec.told_when_needed and not parent.sequence:
            return f"{name} is not sent ({parent.status or 'not looked at yet'}); {shown}"
        opening = self.spec.opening
        strange = self._ledger.events.not_ours(connection, kind, [parent_id], opening)
        if parent_id in strange:
            return (
                f"{strange[parent_id]}: {name} has no document in the ERP that is known; book it "
                "by hand, and 'erp-sidecar queue drop' closes it"
            )
        return f"{name} has no document in the ERP; {shown}"
