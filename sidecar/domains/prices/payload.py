"""A product's prices where Magento owns them: the payload of the price events."""

from __future__ import annotations

import msgspec

from sidecar.model.columns import Decimal12, Decimal20, Text50, Text255


class TierPrice(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The price from so many on, for a group of customers (none: for all).

    A `price`, or so many per cent off the product's own (`percentage`).
    """

    quantity: Decimal12
    price: Decimal20 | None = None
    percentage: Decimal12 | None = None
    customer_group: Text255 | None = None


class Price(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a product costs in a website, before the rules of catalogue and cart.

    Ours: `entity_id`, of product and website together; `website_code`, none where prices are the
    same everywhere (Magento's *Catalog Price Scope*: Global).  `special_from` and `special_to` are
    days of the store (`2026-12-24`), both included; none: it has begun, it does not end.
    """

    entity_id: int
    product_id: int
    sku: Text50
    website_code: Text255 | None
    currency: str | None
    price: Decimal20 | None
    special_price: Decimal20 | None = None
    special_from: str | None = None
    special_to: str | None = None
    tier_prices: tuple[TierPrice, ...] = ()
