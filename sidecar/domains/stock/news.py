"""A quantity as the ERP or the warehouse tells of it: one row of `stock`."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec

from sidecar.model.news import NewsSpec


class StockLevel(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The quantity of one SKU at one source; what it counts says `basis` of the configuration."""

    sku: str
    source_code: str
    quantity: Decimal
    at: datetime | None = None


NEWS = NewsSpec(StockLevel, ("sku", "source_code"), levels=True)
