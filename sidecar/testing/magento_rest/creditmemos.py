"""Credit memos: `order/:id/refund`, `invoice/:id/refund`, reading."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from sidecar.testing.magento_db import LoadedOrder
from sidecar.testing.magento_db.document_amounts import (
    Part,
    named_lines,
    refund_amounts,
    to_refund,
    with_companions,
)
from sidecar.testing.magento_rest import sales_json
from sidecar.testing.magento_rest.body import BOOL, FLOAT, INT, Kind, ListOf, Record
from sidecar.testing.magento_rest.document_body import (
    COMMENT,
    asked,
    is_fraction,
    line_of,
    lines,
    refuse,
    remark,
)
from sidecar.testing.magento_rest.lookup import by_id, by_search
from sidecar.testing.magento_rest.refusals import bad
from sidecar.testing.magento_rest.route import Call, Route
from sidecar.testing.magento_rest.rows import one
from sidecar.testing.magento_rest.values import Json

_ZERO = Decimal(0)
_SIGNS = {"EUR": "€", "USD": "$"}


def refund_order(call: Call) -> str:
    """`order/:orderId/refund`, offline."""
    order_id = call.number("orderId")
    one(call.shop.session, "sales_order", "entity_id", order_id)
    return _refund(call, order_id, None)


def refund_invoice(call: Call) -> str:
    """`invoice/:invoiceId/refund`; with an offline method `isOnline` moves nothing either."""
    invoice = one(call.shop.session, "sales_invoice", "entity_id", call.number("invoiceId"))
    return _refund(call, invoice["order_id"], invoice["entity_id"])


def _refund(call: Call, order_id: int, invoice_id: int | None) -> str:
    body = call.body
    arguments = body.get("arguments") or {}
    shipping = arguments.get("shipping_amount")
    positive = arguments.get("adjustment_positive") or _ZERO
    negative = arguments.get("adjustment_negative") or _ZERO
    extension = arguments.get("extension_attributes") or {}

    def choose(loaded: LoadedOrder) -> list[Part]:
        refuse("Creditmemo", _state_faults(loaded))
        refuse("Creditmemo", _foreign_lines(loaded, body))
        parts = _parts(loaded, asked(body))
        _check_shipping(loaded, shipping)
        total = refund_amounts(loaded, parts, "base_", shipping, positive, negative)["grand_total"]
        refuse("Creditmemo", _money_faults(loaded, total))
        return parts

    made = call.shop.refund(
        order_id,
        choose,
        notify=bool(body.get("notify")),
        shipping=shipping,
        adjustment_positive=positive,
        adjustment_negative=negative,
        return_to_stock=frozenset(extension.get("return_to_stock_items") or ()),
        invoice_id=invoice_id,
        remark=remark(body),
    )
    return str(made.entity_id)


def _state_faults(loaded: LoadedOrder) -> Iterator[str]:
    order = loaded.order
    if order["state"] in ("payment_review", "holded", "canceled", "closed"):
        yield f"A creditmemo can not be created when an order has a status of {order['status']}"
    elif _left(loaded) <= 0:
        yield "The order does not allow a creditmemo to be created."


def _foreign_lines(loaded: LoadedOrder, body: Json) -> Iterator[str]:
    if any(line_of(loaded, item_id) is None for item_id in asked(body)):
        yield "The creditmemo contains product item that is not part of the original order."


def _parts(loaded: LoadedOrder, wanted: dict[int, Decimal]) -> list[Part]:
    """What is refunded; no line named is *every* line that is open, a quantity of 0 is none."""
    parts: list[Part] = []
    for item in named_lines(loaded, "refund"):
        open_qty = to_refund(item)
        if wanted and item["item_id"] not in wanted:
            continue
        qty = wanted.get(item["item_id"], open_qty)
        if qty > open_qty or qty < 0 or is_fraction(item, qty):
            raise bad('We found an invalid quantity to refund item "%1".', item["name"])
        if qty or wanted:
            parts += with_companions(loaded, item, qty)
    return parts


def _check_shipping(loaded: LoadedOrder, shipping: Decimal | None) -> None:
    order = loaded.order
    left = order["shipping_amount"] - (order["shipping_refunded"] or _ZERO)
    if shipping is not None and shipping > left:
        sign = _SIGNS[order["order_currency_code"]]
        raise bad("Maximum shipping amount allowed to refund is: %1", f"{sign}{left:.2f}")


def _money_faults(loaded: LoadedOrder, base_total: Decimal) -> Iterator[str]:
    left = _left(loaded)
    if base_total > left:
        yield f"The most money available to refund is {left:.2f}."
    if base_total <= 0:
        yield "The credit memo's total must be positive."


def _left(loaded: LoadedOrder) -> Decimal:
    order = loaded.order
    return Decimal((order["base_total_paid"] or _ZERO) - (order["base_total_refunded"] or _ZERO))


_BODY: Mapping[str, Kind] = {
    "items": lines("CreditmemoItemCreationInterface"),
    "isOnline": BOOL,
    "notify": BOOL,
    "appendComment": BOOL,
    "comment": COMMENT,
    "arguments": Record(
        {
            "shipping_amount": FLOAT,
            "adjustment_positive": FLOAT,
            "adjustment_negative": FLOAT,
            "extension_attributes": Record({"return_to_stock_items": ListOf(INT)}),
        }
    ),
}
_WRITE, _READ = "Magento_Sales::creditmemo", "Magento_Sales::sales_creditmemo"

ROUTES = (
    Route("POST", "order/:orderId/refund", _WRITE, refund_order, _BODY),
    Route("POST", "invoice/:invoiceId/refund", _WRITE, refund_invoice, _BODY),
    Route("GET", "creditmemo/:id", _READ, by_id("sales_creditmemo", sales_json.creditmemos)),
    Route("GET", "creditmemos", _READ, by_search("sales_creditmemo", sales_json.creditmemos)),
)
