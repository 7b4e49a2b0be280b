"""The business facts of the orders domain."""

from __future__ import annotations

from typing import Final

from sidecar.domains.orders.payload import Order, Vanished
from sidecar.model.domain_spec import EventSpec, Role

ORDER_PLACED: Final = "order.placed"
ORDER_UPDATED: Final = "order.updated"
ORDER_CANCELED: Final = "order.canceled"
ORDER_HELD: Final = "order.held"
ORDER_RELEASED: Final = "order.released"
ORDER_VANISHED: Final = "order.vanished"

EVENTS = (
    EventSpec(ORDER_PLACED, Role.OPENS, Order),
    EventSpec(ORDER_UPDATED, Role.CHANGES, Order, replaces=True, revives=True),
    EventSpec(ORDER_CANCELED, Role.ENDS, Order),
    EventSpec(ORDER_HELD, Role.CHANGES, Order),
    # Unhold in Magento's admin sends again what the ERP had refused.
    EventSpec(ORDER_RELEASED, Role.CHANGES, Order, revives=True),
    # A deleted row fires no trigger of ours: only the sweep can find it.
    EventSpec(ORDER_VANISHED, Role.ENDS, Vanished, announced=False),
)
