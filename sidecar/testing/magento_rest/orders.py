"""Orders: reading, comments, hold, unhold, cancel, single columns."""

from __future__ import annotations

from decimal import Decimal

from sidecar.testing.magento_db import LoadedOrder, Remark
from sidecar.testing.magento_db.document_amounts import to_invoice
from sidecar.testing.magento_db.schema import tables
from sidecar.testing.magento_rest import sales_json
from sidecar.testing.magento_rest.body import ANYTHING, INT, TEXT, Record, Scalar
from sidecar.testing.magento_rest.document_body import stored
from sidecar.testing.magento_rest.lookup import by_id, by_search
from sidecar.testing.magento_rest.refusals import bad
from sidecar.testing.magento_rest.route import Call, Route
from sidecar.testing.magento_rest.rows import of_parents, one
from sidecar.testing.magento_rest.values import Json, plain

_NO_HOLD = ("canceled", "payment_review", "complete", "closed", "holded")
_NO_CANCEL = ("canceled", "payment_review", "complete", "closed", "holded")
_OF_ANOTHER_STATUS = "\n                 ".join(
    ('Unable to add comment: The status "%1" is not part of the order', "status history.")
)


def comments(call: Call) -> Json:
    """`orders/:id/comments`, read."""
    session = call.shop.session
    order_id = _order_id(call)
    rows = of_parents(session, "sales_order_status_history", "parent_id", [order_id], "entity_id")
    items = [sales_json.history(row) for row in reversed(rows)]
    return {"items": items, "search_criteria": {}, "total_count": len(items)}


def add_comment(call: Call) -> bool:
    """`orders/:id/comments`: the status may be left out or be the order's own."""
    given = call.body["statusHistory"]
    order = one(call.shop.session, "sales_order", "entity_id", call.number("id"))
    status = given.get("status")
    if status is not None and status != order["status"]:
        raise bad(_OF_ANOTHER_STATUS, status)
    call.shop.comment(
        order["entity_id"],
        Remark(
            stored(given.get("comment") or ""),
            bool(given.get("is_visible_on_front")),
            bool(given.get("is_customer_notified")),
        ),
    )
    return True


def hold(call: Call) -> bool:
    """`orders/:id/hold`."""
    order_id = _order_id(call)
    if call.shop.load_order(order_id).order["state"] in _NO_HOLD:
        raise bad("A hold action is not available.")
    call.shop.hold(order_id)
    return True


def unhold(call: Call) -> bool:
    """`orders/:id/unhold`."""
    order_id = _order_id(call)
    if call.shop.load_order(order_id).order["state"] != "holded":
        raise bad("You cannot remove the hold.")
    call.shop.unhold(order_id)
    return True


def cancel(call: Call) -> bool:
    """`orders/:id/cancel`: what cannot be canceled is no error, the answer is false."""
    order_id = _order_id(call)
    if not _can_cancel(call.shop.load_order(order_id)):
        return False
    call.shop.cancel(order_id)
    return True


def _can_cancel(loaded: LoadedOrder) -> bool:
    if loaded.order["state"] in _NO_CANCEL:
        return False
    # A companion and a bundle that is the sum of its parts are never canceled themselves.
    canceled = [item for item in loaded.items if loaded.carries_price(item)]
    return any(to_invoice(item) > Decimal(0) for item in canceled)


def save(call: Call) -> Json:
    """`orders`: single columns, status and state among them, taken without any check."""
    given = dict(call.body["entity"])
    order_id = given.pop("entity_id", None)
    one(call.shop.session, "sales_order", "entity_id", order_id)
    call.shop.save_columns(order_id, **given)
    # What was not sent is shown as null; the row keeps it.
    sent = call.body["entity"]
    return {name: plain(sent.get(name)) for name in tables()["sales_order"]}


def _order_id(call: Call) -> int:
    row = one(call.shop.session, "sales_order", "entity_id", call.number("id"))
    return int(row["entity_id"])


_COMMENT = Record(
    {"comment": TEXT, "is_customer_notified": INT, "is_visible_on_front": INT, "status": TEXT,
     "parent_id": INT, "entity_id": INT, "entity_name": TEXT, "created_at": TEXT,
     "extension_attributes": ANYTHING}
)  # fmt: skip
_COLUMNS: dict[str, Scalar] = {
    name: INT if name == "entity_id" else TEXT for name in tables()["sales_order"]
}
_ENTITY = {
    "entity": Record(
        _COLUMNS,
        ignored=frozenset(
            {"items", "billing_address", "payment", "status_histories", "extension_attributes"}
        ),
    )
}
_VIEW, _CREATE = "Magento_Sales::actions_view", "Magento_Sales::create"
_REQUIRED = frozenset({"entity"})

ROUTES = (
    Route("GET", "orders/:id", _VIEW, by_id("sales_order", sales_json.orders)),
    Route("GET", "orders", _VIEW, by_search("sales_order", sales_json.orders)),
    Route("GET", "orders/:id/comments", "Magento_Sales::actions_view", comments),
    Route("POST", "orders/:id/comments", "Magento_Sales::comment", add_comment,
          {"statusHistory": _COMMENT}, frozenset({"statusHistory"})),
    Route("POST", "orders/:id/hold", "Magento_Sales::hold", hold),
    Route("POST", "orders/:id/unhold", "Magento_Sales::unhold", unhold),
    Route("POST", "orders/:id/cancel", "Magento_Sales::cancel", cancel),
    Route("POST", "orders", _CREATE, save, _ENTITY, _REQUIRED),
    Route("PUT", "orders/create", _CREATE, save, _ENTITY, _REQUIRED),
)  # fmt: skip
