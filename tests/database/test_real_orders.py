"""Orders of a real Magento 2.4.7: each adds up, survives its payload, and equals Magento's REST.

Needs the recorded data in ../shared; on a user's machine these tests are skipped.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sidecar.database.connection import Database
from sidecar.domains import SPECS
from sidecar.domains.orders.events import ORDER_PLACED
from sidecar.domains.orders.invariants import problems
from sidecar.domains.orders.payload import Order
from sidecar.domains.orders.reader import OrderReader
from sidecar.domains.orders.spec import SPEC
from sidecar.magento.live_schema import read_schema
from sidecar.model.event import decode_payload, encode_payload
from sidecar.testing.magento_db import MagentoDatabase, PrivateServer, load_dump
from tests.database.capture_bench import login

pytestmark = pytest.mark.shared

# What Magento's REST API shows and an order event does not carry, and why.
_DOCUMENTS = "what invoices and credit memos come to is in the events of those documents"
_KEY = "the key of the parent, which the payload expresses by nesting"
NOT_CARRIED: dict[str, dict[str, str]] = {
    "order": {
        "adjustment_negative": _DOCUMENTS,
        "adjustment_positive": _DOCUMENTS,
        "discount_invoiced": _DOCUMENTS,
        "discount_refunded": _DOCUMENTS,
        "discount_tax_compensation_invoiced": _DOCUMENTS,
        "discount_tax_compensation_refunded": _DOCUMENTS,
        "shipping_invoiced": _DOCUMENTS,
        "shipping_refunded": _DOCUMENTS,
        "shipping_tax_refunded": _DOCUMENTS,
        "subtotal_invoiced": _DOCUMENTS,
        "subtotal_refunded": _DOCUMENTS,
        "tax_invoiced": _DOCUMENTS,
        "tax_refunded": _DOCUMENTS,
        "total_offline_refunded": _DOCUMENTS,
        "total_invoiced_cost": _DOCUMENTS,
        "billing_address_id": "is billing_address.entity_id",
        "customer_note_notify": "whether Magento mails is no business of an ERP",
        "email_sent": "whether Magento mails is no business of an ERP",
        "protect_code": "a secret: who has it sees a guest's order",
        "extension_attributes": "compared one by one below",
    },
    "item": {
        "amount_refunded": _DOCUMENTS,
        "discount_invoiced": _DOCUMENTS,
        "discount_refunded": _DOCUMENTS,
        "discount_tax_compensation_invoiced": _DOCUMENTS,
        "discount_tax_compensation_refunded": _DOCUMENTS,
        "row_invoiced": _DOCUMENTS,
        "tax_invoiced": _DOCUMENTS,
        "tax_refunded": _DOCUMENTS,
        "created_at": "is the order's",
        "updated_at": "moves with every save of the order, also without a change",
        "no_discount": "a hint to Magento's own discount calculation",
        "order_id": _KEY,
        "parent_item": "the parent stands in the list of items; linked by parent_item_id",
        "product_option": "ids of options; their texts are in `options`",
        "weee_tax_applied": "the fixed product tax is in weee_tax_applied_row_amount",
        "extension_attributes": "compared one by one below",
    },
    "address": {"parent_id": _KEY},
    "payment": {
        "account_status": "of a payment method that no longer exists",
        "additional_information": "may hold card or bank data; of it only method_title",
        "cc_last4": "card data is never read",
        "parent_id": _KEY,
        "shipping_amount": "is the order's shipping_amount",
        "shipping_captured": _DOCUMENTS,
        "shipping_refunded": _DOCUMENTS,
    },
    "history": {"parent_id": _KEY},
    "tax": {"order_id": _KEY, "process": "order of calculation inside Magento"},
    "tax_item": {},
    "shipping": {"shipping_invoiced": _DOCUMENTS, "shipping_refunded": _DOCUMENTS,
                 "shipping_tax_refunded": _DOCUMENTS},
}  # fmt: skip


@pytest.fixture(scope="module")
def orders(server: PrivateServer, shared: Path) -> Iterator[dict[int, Order]]:
    magento = MagentoDatabase(server, "recorded_orders")
    load_dump(server, shared / "magento" / "orders-64.sql.gz", magento.name)
    database = Database(login(magento))
    reader = OrderReader(read_schema(database, SPECS))
    with database.snapshot() as connection:
        yield reader.read(connection, range(1, 65))
    database.close()
    magento.drop()


def rest_answer(shared: Path, number: int) -> dict[str, Any]:
    """What Magento's REST API answered to GET /V1/orders/:id."""
    text = (shared / "magento" / "rest" / f"rest-order-{number}.json").read_text(encoding="utf-8")
    answer: dict[str, Any] = json.loads(text, parse_float=Decimal)
    return answer


def test_all_64_orders_add_up_in_both_currencies(orders: dict[int, Order]) -> None:
    assert len(orders) == 64
    assert {number: found for number, order in orders.items() if (found := problems(order))} == {}
    assert {order.order_currency_code for order in orders.values()} == {"EUR", "USD"}


