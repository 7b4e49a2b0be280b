"""An invoice as the ERP tells of it: one row of `invoices`."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec

from sidecar.model.news import NewsSpec


class InvoicedLine(msgspec.Struct, frozen=True, kw_only=True):
    """So much of one line of the order; it is known by `order_item_id`, or else by `sku`."""

    qty: Decimal
    order_item_id: int | None = None
    sku: str | None = None


class ErpInvoice(msgspec.Struct, frozen=True, kw_only=True):
    """One invoice of the ERP: one invoice in Magento, however often it is told of.

    `number`: the ERP's; `order`: our external reference of the order, or `order_reference`: what
    the ERP calls it.  `items` None: everything that is open.  `total`, `currency`: what the ERP
    invoiced, compared where they are told.
    """

    number: str
    order: str | None = None
    order_reference: str | None = None
    items: tuple[InvoicedLine, ...] | None = None
    capture: bool | None = None
    notify: bool = False
    total: Decimal | None = None
    currency: str | None = None
    at: datetime | None = None


NEWS = NewsSpec(ErpInvoice, ("number",), of=("order", "order", "order_reference"))
