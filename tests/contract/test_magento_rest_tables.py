"""Which tables a call writes, in which order and how often (facts: what a change writes)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sidecar.testing.magento_db import PrivateServer, Shop, create_magento
from sidecar.testing.magento_rest import MagentoRest
from tests.contract.magento_rest_bench import RestBench


class Recorded(RestBench):
    """A bench that hears every statement of the calls."""

    def __init__(self, shop: Shop, served: MagentoRest, ran: list[str]) -> None:
        super().__init__(shop, served)
        self._ran = ran

    def written(self, method: str, path: str, body: dict[str, Any]) -> list[str]:
        """The statements of one call that succeeds; one repeated is named once."""
        self._ran.clear()
        answer = self.call(method, path, body)
        assert answer.status == 200, answer.text
        return [name for n, name in enumerate(self._ran) if n == 0 or self._ran[n - 1] != name]


@pytest.fixture(scope="module")
def heard(server: PrivateServer) -> Iterator[Recorded]:
    database = create_magento(server, "rest_tables")
    ran: list[str] = []
    with Shop(database) as shop, MagentoRest(shop, between=ran.append) as served:
        yield Recorded(shop, served, ran)
    database.drop()


ORDER_SAVE = ["UPDATE sales_order_item", "UPDATE sales_order_payment"]
AFTER = ["UPDATE sales_order_tax_item", "INSERT sales_order_grid", "COMMIT"]
BEGIN = ["START TRANSACTION", "SELECT sales_order"]


def test_a_shipment_of_a_new_order_with_a_parcel(heard: Recorded) -> None:
    track = {"track_number": "1", "title": "DHL", "carrier_code": "custom"}
    assert heard.written("POST", f"order/{heard.order()}/ship", {"tracks": [track]}) == [
        *BEGIN,
        "INSERT sequence_shipment_1",
        "INSERT sales_shipment",
        "UPDATE inventory_source_item",
        "UPDATE cataloginventory_stock_item",
        "UPDATE cataloginventory_stock_status",
        "INSERT inventory_reservation",
        "INSERT queue_message",
        "INSERT queue_message_status",
        "INSERT sales_shipment_item",
        "INSERT sales_shipment_track",
        "INSERT sales_shipment_grid",
        "INSERT inventory_shipment_source",
        "UPDATE sales_order",
        *ORDER_SAVE,
        *AFTER,
        "INSERT sales_shipment_grid",
        "INSERT sales_order_grid",
    ]


def test_an_invoice(heard: Recorded) -> None:
    assert heard.written("POST", f"order/{heard.order()}/invoice", {}) == [
        *BEGIN,
        "INSERT sequence_invoice_1",
        "INSERT sales_invoice",
        *["INSERT sales_invoice_item", "UPDATE sales_order_item"] * 2,
        "INSERT sales_invoice_grid",
        "UPDATE sales_order",
        "UPDATE sales_order_payment",
        *AFTER,
        "INSERT sales_invoice_grid",
        "INSERT sales_order_grid",
    ]


def test_a_credit_memo(heard: Recorded) -> None:
    order_id = heard.order()
    heard.shop.invoice(order_id)
    heard.shop.ship(order_id)
    assert heard.written("POST", f"order/{order_id}/refund", {}) == [
        *BEGIN,
        "UPDATE sales_order",
        *ORDER_SAVE,
        "INSERT sales_order_status_history",
        "UPDATE sales_order_tax_item",
        "INSERT sales_order_grid",
        "INSERT sequence_creditmemo_1",
        "INSERT sales_creditmemo",
        "INSERT sales_creditmemo_item",
        "INSERT sales_creditmemo_grid",
        "COMMIT",
        "INSERT sales_order_grid",
        "INSERT sales_creditmemo_grid",
    ]


def test_a_comment(heard: Recorded) -> None:
    body = {"statusHistory": {"comment": "x"}}
    assert heard.written("POST", f"orders/{heard.order()}/comments", body) == [
        "START TRANSACTION",
        *ORDER_SAVE,
        "INSERT sales_order_status_history",
        *AFTER,
        "INSERT sales_order_grid",
    ]


def test_base_prices_are_one_statement_for_any_number(heard: Recorded) -> None:
    prices = [{"sku": sku, "price": 5, "store_id": 0} for sku in ("MUG", "TEAPOT", "LAMP")]
    assert heard.written("POST", "products/base-prices", {"prices": prices}) == [
        "START TRANSACTION",
        "INSERT catalog_product_entity_decimal",
        "COMMIT",
    ]


def test_a_special_price(heard: Recorded) -> None:
    price = {"sku": "MUG", "price": 5, "store_id": 0, "price_from": "2026-11-01 00:00:00"}
    assert set(heard.written("POST", "products/special-price", {"prices": [price]})) == {
        "START TRANSACTION",
        "INSERT catalog_product_entity_decimal",
        "INSERT catalog_product_entity_datetime",
        "COMMIT",
    }


def test_a_tier_price(heard: Recorded) -> None:
    tier = {"sku": "MUG", "price": 5, "price_type": "fixed", "website_id": 0, "quantity": 5,
            "customer_group": "ALL GROUPS"}  # fmt: skip
    assert heard.written("POST", "products/tier-prices", {"prices": [tier]}) == [
        "START TRANSACTION",
        "INSERT catalog_product_entity_tier_price",
        "COMMIT",
    ]


def test_source_items_have_no_transaction(heard: Recorded) -> None:
    items = [
        {"sku": sku, "source_code": "default", "quantity": 5, "status": 1}
        for sku in ("MUG", "TEAPOT", "NEW-SKU")
    ]
    legacy = ["UPDATE cataloginventory_stock_item", "UPDATE cataloginventory_stock_status"]
    assert heard.written("POST", "inventory/source-items", {"sourceItems": items}) == [
        "UPDATE inventory_source_item",
        "INSERT inventory_source_item",
        *legacy * 2,
    ]


def test_a_product_save_writes_the_stock_tables(heard: Recorded) -> None:
    assert heard.written("PUT", "products/MUG", {"product": {"price": 4}}) == [
        "START TRANSACTION",
        "UPDATE catalog_product_entity",
        "UPDATE catalog_product_entity_decimal",
        "UPDATE cataloginventory_stock_item",
        "UPDATE inventory_source_item",
        "UPDATE cataloginventory_stock_status",
        "COMMIT",
    ]


def test_the_legacy_stock_item_is_a_transaction(heard: Recorded) -> None:
    body = {"stockItem": {"qty": 4, "is_in_stock": True}}
    assert heard.written("PUT", "products/MUG/stockItems/1", body) == [
        "START TRANSACTION",
        "UPDATE cataloginventory_stock_item",
        "UPDATE inventory_source_item",
        "UPDATE cataloginventory_stock_status",
        "COMMIT",
        "UPDATE cataloginventory_stock_status",
    ]


@pytest.mark.parametrize(
    ("act", "moved"),
    [
        ("ship", (True, True, True)),
        ("invoice", (True, False, False)),
        ("hold", (True, False, False)),
    ],
)
def test_the_changelogs_of_what_happens_to_an_order(
    heard: Recorded, act: str, moved: tuple[bool, ...]
) -> None:
    views = ("sales_order_data_exporter", "inventory", "cataloginventory_stock")
    order_id = heard.order()
    before = [heard.changelog(view) for view in views]
    path = f"orders/{order_id}/hold" if act == "hold" else f"order/{order_id}/{act}"
    assert heard.post(path, {}).status == 200
    after = [heard.changelog(view) for view in views]
    assert tuple(now > then for now, then in zip(after, before, strict=True)) == moved