def test_the_sum_of_the_lines_is_magentos_subtotal(orders: dict[int, Order]) -> None:
    for order in orders.values():
        assert sum(line.row_total for line in order.sellable_items) == order.subtotal
        assert sum(line.base_row_total for line in order.sellable_items) == order.base_subtotal


def test_all_64_orders_become_payloads_and_come_back_equal(orders: dict[int, Order]) -> None:
    for order in orders.values():
        assert decode_payload(SPEC.event(ORDER_PLACED), encode_payload(order)) == order


def test_taxes_per_line_and_of_the_shipping_come_to_the_tax_per_rate(
    orders: dict[int, Order],
) -> None:
    for order in orders.values():
        parts = [tax for line in order.items for tax in line.taxes] + [*order.shipping_taxes]
        for rate in order.taxes:
            mine = [tax for tax in parts if tax.tax_id == rate.tax_id]
            assert sum(tax.real_amount for tax in mine) == rate.amount
            assert sum(tax.real_base_amount for tax in mine) == rate.base_amount


def test_a_configurable_line_carries_the_sku_of_the_variant(orders: dict[int, Order]) -> None:
    lines = [line for order in orders.values() for line in order.items]
    variants = {line.parent_item_id: line for line in lines if line.parent_item_id}
    configurables = [line for line in lines if line.product_type == "configurable"]

    assert len(configurables) == 24
    for line in configurables:
        assert line.is_sellable
        assert line.sku == variants[line.item_id].sku == variants[line.item_id].parent_sku
        assert not variants[line.item_id].is_sellable


@pytest.mark.parametrize("number", [5, 8, 12])
def test_an_order_equals_magentos_own_rest_answer(
    orders: dict[int, Order], shared: Path, number: int
) -> None:
    rest = rest_answer(shared, number)
    more, order = rest["extension_attributes"], orders[number]

    assert differences("order", rest, order) == []
    assert more["payment_additional_info"][0]["value"] == order.payment.method_title
    assert_equal_lists("tax", more["taxes"], order.taxes)
    assert_equal_lists("tax_item", more["additional_itemized_taxes"], order.shipping_taxes)
    (assignment,) = more["shipping_assignments"]
    assert assignment["shipping"].get("method") == order.shipping_method
    assert differences("shipping", assignment["shipping"]["total"], order) == []
    assert [item["item_id"] for item in assignment["items"]] == [i.item_id for i in order.items]
    if order.shipping_address is None:
        assert "address" not in assignment["shipping"]
    else:
        address = assignment["shipping"]["address"]
        assert differences("address", address, order.shipping_address) == []


@pytest.mark.parametrize("number", [5, 8, 12])
def test_what_magentos_rest_omits_is_empty_in_the_order_too(
    orders: dict[int, Order], shared: Path, number: int
) -> None:
    rest = rest_answer(shared, number)
    order = orders[number]

    elsewhere = {
        "store_code", "website_code", "customer_group_code", "taxes", "shipping_taxes",
        "shipping_address", "shipping_method",
    }  # fmt: skip
    assert surplus(rest, order) - elsewhere == set()
    of_ours = {"is_sellable", "parent_sku", "catalog_sku", "options", "taxes"}
    for item, line in zip(rest["items"], order.items, strict=True):
        assert surplus(item, line) - of_ours == set()
    assert surplus(rest["billing_address"], order.billing_address) == set()
    assert surplus(rest["payment"], order.payment) == {"method_title"}


def surplus(rest: dict[str, Any], ours: msgspec.Struct) -> set[str]:
    """Fields of ours that hold something although Magento's answer has no such field."""
    return {field for field in ours.__struct_fields__ if field not in rest and getattr(ours, field)}


def differences(kind: str, rest: dict[str, Any], ours: msgspec.Struct) -> list[str]:
    """Where the fields of a REST object are not equal to those of the same name."""
    skipped = set(NOT_CARRIED[kind]) | {f"base_{name}" for name in NOT_CARRIED[kind]}
    found = []
    for name, theirs in rest.items():
        if name in skipped:
            continue
        mine = getattr(ours, name)
        if name == "items":
            assert_equal_lists("item", theirs, mine)
            for item, line in zip(theirs, mine, strict=True):
                assert_equal_lists(
                    "tax_item", item["extension_attributes"]["itemized_taxes"], line.taxes
                )
        elif name == "status_histories":
            assert_equal_lists("history", theirs, mine)
        elif name in {"billing_address", "payment"}:
            found += differences(name.removeprefix("billing_"), theirs, mine)
        elif plain(mine) != theirs:
            found.append(f"{kind}.{name}: {theirs!r} in REST, {mine!r} in the order")
    return found


def assert_equal_lists(
    kind: str, rest: list[dict[str, Any]], ours: tuple[msgspec.Struct, ...]
) -> None:
    for theirs, mine in zip(rest, ours, strict=True):
        assert differences(kind, theirs, mine) == []


def plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    return list(value) if isinstance(value, tuple) else value
