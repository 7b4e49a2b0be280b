"""Domains that the sidecar does not have yet, as far as their triggers go: every shop has them."""

from __future__ import annotations

from sidecar.domains import SPECS
from sidecar.model.domain_spec import DomainSpec, Watch


def watching(name: str, kind: str, *watches: Watch) -> DomainSpec:
    """A domain that says nothing, and watches."""
    return DomainSpec(name, kind, kind, kind, (), watches=watches)


INVOICES = watching("invoices", "invoice", Watch("sales_invoice", "INSERT", "entity_id"))
SHIPMENTS = watching(
    "shipments",
    "shipment",
    Watch("sales_shipment", "INSERT", "entity_id"),
    Watch("sales_shipment_track", "INSERT", "parent_id"),
)
RESERVATIONS = watching(
    "reservations", "reservation", Watch("inventory_reservation", "INSERT", "reservation_id")
)
STOCK = watching(
    "stock",
    "stock",
    Watch("cataloginventory_stock_status", "UPDATE", "product_id", compare=True),
)
ALL = (*SPECS, INVOICES, SHIPMENTS, RESERVATIONS, STOCK)


def named(*names: str) -> tuple[DomainSpec, ...]:
    """The domains of these names."""
    return tuple(spec for spec in ALL if spec.name in names)
