"""What the ERP tells of an order that it has: one row of `order_status` in the file of calls."""

from __future__ import annotations

from datetime import datetime

import msgspec

from sidecar.model.news import NewsSpec


class OrderStatus(msgspec.Struct, frozen=True, kw_only=True):
    """An order's state in the ERP.

    `external`: our external reference; `reference`: the ERP's number; one of them is there.
    `status`: the ERP's word, a state of the lifecycle file; `at`: when it became so (UTC).
    """

    status: str
    external: str | None = None
    reference: str | None = None
    at: datetime | None = None
    message: str | None = None


NEWS = NewsSpec(OrderStatus, ("reference", "external"), of=("order", "external", "reference"))
