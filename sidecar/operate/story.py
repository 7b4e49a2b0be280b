"""One order's whole story, put together from Magento, the ledger and the ERP."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import sqlalchemy as sa

from sidecar.database.connection import Database
from sidecar.domains.orders.payload import Order
from sidecar.domains.orders.reader import OrderReader
from sidecar.ledger.entities import KnownEntity
from sidecar.ledger.overview import Overview
from sidecar.ledger.store import LedgerStore
from sidecar.magento.schema_probe import MagentoSchema
from sidecar.model.errors import BadData, SidecarError
from sidecar.model.reference import Reference
from sidecar.ports import ErpAdapter


class Storyteller:
    """Everything can start from an order number: so does this."""

    def __init__(
        self,
        database: Database,
        store: LedgerStore,
        magento: MagentoSchema,
        reference: Reference | None = None,
    ) -> None:
        self._reference = reference or Reference()
        self._database = database
        self._store = store
        self._reader = OrderReader(magento)
        self._overview = Overview(store.tables)

    def stories(self, number: str, adapter: ErpAdapter | None) -> list[dict[str, Any]]:
        """One story per store that uses the number; raises BadData when nobody knows it.

        `adapter`: asked what the ERP holds now; None tells what the ledger remembers.
        """
        with self._database.transaction("looking for an order") as connection:
            known = self._store.entities.by_number(connection, number)
        if not known:
            raise BadData(
                f"the ledger knows no order {number}",
                "look in Magento whether it exists; 'erp-sidecar run --once' sweeps for it",
            )
        return [
            self._story(entity, _asked(adapter, self._ref(entity)) if adapter else None)
            for entity in known
        ]

    def _ref(self, entity: KnownEntity) -> str:
        """What the ERP calls it: as it was booked, or as it would be."""
        with self._database.transaction("looking for an order's reference") as connection:
            links = self._store.journal.links(connection, entity.kind, [entity.entity_id])
        link = links.get(entity.entity_id)
        if link and link.ref:
            return link.ref
        return self._reference.of(entity.entity_id, entity.number, entity.store_id)

    def _story(self, entity: KnownEntity, erp: object) -> dict[str, Any]:
        kind, entity_id = entity.kind, entity.entity_id
        with self._database.snapshot("reading an order's story") as view:
            order = self._reader.read(view, [entity_id]).get(entity_id)
            return {
                "number": entity.number,
                "magento": _standing(order) if order else None,
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


def _asked(adapter: ErpAdapter, number: str) -> object:
    if not adapter.capabilities("orders").probe:
        return None
    try:
        found = adapter.probe("orders", [number]).get(number, ())
    except SidecarError as error:
        return f"the ERP could not be asked: {error.message}"
    return [msgspec.to_builtins(booked, builtin_types=(Decimal,)) for booked in found]


def _standing(order: Order) -> dict[str, Any]:
    return {
        "state": order.state,
        "status": order.status,
        "ext_order_id": order.ext_order_id,
        "grand_total": order.grand_total,
        "tax_amount": order.tax_amount,
        "currency": order.order_currency_code,
        "lines": len(order.sellable_items),
        "payment_method": order.payment.method,
        "store_code": order.store_code,
        "created_at": order.created_at,
    }
