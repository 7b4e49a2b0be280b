"""What enters is bounded: digits, charsets, depth, values, repetition."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.http.body import DEEPEST, MOST_VALUES, Malformed, encode_json, read_body
from adapters.http.charset import charset_of, codec_of, decoded
from adapters.http.xml import MOST_TAGS, NotAccepted, parse_strictly
from adapters.language.expression import InvalidExpression, compile_expression, compile_loop
from adapters.language.filters import MOST_TEXT, ExpressionError, as_text
from adapters.language.numbers import MOST_DIGITS, BeyondMeasure, read_number
from adapters.language.rounds import MOST as MOST_ROUNDS
from adapters.language.rounds import ROUNDS, Rounds
from adapters.language.scope import Scope
from adapters.language.shape import ANYTHING

SCOPE = Scope(dict.fromkeys(["x", "y"], ANYTHING))
#: A sign, a point, and a zero before it.
LONGEST = MOST_DIGITS + 3

numbers = st.one_of(
    st.decimals(),
    st.integers(),
    st.builds(Decimal, st.sampled_from(["1e-99999999", "9e999999", "1e101", "-1e-101", "0e-5000"])),
    st.builds(lambda n: 10**n, st.integers(0, 3_000)),
)
literals = st.one_of(
    st.text("0123456789.eE+-_ ", max_size=30),
    st.builds("{}e{}".format, st.integers(), st.integers(-(10**9), 10**9)),
    st.builds(lambda n: "9" * n, st.integers(0, 6_000)),
)
operations = st.sampled_from(
    [
        "x + y",
        "x - y",
        "x * y",
        "x / y",
        "x // y",
        "x % y",
        "-x",
        "x | abs",
        "x | round(2)",
        "x | int",
        "x | decimal",
        "x | string",
        "[x, y] | join",
        "x ~ y",
        "x * x * x * x * x",
        "x | round(y)",
    ]
)


@given(operations, st.one_of(numbers, literals), st.one_of(numbers, literals))
def test_no_computation_yields_more_digits_than_are_allowed(source: str, x: Any, y: Any) -> None:
    expression = compile_expression(source, SCOPE)
    with suppress(ExpressionError):
        found = expression({"x": x, "y": y})
        # Joined texts hold two numbers, and texts that were given are theirs who gave them.
        if not isinstance(x, str) and not isinstance(y, str):
            assert len(as_text(found)) <= 2 * LONGEST
            assert len(encode_json(found)) <= 2 * LONGEST + 2


@given(literals)
def test_no_literal_becomes_more_digits_than_are_allowed(literal: str) -> None:
    for source in (literal, f"{literal} | int", f"({literal}) * ({literal})"):
        with suppress(InvalidExpression, ExpressionError):
            found = compile_expression(source, SCOPE)({"x": 1, "y": 1})
            assert len(as_text(found)) <= LONGEST
    with suppress(BeyondMeasure):
        assert len(f"{read_number(literal):f}") <= LONGEST


@given(literals)
def test_no_number_of_an_answer_has_more_digits_than_are_allowed(literal: str) -> None:
    with suppress(Malformed, ExpressionError):
        tree = read_body(f'{{"n": {literal}}}'.encode(), "application/json")
        assert len(as_text(compile_expression("x.n", SCOPE)({"x": tree}))) <= LONGEST


def test_digits_within_the_bounds_are_all_kept() -> None:
    long = "1." + "123456789" * 7
    for source in ("-(-x)", "x | abs", "x | decimal"):
        assert as_text(compile_expression(source, SCOPE)({"x": Decimal(long)})) == long


# Charsets


@pytest.mark.parametrize(
    "name",
    [
        "punycode",
        "idna",
        "zip",
        "rot13",
        "hex",
        "unicode_escape",
        "raw_unicode_escape",
        "utf-7",
        "undefined",
        "mbcs",
        "utf\0-8",
        "",
        "x" * 5_000,
        "utf-8; charset=punycode",
        "..",
        "bz2",
    ],
)
def test_what_is_no_charset_is_not_looked_up(name: str) -> None:
    assert codec_of(name) is None
    assert decoded("Größe".encode(), f"text/html; charset={name}").startswith("Gr")


@pytest.mark.parametrize(
    ("header", "codec"),
    [
        ("text/xml; charset=ISO-8859-1", "iso-8859-1"),
        ('application/json;charset="UTF-8"', "utf-8"),
        ("text/xml; boundary=x; CHARSET='windows-1252'", "cp1252"),
        ("text/plain; charset=Shift_JIS", "shift-jis"),
        ("text/plain", None),
    ],
)
def test_a_charset_is_known_by_its_usual_names(header: str, codec: str | None) -> None:
    assert charset_of(header) == codec


@given(st.binary(max_size=200), st.text(max_size=40))
def test_no_header_and_no_body_breaks_the_reader(content: bytes, header: str) -> None:
    with suppress(Malformed):
        read_body(content, header)


# Depth, values, repetition


@pytest.mark.parametrize("mime", ["application/json", "text/html"])
def test_an_answer_that_is_too_deep_or_too_full_is_not_json(mime: str) -> None:
    full = "[" + ",".join(["[]"] * (MOST_VALUES // 2 + 1)) + "]"
    for body in (
        "[" * (DEEPEST + 1) + "]" * (DEEPEST + 1),
        '{"a":' * 5_000 + "1" + "}" * 5_000,
        full,
    ):
        if mime == "application/json":
            with pytest.raises(Malformed):
                read_body(body.encode(), mime)
        else:
            assert isinstance(read_body(body.encode(), mime), str)


def test_a_name_twice_in_one_object_is_no_answer() -> None:
    for body in ('{"a": 1, "a": 1}', '{"x": [{"a": {}, "b": 2, "a": []}]}', '{"a":1,"\\u0061":2}'):
        with pytest.raises(Malformed, match="twice"):
            read_body(body.encode(), "application/json")


names = st.text(max_size=5)
trees = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(names, inner, max_size=4)),
)


@given(trees)
def test_json_without_a_name_twice_is_read_as_it_is(tree: Any) -> None:
    for dumped in (json.dumps(tree), json.dumps(tree, ensure_ascii=False, indent=1)):
        assert read_body(dumped.encode(), "application/json") == (tree if dumped.strip() else "")


def test_xml_of_too_many_tags_is_not_accepted() -> None:
    with pytest.raises(NotAccepted, match="tags"):
        parse_strictly(b"<a>" + b"<b/>" * MOST_TAGS + b"</a>")


def test_a_text_does_not_grow_beyond_the_bound() -> None:
    growing = "x" + " | replace('x', 'xxxxxxxxxx')" * 9
    for source in (growing, "x | replace('', 'x')", "[x, x, x] | join(y)", "x ~ x"):
        with pytest.raises(ExpressionError, match="more than"):
            compile_expression(source, SCOPE)({"x": "x" * (MOST_TEXT // 2 + 1), "y": "y" * 10})


def test_the_rounds_of_one_call_are_counted_together() -> None:
    loop = compile_loop("y in x", SCOPE)
    values = {"x": [0] * 1_000, ROUNDS: Rounds(2_500)}

    assert len(list(loop(values))) == len(list(loop(values))) == 1_000
    with pytest.raises(ExpressionError, match="rounds"):
        list(loop(values))
    with pytest.raises(ExpressionError, match="rounds"):
        list(loop({"x": [0] * (MOST_ROUNDS + 1)}))


@pytest.mark.parametrize(
    "source",
    [
        "+".join(["x"] * 3_000),
        " and ".join(["x"] * 3_000),
        "x" + " | trim" * 3_000,
        "not " * 3_000 + "x",
        "-" * 3_000 + "x",
        "x" + "[0]" * 3_000,
        "x if x else " * 3_000 + "x",
        "[" * 3_000 + "]" * 3_000,
    ],
)
def test_an_expression_of_three_thousand_terms_is_refused_in_a_sentence(source: str) -> None:
    with pytest.raises(InvalidExpression, match="divide it") as refused:
        compile_expression(source, SCOPE)
    assert len(str(refused.value)) < 500
