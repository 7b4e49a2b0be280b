"""Invoices: `order/:id/invoice`, capture, reading."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from sidecar.testing.magento_db import LoadedOrder
from sidecar.testing.magento_db.document_amounts import (
    Part,
    named_lines,
    to_invoice,
    with_companions,
)
from sidecar.testing.magento_rest import sales_json
from sidecar.testing.magento_rest.body import ANYTHING, BOOL
from sidecar.testing.magento_rest.document_body import (
    COMMENT,
    asked,
    is_fraction,
    lines,
    refuse,
    remark,
)
from sidecar.testing.magento_rest.lookup import by_id, by_search
from sidecar.testing.magento_rest.refusals import bad
from sidecar.testing.magento_rest.route import Call, Route
from sidecar.testing.magento_rest.rows import one


def invoice(call: Call) -> str:
    """`order/:orderId/invoice`.  The offline methods are paid with it, captured or not."""
    order_id = call.number("orderId")
    one(call.shop.session, "sales_order", "entity_id", order_id)
    body = call.body

    def choose(loaded: LoadedOrder) -> list[Part]:
        faults = list(_state_faults(loaded))
        parts = [] if faults else _parts(loaded, asked(body))
        if not parts and not faults:
            faults.append("The invoice can't be created without products.")
        refuse("Invoice", faults)
        return parts

    made = call.shop.invoice(order_id, choose, notify=bool(body.get("notify")), remark=remark(body))
    return str(made.entity_id)


def _state_faults(loaded: LoadedOrder) -> Iterator[str]:
    order = loaded.order
    if order["state"] in ("payment_review", "holded", "canceled", "closed"):
        yield f"An invoice cannot be created when an order has a status of {order['status']}"
    elif not any(to_invoice(item) > 0 for item in named_lines(loaded, "invoice")):
        yield "The order does not allow an invoice to be created."


def _parts(loaded: LoadedOrder, wanted: dict[int, Decimal]) -> list[Part]:
    """What is invoiced of what was asked for: too much is refused."""
    parts: list[Part] = []
    for item in named_lines(loaded, "invoice"):
        qty = wanted.get(item["item_id"], Decimal(0)) if wanted else to_invoice(item)
        if qty > to_invoice(item) or qty < 0 or is_fraction(item, qty):
            raise bad('We found an invalid quantity to invoice item "%1".', item["name"])
        if qty > 0:
            parts += with_companions(loaded, item, qty)
    return parts


def capture(call: Call) -> bool:
    """`invoices/:id/capture`: what an offline method took is captured already."""
    one(call.shop.session, "sales_invoice", "entity_id", call.number("id"))
    raise bad("The capture action is not available.")


_READ = "Magento_Sales::sales_invoice"

ROUTES = (
    Route(
        "POST", "order/:orderId/invoice", "Magento_Sales::invoice", invoice,
        {
            "capture": BOOL,
            "items": lines("InvoiceItemCreationInterface"),
            "notify": BOOL,
            "appendComment": BOOL,
            "comment": COMMENT,
            "arguments": ANYTHING,
        },
    ),
    Route("POST", "invoices/:id/capture", "Magento_Sales::capture", capture),
    Route("GET", "invoices/:id", _READ, by_id("sales_invoice", sales_json.invoices)),
    Route("GET", "invoices", _READ, by_search("sales_invoice", sales_json.invoices)),
)  # fmt: skip
