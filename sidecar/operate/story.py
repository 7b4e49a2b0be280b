"""An entity's whole story, put together from Magento, the ledger and the ERP."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import msgspec
import sqlalchemy as sa

from sidecar.database.connection import Database
from sidecar.ledger.overview import Overview
from sidecar.ledger.store import LedgerStore
from sidecar.magento.domain import Parts
from sidecar.magento.examiner import Examiner
from sidecar.model.entity import KnownEntity
from sidecar.model.errors import BadData, SidecarError, described
from sidecar.operate.naming import named
from sidecar.ports import ErpAdapter


class Storyteller:
    """Everything can start from a number: so does this."""

    def __init__(self, database: Database, store: LedgerStore, domains: Sequence[Parts]) -> None:
        self._database = database
        self._store = store
        self._domains = {parts.examiner.spec.name: parts for parts in domains}
        self._overview = Overview(store.tables)

    def stories(
        self, name: str, adapter_of: Callable[[str], ErpAdapter] | None
    ) -> list[dict[str, Any]]:
        """One story per store that uses the number; raises BadData when nobody knows it.

        `adapter_of`: gives by domain whom to ask what the ERP holds now; None: what the ledger
        remembers is enough.
        """
        spec, number = named([parts.examiner.spec for parts in self._domains.values()], name)
        parts = self._domains[spec.name]
        with self._database.transaction(f"looking for {spec.noun} {number}") as connection:
            known = self._store.entities.by_number(connection, spec.kind, number)
        if not known:
            raise BadData(
                f"the ledger knows no {spec.noun} {number}",
                "look in Magento whether it exists; 'erp-sidecar run --once' sweeps for it",
            )
        adapter = adapter_of(spec.name) if adapter_of else None
        return [
            self._story(
                parts.examiner,
                entity,
                _asked(adapter, spec.name, self._ref(parts, entity)) if adapter else None,
            )
            for entity in known
        ]

    def _ref(self, parts: Parts, entity: KnownEntity) -> str:
        """What the ERP calls it: as it was booked, or as it would be."""
        with self._database.transaction("looking for an external reference") as connection:
            links = self._store.journal.links(connection, entity.kind, [entity.entity_id])
        link = links.get(entity.entity_id)
        if link and link.ref:
            return link.ref
        return parts.reference.of(entity.entity_id, entity.number, entity.store_id)

    def _story(self, examiner: Examiner, entity: KnownEntity, erp: object) -> dict[str, Any]:
        kind, entity_id = entity.kind, entity.entity_id
        with self._database.snapshot("reading an entity's story") as view:
            magento, unread = _in_magento(view, examiner, entity_id)
            return {
                "kind": kind,
                "number": entity.number,
                "magento": magento,
                "magento_unread": unread,
                "ledger": {
                    "entity_id": entity_id,
                    "state": entity.state,
                    "status": entity.status,
                    "held_by_us": entity.held_by_us,
                    "vanished": entity.vanished,
                    "sequence": entity.sequence,
                },
                "events": self._events(view, kind, entity_id),
                "link": self._overview.link_of(view, kind, entity_id),
                "erp": erp,
                "differences": self._overview.differences_of(view, kind, entity_id),
                "write_backs": self._overview.write_backs_of(view, kind, entity_id),
                "audit": self._overview.audit_of(view, entity.number),
            }

    def _events(self, view: sa.Connection, kind: str, entity_id: int) -> list[dict[str, Any]]:
        events = self._overview.events_of(view, kind, entity_id)
        attempts = self._overview.attempts_of(view, [event["id"] for event in events])
        return [
            event | {"attempts": [one for one in attempts if one["event"] == event["id"]]}
            for event in events
        ]


def _in_magento(
    view: sa.Connection, examiner: Examiner, entity_id: int
) -> tuple[dict[str, object] | None, str | None]:
    """What Magento has of it, and why that cannot be read: the rest of the story is told anyway."""
    try:
        snapshot = examiner.read(view, [entity_id]).get(entity_id)
    except Exception as wrong:  # noqa: BLE001 - whatever is wrong with its rows, it has a story
        return None, described(wrong)
    return (dict(examiner.describe(snapshot)) if snapshot else None), None


def _asked(adapter: ErpAdapter, domain: str, ref: str) -> object:
    if not adapter.capabilities(domain).probe:
        return None
    try:
        documents = adapter.probe(domain, [ref]).get(ref, ())
    except SidecarError as error:
        return f"the ERP could not be asked: {error.message}"
    return [msgspec.to_builtins(booked, builtin_types=(Decimal,)) for booked in documents]
