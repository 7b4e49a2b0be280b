"""Orders through the stand-in: comments, single columns, hold, cancel, reading."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sidecar.testing.magento_db import Line
from tests.contract.magento_rest_bench import RestBench, criteria


def comment(**fields: Any) -> dict[str, Any]:
    return {"statusHistory": {"comment": "ERP ack", **fields}}


def history(rest: RestBench, order_id: int) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = rest.get(f"orders/{order_id}").body["status_histories"]
    return shown


def test_a_comment_gets_the_orders_status_and_no_entity_and_twice_is_two(rest: RestBench) -> None:
    order_id = rest.order()
    flags = {"is_customer_notified": 0, "is_visible_on_front": 1}
    assert rest.post(f"orders/{order_id}/comments", comment()).body is True
    assert rest.post(f"orders/{order_id}/comments", comment(**flags)).body is True
    newest, oldest = history(rest, order_id)
    assert (newest["status"], newest["entity_name"]) == ("pending", None)
    assert (newest["is_visible_on_front"], oldest["is_visible_on_front"]) == (1, 0)
    assert rest.get(f"orders/{order_id}/comments").body["total_count"] == 2


def test_a_comments_status_is_the_orders_own_or_is_refused(rest: RestBench) -> None:
    order_id = rest.order()
    assert rest.post(f"orders/{order_id}/comments", comment(status="pending")).body is True
    rest.shop.save_columns(order_id, status="erp_received")
    answer = rest.post(f"orders/{order_id}/comments", comment(status="pending"))
    assert answer.status == 400
    assert answer.message == (
        'Unable to add comment: The status "%1" is not part of the order\n'
        "                 status history."
    )
    assert len(history(rest, order_id)) == 1


def test_what_needs_four_bytes_becomes_question_marks(rest: RestBench) -> None:
    order_id = rest.order()
    rest.post(f"orders/{order_id}/comments", {"statusHistory": {"comment": "gut 😀 ☕"}})
    assert history(rest, order_id)[0]["comment"] == "gut ???? ☕"


@pytest.mark.parametrize(("method", "path"), [("POST", "orders"), ("PUT", "orders/create")])
def test_single_columns_are_set_and_the_rest_is_shown_as_null_but_kept(
    rest: RestBench, method: str, path: str
) -> None:
    order_id = rest.order()
    body = {"entity": {"entity_id": order_id, "ext_order_id": "ERP-1"}}
    answer = rest.call(method, path, body)
    assert (answer.body["ext_order_id"], answer.body["status"]) == ("ERP-1", None)
    shown = rest.get(f"orders/{order_id}?fields=ext_order_id,state,status").body
    assert shown == {"ext_order_id": "ERP-1", "state": "new", "status": "pending"}


def test_a_status_is_stored_without_any_check(rest: RestBench) -> None:
    order_id = rest.order()
    rest.post("orders", {"entity": {"entity_id": order_id, "status": "processing"}})
    assert rest.state(order_id) == ("new", "processing")


def test_the_state_handler_makes_a_canceled_order_complete_that_is_said_to_be_processing(
    rest: RestBench,
) -> None:
    order_id = rest.order()
    rest.shop.cancel(order_id)
    entity = {"entity_id": order_id, "state": "processing", "status": "nonsense"}
    rest.post("orders", {"entity": entity})
    assert rest.state(order_id) == ("complete", "complete")


def test_hold_and_unhold_remember_the_status(rest: RestBench) -> None:
    order_id = rest.order()
    rest.shop.save_columns(order_id, status="erp_received")
    assert rest.post(f"orders/{order_id}/hold").body is True
    held = rest.get(f"orders/{order_id}").body
    assert (held["state"], held["hold_before_status"]) == ("holded", "erp_received")
    again = rest.post(f"orders/{order_id}/hold")
    assert (again.status, again.message) == (400, "A hold action is not available.")
    assert rest.post(f"orders/{order_id}/unhold").body is True
    assert rest.state(order_id) == ("new", "erp_received")
    again = rest.post(f"orders/{order_id}/unhold")
    assert (again.status, again.message) == (400, "You cannot remove the hold.")


def test_cancel_is_true_once_and_then_false(rest: RestBench) -> None:
    order_id = rest.order()
    answers = [rest.post(f"orders/{order_id}/cancel") for _ in range(2)]
    assert [(answer.status, answer.body) for answer in answers] == [(200, True), (200, False)]
    assert rest.state(order_id) == ("canceled", "canceled")


def test_what_is_complete_or_on_hold_is_not_canceled_and_that_is_no_error(rest: RestBench) -> None:
    complete, held = rest.order(), rest.order()
    rest.shop.invoice(complete)
    rest.shop.ship(complete)
    rest.shop.hold(held)
    for order_id in (complete, held):
        answer = rest.post(f"orders/{order_id}/cancel")
        assert (answer.status, answer.body) == (200, False)


def test_what_is_left_of_a_partly_invoiced_order_is_canceled_and_it_goes_on(
    rest: RestBench,
) -> None:
    order_id = rest.order()
    rest.shop.invoice(order_id, 1)
    assert rest.post(f"orders/{order_id}/cancel").body is True
    assert rest.state(order_id) == ("processing", "processing")
    assert [line["qty_canceled"] for line in rest.lines(order_id)] == [1, 0]


def test_an_order_shows_its_lines_with_children_and_what_it_is_sent_to(rest: RestBench) -> None:
    order_id = rest.order(Line("TEASET"), Line("MUG"))
    order = rest.get(f"orders/{order_id}").body
    lines = [(line["sku"], line.get("parent_item_id")) for line in order["items"]]
    bundle = order["items"][0]["item_id"]
    assert lines == [
        ("TEASET-MUG-TEAPOT", None),
        ("MUG", bundle),
        ("TEAPOT", bundle),
        ("MUG", None),
    ]
    assert order["items"][1]["parent_item"]["item_id"] == bundle
    (assignment,) = order["extension_attributes"]["shipping_assignments"]
    assert assignment["shipping"]["address"]["street"] == ["Lindenallee 1", "2. Stock"]
    assert order["payment"]["method"] == "checkmo"


@pytest.mark.shared
def test_an_order_is_shown_as_a_real_one_was(rest: RestBench, shared: Path) -> None:
    """The very keys of a recorded answer, at the top and of a line, but for those named here."""
    recorded = json.loads((shared / "magento" / "rest" / "rest-order-5.json").read_text("utf-8"))
    order_id = rest.order(Line("WARRANTY"), store="us")
    rest.shop.invoice(order_id)
    shown = rest.get(f"orders/{order_id}").body
    assert set(recorded) == set(shown)
    assert set(recorded["items"][0]) ^ set(shown["items"][0]) == {
        "extension_attributes", "quote_item_id", "weee_tax_applied", "base_cost",
        "qty_backordered",
    }  # fmt: skip
    assert set(recorded["payment"]) == set(shown["payment"])
    assert set(recorded["billing_address"]) - {"company"} == set(shown["billing_address"])


def test_a_partly_invoiced_bundle_is_canceled_once(rest: RestBench) -> None:
    order_id = rest.order(Line("TEASET", 2))
    rest.shop.invoice(order_id, 1)
    assert [rest.post(f"orders/{order_id}/cancel").body for _ in range(2)] == [True, False]


def test_orders_are_found_by_their_number(rest: RestBench) -> None:
    placed = rest.shop.place(store="us")
    found = rest.get(f"orders?{criteria('increment_id', placed.increment_id)}").body
    assert [row["entity_id"] for row in found["items"]] == [placed.entity_id]
    assert found["items"][0]["order_currency_code"] == "USD"
