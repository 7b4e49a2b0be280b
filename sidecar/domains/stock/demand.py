"""Demand: what is reserved of each SKU in each stock, told as the change over a window.

Magento writes a reservation outside the order's transaction (-2 when it is placed, +2 when it is
shipped or canceled), and deletes at night those of a SKU and stock that come to nothing.  Their sum
is the same before and after, so it is the sum that is compared, not the rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

import sqlalchemy as sa

from sidecar.domains.stock.events import STOCK_DEMAND
from sidecar.domains.stock.payload import Demand
from sidecar.domains.stock.spec import SPEC
from sidecar.magento.live_schema import MagentoSchema
from sidecar.magento.totals import Message

_LONGEST = 64


class DemandTotals:
    """`every`: seconds.  A total is called STOCK/SKU."""

    spec = SPEC
    type = STOCK_DEMAND

    def __init__(self, schema: MagentoSchema, every: float) -> None:
        self.every = every
        # By bytes: Magento's collation calls two SKUs equal that the ERP may not.
        self._sums = (
            "SELECT stock_id, MIN(sku), -SUM(quantity) "
            f"FROM {schema.table('inventory_reservation')} "
            "GROUP BY stock_id, CAST(sku AS BINARY)"
        )

    def read(self, connection: sa.Connection) -> Mapping[str, Decimal]:
        """See `Totals`."""
        rows = connection.exec_driver_sql(self._sums)
        return {f"{stock_id}/{sku}": demand for stock_id, sku, demand in rows}

    def message(self, name: str, change: Decimal, since: datetime, until: datetime) -> Message:
        """See `Totals`."""
        stock_id, _, sku = name.partition("/")
        return Message(
            f"{sku}@stock {stock_id}"[:_LONGEST],
            Demand(
                sku=sku,
                stock_id=int(stock_id),
                quantity=change,
                since=since.replace(tzinfo=UTC),
                until=until.replace(tzinfo=UTC),
            ),
        )
