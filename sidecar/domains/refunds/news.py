"""A refund as the ERP tells of it: one row of `refunds`, where the ERP makes them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec

from sidecar.model.news import NewsSpec

_ZERO = Decimal(0)


class RefundedLine(msgspec.Struct, frozen=True, kw_only=True):
    """So much of one line of the order; it is known by `order_item_id`, or else by `sku`."""

    qty: Decimal
    order_item_id: int | None = None
    sku: str | None = None
    to_stock: bool = False


class ErpRefund(msgspec.Struct, frozen=True, kw_only=True):
    """One credit note of the ERP: one credit memo in Magento, however often it is told of.

    `number`: the ERP's; `order`: our external reference of the order, or `order_reference`: what
    the ERP calls it.  Amounts in the order's currency.  `online`: the payment method gives the
    money back.  `total`: what the ERP refunded, compared where it is told.
    """

    number: str
    order: str | None = None
    order_reference: str | None = None
    items: tuple[RefundedLine, ...] = ()
    shipping: Decimal = _ZERO
    adjustment: Decimal = _ZERO
    online: bool = False
    notify: bool = False
    total: Decimal | None = None
    currency: str | None = None
    at: datetime | None = None


NEWS = NewsSpec(ErpRefund, ("number",), of=("order", "order", "order_reference"))
