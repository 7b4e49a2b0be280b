"""An order: what is open of it, comments, hold and cancel.

Its state and status are not written here: Magento decides a status of its own at each save
(`POST /V1/orders`), and the comment's route takes none but the present one.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import msgspec

from sidecar.magento.rest.client import DONE, MagentoRest

_LINE_FIELDS = (
    "item_id", "parent_item_id", "sku", "product_type", "qty_ordered", "qty_shipped",
    "qty_invoiced", "qty_refunded", "qty_canceled",
)  # fmt: skip
#: No customer, no address: what is not needed does not travel.
_FIELDS = (
    f"entity_id,increment_id,state,status,ext_order_id,is_virtual,items[{','.join(_LINE_FIELDS)}]"
)
_NONE = Decimal(0)


class OrderLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line with what became of it.

    Which line of a configurable or bundle a document names: the one without a parent, except for a
    bundle that is shipped separately, whose children are named.  How a bundle is shipped
    (`shipment_type`) the API does not tell: it stands in the database alone, in
    sales_order_item.product_options.
    """

    item_id: int
    sku: str
    product_type: str = ""
    parent_item_id: int | None = None
    qty_ordered: Decimal = _NONE
    qty_shipped: Decimal = _NONE
    qty_invoiced: Decimal = _NONE
    qty_refunded: Decimal = _NONE
    qty_canceled: Decimal = _NONE


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An order as a writer needs it."""

    entity_id: int
    increment_id: str
    state: str
    status: str
    items: list[OrderLine]
    ext_order_id: str | None = None
    is_virtual: bool | None = None


_ORDER = msgspec.json.Decoder(Order, strict=False)


def order(magento: MagentoRest, order_id: int) -> Order:
    """The order with this entity_id.  Raises NoSuchEntity."""
    return magento.get(f"orders/{order_id}", _ORDER, (("fields", _FIELDS),))


def comment(
    magento: MagentoRest, order_id: int, text: str, *, notify: bool = False, visible: bool = False
) -> None:
    """A comment in the order's history.  Twice makes two."""
    entry = {
        "comment": text,
        "is_customer_notified": int(notify),
        "is_visible_on_front": int(visible),
    }
    magento.post(f"orders/{order_id}/comments", {"statusHistory": entry}, DONE)


def hold(magento: MagentoRest, order_id: int) -> bool:
    """Put it on hold.  Raises MagentoRefused where Magento does not offer that."""
    return _done(magento.post, order_id, "hold")


def unhold(magento: MagentoRest, order_id: int) -> bool:
    """Take it off hold.  Raises MagentoRefused where it is not on hold."""
    return _done(magento.post, order_id, "unhold")


def cancel(magento: MagentoRest, order_id: int) -> bool:
    """Cancel what is neither shipped nor invoiced.

    False: Magento did not (it is complete, on hold, or canceled already), which it says with 200.
    """
    return _done(magento.post, order_id, "cancel")


def _done(post: Callable[..., bool], order_id: int, action: str) -> bool:
    return post(f"orders/{order_id}/{action}", None, DONE)
