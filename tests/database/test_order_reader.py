"""Orders of every kind, as a shop writes them, read into values."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from sidecar.database.connection import Database
from sidecar.domains import SPECS
from sidecar.domains.orders.events import ORDER_PLACED
from sidecar.domains.orders.invariants import problems
from sidecar.domains.orders.payload import AppliedRule, Order, OrderItem
from sidecar.domains.orders.reader import OrderReader
from sidecar.domains.orders.spec import SPEC
from sidecar.magento.live_schema import read_schema
from sidecar.model.event import decode_payload, encode_payload
from sidecar.testing.magento_db import (
    CUSTOMERS,
    Line,
    MagentoDatabase,
    PrivateServer,
    Shop,
    create_magento,
    random_order,
)
from sidecar.testing.magento_db.catalogue import COLOGNE, NEW_YORK
from tests.database.capture_bench import login


@dataclass
class Counter:
    """A shop, and a reader that looks at it."""

    shop: Shop
    magento: MagentoDatabase
    database: Database

    def place(self, *lines: Line, **how: Any) -> Order:
        """Place an order and read it; it must add up and survive its payload."""
        order = self.read(self.shop.place(lines, **how).entity_id)
        assert problems(order) == []
        assert decode_payload(SPEC.event(ORDER_PLACED), encode_payload(order)) == order
        return order

    def read(self, entity_id: int) -> Order:
        return self.read_all([entity_id])[entity_id]

    def read_all(self, ids: Sequence[int]) -> dict[int, Order]:
        reader = OrderReader(read_schema(self.database, SPECS))
        with self.database.snapshot() as connection:
            return reader.read(connection, ids)

    def run(self, statement: str, *parameters: object) -> None:
        with self.magento.connect(sql_mode="") as connection, connection.cursor() as cursor:
            cursor.execute(statement, parameters)


@pytest.fixture(scope="module")
def counter(server: PrivateServer) -> Iterator[Counter]:
    magento = create_magento(server, "read_orders")
    database = Database(login(magento))
    with Shop(magento) as shop:
        yield Counter(shop, magento, database)
    database.close()
    magento.drop()


def booked(order: Order) -> list[tuple[str, int]]:
    """SKU and quantity of the lines that an ERP would book."""
    return [(line.sku, int(line.qty_ordered)) for line in order.sellable_items]


def line_of(order: Order, sku: str, product_type: str | None = None) -> OrderItem:
    (line,) = (
        line
        for line in order.items
        if line.sku == sku and product_type in (None, line.product_type)
    )
    return line


def test_a_bundle_of_dynamic_price_is_booked_by_its_parts(counter: Counter) -> None:
    order = counter.place(Line("TEASET", 2))

    assert booked(order) == [("MUG", 4), ("TEAPOT", 2)]
    pot = line_of(order, "TEAPOT")
    assert pot.parent_sku == "TEASET-MUG-TEAPOT"
    [option] = pot.options
    assert (option.kind, option.label, option.value) == ("bundle", "Pot", "Teekanne für Zwei ☕")


def test_a_bundle_of_fixed_price_is_booked_as_a_whole(counter: Counter) -> None:
    order = counter.place(Line("GIFTBOX", 3))

    (box,) = order.sellable_items
    assert box.product_type == "bundle"
    assert (box.qty_ordered, box.row_total) == (Decimal(3), Decimal("177.00"))
    assert len(order.items) == 3


def test_a_configurable_is_booked_once_under_the_sku_of_the_variant(counter: Counter) -> None:
    order = counter.place(Line("SHIRT", 2, option="Green"))

    assert booked(order) == [("SHIRT-GREEN", 2)]
    (shirt,) = order.sellable_items
    assert shirt.product_type == "configurable"
    assert shirt.row_total == Decimal("59.90")
    [option] = shirt.options
    assert (option.kind, option.label, option.value) == ("attribute", "Color", "Green")


def test_members_of_a_grouped_product_are_lines_of_their_own(counter: Counter) -> None:
    order = counter.place(Line("CHAIR-A", 2, group="CHAIRS"), Line("CHAIR-B", 1, group="CHAIRS"))

    assert booked(order) == [("CHAIR-A", 2), ("CHAIR-B", 1)]


def test_a_virtual_order_has_no_shipping_address(counter: Counter) -> None:
    order = counter.place(Line("WARRANTY"), Line("EBOOK"))

    assert order.is_virtual
    assert order.shipping_address is None
    assert order.billing_address.address_type == "billing"
    assert booked(order) == [("WARRANTY", 1), ("EBOOK", 1)]


def test_fractions_of_a_unit_stay_exact(counter: Counter) -> None:
    order = counter.place(Line("RIBBON", Decimal("2.5")))

    (ribbon,) = order.sellable_items
    assert ribbon.qty_ordered == Decimal("2.5")
    assert ribbon.is_qty_decimal


def test_two_currencies_each_add_up_by_themselves(counter: Counter) -> None:
    order = counter.place(Line("MUG", 3), Line("TEASET"), store="us", address=NEW_YORK)

    assert (order.base_currency_code, order.order_currency_code) == ("EUR", "USD")
    assert (order.store_code, order.website_code) == ("us", "us")
    assert order.base_to_order_rate == Decimal("1.1")
    assert order.grand_total > order.base_grand_total


def test_each_line_carries_each_of_its_tax_rates(counter: Counter) -> None:
    order = counter.place(Line("DESK"), store="us", address=NEW_YORK)

    (desk,) = order.items
    assert [tax.tax_percent for tax in desk.taxes] == [Decimal("4"), Decimal("4.875")]
    on_shipping = sum(tax.real_amount for tax in order.shipping_taxes)
    assert sum(tax.real_amount for tax in desk.taxes) + on_shipping == order.tax_amount
    assert sum(rate.amount or 0 for rate in order.taxes) == order.tax_amount


def test_prices_that_include_tax_add_up_with_a_discount(counter: Counter) -> None:
    order = counter.place(
        Line("MUG", 3), Line("SHIRT", option="Red"), coupon="SAVE10", prices_include_tax=True
    )

    assert order.discount_amount < 0
    assert order.discount_tax_compensation_amount > 0


def test_orders_of_all_sorts_add_up(counter: Counter) -> None:
    rng = random.Random(20261123)
    numbers = [counter.shop.place(**random_order(rng)).entity_id for _ in range(60)]

    orders = counter.read_all(numbers)

    assert list(orders) == numbers
    assert {number: found for number, order in orders.items() if (found := problems(order))} == {}


def test_a_discount_names_its_rules_also_when_one_was_deleted_since(counter: Counter) -> None:
    order = counter.place(Line("DESK"), coupon="FIVE")
    assert order.coupon_code == "FIVE"
    assert order.applied_rules == (AppliedRule(rule_id=2, name="5 off the cart"),)

    counter.run("UPDATE sales_order SET applied_rule_ids = '2,77,' WHERE entity_id = %s",
                order.entity_id)  # fmt: skip
    assert counter.read(order.entity_id).applied_rules == (
        AppliedRule(rule_id=2, name="5 off the cart"),
        AppliedRule(rule_id=77, name=None),
    )


def test_who_ordered_and_where_it_goes(counter: Counter) -> None:
    order = counter.place(Line("MUG"), customer=CUSTOMERS[1], billing_address=COLOGNE)

    assert (order.customer_id, order.customer_is_guest) == (2, False)
    assert order.customer_group_code == "Wholesale"
    assert order.shipping_address is not None
    assert order.shipping_address.city == "Wien"
    assert order.billing_address.street == ("Domgasse 7", "Hinterhaus")
    assert order.billing_address.vat_id == "DE123456789"
    assert order.billing_address.region is None


def test_times_are_utc(counter: Counter) -> None:
    order = counter.place(Line("MUG"))

    assert order.created_at.tzinfo is UTC
    assert abs(datetime.now(UTC) - order.created_at) < timedelta(minutes=1)


def test_comments_are_kept_in_their_order(counter: Counter) -> None:
    order_id = counter.shop.place().entity_id
    for comment in ("first", "second"):
        counter.run(
            "INSERT INTO sales_order_status_history (parent_id, comment, status, entity_name) "
            "VALUES (%s, %s, 'pending', 'order')",
            order_id,
            comment,
        )

    found = counter.read(order_id).status_histories
    assert [entry.comment for entry in found] == ["first", "second"]
    assert found[0].is_customer_notified is False


def test_of_the_payment_nothing_but_the_methods_title_leaves_the_details(
    counter: Counter,
) -> None:
    order_id = counter.shop.place(payment="purchaseorder", po_number="PO-77").entity_id
    counter.run(
        "UPDATE sales_order_payment SET cc_last_4 = '4242', cc_owner = 'SECRET', "
        """additional_information = '{"method_title":"Invoice","iban":"SECRET"}' """
        "WHERE parent_id = %s",
        order_id,
    )

    order = counter.read(order_id)

    assert order.payment.method_title == "Invoice"
    assert order.payment.po_number == "PO-77"
    assert b"SECRET" not in encode_payload(order)
    assert b"4242" not in encode_payload(order)


@pytest.mark.parametrize("broken", [None, "", "{broken", "[]", 'a:1:{i:0;s:1:"x";}'])
def test_broken_options_neither_stop_the_read_nor_book_a_bundle_twice(
    counter: Counter, broken: str | None
) -> None:
    placed = counter.shop.place([Line("TEASET"), Line("GIFTBOX"), Line("SHIRT", option="Red")])
    whole = counter.read(placed.entity_id)
    number = placed.entity_id
    counter.run("UPDATE sales_order_item SET product_options = %s WHERE order_id = %s",
                broken, number)  # fmt: skip
    counter.run("UPDATE sales_order_payment SET additional_information = %s WHERE parent_id = %s",
                broken, number)  # fmt: skip

    order = counter.read(number)

    assert booked(order) == booked(whole)
    assert problems(order) == []
    assert all(line.options == () for line in order.items)
    assert order.payment.method_title is None


def test_an_order_with_nothing_on_it_is_read_and_its_faults_are_told(counter: Counter) -> None:
    counter.run("INSERT INTO sales_order (entity_id, increment_id) VALUES (900, 'OLD-1')")

    order = counter.read(900)

    assert (order.state, order.status, order.grand_total) == ("", "", Decimal(0))
    assert problems(order) == [
        "no line to book among its 0 lines",
        "no billing address",
        "no shipping address although the order is not virtual",
        "no payment",
    ]
    assert decode_payload(SPEC.event(ORDER_PLACED), encode_payload(order)) == order


def test_a_date_of_birth_of_zeros_is_none(counter: Counter) -> None:
    order_id = counter.shop.place().entity_id
    counter.run(
        "UPDATE sales_order SET customer_dob = '0000-00-00 00:00:00' WHERE entity_id = %s",
        order_id,
    )

    assert counter.read(order_id).customer_dob is None


def test_what_store_credit_and_gift_cards_paid_is_part_of_the_sum(counter: Counter) -> None:
    placed = counter.shop.place()
    columns = ("customer_balance_amount", "gift_cards_amount")
    for column in columns:
        counter.run(f"ALTER TABLE sales_order ADD {column} decimal(20,4) NULL, "
                    f"ADD base_{column} decimal(20,4) NULL")  # fmt: skip
    counter.run(
        "UPDATE sales_order SET customer_balance_amount = 3, base_customer_balance_amount = 3, "
        "grand_total = grand_total - 3, base_grand_total = base_grand_total - 3 "
        "WHERE entity_id = %s",
        placed.entity_id,
    )

    order = counter.read(placed.entity_id)

    assert (order.credits_amount, order.base_credits_amount) == (Decimal(3), Decimal(3))
    assert order.grand_total == placed.grand_total - 3
    assert problems(order) == []


def test_the_pickup_location_is_read_where_there_is_one(counter: Counter) -> None:
    order_id = counter.shop.place().entity_id
    assert counter.read(order_id).pickup_location_code is None

    counter.run("INSERT INTO inventory_pickup_location_order VALUES (%s, 'store-ulm')", order_id)
    assert counter.read(order_id).pickup_location_code == "store-ulm"


def test_ids_that_magento_does_not_have_are_missing(counter: Counter) -> None:
    order_id = counter.shop.place().entity_id

    assert list(counter.read_all([order_id, 4711])) == [order_id]
    assert counter.read_all([4711]) == {}
    assert counter.read_all([]) == {}


def test_the_number_of_statements_does_not_grow_with_the_orders(counter: Counter) -> None:
    ids = [counter.shop.place(coupon="SAVE10").entity_id for _ in range(5)]
    reader = OrderReader(read_schema(counter.database, SPECS))

    def statements(wanted: Sequence[int]) -> int:
        seen: list[str] = []

        def remember(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            seen.append(statement)

        with counter.database.snapshot() as connection:
            sa.event.listen(connection, "before_cursor_execute", remember)
            reader.read(connection, wanted)
            sa.event.remove(connection, "before_cursor_execute", remember)
        assert not [statement for statement in seen if "*" in statement]
        return len(seen)

    assert statements(ids) == statements(ids[:1]) == 10
