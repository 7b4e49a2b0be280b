"""Orders that our writer makes: they add up, vary, and behave as a Magento order does."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pymysql.cursors import DictCursor

from sidecar.model.errors import BadData
from sidecar.testing.magento_db import (
    CATALOGUE,
    COUPONS,
    CUSTOMERS,
    Line,
    MagentoDatabase,
    PlacedOrder,
    PrivateServer,
    Product,
    Shop,
    create_magento,
    load_dump,
    price_cart,
    random_order,
)
from sidecar.testing.magento_db.catalogue import BERLIN, NEW_YORK, STORES, VIENNA, Component
from sidecar.testing.magento_db.order_rows import item_row, order_row

pytestmark = pytest.mark.any_server

D = Decimal
Row = dict[str, Any]


def _rows(magento: MagentoDatabase, sql: str, *parameters: object) -> list[Row]:
    with magento.connect() as connection, connection.cursor(DictCursor) as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


def _order(magento: MagentoDatabase, placed: PlacedOrder | int) -> Row:
    order_id = placed if isinstance(placed, int) else placed.entity_id
    return _rows(magento, "SELECT * FROM sales_order WHERE entity_id = %s", order_id)[0]


def _items(magento: MagentoDatabase, placed: PlacedOrder | int) -> list[Row]:
    order_id = placed if isinstance(placed, int) else placed.entity_id
    return _rows(
        magento, "SELECT * FROM sales_order_item WHERE order_id = %s ORDER BY item_id", order_id
    )


def _sellable(items: list[Row]) -> list[Row]:
    """The lines that carry money, told by product_options as a reader has to tell them."""
    by_id = {item["item_id"]: item for item in items}

    def calculated(parent: Row) -> bool:
        return bool(json.loads(parent["product_options"]).get("product_calculations") == 0)

    def carries(item: Row) -> bool:
        if item["parent_item_id"]:
            return calculated(by_id[item["parent_item_id"]])
        return not (item["product_type"] == "bundle" and calculated(item))

    return [item for item in items if carries(item)]


@pytest.fixture(scope="module")
def busy(server: PrivateServer) -> Iterator[MagentoDatabase]:
    """A shop with 200 random orders."""
    database = create_magento(server, "busy")
    rng = random.Random(42)
    with Shop(database) as shop:
        for _ in range(200):
            shop.place(**random_order(rng))
    yield database
    database.drop()


@pytest.mark.parametrize("prefix", ["base_", ""])
def test_200_random_orders_add_up_to_the_cent(busy: MagentoDatabase, prefix: str) -> None:
    for order in _rows(busy, "SELECT * FROM sales_order"):
        lines = _sellable(_items(busy, order["entity_id"]))

        def total(column: str, lines: list[Row] = lines) -> Decimal:
            return sum((line[f"{prefix}{column}"] for line in lines), D(0))

        discount = total("discount_amount")
        tax = total("tax_amount") + order[f"{prefix}shipping_tax_amount"]
        compensation = total("discount_tax_compensation_amount")
        assert order[f"{prefix}subtotal"] == total("row_total")
        assert order[f"{prefix}discount_amount"] == -discount
        assert order[f"{prefix}tax_amount"] == tax
        assert order[f"{prefix}discount_tax_compensation_amount"] == compensation
        assert order[f"{prefix}grand_total"] == (
            total("row_total") + order[f"{prefix}shipping_amount"] + tax + compensation - discount
        )
        assert all(line[f"{prefix}tax_amount"] >= 0 for line in lines)
        assert order[f"{prefix}grand_total"] >= 0


def test_the_tax_per_rate_is_the_tax_of_the_lines_and_the_shipping(busy: MagentoDatabase) -> None:
    found = _rows(
        busy,
        "SELECT o.entity_id, o.tax_amount, o.base_tax_amount, SUM(t.amount) AS tax, "
        "SUM(t.base_amount) AS base_tax, "
        "(SELECT SUM(i.amount) FROM sales_order_tax_item i JOIN sales_order_tax u USING (tax_id) "
        "WHERE u.order_id = o.entity_id) AS items FROM sales_order o "
        "JOIN sales_order_tax t ON t.order_id = o.entity_id GROUP BY o.entity_id",
    )
    assert len(found) > 100
    for order in found:
        assert order["tax"] == order["tax_amount"] == order["items"]
        assert order["base_tax"] == order["base_tax_amount"]


def test_random_orders_are_of_every_kind(busy: MagentoDatabase) -> None:
    kinds = {
        row["product_type"] for row in _rows(busy, "SELECT product_type FROM sales_order_item")
    }
    assert kinds == {
        "simple", "configurable", "bundle", "virtual", "downloadable", "grouped"
    }  # fmt: skip
    orders = _rows(busy, "SELECT * FROM sales_order")
    assert {order["order_currency_code"] for order in orders} == {"EUR", "USD"}
    assert {order["coupon_code"] for order in orders} == {None, *COUPONS}
    assert {order["is_virtual"] for order in orders} == {0, 1}
    assert {order["customer_is_guest"] for order in orders} == {0, 1}
    assert any(order["discount_tax_compensation_amount"] for order in orders)
    two_rates = "SELECT order_id FROM sales_order_tax GROUP BY order_id HAVING COUNT(*) > 1"
    assert _rows(busy, two_rates)
    decimals = "SELECT 1 FROM sales_order_item WHERE qty_ordered <> FLOOR(qty_ordered)"
    assert _rows(busy, decimals)


def test_the_same_seed_makes_the_same_orders() -> None:
    first, second = random.Random(7), random.Random(7)
    assert [random_order(first) for _ in range(50)] == [random_order(second) for _ in range(50)]


def test_a_full_save_undoes_what_was_written_since_the_order_was_loaded(
    shop: Shop, magento: MagentoDatabase
) -> None:
    placed = shop.place()
    loaded = shop.load_order(placed.entity_id)
    with magento.connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            "UPDATE sales_order SET status = 'erp_received', ext_order_id = 'ERP-1' "
            "WHERE entity_id = %s",
            [placed.entity_id],
        )
    assert _order(magento, placed)["ext_order_id"] == "ERP-1"
    loaded.set_state("processing")
    loaded.save()
    order = _order(magento, placed)
    assert (order["status"], order["ext_order_id"]) == ("processing", None)


def test_a_save_without_change_leaves_a_write_of_others_alone(
    shop: Shop, magento: MagentoDatabase
) -> None:
    placed = shop.place()
    loaded = shop.load_order(placed.entity_id)
    with magento.connect() as connection, connection.cursor() as cursor:
        cursor.execute("UPDATE sales_order SET ext_order_id = 'ERP-1'")
    loaded.save()
    assert _order(magento, placed)["ext_order_id"] == "ERP-1"


def test_a_test_can_look_into_the_open_order_transaction(magento: MagentoDatabase) -> None:
    seen: dict[str, int] = {}

    def look(statement: str) -> None:
        if statement in ("INSERT sales_order", "INSERT sales_order_payment", "COMMIT"):
            found = _rows(magento, "SELECT COUNT(*) AS n FROM sales_order")
            seen.setdefault(statement, found[0]["n"])

    with Shop(magento, between=look) as shop:
        shop.place()
    assert seen == {"INSERT sales_order": 0, "INSERT sales_order_payment": 0, "COMMIT": 1}


def test_a_failure_in_the_order_transaction_burns_the_number_and_leaves_no_order(
    magento: MagentoDatabase,
) -> None:
    def fail(statement: str) -> None:
        if statement == "INSERT sales_order_payment":
            raise ConnectionError("the web server was restarted")

    with Shop(magento, between=fail) as shop:
        with pytest.raises(ConnectionError):
            shop.place()
        shop.session.between = None
        assert shop.place().increment_id == "000000002"
    assert len(_rows(magento, "SELECT 1 FROM sales_order")) == 1
    assert len(_rows(magento, "SELECT 1 FROM inventory_reservation")) == 4


def test_each_store_has_its_own_numbers_and_currency(shop: Shop, magento: MagentoDatabase) -> None:
    here, there = shop.place(), shop.place(store="us", address=NEW_YORK)
    assert (here.increment_id, there.increment_id) == ("000000001", "2000000001")
    order = _order(magento, there)
    assert (order["base_currency_code"], order["order_currency_code"]) == ("EUR", "USD")
    assert order["base_to_order_rate"] == D("1.1")


def test_a_configurable_is_booked_under_its_childs_sku(
    shop: Shop, magento: MagentoDatabase
) -> None:
    parent, child = _items(magento, shop.place([Line("SHIRT", 2, option="Green")]))
    assert parent["sku"] == child["sku"] == "SHIRT-GREEN"
    assert child["parent_item_id"] == parent["item_id"]
    assert (parent["row_total"], child["row_total"]) == (D("59.90"), 0)
    assert json.loads(parent["product_options"])["simple_sku"] == "SHIRT-GREEN"


def test_a_dynamic_bundle_is_the_sum_of_its_children(shop: Shop, magento: MagentoDatabase) -> None:
    bundle, *children = _items(magento, shop.place([Line("TEASET", 2)], coupon="SAVE10"))
    assert bundle["row_total"] == sum(child["row_total"] for child in children) == D("88.96")
    assert bundle["tax_amount"] == sum(child["tax_amount"] for child in children)
    assert bundle["discount_amount"] == 0
    assert sum(child["discount_amount"] for child in children) == D("8.90")
    selection = json.loads(
        json.loads(children[0]["product_options"])["bundle_selection_attributes"]
    )
    assert selection == {"price": 9.99, "qty": 2, "option_label": "Mug", "option_id": "1"}


def test_a_fixed_bundle_carries_the_price_itself(shop: Shop, magento: MagentoDatabase) -> None:
    bundle, *children = _items(magento, shop.place([Line("GIFTBOX")]))
    assert bundle["row_total"] == D("59")
    assert [child["row_total"] for child in children] == [0, 0]
    assert json.loads(bundle["product_options"])["product_calculations"] == 1


def test_a_grouped_product_is_ordered_as_its_members(shop: Shop, magento: MagentoDatabase) -> None:
    lines = [Line("CHAIR-A", 2, group="CHAIRS"), Line("CHAIR-B", group="CHAIRS")]
    items = _items(magento, shop.place(lines))
    assert [(i["sku"], i["product_type"], i["parent_item_id"]) for i in items] == [
        ("CHAIR-A", "grouped", None),
        ("CHAIR-B", "grouped", None),
    ]
    with pytest.raises(BadData, match="never ordered itself"):
        shop.place([Line("CHAIRS")])


def test_invoices_and_refunds_in_parts_add_up_to_the_order(
    shop: Shop, magento: MagentoDatabase
) -> None:
    placed = shop.place(
        [Line("SCREW", 7, price=D("0.333")), Line("SHIRT", 3, option="Red"), Line("TEASET", 3)],
        coupon="FIVE",
        store="us",
        address=VIENNA,
    )
    invoices = [shop.invoice(placed.entity_id, 1), shop.invoice(placed.entity_id, 1)]
    invoices.append(shop.invoice(placed.entity_id))
    assert sum(invoice.grand_total for invoice in invoices) == placed.grand_total
    refunds = [shop.refund(placed.entity_id, 2), shop.refund(placed.entity_id)]
    assert sum(refund.grand_total for refund in refunds) == placed.grand_total
    order = _order(magento, placed)
    assert (order["state"], order["total_due"]) == ("closed", 0)
    assert order["base_total_refunded"] == order["base_grand_total"]


def test_a_hold_remembers_a_custom_status(shop: Shop, magento: MagentoDatabase) -> None:
    placed = shop.place()
    with magento.connect() as connection, connection.cursor() as cursor:
        cursor.execute("UPDATE sales_order SET status = 'erp_received'")
    shop.hold(placed.entity_id)
    assert _order(magento, placed)["status"] == "holded"
    shop.unhold(placed.entity_id)
    assert (_order(magento, placed)["state"], _order(magento, placed)["status"]) == (
        "new",
        "erp_received",
    )


def test_the_state_follows_payment_and_shipment(shop: Shop, magento: MagentoDatabase) -> None:
    placed = shop.place([Line("MUG", 2), Line("WARRANTY")])
    shop.invoice(placed.entity_id)
    assert _order(magento, placed)["state"] == "processing"
    shop.ship(placed.entity_id, 1)
    assert _order(magento, placed)["state"] == "processing"
    shop.ship(placed.entity_id)
    assert _order(magento, placed)["state"] == "complete"
    with pytest.raises(BadData, match="left to ship"):
        shop.ship(placed.entity_id)


def test_what_was_reserved_is_compensated_when_it_leaves_or_is_canceled(
    shop: Shop, magento: MagentoDatabase
) -> None:
    lines = [Line("SHIRT", 2, option="Red"), Line("TEASET"), Line("GIFTBOX"), Line("WARRANTY")]
    shipped, canceled = shop.place(lines), shop.place(lines)
    shop.invoice(shipped.entity_id)
    shop.ship(shipped.entity_id)
    shop.cancel(canceled.entity_id)
    sums = "SELECT sku, SUM(quantity) AS open FROM inventory_reservation GROUP BY sku"
    assert {row["sku"]: row["open"] for row in _rows(magento, sums)} == {
        "SHIRT-RED": 0, "MUG": 0, "TEAPOT": 0, "LAMP": 0, "WARRANTY": 0
    }  # fmt: skip
    left = "SELECT sku, quantity FROM inventory_source_item WHERE quantity < 1000"
    assert {row["sku"]: row["quantity"] for row in _rows(magento, left)} == {
        "SHIRT-RED": 998, "MUG": 996, "TEAPOT": 999, "LAMP": 999, "WARRANTY": 999
    }  # fmt: skip


def test_a_deleted_order_takes_its_rows_along(shop: Shop, magento: MagentoDatabase) -> None:
    placed = shop.place()
    shop.invoice(placed.entity_id)
    shop.delete(placed.entity_id)
    for table in (
        "sales_order_item",
        "sales_order_payment",
        "sales_order_address",
        "sales_invoice",
    ):
        assert _rows(magento, f"SELECT * FROM {table}") == []


def test_a_customer_can_be_registered_and_changed(shop: Shop, magento: MagentoDatabase) -> None:
    customer_id = shop.create_customer("new@example.com", "Nora", "Neu", store_id=2)
    shop.save_customer(customer_id, lastname="Alt")
    (row,) = _rows(magento, "SELECT * FROM customer_entity WHERE entity_id = %s", customer_id)
    assert (row["lastname"], row["website_id"], row["created_in"]) == ("Alt", 2, "US Store View")


# ---- against the orders that a real shop priced -------------------------------------------------

REAL_CATALOGUE = {
    product.sku: product
    for product in (
        Product(1, "SIMPLE-1", "", "simple", D("9.99"), D("1.5")),
        Product(2, "SIMPLE-2", "", "simple", D("24.50"), D("1.5")),
        Product(3, "SIMPLE-3", "", "simple", D("349.00"), D("1.5")),
        Product(4, "SIMPLE-4", "", "simple", D("79.90"), D("1.5")),
        Product(5, "SIMPLE-5", "", "simple", D("0.49"), D("1.5")),
        Product(6, "VIRT-1", "", "virtual", D("19.00")),
        Product(7, "CONF-1-RED", "", "simple", D("29.95"), D("1.5")),
        Product(8, "CONF-1-GREEN", "", "simple", D("29.95"), D("1.5")),
        Product(
            9,
            "CONF-1",
            "",
            "configurable",
            D("29.95"),
            variants={"CONF-1-RED": "CONF-1-RED", "CONF-1-GREEN": "CONF-1-GREEN"},
        ),
        Product(
            10,
            "BUND-1",
            "",
            "bundle",
            D(0),
            components=(
                Component("SIMPLE-1", D(2), 1, "Mug", 1),
                Component("SIMPLE-2", D(1), 2, "Pot", 2),
            ),
        ),
    )
}
# What is not the cart's: identities, dates, what happened to the order later, free text.
NOT_COMPARED = {
    "state", "status", "total_due", "base_total_due", "protect_code", "store_name", "quote_id",
    "customer_id", "customer_email", "customer_firstname", "customer_lastname", "order_id",
    "customer_group_id", "customer_is_guest", "customer_note_notify", "parent_item_id", "name",
    "product_options",
}  # fmt: skip


def _real_line(item: Row) -> Line:
    skus = {product.entity_id: product.sku for product in REAL_CATALOGUE.values()}
    sku = skus[item["product_id"]]
    option = item["sku"] if item["product_type"] == "configurable" else None
    return Line(sku, item["qty_ordered"], option=option, price=item["base_original_price"])


@pytest.mark.shared
def test_the_arithmetic_prices_64_real_orders_as_magento_did(
    server: PrivateServer, shared: Path
) -> None:
    load_dump(server, shared / "magento" / "orders-64.sql.gz", "real_orders")
    real = MagentoDatabase(server, "real_orders")
    orders = _rows(real, "SELECT * FROM sales_order ORDER BY entity_id")
    assert len(orders) == 64
    for order in orders:
        items = _items(real, order["entity_id"])
        cart = price_cart(
            [_real_line(item) for item in items if not item["parent_item_id"]],
            BERLIN,  # every recorded order went to Germany
            base_to_order_rate=order["base_to_order_rate"],
            coupon=order["coupon_code"],
            shipping=order["base_shipping_amount"],
            catalogue=REAL_CATALOGUE,
        )
        store = STORES["us" if order["order_currency_code"] == "USD" else "default"]
        ours = order_row(
            cart,
            store=store,
            customer=CUSTOMERS[0],
            email="",
            name=BERLIN,
            quote_id=0,
            increment_id=order["increment_id"],
            protect_code="",
        )
        ours["store_id"] = 1
        ours["coupon_rule_name"] = order["coupon_rule_name"]
        assert _compared(ours) == {name: order[name] for name in _compared(ours)}
        for item, row in zip(cart.items, items, strict=True):
            written = item_row(item, cart, order_id=0, parent_item_id=None, store=store)
            written["store_id"] = 1
            assert _compared(written) == {name: row[name] for name in _compared(written)}
    real.drop()


def _compared(row: Row) -> Row:
    return {
        name: str(value) if name == "applied_rule_ids" and value else value
        for name, value in row.items()
        if name not in NOT_COMPARED
    }


def test_the_catalogue_that_can_be_bought_is_the_one_in_the_tables(
    magento: MagentoDatabase,
) -> None:
    found = _rows(magento, "SELECT sku, type_id FROM catalog_product_entity")
    assert {row["sku"]: row["type_id"] for row in found} == {
        product.sku: product.type_id for product in CATALOGUE.values()
    }
