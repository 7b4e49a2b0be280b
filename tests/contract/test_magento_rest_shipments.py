"""Shipments through the stand-in, line by line as a real Magento answered."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest

from sidecar.testing.magento_db import Line
from tests.contract.magento_rest_bench import RestBench, criteria

WITHOUT_PRODUCTS = "You can't create a shipment without products."
FAULTS = "Shipment Document Validation Error(s):\n"
BUNDLE = "TEASET-MUG-TEAPOT"


def items(*lines: tuple[int, float]) -> dict[str, Any]:
    return {"items": [{"order_item_id": item_id, "qty": qty} for item_id, qty in lines]}


def ids(rest: RestBench, order_id: int) -> list[int]:
    return [line["item_id"] for line in rest.lines(order_id)]


def test_everything_open_is_shipped_where_no_line_is_named(rest: RestBench) -> None:
    order_id = rest.order()
    answer = rest.post(f"order/{order_id}/ship", {})
    assert answer.status == 200
    assert answer.body == str(int(answer.body))
    assert rest.shipped(order_id) == [2, 1]
    assert rest.state(order_id) == ("processing", "processing")


def test_the_id_is_the_entitys_not_the_number_of_the_order(rest: RestBench) -> None:
    placed = rest.shop.place(store="us")
    assert rest.post(f"order/{placed.increment_id}/ship", {}).status == 404


def test_a_part_moves_the_order_and_the_rest_can_follow_once(rest: RestBench) -> None:
    order_id = rest.order()
    mug, teapot = ids(rest, order_id)
    assert rest.post(f"order/{order_id}/ship", items((mug, 1))).status == 200
    assert rest.shipped(order_id) == [1, 0]
    assert rest.state(order_id) == ("processing", "processing")
    rest_of_it = items((mug, 1), (teapot, 1))
    assert rest.post(f"order/{order_id}/ship", rest_of_it).status == 200
    again = rest.post(f"order/{order_id}/ship", rest_of_it)
    assert again.status == 400
    assert "The order does not allow a shipment to be created." in again.message


def test_the_same_call_again_ships_again_while_something_is_open(rest: RestBench) -> None:
    order_id = rest.order(Line("MUG", 3))
    (mug,) = ids(rest, order_id)
    answers = [rest.post(f"order/{order_id}/ship", items((mug, 1))).body for _ in range(2)]
    assert len(set(answers)) == 2
    assert rest.shipped(order_id) == [2]


def test_too_much_is_cut_without_a_word(rest: RestBench) -> None:
    order_id = rest.order()
    mug, _ = ids(rest, order_id)
    shipment = rest.post(f"order/{order_id}/ship", items((mug, 5)))
    assert shipment.status == 200
    assert rest.shipped(order_id) == [2, 0]
    shown = rest.get(f"shipment/{shipment.body}").body
    assert [(line["order_item_id"], line["qty"]) for line in shown["items"]] == [(mug, 2)]


@pytest.mark.parametrize("qty", [0, -1, 0.5], ids=["nothing", "negative", "a part of a piece"])
def test_a_quantity_that_is_none_ships_nothing(rest: RestBench, qty: float) -> None:
    order_id = rest.order()
    mug, _ = ids(rest, order_id)
    answer = rest.post(f"order/{order_id}/ship", items((mug, qty)))
    assert (answer.status, answer.message) == (400, FAULTS + WITHOUT_PRODUCTS)
    assert rest.count("sales_shipment", order_id) == 0


def test_another_orders_line_ships_nothing(rest: RestBench) -> None:
    order_id, other = rest.order(), rest.order()
    answer = rest.post(f"order/{order_id}/ship", items((ids(rest, other)[0], 1)))
    assert (answer.status, answer.message) == (400, FAULTS + WITHOUT_PRODUCTS)


def test_among_good_lines_the_bad_ones_are_left_out_without_a_word(rest: RestBench) -> None:
    order_id, other = rest.order(), rest.order()
    mug, teapot = ids(rest, order_id)
    foreign = ids(rest, other)[0]
    body = items((mug, 1), (foreign, 1), (teapot, 0.5))
    assert rest.post(f"order/{order_id}/ship", body).status == 200
    assert rest.shipped(order_id) == [1, 0]


def test_what_is_sold_by_the_metre_ships_in_fractions(rest: RestBench) -> None:
    order_id = rest.order(Line("RIBBON", Decimal("2.5")))
    (ribbon,) = ids(rest, order_id)
    assert rest.post(f"order/{order_id}/ship", items((ribbon, 1.25))).status == 200
    assert rest.shipped(order_id) == [Decimal("1.25")]


def test_an_order_on_hold_is_refused_by_the_name_of_its_status(rest: RestBench) -> None:
    order_id = rest.order()
    rest.shop.hold(order_id)
    answer = rest.post(f"order/{order_id}/ship", {})
    assert answer.status == 400
    assert "cannot be created when an order has a status of holded" in answer.message
    assert rest.count("sales_shipment", order_id) == 0


def test_a_status_of_ones_own_stands_in_the_refusal(rest: RestBench) -> None:
    order_id = rest.order()
    rest.shop.hold(order_id)
    rest.shop.save_columns(order_id, status="erp_rejected")
    assert "a status of erp_rejected" in rest.post(f"order/{order_id}/ship", {}).message


def test_a_canceled_order_is_refused(rest: RestBench) -> None:
    order_id = rest.order()
    rest.shop.cancel(order_id)
    answer = rest.post(f"order/{order_id}/ship", {})
    assert answer.status == 400
    assert "a status of canceled" in answer.message


def test_a_virtual_order_is_refused_for_two_reasons(rest: RestBench) -> None:
    answer = rest.post(f"order/{rest.order(Line('WARRANTY'))}/ship", {})
    assert answer.status == 400
    assert answer.message.split("\n")[1:] == [
        "A shipment cannot be created when an order has a status of pending",
        WITHOUT_PRODUCTS,
    ]


# --- which line to name


def test_a_bundle_that_ships_together_is_named_by_its_own_line(rest: RestBench) -> None:
    order_id = rest.order(Line("TEASET"))
    bundle, mug, _ = ids(rest, order_id)
    answer = rest.post(f"order/{order_id}/ship", items((mug, 1)))
    assert answer.status == 400
    assert f'bundle product "{BUNDLE}" has shipment type "Together"' in answer.message
    assert rest.post(f"order/{order_id}/ship", items((bundle, 1))).status == 200
    assert rest.shipped(order_id) == [1, 2, 1]


def test_a_bundle_that_ships_separately_is_named_by_its_parts(rest: RestBench) -> None:
    order_id = rest.order(Line("TEASET", ship_separately=True))
    bundle, mug, teapot = ids(rest, order_id)
    answer = rest.post(f"order/{order_id}/ship", items((bundle, 1)))
    assert answer.status == 400
    assert f'bundle product "{BUNDLE}" has shipment type "Separately"' in answer.message
    assert rest.post(f"order/{order_id}/ship", items((mug, 2))).status == 200
    assert rest.shipped(order_id) == [1, 2, 0]
    assert rest.post(f"order/{order_id}/ship", items((teapot, 1))).status == 200
    assert rest.shipped(order_id) == [1, 2, 1]
    assert rest.post(f"order/{order_id}/ship", {}).status == 400


def test_a_configurable_is_named_by_its_own_line_and_the_childs_stays_at_nothing(
    rest: RestBench,
) -> None:
    order_id = rest.order(Line("SHIRT", 2, option="Red"))
    shirt, red = ids(rest, order_id)
    answer = rest.post(f"order/{order_id}/ship", items((red, 1)))
    assert (answer.status, answer.message) == (400, FAULTS + WITHOUT_PRODUCTS)
    assert rest.post(f"order/{order_id}/ship", items((shirt, 1))).status == 200
    assert rest.shipped(order_id) == [1, 0]


# --- parcels, comment, source, mail

TRACK = {"track_number": "00341234", "title": "DHL", "carrier_code": "custom"}


def test_a_parcel_and_a_comment_are_ones_own_mark(rest: RestBench) -> None:
    order_id = rest.order()
    body = {
        "tracks": [TRACK, {**TRACK, "carrier_code": "nobody"}],
        "comment": {"comment": "ERP delivery L-1001 ☕😀", "is_visible_on_front": 0},
        "appendComment": True,
    }
    assert rest.post(f"order/{order_id}/ship", body).status == 200
    fields = "items[items[order_item_id,qty],tracks[track_number,carrier_code],comments[comment]]"
    found = rest.get(f"shipments?{criteria('order_id', order_id)}&fields={fields}").body
    (shipment,) = found["items"]
    assert [track["carrier_code"] for track in shipment["tracks"]] == ["custom", "nobody"]
    # The table keeps three bytes a character.
    assert shipment["comments"] == [{"comment": "ERP delivery L-1001 ☕????"}]
    assert len(shipment["items"]) == 2


def test_a_search_that_finds_no_shipment_has_null_for_items(rest: RestBench) -> None:
    path = f"shipments?{criteria('order_id', rest.order())}&fields=items[entity_id],total_count"
    assert rest.get(path).body == {"items": None, "total_count": 0}


def test_a_parcel_without_number_is_refused(rest: RestBench) -> None:
    order_id = rest.order()
    answer = rest.post(f"order/{order_id}/ship", {"tracks": [{**TRACK, "track_number": ""}]})
    assert (answer.status, answer.message) == (400, FAULTS + "Please enter a tracking number.")
    assert rest.shipped(order_id) == [0, 0]


def source(code: str) -> dict[str, Any]:
    return {"arguments": {"extension_attributes": {"source_code": code}}}


def test_an_unknown_source_is_refused_and_nothing_is_done(rest: RestBench) -> None:
    order_id = rest.order()
    answer = rest.post(f"order/{order_id}/ship", source("nowhere"))
    assert (answer.status, answer.message) == (
        400,
        "Could not save a shipment, see error log for details",
    )
    assert rest.shipped(order_id) == [0, 0]
    assert rest.count("sales_shipment", order_id) == 0


def test_a_shipment_takes_from_the_source_that_is_named(rest: RestBench) -> None:
    session = rest.shop.session
    row = {"source_code": "shed", "name": "Shed", "country_id": "DE", "postcode": "1"}
    session.insert("inventory_source", row)
    session.insert(
        "inventory_source_item",
        {"source_code": "shed", "sku": "LAMP", "quantity": 9, "status": 1},
    )
    order_id = rest.order(Line("LAMP", 2))
    shipment = rest.post(f"order/{order_id}/ship", source("shed"))
    assert rest.get(f"shipment/{shipment.body}").body["extension_attributes"] == {
        "source_code": "shed"
    }
    stock = rest.rows("SELECT quantity FROM inventory_source_item WHERE sku = 'LAMP' ORDER BY 1")
    assert [row["quantity"] for row in stock] == [7, 1000]


def test_a_mail_is_noted_on_the_shipment(rest: RestBench) -> None:
    shipment = rest.post(f"order/{rest.order()}/ship", {"notify": True}).body
    assert rest.get(f"shipment/{shipment}").body["email_sent"] == 1


def test_a_shipment_moves_stock_and_reservation(rest: RestBench) -> None:
    stock = "SELECT quantity FROM inventory_source_item WHERE sku = 'DESK'"
    reserved = "SELECT SUM(quantity) AS quantity FROM inventory_reservation WHERE sku = 'DESK'"
    order_id = rest.order(Line("DESK", 3))
    assert [rest.rows(sql)[0]["quantity"] for sql in (stock, reserved)] == [1000, -3]
    rest.post(f"order/{order_id}/ship", {})
    assert [rest.rows(sql)[0]["quantity"] for sql in (stock, reserved)] == [997, 0]


def test_what_is_shipped_and_invoiced_is_complete(rest: RestBench) -> None:
    order_id = rest.order()
    rest.post(f"order/{order_id}/invoice", {})
    rest.post(f"order/{order_id}/ship", {})
    assert rest.state(order_id) == ("complete", "complete")


# --- afterwards


@pytest.fixture
def shipment(rest: RestBench) -> dict[str, Any]:
    order_id = rest.order()
    number = int(rest.post(f"order/{order_id}/ship", {"tracks": []}).body)
    return {"order_id": order_id, "parent_id": number}


def test_a_later_parcel_twice_is_two(rest: RestBench, shipment: Mapping[str, Any]) -> None:
    entity = {**shipment, **TRACK, "weight": 1, "qty": 1, "description": ""}
    rows = [rest.post("shipment/track", {"entity": entity}).body for _ in range(2)]
    assert rows[0]["track_number"] == TRACK["track_number"]
    assert rows[0]["entity_id"] != rows[1]["entity_id"]
    shown = rest.get(f"shipment/{shipment['parent_id']}").body
    assert len(shown["tracks"]) == 2


def test_a_parcel_of_another_orders_shipment_is_refused(
    rest: RestBench, shipment: Mapping[str, Any]
) -> None:
    entity = {**shipment, **TRACK, "order_id": rest.order()}
    answer = rest.post("shipment/track", {"entity": entity})
    assert (answer.status, answer.message) == (400, "Could not save the shipment tracking.")


def test_a_shipment_can_be_commented_and_mailed(
    rest: RestBench, shipment: Mapping[str, Any]
) -> None:
    number = shipment["parent_id"]
    body = {"entity": {"comment": "L-2", "is_visible_on_front": 1, "is_customer_notified": 0}}
    assert rest.post(f"shipment/{number}/comments", body).body["comment"] == "L-2"
    assert rest.get(f"shipment/{number}/comments").body["total_count"] == 1
    assert rest.post(f"shipment/{number}/emails").body is True


def test_the_raw_entity_makes_a_second_shipment_of_nothing(
    rest: RestBench, shipment: Mapping[str, Any]
) -> None:
    order_id = shipment["order_id"]
    raw = {"entity": {"order_id": order_id, "items": [], "extension_attributes": {}}}
    answer = rest.post("shipment", raw)
    assert answer.status == 200
    assert "total_qty" not in answer.body
    assert rest.count("sales_shipment", order_id) == 2
    assert rest.shipped(order_id) == [2, 1]


# --- four equal calls at the same moment


def at_once(rest: RestBench, path: str, body: Mapping[str, Any], calls: int = 4) -> list[int]:
    with ThreadPoolExecutor(calls) as pool:
        answers = [pool.submit(rest.post, path, body) for _ in range(calls)]
    return sorted(answer.result().status for answer in answers)


@pytest.mark.parametrize(
    ("act", "table"),
    [("ship", "sales_shipment"), ("invoice", "sales_invoice"), ("refund", "sales_creditmemo")],
)
def test_four_equal_calls_at_once_make_one_document_of_the_whole(
    rest: RestBench, act: str, table: str
) -> None:
    order_id = rest.order()
    if act == "refund":
        rest.shop.invoice(order_id)
    assert at_once(rest, f"order/{order_id}/{act}", {}) == [200, 400, 400, 400]
    assert rest.count(table, order_id) == 1


def test_parallel_calls_of_a_part_do_double_it(rest: RestBench) -> None:
    order_id = rest.order(Line("MUG", 3))
    (mug,) = ids(rest, order_id)
    body = items((mug, 1))
    assert at_once(rest, f"order/{order_id}/ship", body) == [200, 200, 200, 400]
    assert rest.shipped(order_id) == [3]
