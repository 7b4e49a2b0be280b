"""Templates: what becomes of a tree of constants and expressions, and of its amounts in JSON."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.http.body import Malformed, decode_json, encode_json, read_body
from adapters.language.filters import ExpressionError
from adapters.language.scope import Scope
from adapters.language.shape import ANYTHING, shape_of
from adapters.language.template import NOTHING, Source, Template, compile_template
from sidecar.documents import read_document
from sidecar.domains.orders.payload import Order
from sidecar.model.errors import ConfigurationError
from sidecar.testing.sample_order import PLACED_AT, bundle_order, foreign_currency_order

SCOPE = Scope({"x": ANYTHING, "order": shape_of(Order)})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def template(folder: Path, yaml: str) -> Template:
    """The template under the key `t` of a file; raises what its problems raise."""
    path = folder / "calls.yaml"
    path.write_text(yaml)
    document = read_document(path)
    source = Source(document)
    compiled = compile_template(document.data["t"], SCOPE, source, ("t",))
    source.raise_problems()
    return compiled


def rendered(folder: Path, yaml: str, **values: Any) -> Any:
    return template(folder, yaml)({"x": None, "order": bundle_order(), **values})


def test_leaves_that_begin_with_an_equals_sign_are_expressions_and_others_are_not(
    folder: Path,
) -> None:
    yaml = """
    t:
      constant: order.increment_id
      number: 1.50
      nothing: null
      expression: =order.increment_id
      literal: "='= text'"
      list: [1, =x, {a: =x}]
    """

    assert rendered(folder, yaml, x=7) == {
        "constant": "order.increment_id",
        "number": Decimal("1.50"),
        "nothing": None,
        "expression": "000000044",
        "literal": "= text",
        "list": [1, 7, {"a": 7}],
    }


def test_each_makes_a_list_of_its_rounds(folder: Path) -> None:
    yaml = """
    t:
      lines:
        $each: item in order.items if item.is_sellable
        $do: {sku: =item.sku, taxed: {$when: item.tax_percent > 10, $do: true}}
    """

    assert rendered(folder, yaml) == {
        "lines": [
            {"sku": "24-WG081", "taxed": True},
            {"sku": "24-WG082", "taxed": True},
            {"sku": "24-MB01"},
        ]
    }


def test_each_as_an_entry_of_a_list_becomes_its_entries(folder: Path) -> None:
    yaml = """
    t:
      - first
      - $each: item in order.sellable_items
        $do: =item.sku
      - $when: order.shipping_amount > 0
        $do: SHIPPING
      - $when: order.discount_amount > 0
        $do: SURCHARGE
    """

    assert rendered(folder, yaml) == ["first", "24-WG081", "24-WG082", "24-MB01", "SHIPPING"]


def test_each_may_be_nested_and_sees_what_is_around_it(folder: Path) -> None:
    yaml = """
    t:
      $each: outer in x
      $do:
        $each: inner in outer.inner
        $do: "=outer.name ~ inner"
    """
    x = [{"name": "a", "inner": [1, 2]}, {"name": "b", "inner": []}]

    assert rendered(folder, yaml, x=x) == [["a1", "a2"], []]


def test_loops_within_one_another_as_an_entry_of_a_list_become_its_entries(folder: Path) -> None:
    yaml = """
    t:
      - $each: number in x
        $do:
          $each: item in order.sellable_items if item.qty_ordered == number
          $do: {number: =number, sku: =item.sku}
      - last
    """

    assert rendered(folder, yaml, x=[2, 5, 1]) == [
        {"number": 2, "sku": "24-WG082"},
        {"number": 1, "sku": "24-WG081"},
        "last",
    ]


def test_the_options_of_an_odata_query_are_names_and_what_is_like_a_form_is_none(
    folder: Path,
) -> None:
    assert rendered(folder, "t: {$filter: =x, $top: 5}", x="number eq 1") == {
        "$filter": "number eq 1",
        "$top": 5,
    }
    with pytest.raises(ConfigurationError, match="there is no '\\$filtre' here"):
        template(folder, "t: {$filtre: =x}")


def test_a_round_knows_its_number_among_those_that_are_left(folder: Path) -> None:
    yaml = """
    t:
      $each: outer in x if outer.keep
      $do:
        at: =loop.index * 10
        first: =loop.first
        inner: {$each: inner in outer.inner, $do: =loop.index}
        again: =loop.index
    """
    x = [
        {"keep": False, "inner": []},
        {"keep": True, "inner": ["a", "b"]},
        {"keep": True, "inner": []},
    ]

    assert rendered(folder, yaml, x=x) == [
        {"at": 10, "first": True, "inner": [1, 2], "again": 1},
        {"at": 20, "first": False, "inner": [], "again": 2},
    ]


def test_when_that_is_false_leaves_the_entry_out_and_computes_nothing(folder: Path) -> None:
    yaml = "t: {a: 1, b: {$when: x is not none, $do: =x.y}}"

    assert rendered(folder, yaml, x=None) == {"a": 1}
    assert rendered(folder, yaml, x={"y": 2}) == {"a": 1, "b": 2}


def test_a_whole_template_may_be_left_out(folder: Path) -> None:
    assert rendered(folder, "t: {$when: x, $do: 1}") is NOTHING


def test_an_error_names_the_line_and_the_path_of_its_leaf(folder: Path) -> None:
    yaml = "t:\n  a:\n    - b: =x.number\n"

    with pytest.raises(ExpressionError) as error:
        rendered(folder, yaml, x={})

    assert error.value.message == f"{folder}/calls.yaml:3: t.a.0.b: x has no 'number'"


def test_an_error_in_a_loop_names_the_loop(folder: Path) -> None:
    yaml = "t:\n  $each: item in x\n  $do: 1\n"

    with pytest.raises(ExpressionError, match=r":2: t\.\$each: item in x: none is not a list"):
        rendered(folder, yaml)


@pytest.mark.parametrize(
    ("yaml", "problem"),
    [
        ("t: {$each: item in x}", "t: write $each with $do, or $when with $do"),
        ("t: {$do: 1}", "t: write $each with $do"),
        ("t: {$when: x, $each: i in x, $do: 1}", "t: write $each with $do"),
        ("t: {$eech: i in x, $do: 1}", "t.$eech: there is no '$eech' here — did you mean '$each'?"),
        ("t: {$when: x, $do: 1, a: 2}", "t.a: there is no 'a' here"),
        ("t: {$when: =x, $do: 1}", "t.$when: $when is always an expression"),
        ("t: {$when: true, $do: 1}", "t.$when: $when is always an expression"),
        ("t: {$each: item of x, $do: 1}", "t.$each: item of x: "),
        ("t: {$when: y, $do: =z}", "t.$do: there is no 'z' here"),
        ("t: =order.skuu", "t: Order has no field 'skuu'"),
    ],
)
def test_a_mistake_in_a_form_is_told_with_its_line(folder: Path, yaml: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        template(folder, yaml)

    assert f"calls.yaml:1: {problem}" in error.value.message


# JSON


def test_amounts_are_exact_number_literals_without_trailing_zeros() -> None:
    tree = {
        "a": Decimal("70.7800"),
        "b": Decimal("15.0000"),
        "c": Decimal("0E-4"),
        "d": Decimal("-0.00"),
        "e": Decimal("1E+3"),
        "f": Decimal("0.0000001"),
        "g": Decimal("12345678901234567890.1234"),
        "h": True,
        "i": None,
        "j": PLACED_AT,
        "k": (1, "ß"),
    }

    assert encode_json(tree).decode() == (
        '{"a":70.78,"b":15,"c":0,"d":0,"e":1000,"f":0.0000001,"g":12345678901234567890.1234,'
        '"h":true,"i":null,"j":"2026-03-28T23:30:00Z","k":[1,"ß"]}'
    )


def test_a_whole_order_can_be_sent_as_it_is() -> None:
    order = foreign_currency_order()

    sent = json.loads(encode_json(order), parse_float=Decimal)

    assert sent["items"][0]["price"] == Decimal("9.99")
    assert sent["grand_total"] == order.grand_total
    assert sent["created_at"] == "2026-03-28T23:30:00Z"


@pytest.mark.parametrize("value", [1.5, float("nan"), object(), {1, 2}, b"bytes"])
def test_what_json_cannot_say_exactly_is_refused(value: object) -> None:
    with pytest.raises(ExpressionError):
        encode_json({"a": value})


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**18), max_value=10**18))
def test_every_amount_comes_back_as_it_was(amount: Decimal) -> None:
    assert decode_json(encode_json([amount])) == [amount]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_every_tree_comes_back_as_it_was(tree: object) -> None:
    assert decode_json(encode_json(tree)) == tree


@given(
    st.binary(), st.sampled_from(["", "application/json", "text/html; charset=x-none", "a/b+json;"])
)
def test_any_bytes_are_read_or_are_malformed(content: bytes, mime: str) -> None:
    try:
        body = read_body(content, mime)
    except Malformed:
        body = None
    assert not isinstance(body, float)


@pytest.mark.parametrize(
    ("content", "mime", "body"),
    [
        (b'{"a": 1.10}', "application/json", {"a": Decimal("1.10")}),
        (b'{"a": 1e2}', "application/problem+json; charset=utf-8", {"a": Decimal("1e2")}),
        (b'\xef\xbb\xbf{"a": 1}', "application/json", {"a": 1}),
        (b" [1]", "text/plain", [1]),
        (b"{not json", "text/plain", "{not json"),
        (b"<html>", "text/html", "<html>"),
        (b"", "application/json", ""),
        (b"\r\n", "application/json", ""),
        (b"", "", ""),
        ("ü".encode("latin-1"), "text/plain; charset=latin-1", "ü"),
    ],
)
def test_a_body_is_json_where_it_is_json_and_text_elsewhere(
    content: bytes, mime: str, body: object
) -> None:
    assert read_body(content, mime) == body


@pytest.mark.parametrize("content", [b"<html>", b'{"a": ', b'{"a": 1} x', b"\xff", b'{"a": NaN}'])
def test_json_that_is_none_is_malformed(content: bytes) -> None:
    with pytest.raises(Malformed):
        read_body(content, "application/json")
