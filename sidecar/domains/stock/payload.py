"""What Magento says of stock where it owns it: the payloads of the stock events.  Times are UTC."""

from __future__ import annotations

from datetime import datetime

import msgspec

from sidecar.model.columns import Decimal12, Decimal20, Text50, Text255


class SourceLevel(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Row of inventory_source_item: what lies of a SKU at a source, reservations not taken off.

    A level that was removed from Magento has the quantity 0.  In a shop without multi-source
    inventory it is the row of cataloginventory_stock_item, and the source is `default`.  Ours:
    `entity_id` is `source_item_id` (or `item_id`); `stock_ids`, to which stocks the source belongs;
    `at`, when it was looked at.
    """

    entity_id: int
    sku: Text50
    source_code: Text255
    quantity: Decimal12
    status: int
    stock_ids: tuple[int, ...] = ()
    at: datetime | None = None


class Demand(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What was reserved of a SKU in a stock within a window, as one sum (inventory_reservation).

    Positive: so much more is reserved than before.  Negative: so much less (shipped, canceled,
    refunded).  Those of a SKU and stock add up to what is reserved now.
    """

    sku: Text50
    stock_id: int
    quantity: Decimal20
    since: datetime
    until: datetime
