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

    What the file of calls does not map is left as it is in Magento.  A `price` of None is left too;
    a special price that is mapped and is none ends the present one; a day that is mapped and is
    none is no limit; tiers that are mapped and are none are taken away.  Days are the store's: from
    the first moment of `special_from` to the last of `special_to`.
    """

    sku: str
    website_code: str | None = None
    price: Decimal | None = None
    special_price: Decimal | msgspec.UnsetType | None = msgspec.UNSET
    special_from: date | msgspec.UnsetType | None = msgspec.UNSET
    special_to: date | msgspec.UnsetType | None = msgspec.UNSET
    tier_prices: tuple[TierPrice, ...] | msgspec.UnsetType = msgspec.UNSET
    at: datetime | None = None


NEWS = NewsSpec(PriceLevel, ("sku", "website_code"), levels=True)
