"""What an expression means, and that it means nothing else."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.language.expression import InvalidExpression, compile_expression, compile_loop
from adapters.language.filters import ExpressionError, Missing
from adapters.language.scope import Scope
from adapters.language.shape import ANYTHING, shape_of
from sidecar.domains.orders.payload import Order
from sidecar.ports import Link, ShopContext
from sidecar.testing.sample_order import bundle_order, simple_order

TABLES = {"carriers": {"flatrate_flatrate": "DHL", "7": Decimal("1.5")}}
EVENING = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)
SCOPE = Scope({"x": ANYTHING, "y": ANYTHING, "order": shape_of(Order)}, TABLES)


def value(source: str, **values: Any) -> Any:
    return compile_expression(source, SCOPE)({"x": None, "y": None, **values})


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("0.1 + 0.2", Decimal("0.3")),
        ("1 / 3 * 3 < 1", True),
        ("7 / 2", Decimal("3.5")),
        ("7 // 2", 3),
        ("7 % 4", 3),
        ("-(2 - 5)", 3),
        ("1_000.50", Decimal("1000.50")),
        ("123456789012345678901234.10", Decimal("123456789012345678901234.10")),
        ("1 < 2 < 3", True),
        ("1 < 2 > 3", False),
        ("'a' ~ 1.50 ~ true ~ none ~ 'b'", "a1.5trueb"),
        ("'Größe'", "Größe"),
        ("'= text'", "= text"),
        ("[1, 'a', none]", [1, "a", None]),
        ("{'a': 1}", {"a": 1}),
        ("'yes' if 1 in [1, 2] else 'no'", "yes"),
        ("'b' in 'abc' and 'd' not in 'abc'", True),
        ("not none or false", True),
    ],
)
def test_constants_and_operators(source: str, expected: object) -> None:
    found = value(source)

    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("source", "given", "expected"),
    [
        ("x | abs", Decimal("-1.5"), Decimal("1.5")),
        ("x | date('%Y-%m-%d')", EVENING, "2026-03-28"),
        ("x | date('%d.%m.%Y', 'Europe/Berlin')", EVENING, "29.03.2026"),
        ("x | add_days(3)", EVENING, datetime(2026, 3, 31, 23, 30, tzinfo=UTC)),
        ("x | add_days(-1)", EVENING, datetime(2026, 3, 27, 23, 30, tzinfo=UTC)),
        ("x | add_days(7, 'Europe/Berlin')", datetime(2026, 3, 28, 22, 30, tzinfo=UTC),
         datetime(2026, 4, 4, 21, 30, tzinfo=UTC)),
        ("x | decimal", " 1.50 ", Decimal("1.50")),
        ("x | epoch", datetime(2026, 3, 28, 23, 30, 0, 999_999, UTC), 1774740600),
        ("x | epoch('ms')", datetime(2026, 3, 28, 23, 30, 0, 999_999, UTC), 1774740600999),
        ("x | fixed(3)", Decimal("1.5"), "1.500"),
        ("x | fixed(2)", Decimal("2.345"), "2.35"),
        ("x | fixed(2)", Decimal("-2.345"), "-2.35"),
        ("x | fixed(2)", Decimal("-0.001"), "0.00"),
        ("x | fixed(0)", Decimal("0.5"), "1"),
        ("x | fixed(4)", 7, "7.0000"),
        ("x | fixed(2)", Decimal("1E+3"), "1000.00"),
        ("x | map('a')", [{"a": 1}, {"a": None}], [1, None]),
        ("x | map(attribute='a.b')", [{"a": {"b": 1}}], [1]),
        ("x | split('@')", "a@b@", ["a", "b", ""]),
        ("x | split(';') | first", "", ""),
        ("x | default('d')", None, "d"),
        ("x | default('d')", "", ""),
        ("x.nothing.here | default('d')", {}, "d"),
        ("x | first", ("a", "b"), "a"),
        ("x | last", ["a", "b"], "b"),
        ("x | int", "12", 12),
        ("x | int", Decimal("12.00"), 12),
        ("x | join(', ')", ["a", None, 1], "a, 1"),
        ("x | length", [1, 2], 2),
        ("x | lookup('carriers')", "flatrate_flatrate", "DHL"),
        ("x | lookup('carriers')", 7, Decimal("1.5")),
        ("x | lookup('carriers', default='OTHER')", "ups", "OTHER"),
        ("x | lookup('carriers', 'OTHER')", None, "OTHER"),
        ("x | lower", "GRÖẞE", "größe"),
        ("x | upper", "straße", "STRASSE"),
        ("x | replace('-', '')", "24-MB-01", "24MB01"),
        ("x | round(2)", Decimal("2.345"), Decimal("2.35")),
        ("x | round(2)", Decimal("-2.345"), Decimal("-2.35")),
        ("x | round", Decimal("0.5"), Decimal("1")),
        ("x | string", Decimal("70.7800"), "70.78"),
        ("x | sum('a')", [{"a": Decimal("1.10")}, {"a": 2}, {"a": None}], Decimal("3.10")),
        ("x | trim", "  a ", "a"),
        ("x | truncate(3)", "größer", "grö"),
        ("x | urlencode", "SO/1 ä", "SO%2F1%20%C3%A4"),
        ("x[1]", ["a", "b"], "b"),
        ("x[-1]", ["a", "b"], "b"),
        ("x[:2]", "abc", "ab"),
        ("x['a b'].c", {"a b": {"c": 1}}, 1),
        ("x is defined", None, True),
        ("x.a is defined", {}, False),
        ("x is none", None, True),
        ("x is mapping", {}, True),
        ("x is string", "", True),
        ("x is number", True, False),
        ("x is sequence", (), True),
    ],
)  # fmt: skip
def test_filters_tests_and_members(source: str, given: object, expected: object) -> None:
    found = value(source, x=given)

    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    "source",
    [
        "x | abs", "x | date('%Y')", "x | decimal", "x | int", "x | upper", "x | round(2)",
        "x | truncate(2)", "x | length", "x | first", "x | join(',')", "x | string", "x | trim",
        "x | add_days(1)", "x | epoch", "x | fixed(2)", "x | map('a')", "x | split(',')",
    ],
)  # fmt: skip
def test_what_is_empty_stays_empty_through_a_filter(source: str) -> None:
    assert value(source, x=None) is None


@pytest.mark.parametrize(
    ("source", "given", "told"),
    [
        ("x.number", {"documentNumber": 1}, "x has no 'number'"),
        ("x.body.number", {"body": "<html>"}, "x.body is a text and has no 'number'"),
        ("x.a.b", {"a": None}, "x.a is none, so it has no 'b'"),
        ("x.a.b", {"a": [1]}, "x.a is a list and has no 'b'"),
        ("x[5]", [1], "x has no entry 5"),
        ("x | first", [], "first: the list is empty"),
        ("x | lookup('carriers')", "ups", "lookup: table 'carriers' has no key 'ups'"),
    ],
)
def test_what_is_not_there_is_missing_and_never_empty(
    source: str, given: object, told: str
) -> None:
    with pytest.raises(ExpressionError, match="^" + told.replace("[", r"\[")):
        value(source, x=given)


@pytest.mark.parametrize(
    ("source", "given"),
    [
        ("x + 1", "1"),
        ("x + 1", True),
        ("x * 3", "ab"),
        ("x < 1", "1"),
        ("x < 1", None),
        ("1 / x", 0),
        ("x | int", Decimal("1.5")),
        ("x | decimal", "1,5"),
        ("x | decimal", "NaN"),
        ("x | decimal", "Infinity"),
        ("x | round(2)", "1.5"),
        ("x | date('%Y')", "2026-01-01"),
        ("x | date('%Y')", datetime(2026, 1, 1)),  # noqa: DTZ001
        ("x | epoch", datetime(2026, 1, 1)),  # noqa: DTZ001
        ("x | epoch", "2026-01-01"),
        ("x | add_days(1)", "2026-01-01"),
        ("x | add_days(1)", datetime.max.replace(tzinfo=UTC)),
        ("x | fixed(2)", "1.5"),
        ("x | fixed(2)", True),
        ("x | fixed(2)", Decimal("NaN")),
        ("x | fixed(2)", Decimal("1e101")),
        ("x | map('a')", {"a": 1}),
        ("x | map('a')", [{"b": 1}]),
        ("x | split(',')", "," * 100_000),
        ("x | split(',')", ["a"]),
        ("x | join", "abc"),
        ("x ~ 'a'", ["a"]),
        ("1 in x", None),
    ],
)
def test_what_does_not_fit_is_an_error_that_does_not_quote_the_value(
    source: str, given: object
) -> None:
    with pytest.raises(ExpressionError) as error:
        value(source, x=given)

    assert "NaN" not in str(error.value)


@pytest.mark.parametrize("name", ["items", "keys", "get", "pop", "values", "copy"])
def test_a_name_is_the_key_and_never_a_method(name: str) -> None:
    assert value(f"x.{name}", x={name: "data"}) == "data"
    with pytest.raises(Missing):
        value(f"x.{name}", x={})


@pytest.mark.parametrize(
    "thing", ["text", 1, Decimal(1), [1], (1,), ZoneInfo("UTC"), print, object()]
)
@pytest.mark.parametrize("name", ["format", "real", "count", "key", "upper", "append"])
def test_no_method_of_any_object_can_be_reached(thing: object, name: str) -> None:
    with pytest.raises(ExpressionError):
        value(f"x.{name}", x=thing)


@pytest.mark.parametrize(
    "source",
    [
        "x()", "x.y()", "range(9)", "''.join([])", "x.__class__", "x['__class__']", "x.__a",
        "2 ** 9", "x | attr('__class__')", "x | tojson", "lipsum", "cycler",
        "self", "x | round(*[1])", "x if y", "{% if 1 %}", "x }} {{ y", "x; y", "x = 1", "x y",
        "", "   ", "x |", "(x", "'a", "x.", "x[", "1 2", "x is divisibleby(2)", "x is blue",
        "x!", "\0", "x | truncate", "x | truncate(1, 2)", "x | round(digits=2)", "x is none(1)",
    ],
)  # fmt: skip
def test_nothing_else_is_an_expression(source: str) -> None:
    with pytest.raises(InvalidExpression):
        compile_expression(source, SCOPE)


@given(st.text(alphabet="xy.|()[]{}'\"+-*/%~,:=<> \n01_ifnoteland\\", max_size=40))
def test_any_text_is_either_an_expression_or_a_clear_refusal(source: str) -> None:
    with suppress(InvalidExpression, ExpressionError):
        compile_expression(source, SCOPE)({"x": {"y": [1]}, "y": "text"})


def test_a_thousand_brackets_are_refused_and_do_not_break_the_reader() -> None:
    with pytest.raises(InvalidExpression, match="divide it"):
        compile_expression("(" * 100_000 + "x" + ")" * 100_000, SCOPE)


def test_a_default_is_not_computed_when_it_is_not_needed() -> None:
    assert value("x | default(y.nothing)", x=1) == 1
    with pytest.raises(ExpressionError):
        value("x | default(y.nothing)", x=None, y={})


def test_a_condition_computes_one_side_only() -> None:
    assert value("1 if true else x.nothing", x={}) == 1
    assert value("false and x.nothing", x={}) is False
    assert value("true or x.nothing", x={}) is True


def test_the_fields_and_derived_fields_of_an_order_are_data() -> None:
    order = bundle_order()

    assert value("order.items | length", order=order) == 4
    assert value("order.sellable_items | sum('row_total')", order=order) == order.subtotal
    assert value("order.billing_address.street[0]", order=order) == "Straße des 17. Juni 135"


def test_a_loop_yields_the_values_of_each_round_that_fits() -> None:
    loop = compile_loop("item in order.items if item.is_sellable and item.price > 20", SCOPE)

    rounds = list(loop({"order": bundle_order()}))

    assert [each["item"].sku for each in rounds] == ["24-WG081", "24-MB01"]


@pytest.mark.parametrize(
    "source", ["order.items", "item of order.items", "in order.items", "a, b in x"]
)
def test_what_is_no_loop_is_refused_with_the_form_of_one(source: str) -> None:
    with pytest.raises(InvalidExpression, match="NAME in LIST if CONDITION"):
        compile_loop(source, SCOPE)


def test_a_loop_over_what_is_no_list_is_an_error() -> None:
    with pytest.raises(ExpressionError, match="a mapping is not a list"):
        list(compile_loop("item in x", SCOPE)({"x": {}}))


def test_the_missing_link_of_an_order_says_why_there_is_none() -> None:
    scope = Scope({"link": shape_of(Link), "shop": shape_of(ShopContext)})

    with pytest.raises(Missing, match=r"link is none \(the ERP has not accepted it before\)"):
        compile_expression("link.reference", scope)({"link": None})


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, max_value=10**12, min_value=0))
def test_an_amount_written_in_an_expression_is_that_amount(amount: Decimal) -> None:
    assert value(f"{amount:f}") == amount


def test_the_order_of_a_simple_sum_is_exact() -> None:
    order = simple_order(lines=50)
    source = "order.items | sum('row_total') + order.items | sum('tax_amount') + 4.90"

    assert value(source, order=order) == order.grand_total
