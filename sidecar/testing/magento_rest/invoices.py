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
from sidecar.testing.magento_rest.refusals import bad
from sidecar.testing.magento_rest.route import Call, Route
from sidecar.testing.magento_rest.rows import one
from sidecar.testing.magento_rest.search import criteria_of, search
from sidecar.testing.magento_rest.values import Json


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


def get(call: Call) -> Json:
    """`invoices/:id`."""
    session = call.shop.session
    row = one(session, "sales_invoice", "entity_id", call.number("id"))
    return sales_json.invoices(session, [row])[0]


def find(call: Call) -> Json:
    """`invoices?searchCriteria…`."""
    session = call.shop.session
    return search(
        session,
        "sales_invoice",
        "entity_id",
        criteria_of(call),
        lambda rows: sales_json.invoices(session, rows),
    )


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
    Route("GET", "invoices/:id", _READ, get),
    Route("GET", "invoices", _READ, find),
)  # fmt: skip
