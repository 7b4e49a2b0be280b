"""Who sells and gives back in the crash stands."""

from __future__ import annotations

from collections import deque
from decimal import Decimal

from sidecar.testing.magento_db import Line, Shop

#: A refund gives back one of the mugs: where the ERP booked one twice, its books have room for it.
_CART = (Line("MUG", 5), Line("TEAPOT"))
_MOST_REFUNDS = 2


class Shopkeeper:
    """Sells, and gives back one mug at a time on the oldest order that has some left."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._refundable: deque[tuple[int, int]] = deque()
        self._traded = 0

    def sell(self) -> None:
        """An order that is placed and paid."""
        order = self._shop.place(_CART)
        self._shop.invoice(order.entity_id)
        [mugs, *_] = self._shop.load_order(order.entity_id).items
        self._refundable.extend([(order.entity_id, mugs["item_id"])] * _MOST_REFUNDS)

    def give_back(self, *, newest: bool = False) -> None:
        """A refund on the oldest order, which is booked perhaps; the newest one's hardly is."""
        order_id, mugs = self._refundable.pop() if newest else self._refundable.popleft()
        self._shop.refund(order_id, {mugs: Decimal(1)}, shipping=Decimal(0))

    def trade(self) -> None:
        """An order; on every second one a refund follows, on itself or on an older one in turn."""
        self._traded += 1
        self.sell()
        if self._traded % 2:
            self.give_back(newest=self._traded % 4 == 1)
