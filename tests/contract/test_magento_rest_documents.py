"""The documents of an order by Magento's REST API: what is sent, and how it is read back."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from sidecar.magento.rest import order as orders
from sidecar.magento.rest.client import MagentoRest
from sidecar.magento.rest.documents import (
    CreditMemo,
    DocumentLine,
    Quantity,
    Track,
    add_track,
    credit_memos_of,
    invoice,
    invoices_of,
    refund,
    refund_invoice,
    ship,
    shipment,
    shipments_of,
)
from sidecar.magento.rest.errors import LimitExceeded, MagentoRefused, MagentoUnknown
from sidecar.magento.rest.shop import modules, store_configs
from sidecar.model.errors import BadData
from tests.contract import magento_answers as facts
from tests.contract.magento_answers import says, shop
from tests.contract.scripted_server import Received

RECORDED = Path(__file__).parents[3] / "shared" / "magento" / "rest"
ONE = (Quantity(1122, Decimal(1)),)
ORDER = {
    "entity_id": 42,
    "increment_id": "000000042",
    "state": "processing",
    "status": "erp_received",
    "items": [
        {"item_id": 7, "sku": "C-red", "product_type": "configurable", "qty_ordered": 2},
        {"item_id": 8, "sku": "C-red", "product_type": "simple", "parent_item_id": 7},
    ],
}


def sent(call: Callable[[MagentoRest], Any], reply: Any = "20") -> tuple[Any, list[Received]]:
    """What a call gives, and the requests it made."""
    with shop(lambda _: says(200, reply)) as (magento, server):
        return call(magento), server.requests


def body(request: Received) -> Any:
    return json.loads(request.body)


def test_a_shipment_names_lines_tracks_comment_and_source() -> None:
    track = Track("0034", "DHL")
    made, (request,) = sent(
        lambda magento: ship(
            magento, 42, ONE, (track,), comment="ERP delivery L-1001", source_code="default",
            notify=True,
        )
    )  # fmt: skip
    assert made == 20
    assert request.head.startswith("POST /rest/all/V1/order/42/ship ")
    assert body(request) == {
        "items": [{"order_item_id": 1122, "qty": 1}],
        "tracks": [{"track_number": "0034", "title": "DHL", "carrier_code": "custom"}],
        "notify": True,
        "appendComment": True,
        "comment": {"comment": "ERP delivery L-1001", "is_visible_on_front": 0},
        "arguments": {"extension_attributes": {"source_code": "default"}},
    }


def test_what_is_not_given_is_not_sent_but_that_no_mail_goes_out() -> None:
    _, (request,) = sent(lambda magento: ship(magento, 42, ONE))
    assert body(request) == {"items": [{"order_item_id": 1122, "qty": 1}], "notify": False}


@pytest.mark.parametrize(
    "items", [(), (Quantity(1, Decimal(0)),), (Quantity(1, Decimal(-1)),)],
    ids=["none: all would be shipped", "none of it", "less than none"],
)  # fmt: skip
@pytest.mark.parametrize("make", [ship, partial(invoice, capture=False)], ids=["ship", "invoice"])
def test_a_document_without_lines_is_refused_before_anything_is_sent(
    make: Callable[..., int], items: tuple[Quantity, ...]
) -> None:
    with shop(lambda _: says(200, "20")) as (magento, server):
        with pytest.raises(BadData):
            make(magento, 42, items)
        assert server.requests == []


def test_a_shipment_of_more_lines_than_magento_takes_is_refused_and_never_cut_in_two() -> None:
    lines = [Quantity(number, Decimal(1)) for number in range(1, 26)]
    with shop(lambda _: says(400, facts.TOO_MANY_ITEMS)) as (magento, server):
        with pytest.raises(LimitExceeded) as raised:
            ship(magento, 42, lines)
        assert "complex_array_limit" in raised.value.remedy
        assert len(server.requests) == 1


def test_an_invoice_names_its_lines_and_says_whether_money_is_captured() -> None:
    made, (request,) = sent(lambda magento: invoice(magento, 42, ONE, capture=True), "25")
    assert made == 25
    assert request.target == "/rest/all/V1/order/42/invoice"
    assert body(request) == {
        "capture": True,
        "items": [{"order_item_id": 1122, "qty": 1}],
        "notify": False,
    }


def test_a_refund_always_says_how_much_of_the_shipping() -> None:
    memo = CreditMemo(Decimal(0), ONE, return_to_stock=(1122,), comment="ERP C-7")
    made, (request,) = sent(lambda magento: refund(magento, 42, memo), "6")
    assert made == 6
    assert request.target == "/rest/all/V1/order/42/refund"
    assert body(request) == {
        "items": [{"order_item_id": 1122, "qty": 1}],
        "notify": False,
        "appendComment": False,
        "comment": {"comment": "ERP C-7", "is_visible_on_front": 0},
        "arguments": {
            "shipping_amount": 0,
            "adjustment_positive": 0,
            "adjustment_negative": 0,
            "extension_attributes": {"return_to_stock_items": [1122]},
        },
    }


def test_an_adjustment_alone_names_every_line_of_the_order_with_none_of_it() -> None:
    """`"items": []` refunded 82.69 instead of 2.50 on a real shop."""

    def script(request: Received) -> list[bytes]:
        return says(200, ORDER if request.head.startswith("GET") else "6")

    with shop(script) as (magento, server):
        refund(magento, 42, CreditMemo(Decimal(0), adjustment_positive=Decimal("2.50")))
        _, request = server.requests
    assert body(request)["items"] == [
        {"order_item_id": 7, "qty": 0},
        {"order_item_id": 8, "qty": 0},
    ]
    assert b'"adjustment_positive":2.50,' in request.body


def test_money_moves_only_when_an_invoice_is_refunded_online() -> None:
    memo = CreditMemo(Decimal("4.99"), ONE)
    _, (request,) = sent(lambda magento: refund_invoice(magento, 42, 17, memo, online=True), "6")
    assert request.target == "/rest/all/V1/invoice/17/refund"
    assert body(request)["isOnline"] is True
    assert b'"shipping_amount":4.99' in request.body


def test_a_later_track_is_added_to_its_shipment() -> None:
    made, (request,) = sent(
        lambda magento: add_track(magento, 383, 35, Track("T2", "DHL")),
        {"entity_id": 9, "parent_id": 35, "weight": None},
    )
    assert made == 9
    assert request.target == "/rest/all/V1/shipment/track"
    assert body(request)["entity"]["parent_id"] == 35


def test_a_track_without_a_number_is_refused_before_anything_is_sent() -> None:
    with shop(lambda _: says(200, "20")) as (magento, server):
        with pytest.raises(BadData):
            ship(magento, 42, ONE, (Track("  "),))
        assert server.requests == []


def test_one_s_own_mark_is_found_after_a_lost_answer() -> None:
    found = {
        "entity_id": 20,
        "increment_id": "000000020",
        "order_id": 42,
        "items": [{"order_item_id": 1122, "qty": 1, "sku": "Mug"}],
        "tracks": [{"entity_id": 3, "track_number": "0034"}],
        "comments": [{"comment": "ERP delivery L-1001"}],
    }

    def script(request: Received) -> list[bytes] | None:
        if request.head.startswith("POST"):
            return None
        return says(200, {"items": [found], "total_count": 1})

    with shop(script) as (magento, server):
        with pytest.raises(MagentoUnknown):
            ship(magento, 42, ONE, comment="ERP delivery L-1001")
        (there,) = shipments_of(magento, 42)
    assert there.items == [DocumentLine(order_item_id=1122, qty=Decimal(1), sku="Mug")]
    assert [comment.comment for comment in there.comments or []] == ["ERP delivery L-1001"]
    asked = unquote(server.requests[1].target)
    assert "[field]=order_id&" in asked
    assert "[value]=42&" in asked


def test_invoices_and_credit_memos_are_read_with_exact_amounts() -> None:
    row = {
        "entity_id": 25,
        "increment_id": "000000025",
        "order_id": 42,
        "state": 2,
        "grand_total": 41.64,
        "base_grand_total": 41.6400,
        "items": [],
    }
    listed = {"items": [row], "total_count": 1}
    for read, path in ((invoices_of, "invoices"), (credit_memos_of, "creditmemos")):
        found, (request,) = sent(partial(_of_order, read), listed)
        assert request.target.startswith(f"/rest/all/V1/{path}?")
        assert found[0].grand_total == Decimal("41.64")


def _of_order(read: Callable[[MagentoRest, int], Any], magento: MagentoRest) -> Any:
    return read(magento, 42)


def test_one_shipment_is_read_back() -> None:
    row = {"entity_id": 20, "increment_id": "000000020", "order_id": 42}
    found, (request,) = sent(lambda magento: shipment(magento, 20), row)
    assert request.target.startswith("/rest/all/V1/shipment/20?fields=")
    assert found.items is None


def test_an_order_is_read_without_its_customer() -> None:
    found, (request,) = sent(lambda magento: orders.order(magento, 42), ORDER)
    assert (found.state, found.status) == ("processing", "erp_received")
    assert [line.parent_item_id for line in found.items] == [None, 7]
    assert "customer" not in unquote(request.target)


@pytest.mark.shared
@pytest.mark.skipif(not RECORDED.exists(), reason="needs ../shared, which users do not have")
@pytest.mark.parametrize("number", [5, 8, 12])
def test_a_recorded_order_is_read(number: int) -> None:
    recorded = json.loads((RECORDED / f"rest-order-{number}.json").read_text(encoding="utf-8"))
    found, _ = sent(lambda magento: orders.order(magento, number), recorded)
    assert found.entity_id == number
    assert [line.item_id for line in found.items] == [one["item_id"] for one in recorded["items"]]
    assert (
        sum(line.qty_ordered for line in found.items if line.parent_item_id is None)
        == (recorded["total_qty_ordered"])
    )


def test_a_comment_never_carries_a_status() -> None:
    _, (request,) = sent(lambda magento: orders.comment(magento, 42, "Größe 😀"), reply=True)
    assert request.target == "/rest/all/V1/orders/42/comments"
    assert body(request) == {
        "statusHistory": {
            "comment": "Größe 😀",
            "is_customer_notified": 0,
            "is_visible_on_front": 0,
        }
    }


@pytest.mark.parametrize(
    ("action", "reply"), [("hold", True), ("unhold", True), ("cancel", True), ("cancel", False)]
)
def test_hold_unhold_and_cancel_tell_whether_magento_did_it(action: str, reply: bool) -> None:
    done, (request,) = sent(lambda magento: getattr(orders, action)(magento, 42), reply)
    assert done is reply
    assert request.head.startswith(f"POST /rest/all/V1/orders/42/{action} ")


def test_a_hold_that_is_not_possible_is_refused() -> None:
    reply = says(400, {"message": "A hold action is not available."})
    with shop(lambda _: reply) as (magento, _), pytest.raises(MagentoRefused):
        orders.hold(magento, 42)


def test_the_shop_tells_its_addresses_and_modules() -> None:
    config = {"id": 1, "code": "default", "base_url": "http://shop.example.com/", "locale": "de_DE"}
    found, _ = sent(store_configs, [config])
    assert found[0].base_url == "http://shop.example.com/"
    known, _ = sent(modules, ["Magento_Store", "Magento_InventoryApi"])
    assert "Magento_InventoryApi" in known
