"""A product's prices as the ERP tells of them: one row of `prices`."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import msgspec

from sidecar.model.news import NewsSpec


class TierPrice(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The price from so many on, for a group of customers (None: for all)."""

    quantity: Decimal
    price: Decimal
    customer_group: str | None = None


class PriceLevel(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The prices of one SKU; `website_code` None: everywhere.

    What is None is left as it is in Magento, but for `special_price`: a row that has no special
    price and names `special_from` or `special_to` neither says nothing of it unless the file of
    calls maps it (a mapped special price that is none ends the present one).  Days are the
    store's: from the first moment of `special_from` to the last of `special_to`.
    """

    sku: str
    website_code: str | None = None
    price: Decimal | None = None
    special_price: Decimal | msgspec.UnsetType | None = msgspec.UNSET
    special_from: date | None = None
    special_to: date | None = None
    tier_prices: tuple[TierPrice, ...] | msgspec.UnsetType = msgspec.UNSET
    at: datetime | None = None


NEWS = NewsSpec(PriceLevel, ("sku", "website_code"), levels=True)
