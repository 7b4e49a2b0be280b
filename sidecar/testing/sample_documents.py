"""Refunds, invoices and shipments for tests that need no database: of all of a sample order.

order = simple_order()
adapter.push([delivery(refund_of(order), "refund.issued", order, Link("SO-100001"))])
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from sidecar.domains.invoices.payload import Invoice
from sidecar.domains.invoices.spec import PAID
from sidecar.domains.invoices.spec import SPEC as INVOICES
from sidecar.domains.orders.payload import Order, OrderItem
from sidecar.domains.refunds.payload import Refund
from sidecar.domains.refunds.spec import REFUNDED
from sidecar.domains.refunds.spec import SPEC as REFUNDS
from sidecar.domains.shipments.payload import Shipment, ShipmentItem, ShipmentTrack
from sidecar.domains.shipments.spec import SPEC as SHIPMENTS
from sidecar.magento.money_document import DocumentItem
from sidecar.model.event import Event, event_id, schema_urn
from sidecar.ports import Delivery, Link, Parent
from sidecar.testing.sample_order import SHOP

OfOrder = Refund | Invoice | Shipment

_ZERO = Decimal("0.0000")
_ADJUSTMENTS = tuple(
    f"{basis}adjustment{sign}" for basis in ("", "base_") for sign in ("", "_positive", "_negative")
)
#: What Magento names differently in the two tables.
_OF_ITEM = {"qty": "qty_ordered", "order_item_id": "item_id", "entity_id": "item_id"}
#: Of each payload its domain, and what stands before the number in its default reference.
_DOMAINS = {Refund: (REFUNDS, "CM"), Invoice: (INVOICES, "IN"), Shipment: (SHIPMENTS, "SH")}


def refund_of(order: Order, number: str = "000000042", **fields: Any) -> Refund:
    """All of the order is given back; `fields` replace fields of the refund."""
    given = _document(Refund, order, number) | {
        "order_grand_total": order.grand_total,
        "state": int(REFUNDED),
        "items": tuple(_item(order, item) for item in order.items),
        **dict.fromkeys(_ADJUSTMENTS, _ZERO),
    }
    return Refund(**(given | fields))


def invoice_of(order: Order, number: str = "000000042", **fields: Any) -> Invoice:
    """All of the order is invoiced and paid; `fields` replace fields of the invoice."""
    given = _document(Invoice, order, number) | {
        "order_grand_total": order.grand_total,
        "state": int(PAID),
        "total_qty": _pieces(order),
        "items": tuple(_item(order, item) for item in order.items),
    }
    return Invoice(**(given | fields))


def shipment_of(order: Order, number: str = "000000042", **fields: Any) -> Shipment:
    """All of the order goes in one parcel; `fields` replace fields of the shipment."""
    given = _document(Shipment, order, number) | {
        "source_code": "default",
        "total_qty": _pieces(order),
        "total_weight": _ZERO,
        "items": tuple(_shipped(item) for item in _top(order)),
        "tracks": (
            ShipmentTrack(
                entity_id=1,
                track_number=f"1Z{number}",
                title="UPS",
                carrier_code="ups",
                description=None,
            ),
        ),
    }
    return Shipment(**(given | fields))


def delivery(
    document: OfOrder,
    event_type: str,
    order: Order,
    order_link: Link,
    sequence: int = 1,
    link: Link | None = None,
) -> Delivery:
    """One event of the document on its way to the ERP, under its default external reference."""
    spec, prefix = _DOMAINS[type(document)]
    event = Event(
        id=event_id(SHOP, spec.kind, document.entity_id, sequence),
        type=event_type,
        source=f"urn:magento:{SHOP}",
        subject=f"{spec.kind}/{document.increment_id}",
        time=document.updated_at or document.created_at,
        dataschema=schema_urn(spec.event(event_type)),
        data=document,
        sequence=sequence,
    )
    return Delivery(event, f"{prefix}{document.increment_id}", link, Parent(order, order_link))


def _document(kind: type[OfOrder], order: Order, number: str) -> dict[str, Any]:
    return _same(kind, order) | {
        "entity_id": int(number),
        "increment_id": number,
        "order_id": order.entity_id,
        "order_increment_id": order.increment_id,
    }


def _item(order: Order, item: OrderItem) -> DocumentItem:
    given = _of_item(DocumentItem, item) | {"parent_order_item_id": item.parent_item_id}
    return DocumentItem(**given | {"is_sellable": any(item is one for one in order.sellable_items)})


def _shipped(item: OrderItem) -> ShipmentItem:
    given = _of_item(ShipmentItem, item)
    return ShipmentItem(**given | {"weight": item.weight or _ZERO})


def _pieces(order: Order) -> Decimal:
    return sum((item.qty_ordered for item in _top(order)), _ZERO)


def _top(order: Order) -> list[OrderItem]:
    """The lines that are no part of another one of the order."""
    ids = {item.item_id for item in order.items}
    return [item for item in order.items if item.parent_item_id not in ids]


def _of_item(kind: type[msgspec.Struct], item: OrderItem) -> dict[str, Any]:
    return _same(kind, item) | {
        name: getattr(item, of_order) for name, of_order in _OF_ITEM.items()
    }


def _same(kind: type[msgspec.Struct], source: msgspec.Struct) -> dict[str, Any]:
    """The fields that have their namesake in the order; the others are none."""
    return {name: getattr(source, name, None) for name in kind.__struct_fields__}
