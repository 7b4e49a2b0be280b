"""What is known of an expression's value before it runs: how long, how many digits, which words."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.language.expression import compile_expression
from adapters.language.scope import Scope
from adapters.language.shape import ANYTHING, Plain, shape_of
from sidecar.domains.orders.payload import Order

TABLES = {"carriers": {"flatrate_flatrate": "DHL", "tablerate_bestway": "UPS"}}
SCOPE = Scope({"order": shape_of(Order), "x": ANYTHING}, TABLES)


def plain(source: str) -> Plain:
    shape = compile_expression(source, SCOPE).shape
    assert isinstance(shape, Plain)
    return shape


@pytest.mark.parametrize(
    ("source", "longest"),
    [
        ("order.increment_id", 50),
        ("order.billing_address.country_id", 2),
        ("order.customer_note", None),
        ("'M-' ~ order.increment_id", 52),
        ("order.grand_total ~ ''", 22),
        ("order.customer_note ~ ''", None),
        ("order.store_name | truncate(40)", 40),
        ("order.store_code | truncate(40)", 32),
        ("order.store_name[:10]", 10),
        ("order.grand_total | fixed(2)", 20),
        ("order.grand_total | fixed(0)", 17),
        ("(order.store_name | split(' '))[0]", 255),
        ("order.created_at | epoch ~ ''", 11),
        ("order.store_name[5:10]", 5),
        ("order.store_name[5:]", 255),
        ("order.created_at | date('%Y-%m-%d')", 10),
        ("order.created_at | date('%A')", 9),
        ("order.store_name | replace(' ', '')", 255),
        ("order.store_name | replace(' ', '&nbsp;')", None),
        ("order.shipping_method | lookup('carriers')", 3),
        ("order.shipping_method | lookup('carriers', default='OTHER')", 5),
        ("order.shipping_method | lookup('carriers', default=order.store_code)", 32),
        ("order.coupon_code or 'none'", 255),
        ("'guest' if order.customer_is_guest else order.customer_group_code", 32),
    ],
)
def test_how_long_a_text_may_be(source: str, longest: int | None) -> None:
    assert plain(source).longest == longest


@pytest.mark.parametrize(
    ("source", "digits"),
    [
        ("order.grand_total", (20, 4)),
        ("order.total_qty_ordered", (12, 4)),
        ("order.grand_total | round(2)", (18, 2)),
        ("order.total_qty_ordered | int", (8, 0)),
        ("-order.grand_total", (20, 4)),
        ("order.grand_total - order.tax_amount", (20, 4)),
        ("order.grand_total * order.weight", (32, 8)),
        ("order.grand_total / order.weight", None),
        ("1.25", (3, 2)),
    ],
)
def test_how_many_digits_a_number_may_have(source: str, digits: tuple[int, int] | None) -> None:
    assert plain(source).digits == digits


@pytest.mark.parametrize(
    ("source", "values"),
    [
        ("'EUR'", {"EUR"}),
        ("'A' if order.customer_is_guest else 'B'", {"A", "B"}),
        ("order.shipping_method | lookup('carriers', default='X')", {"DHL", "UPS", "X"}),
        ("order.order_currency_code", None),
    ],
)
def test_which_values_there_may_be(source: str, values: Any) -> None:
    assert plain(source).values == values


@pytest.mark.parametrize(
    ("source", "optional"),
    [
        ("order.increment_id", False),
        ("order.coupon_code", True),
        ("order.coupon_code | upper", True),
        ("order.coupon_code | default('none')", False),
        ("order.coupon_code or 'none'", False),
        ("order.coupon_code if order.coupon_code else 'none'", False),
        ("order.coupon_code if order.weight else 'none'", True),
        ("order.coupon_code ~ ''", False),
    ],
)
def test_whether_there_may_be_none(source: str, optional: bool) -> None:
    assert plain(source).optional == optional
