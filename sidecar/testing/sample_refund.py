"""Refunds for tests that need no database: of the sample orders, adding up to the cent.

order = simple_order()
adapter.push([delivery(refund_of(order), "refund.issued", order, Link("SO-100001"))])
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from sidecar.domains.orders.payload import Order, OrderItem
from sidecar.domains.refunds.payload import Refund, RefundItem
from sidecar.domains.refunds.spec import REFUNDED, SPEC
from sidecar.model.event import Event, event_id, schema_urn
from sidecar.ports import Delivery, Link, Parent
from sidecar.testing.sample_order import SHOP

_ZERO = Decimal("0.0000")
_ADJUSTMENTS = tuple(
    f"{basis}adjustment{sign}" for basis in ("", "base_") for sign in ("", "_positive", "_negative")
)
#: What Magento names differently in the two tables.
_OF_ITEM = {"qty": "qty_ordered", "order_item_id": "item_id", "entity_id": "item_id"}


def refund_of(order: Order, number: str = "000000042", **fields: Any) -> Refund:
    """All of the order is given back; `fields` replace fields of the refund."""
    given = _same(Refund, order) | {
        "entity_id": int(number),
        "increment_id": number,
        "order_id": order.entity_id,
        "order_increment_id": order.increment_id,
        "order_grand_total": order.grand_total,
        "state": int(REFUNDED),
        "items": tuple(_item(order, item) for item in order.items),
        **dict.fromkeys(_ADJUSTMENTS, _ZERO),
    }
    return Refund(**(given | fields))


def delivery(
    refund: Refund,
    event_type: str,
    order: Order,
    order_link: Link,
    sequence: int = 1,
    link: Link | None = None,
) -> Delivery:
    """One event of the refund on its way to the ERP, under its default external reference."""
    event = Event(
        id=event_id(SHOP, SPEC.kind, refund.entity_id, sequence),
        type=event_type,
        source=f"urn:magento:{SHOP}",
        subject=f"{SPEC.kind}/{refund.increment_id}",
        time=refund.updated_at or refund.created_at,
        dataschema=schema_urn(SPEC.event(event_type)),
        data=refund,
        sequence=sequence,
    )
    return Delivery(event, f"CM{refund.increment_id}", link, Parent(order, order_link))


def _item(order: Order, item: OrderItem) -> RefundItem:
    given = _same(RefundItem, item) | {
        name: getattr(item, of_order) for name, of_order in _OF_ITEM.items()
    }
    sells = any(item is sold for sold in order.sellable_items)
    return RefundItem(**given | {"parent_order_item_id": item.parent_item_id, "is_sellable": sells})


def _same(kind: type[msgspec.Struct], source: msgspec.Struct) -> dict[str, Any]:
    """The fields that have their namesake in what is refunded; the others are none."""
    return {name: getattr(source, name, None) for name in kind.__struct_fields__}
