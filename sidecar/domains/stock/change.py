"""One quantity that is to change, and what Magento shows for it afterwards."""

from __future__ import annotations

from decimal import Decimal

import msgspec

#: Magento's statuses of a level, and of a product in the tables from before MSI.
OUT_OF_STOCK, IN_STOCK = 0, 1


class Change(msgspec.Struct, frozen=True, gc=False):
    """A level from `old` to `new`.

    `item_id` 0: Magento has none of this product at this source, and it is made.  `legacy_id`: its
    row in the tables from before MSI, 0 where these keep no copy of the source.  `sells_beyond`,
    `min_qty`: as in `Level`.
    """

    sku: str
    source_code: str
    product_id: int
    item_id: int
    legacy_id: int
    old: Decimal
    new: Decimal
    sells_beyond: bool
    min_qty: Decimal

    @property
    def falls_to_zero(self) -> bool:
        """Whether there was some, and will be none."""
        return self.old > 0 >= self.new

    def status(self, present: int) -> int:
        """The level's status, which changes only where the quantity comes or goes.

        With 0 pieces and IN_STOCK a product that may be backordered is sold on; one that somebody
        took off sale by hand stays so while there is some of it.
        """
        if self.old <= 0 < self.new:
            return IN_STOCK
        if self.falls_to_zero and not self.sells_beyond:
            return OUT_OF_STOCK
        return present

    def legacy_status(self, status: int) -> int:
        """`is_in_stock` before MSI: what Magento itself makes of the level's status."""
        return int(status == IN_STOCK and (self.sells_beyond or self.new > self.min_qty))
