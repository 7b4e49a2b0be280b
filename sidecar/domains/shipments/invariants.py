"""What must hold of a shipment before it may go: it has no money, so little can be off."""

from __future__ import annotations

from sidecar.domains.shipments.payload import Shipment


def problems(shipment: Shipment) -> list[str]:
    """Why the shipment must not be sent, each a sentence for a person; empty when all is well."""
    broken = []
    if not shipment.increment_id.strip():
        broken.append("the shipment has no number (increment_id)")
    # Magento's raw `POST /V1/shipment` makes such rows (facts: magento-rest, 3).
    if not any(item.qty > 0 for item in shipment.items):
        broken.append("the shipment has no line with a quantity")
    broken += [
        f"line {item.sku} has the quantity {item.qty:f}" for item in shipment.items if item.qty < 0
    ]
    return broken


def problems_of(payload: object) -> list[str]:
    """As `problems`, of any payload."""
    return problems(payload) if isinstance(payload, Shipment) else []
