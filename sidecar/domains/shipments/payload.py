"""A shipment as one immutable value: the payload of the shipment events.

Field names are Magento's (its REST API and tables); a field without a Magento namesake is marked
"ours".  Times are UTC.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from sidecar.model.columns import Decimal12, Decimal20, Text32, Text50, Text255


class ShipmentItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Row of sales_shipment_item: so much of one line of the order.

    Of a configurable product the parent's line is shipped; of a bundle its own, or those that it is
    made of, as the product says.
    """

    entity_id: int
    order_item_id: int
    sku: Text255
    name: Text255 | None
    qty: Decimal12
    price: Decimal20
    weight: Decimal12


class ShipmentTrack(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Row of sales_shipment_track: one parcel."""

    entity_id: int
    track_number: str
    title: Text255 | None
    carrier_code: Text32 | None
    description: str | None


class Shipment(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Row of sales_shipment with its lines and parcels.

    `source_code`: the source that it left, where the shop has Magento's multi-source inventory (in
    the REST API `extension_attributes.source_code`).  Ours: `order_increment_id` of the order that
    it belongs to, `store_code`.
    """

    entity_id: int
    increment_id: Text50
    order_id: int
    order_increment_id: Text50
    store_id: int | None
    store_code: str | None
    source_code: Text255 | None
    total_qty: Decimal12
    total_weight: Decimal12
    customer_note: str | None
    created_at: datetime
    updated_at: datetime | None
    items: tuple[ShipmentItem, ...]
    tracks: tuple[ShipmentTrack, ...]
