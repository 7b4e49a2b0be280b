"""What an order must satisfy before it may go to an ERP, and how a breach is told."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from sidecar.domains.orders.charges import Charge
from sidecar.domains.orders.invariants import differences, problems
from sidecar.domains.orders.payload import Address, Order, OrderItem, Payment

MOMENT = datetime(2026, 11, 23, 3, 31, tzinfo=UTC)


def a_line(item_id: int = 1, **changes: Any) -> OrderItem:
    """A mug of 10.00, taxed with 19 %; without `changes` a simple product."""
    values: dict[str, Any] = dict.fromkeys(OrderItem.__struct_fields__)
    values |= {
        "item_id": item_id, "product_type": "simple", "sku": "MUG", "name": "Mug",
        "is_virtual": False, "is_qty_decimal": False, "is_sellable": True, "free_shipping": False,
        "options": (), "taxes": (), "qty_ordered": Decimal(1), "qty_canceled": Decimal(0),
        "qty_invoiced": Decimal(0), "qty_shipped": Decimal(0), "qty_refunded": Decimal(0),
        "price": Decimal(10), "base_price": Decimal(10), "row_total": Decimal(10),
        "base_row_total": Decimal(10), "tax_amount": Decimal("1.9"),
        "base_tax_amount": Decimal("1.9"), "discount_amount": Decimal(0),
        "base_discount_amount": Decimal(0), "discount_tax_compensation_amount": Decimal(0),
        "base_discount_tax_compensation_amount": Decimal(0), "download_links": (), "extra": {},
        "weee_tax_applied_row_amount": Decimal(0), "base_weee_tax_applied_row_amnt": Decimal(0),
    }  # fmt: skip
    return OrderItem(**values | changes)


def an_order(*lines: OrderItem, **changes: Any) -> Order:
    """Lines of 10.00 in all, 5.00 for shipping, 2.85 tax: 17.85 EUR, in both currencies."""
    amounts = {
        "subtotal": "10", "shipping_amount": "5", "shipping_tax_amount": "0.95",
        "tax_amount": "2.85", "grand_total": "17.85", "discount_amount": "0",
        "discount_tax_compensation_amount": "0", "shipping_discount_amount": "0",
        "shipping_discount_tax_compensation_amount": "0", "credits_amount": "0",
    }  # fmt: skip
    values: dict[str, Any] = dict.fromkeys(Order.__struct_fields__)
    for name, amount in amounts.items():
        base = f"base_{name}"
        if base not in values:
            base = "base_shipping_discount_tax_compensation_amnt"
        values[name] = values[base] = Decimal(amount)
    values |= {
        "entity_id": 7, "increment_id": "000000007", "state": "new", "status": "pending",
        "created_at": MOMENT, "updated_at": MOMENT, "is_virtual": False, "total_item_count": 1,
        "customer_is_guest": True, "base_currency_code": "EUR", "order_currency_code": "EUR",
        "surcharges": (), "extra": {}, "base_is_derived": False,
        "applied_rules": (), "taxes": (), "shipping_taxes": (), "status_histories": (),
        "billing_address": Address(entity_id=1, address_type="billing"),
        "shipping_address": Address(entity_id=2, address_type="shipping"),
        "payment": Payment(entity_id=1, method="checkmo"),
        "items": lines or (a_line(),),
    }  # fmt: skip
    return Order(**values | changes)


def test_an_order_that_adds_up_has_no_problem() -> None:
    assert problems(an_order()) == []


def test_a_total_that_does_not_add_up_shows_its_arithmetic() -> None:
    order = an_order(grand_total=Decimal("17.95"))

    assert problems(order) == [
        "10.00 (lines) + 5.00 (shipping) + 2.85 (tax) − 0.00 (discount) = 17.85, "
        "but grand_total is 17.95: 0.10 EUR too much"
    ]


def test_the_base_currency_is_checked_by_itself() -> None:
    order = an_order(order_currency_code="USD", base_tax_amount=Decimal("2.8"))

    assert problems(order) == [
        "10.00 (lines) + 5.00 (shipping) + 2.80 (tax) − 0.00 (discount) = 17.80, "
        "but base_grand_total is 17.85: 0.05 EUR too much"
    ]


def test_discount_credits_and_fixed_product_tax_are_part_of_the_sum() -> None:
    line = a_line(
        weee_tax_applied_row_amount=Decimal("0.5"), base_weee_tax_applied_row_amnt=Decimal("0.5")
    )
    parts = {"discount_amount": Decimal(-2), "credits_amount": Decimal(3)}
    parts |= {f"base_{name}": amount for name, amount in parts.items()}
    total = Decimal("13.35")

    assert problems(an_order(line, **parts, grand_total=total, base_grand_total=total)) == []
    (message,) = problems(an_order(line, **parts, grand_total=Decimal(13), base_grand_total=total))
    assert message == (
        "10.00 (lines) + 0.50 (fixed product tax) + 5.00 (shipping) + 2.85 (tax) − 2.00 (discount) "
        "− 3.00 (credits) = 13.35, but grand_total is 13.00: 0.35 EUR too little"
    )


def test_tax_that_a_discount_took_out_of_the_price_is_given_back() -> None:
    compensations = {
        "discount_tax_compensation_amount": Decimal("0.30"),
        "base_discount_tax_compensation_amount": Decimal("0.30"),
        "shipping_discount_tax_compensation_amount": Decimal("0.02"),
        "base_shipping_discount_tax_compensation_amnt": Decimal("0.02"),
    }
    total = Decimal("18.17")

    assert problems(an_order(**compensations, grand_total=total, base_grand_total=total)) == []


@pytest.mark.parametrize(
    ("off_by", "tolerance", "count"),
    [
        ("0.0049", "0", 0), ("-0.0049", "0", 0), ("0.005", "0", 1), ("-0.01", "0", 1),
        ("0.01", "0.01", 0), ("-0.01", "0.01", 0), ("0.015", "0.01", 1), ("-0.02", "0.01", 1),
        ("0.05", "0.05", 0),
    ],
)  # fmt: skip
def test_a_difference_counts_from_half_a_cent_and_beyond_the_tolerance(
    off_by: str, tolerance: str, count: int
) -> None:
    order = an_order(grand_total=Decimal("17.85") + Decimal(off_by))

    assert len(problems(order, Decimal(tolerance))) == count


def test_a_cent_is_tolerated_and_told_all_the_same() -> None:
    order = an_order(grand_total=Decimal("17.86"))

    assert problems(order) == []
    assert differences(order) == [
        "10.00 (lines) + 5.00 (shipping) + 2.85 (tax) − 0.00 (discount) = 17.85, "
        "but grand_total is 17.86: 0.01 EUR too much"
    ]
    [charge] = order.charges
    assert (charge.name, charge.amount) == ("difference", Decimal("0.01"))


def test_a_surcharge_is_part_of_the_sum_and_named_in_it() -> None:
    fee = Charge(name="mollie_payment_fee", amount=Decimal(3), base_amount=Decimal(3))
    total = Decimal("20.85")

    assert problems(an_order(surcharges=(fee,), grand_total=total, base_grand_total=total)) == []
    (message,) = problems(
        an_order(surcharges=(fee,), grand_total=Decimal(22), base_grand_total=total)
    )
    assert "+ 3.00 (mollie_payment_fee) = 20.85" in message


def test_base_amounts_that_were_reckoned_prove_nothing_and_are_not_checked() -> None:
    order = an_order(base_grand_total=Decimal(0), base_is_derived=True)

    assert problems(order) == []


def test_children_without_price_of_their_own_are_not_counted() -> None:
    parent = a_line(1, product_type="configurable", sku="SHIRT-RED")
    child = a_line(2, parent_item_id=1, is_sellable=False, row_total=Decimal(99))

    assert problems(an_order(parent, child)) == []


@pytest.mark.parametrize("product_type", ["", "subscription", "amgiftcard"])
def test_a_line_of_a_modules_own_type_is_one_thing_to_book(product_type: str) -> None:
    assert problems(an_order(a_line(4, product_type=product_type))) == []


def test_an_order_without_a_number_is_named_by_its_row() -> None:
    for number in ("", "  "):
        assert problems(an_order(increment_id=number)) == [
            "the order with entity_id 7 has no number (increment_id)"
        ]


def test_a_child_whose_parent_is_gone_is_named() -> None:
    assert problems(an_order(a_line(2, parent_item_id=1, sku="MUG"))) == [
        "line 2 (MUG) belongs to line 1, which the order does not have"
    ]


def test_a_bundle_that_lost_its_parts_is_named() -> None:
    assert problems(an_order(a_line(3, product_type="bundle", sku="SET"))) == [
        "line 3 (SET) is a bundle without the line of what it consists of"
    ]


def test_an_order_without_a_line_to_book_is_a_problem() -> None:
    messages = problems(an_order(a_line(is_sellable=False)))

    assert messages[0] == "no line to book among its 1 lines"


def test_only_a_virtual_order_needs_no_shipping_address() -> None:
    assert problems(an_order(shipping_address=None)) == [
        "no shipping address although the order is not virtual"
    ]
    assert problems(an_order(shipping_address=None, is_virtual=True)) == []
    assert problems(an_order(a_line(is_virtual=True), shipping_address=None)) == []


def test_billing_address_and_payment_that_magento_does_not_have_are_named() -> None:
    order = an_order(
        billing_address=Address(entity_id=0, address_type="billing"),
        payment=Payment(entity_id=0, method=""),
    )

    assert problems(order) == ["no billing address", "no payment"]


def test_all_problems_are_told_at_once() -> None:
    order = msgspec.structs.replace(
        an_order(a_line(product_type="bundle")), grand_total=Decimal(1), shipping_address=None
    )

    assert len(problems(order)) == 3


def test_a_line_that_costs_something_has_a_quantity() -> None:
    """An ERP multiplies: it would book nothing, and ship nothing."""
    assert problems(an_order(a_line(qty_ordered=Decimal(0)))) == [
        "line 1 (MUG) costs 10.00 and has no quantity"
    ]
    free = a_line(
        2, qty_ordered=Decimal(0), row_total=Decimal(0), base_row_total=Decimal(0), sku="GIFT"
    )
    assert problems(an_order(a_line(), free)) == []
