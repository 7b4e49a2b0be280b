"""What is found wrong in an expression before the first order comes."""

from __future__ import annotations

import pytest

from adapters.language.expression import InvalidExpression, compile_expression, compile_loop
from adapters.language.scope import Scope
from adapters.language.shape import ANYTHING, Many, either, shape_of
from sidecar.domains.orders.payload import Order, Vanished
from sidecar.model.event import Event
from sidecar.ports import Link, ShopContext

SCOPE = Scope(
    {
        "order": shape_of(Order),
        "vanished": shape_of(Vanished),
        "entity": either((shape_of(Order), shape_of(Vanished))),
        "event": shape_of(Event),
        "events": Many(shape_of(Event)),
        "link": shape_of(Link),
        "shop": shape_of(ShopContext),
        "response": ANYTHING,
    },
    {"carriers": {}},
)


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("ordr.items", "there is no 'ordr' here — did you mean 'order'?"),
        ("order.skuu", "Order has no field 'skuu'"),
        ("order.incrementid", "Order has no field 'incrementid' — did you mean 'increment_id'?"),
        ("order.billing_address.zip", "Address has no field 'zip'"),
        ("order.items.sku", "a list has no field 'sku': take one entry, or loop with $each"),
        ("order.items[0].skuu", "OrderItem has no field 'skuu' — did you mean 'sku'?"),
        ("(order.items | first).skuu", "OrderItem has no field 'skuu' — did you mean 'sku'?"),
        ("order.items[:2][0].skuu", "OrderItem has no field 'skuu' — did you mean 'sku'?"),
        ("order['skuu']", "Order has no field 'skuu'"),
        ("order.increment_id.value", "a text has no field 'value'"),
        ("order.grand_total.amount", "a number has no field 'amount'"),
        ("order.increment_id[0]", "order.increment_id is not a list"),
        ("order.money", "Order has no field 'money'"),
        ("order.items | sum('row_totl')", "sum: OrderItem has no field 'row_totl'"),
        ("order | sum('row_total')", "sum: Order is not a list"),
        ("order.items | sum(order.status)", "sum: the field is named by a constant text"),
        ("order.status | lookup('carrier')", "lookup: there is no table 'carrier' — did you"),
        ("order.status | lookup(order.state)", "lookup: the table is named by a constant text"),
        ("order.status | uper", "there is no filter 'uper' — did you mean 'upper'?"),
        ("order.status | truncate", "truncate: missing a required argument: 'length'"),
        ("order.status | round(1, 2)", "round: too many positional arguments"),
        ("order.items | map('skuu')", "map: OrderItem has no field 'skuu' — did you mean 'sku'?"),
        ("order.items | map(attribute='sku.x')", "map: a text has no field 'x'"),
        ("order.items | map('sku') | sum('x')", "sum: a text has no field 'x'"),
        ("order.status | map('sku')", "map: a text is not a list"),
        ("order.items | map(order.status)", "map: the field is named by a constant text"),
        ("order.items | map('__class__')", "map: names that begin with _ are not readable"),
        ("order.status | split('')", "split: the separator is empty"),
        ("order.status | split", "split: missing a required argument: 'separator'"),
        ("(order.status | split(',')).x", "a list has no field 'x'"),
        ("order.created_at | epoch('h')", "epoch: there is no unit 'h'; there are s and ms"),
        ("order.created_at | add_days(0.5)", "add_days: it takes a whole number"),
        ("order.created_at | add_days('1')", "a text is not a number"),
        ("order.created_at | add_days(1, 'Mars')", "there is no time zone 'Mars'"),
        ("order.grand_total | fixed(-1)", "fixed: a number has from 0 to 100 decimals, not -1"),
        ("order.grand_total | fixed", "fixed: missing a required argument: 'places'"),
        ("response.xml.nodes('//item[')", "response.xml.nodes: '//item[' is no XPath"),
        ("response.xml.nodes('/item')", "response.xml.nodes: '/item': a path looks within its"),
        ("response.xml.text('count(//a)')", "response.xml.text: 'count(//a)' computes a value"),
        ("response.xml.text('$a')", "response.xml.text: '$a': there are no variables"),
        ("response.xml.text('re:test(a)')", "response.xml.text: 're:test(a)' is no XPath"),
        ("response.xml.text(order.status)", "response.xml.text takes one text in quotation"),
        ("entity.items", "Vanished has no field 'items'"),
        ("(order.shipping_address or order.billing_address).zip", "Address has no field 'zip'"),
        ("(order.billing_address if 1 else order.shipping_address).zip", "Address has no"),
        ("link.number", "Link has no field 'number'"),
        ("shop.zone", "ShopContext has no field 'zone'"),
        ("order.status ~ response.status()", "calls are not allowed; a filter is"),
        ("response.x ** 2", "powers are not allowed"),
        ("order.status is empty", "there is no test 'is empty'"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_before_anything_runs(source: str, problem: str) -> None:
    with pytest.raises(InvalidExpression) as refusal:
        compile_expression(source, SCOPE)

    assert refusal.value.problems[0].startswith(problem)


@pytest.mark.parametrize(
    "source",
    [
        "response.anything.at[0].all",
        "entity.increment_id",
        "order.sellable_items | first",
        "(order.shipping_address | default(order.billing_address)).city",
        "order.payment.method | lookup('carriers', default=none)",
        "shop.timezone",
        "event.id ~ event.type ~ event.sequence",
    ],
)
def test_what_exists_is_accepted(source: str) -> None:
    compile_expression(source, SCOPE)


def test_every_mistake_of_an_expression_is_told_at_once() -> None:
    with pytest.raises(InvalidExpression) as refusal:
        compile_expression("order.skuu ~ ordr ~ response.x()", SCOPE)

    assert len(refusal.value.problems) == 3


def test_the_entries_of_a_loop_are_known() -> None:
    loop = compile_loop("item in order.items if item.is_sellable", SCOPE)

    with pytest.raises(InvalidExpression, match="OrderItem has no field 'skuu'"):
        compile_expression("item.skuu", loop.scope)


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("item in order", "Order is not a list"),
        ("item in order.status", "a text is not a list"),
        ("item in order.items if item.sellable", "OrderItem has no field 'sellable'"),
        ("item in order.itms", "Order has no field 'itms' — did you mean 'items'?"),
    ],
)
def test_a_mistake_in_a_loop_is_named(source: str, problem: str) -> None:
    with pytest.raises(InvalidExpression) as refusal:
        compile_loop(source, SCOPE)

    assert problem in refusal.value.problems[0]
