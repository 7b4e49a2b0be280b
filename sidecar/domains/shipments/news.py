"""A delivery as the ERP or the warehouse tells of it: one row of `shipments`."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec

from sidecar.model.news import NewsSpec


class ShippedLine(msgspec.Struct, frozen=True, kw_only=True):
    """So much of one line of the order; it is known by `order_item_id`, or else by `sku`."""

    qty: Decimal
    order_item_id: int | None = None
    sku: str | None = None


class Track(msgspec.Struct, frozen=True, kw_only=True):
    """One parcel."""

    track_number: str
    title: str
    carrier_code: str = "custom"


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One delivery: one shipment in Magento, however often it is told of.

    `number`: the ERP's; `order`: our external reference of the order, or `order_reference`: what
    the ERP calls it.  `items` None: everything that is open.
    """

    number: str
    order: str | None = None
    order_reference: str | None = None
    source_code: str | None = None
    items: tuple[ShippedLine, ...] | None = None
    tracks: tuple[Track, ...] = ()
    notify: bool | None = None
    at: datetime | None = None


NEWS = NewsSpec(Delivery, ("number",), of=("order", "order", "order_reference"))
