"""Invoices and credit memos through the stand-in, line by line as a real Magento answered."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from sidecar.testing.magento_db import Line
from tests.contract.magento_rest_bench import RestBench, criteria


def items(*lines: tuple[int, float], **more: Any) -> dict[str, Any]:
    named = [{"order_item_id": item_id, "qty": qty} for item_id, qty in lines]
    return {"items": named, **more}


def ids(rest: RestBench, order_id: int) -> list[int]:
    return [line["item_id"] for line in rest.lines(order_id)]


def total(rest: RestBench, table: str, entity_id: str) -> Decimal:
    (row,) = rest.rows(f"SELECT grand_total FROM {table} WHERE entity_id = %s", int(entity_id))
    return Decimal(row["grand_total"])


# --- invoices


def test_the_first_invoice_carries_all_of_the_shipping(rest: RestBench) -> None:
    order_id = rest.order(Line("MUG", 2), shipping=Decimal(25))
    (mug,) = ids(rest, order_id)
    first = rest.post(f"order/{order_id}/invoice", items((mug, 1), capture=True)).body
    second = rest.post(f"order/{order_id}/invoice", items((mug, 1), capture=True)).body
    assert total(rest, "sales_invoice", first) == Decimal("41.64")
    assert total(rest, "sales_invoice", second) == Decimal("11.89")
    found = rest.get(f"invoices?{criteria('order_id', order_id)}&fields=items[entity_id]").body
    assert [row["entity_id"] for row in found["items"]] == [int(first), int(second)]
    assert rest.get(f"invoices/{first}").body["items"][0]["qty"] == 1


def test_too_much_is_refused_and_not_cut(rest: RestBench) -> None:
    order_id = rest.order()
    mug, _ = ids(rest, order_id)
    answer = rest.post(f"order/{order_id}/invoice", items((mug, 3)))
    assert (answer.status, answer.message) == (
        400,
        'We found an invalid quantity to invoice item "%1".',
    )
    assert answer.parameters == ['Mug "Blue & White"']
    assert rest.count("sales_invoice", order_id) == 0


def test_nothing_and_a_foreign_line_make_no_invoice(rest: RestBench) -> None:
    order_id, other = rest.order(), rest.order()
    for body in (items((ids(rest, order_id)[0], 0)), items((ids(rest, other)[0], 1))):
        answer = rest.post(f"order/{order_id}/invoice", body)
        assert answer.status == 400
        assert "The invoice can't be created without products." in answer.message


def test_all_of_it_twice_is_refused(rest: RestBench) -> None:
    order_id = rest.order()
    assert rest.post(f"order/{order_id}/invoice", {}).status == 200
    again = rest.post(f"order/{order_id}/invoice", {})
    assert again.status == 400
    assert "The order does not allow an invoice to be created." in again.message


def test_an_order_on_hold_is_not_invoiced(rest: RestBench) -> None:
    order_id = rest.order()
    rest.shop.hold(order_id)
    assert rest.post(f"order/{order_id}/invoice", {}).status == 400


def test_a_total_of_nothing_is_invoiced(rest: RestBench) -> None:
    order_id = rest.order(Line("MUG", price=Decimal(0)), shipping=Decimal(0))
    assert rest.post(f"order/{order_id}/invoice", {}).status == 200


def test_an_offline_method_is_paid_at_once_captured_or_not(rest: RestBench) -> None:
    order_id = rest.order()
    invoice = rest.post(f"order/{order_id}/invoice", {"capture": False}).body
    (order,) = rest.rows("SELECT total_due FROM sales_order WHERE entity_id = %s", order_id)
    assert order["total_due"] == 0
    answer = rest.post(f"invoices/{invoice}/capture")
    assert (answer.status, answer.message) == (400, "The capture action is not available.")


def test_what_was_shipped_is_complete_with_its_invoice(rest: RestBench) -> None:
    order_id = rest.order()
    rest.post(f"order/{order_id}/ship", {})
    rest.post(f"order/{order_id}/invoice", {"comment": {"comment": "R-1"}, "notify": True})
    assert rest.state(order_id) == ("complete", "complete")
    (invoice,) = rest.get(f"invoices?{criteria('order_id', order_id)}").body["items"]
    assert (invoice["comments"][0]["comment"], invoice["email_sent"]) == ("R-1", 1)


# --- credit memos


@pytest.fixture
def invoiced(rest: RestBench) -> int:
    """Two mugs with 25 for the shipping, 53.53 in all, invoiced."""
    order_id = rest.order(Line("MUG", 2), shipping=Decimal(25))
    rest.shop.invoice(order_id)
    return order_id


def refund(rest: RestBench, order_id: int, body: dict[str, Any]) -> Decimal:
    answer = rest.post(f"order/{order_id}/refund", body)
    assert answer.status == 200, answer.text
    return total(rest, "sales_creditmemo", answer.body)


NO_SHIPPING = {"shipping_amount": 0}


def test_without_arguments_the_shipping_is_refunded_too(rest: RestBench, invoiced: int) -> None:
    (mug,) = ids(rest, invoiced)
    assert refund(rest, invoiced, items((mug, 1))) == Decimal("41.64")


def test_without_shipping_the_line_alone_is_refunded(rest: RestBench, invoiced: int) -> None:
    (mug,) = ids(rest, invoiced)
    assert refund(rest, invoiced, items((mug, 1), arguments=NO_SHIPPING)) == Decimal("11.89")


def test_an_empty_list_is_every_line_that_is_open(rest: RestBench, invoiced: int) -> None:
    arguments = {"shipping_amount": 0, "adjustment_negative": 2.5}
    amount = refund(rest, invoiced, {"items": [], "arguments": arguments})
    assert amount == Decimal("21.28")
    assert rest.lines(invoiced)[0]["qty_refunded"] == 2


def test_an_adjustment_alone_names_each_line_with_nothing(rest: RestBench, invoiced: int) -> None:
    (mug,) = ids(rest, invoiced)
    arguments = {"shipping_amount": 0, "adjustment_positive": 2.5}
    assert refund(rest, invoiced, items((mug, 0), arguments=arguments)) == Decimal("2.50")
    assert rest.lines(invoiced)[0]["qty_refunded"] == 0


def test_the_same_twice_is_two_credit_memos(rest: RestBench, invoiced: int) -> None:
    (mug,) = ids(rest, invoiced)
    body = items((mug, 1), arguments=NO_SHIPPING)
    refund(rest, invoiced, body)
    refund(rest, invoiced, body)
    found = rest.get(f"creditmemos?{criteria('order_id', invoiced)}&fields=items[entity_id]").body
    assert len(found["items"]) == 2
    assert rest.get(f"creditmemo/{found['items'][0]['entity_id']}").body["grand_total"] == 11.89


def test_all_of_it_closes_the_order_and_then_no_more_is_possible(
    rest: RestBench, invoiced: int
) -> None:
    rest.shop.ship(invoiced)
    assert refund(rest, invoiced, {}) == Decimal("53.53")
    assert rest.state(invoiced) == ("closed", "closed")
    again = rest.post(f"order/{invoiced}/refund", {})
    assert again.status == 400
    assert "can not be created when an order has a status of closed" in again.message


def test_too_many_are_refused(rest: RestBench, invoiced: int) -> None:
    (mug,) = ids(rest, invoiced)
    answer = rest.post(f"order/{invoiced}/refund", items((mug, 3)))
    assert (answer.status, answer.message) == (
        400,
        'We found an invalid quantity to refund item "%1".',
    )


def test_more_money_than_is_left_is_refused_and_says_how_much(
    rest: RestBench, invoiced: int
) -> None:
    (mug,) = ids(rest, invoiced)
    body = items((mug, 0), arguments={"shipping_amount": 0, "adjustment_positive": 99})
    answer = rest.post(f"order/{invoiced}/refund", body)
    assert answer.status == 400
    assert "The most money available to refund is 53.53." in answer.message


def test_more_shipping_than_there_was_is_refused(rest: RestBench, invoiced: int) -> None:
    answer = rest.post(f"order/{invoiced}/refund", {"arguments": {"shipping_amount": 26}})
    assert (answer.status, answer.message) == (
        400,
        "Maximum shipping amount allowed to refund is: %1",
    )
    assert answer.parameters == ["€25.00"]


def test_a_foreign_line_is_refused(rest: RestBench, invoiced: int) -> None:
    answer = rest.post(f"order/{invoiced}/refund", items((ids(rest, rest.order())[0], 1)))
    assert answer.status == 400
    assert "product item that is not part of the original order" in answer.message


def test_what_was_not_paid_is_not_refunded(rest: RestBench) -> None:
    assert rest.post(f"order/{rest.order()}/refund", {}).status == 400


def test_a_part_of_a_complete_order_leaves_it_complete(rest: RestBench, invoiced: int) -> None:
    rest.shop.ship(invoiced)
    refund(rest, invoiced, items((ids(rest, invoiced)[0], 1), arguments=NO_SHIPPING))
    assert rest.state(invoiced) == ("complete", "complete")


def test_a_part_of_what_is_not_shipped_leaves_it_processing_until_none_is_left_to_ship(
    rest: RestBench, invoiced: int
) -> None:
    (mug,) = ids(rest, invoiced)
    body = items((mug, 1), arguments=NO_SHIPPING)
    refund(rest, invoiced, body)
    assert rest.state(invoiced) == ("processing", "processing")
    refund(rest, invoiced, body)
    assert rest.state(invoiced) == ("complete", "complete")


def test_a_refund_stands_in_the_orders_history(rest: RestBench, invoiced: int) -> None:
    refund(rest, invoiced, {})
    history = rest.get(f"orders/{invoiced}").body["status_histories"]
    assert [(row["entity_name"], row["comment"]) for row in history] == [
        ("creditmemo", "We refunded €53.53 offline.")
    ]


def test_goods_return_to_the_stock_where_their_line_is_named(rest: RestBench) -> None:
    stock = "SELECT quantity FROM inventory_source_item WHERE sku = 'CHAIR-A'"
    order_id = rest.order(Line("CHAIR-A", 3))
    rest.shop.invoice(order_id)
    rest.shop.ship(order_id)
    (chair,) = ids(rest, order_id)
    refund(rest, order_id, items((chair, 1), arguments=NO_SHIPPING))
    assert rest.rows(stock)[0]["quantity"] == 997
    back = NO_SHIPPING | {"extension_attributes": {"return_to_stock_items": [chair]}}
    refund(rest, order_id, items((chair, 1), arguments=back))
    assert rest.rows(stock)[0]["quantity"] == 998


def test_an_invoice_is_refunded_by_its_own_route(rest: RestBench, invoiced: int) -> None:
    (invoice,) = rest.rows("SELECT entity_id FROM sales_invoice WHERE order_id = %s", invoiced)
    answer = rest.post(f"invoice/{invoice['entity_id']}/refund", {"isOnline": True})
    assert answer.status == 200
    assert rest.get(f"creditmemo/{answer.body}").body["invoice_id"] == invoice["entity_id"]
    assert rest.post("invoice/99999/refund", {}).status == 404
