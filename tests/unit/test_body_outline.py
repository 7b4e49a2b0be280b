"""The outline of a body: names and kinds as far as it goes, never a value."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.model.body_outline import expression_of, read_outline
from sidecar.model.outline import merged

_NAMES = st.text("abcxyz_", min_size=1, max_size=6)
_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=12,
)
_RECORDS = st.dictionaries(_NAMES, _VALUES, max_size=5)


@pytest.mark.parametrize(
    ("body", "form", "outline"),
    [
        ('{"number": "SO-1", "total": 7.5, "open": true}', "json",
         "{number: text, total: number, open: truth value}"),
        ('{"lines": [{"sku": "MUG", "qty": 1}, {"sku": "CUP"}]}', "json",
         "{lines: [{sku: text, qty?: number}]}"),
        ('{"note": null, "parts": [], "odd": [1, "x"]}', "json",
         "{note: null, parts: [], odd: [mixed]}"),
        ('{"number": "SO-1", "lines": [{"sku": "MUG", "pri', "json",
         "{number: text, lines: [{sku: text, …}, …], …}"),
        ('{"error": {"message": "customer Ada Lov', "json", "{error: {message: text, …}, …}"),
        ('{"ada@example.com": {"4711": 1}}', "json", "{(name): {(name): number}}"),
        ('{"customer@odata.bind": "x", "@odata.etag": "y", "d:sku": 1}', "json",
         "{customer@odata.bind: text, @odata.etag: text, d:sku: number}"),
        ("[2 results belong to nothing that was sent] [1]", "json", "[number]"),
        ('<s:A xmlns:s="urn:s"><s:B><a id="1">x</a><l>1</l><l>2</l><n/></s:B></s:A>', "xml",
         "{A: {B: {a: {@id: text}, l: [text], n: null}}}"),
        ('<?xml version="1.0" encoding="utf-16"?><Order><Customer><Name>Ada Lov', "xml",
         "{Order: {Customer: {Name: text, …}, …}}"),
        ("<!DOCTYPE html><html><p>Bad Gateway", "page", None),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "text", None),
        ("Customer Ada Lovelace is blocked", "text", None),
        ("{no json at all}", "text", None),
        (" \n", "nothing", None),
    ],
)  # fmt: skip
def test_a_body_is_told_by_names_and_kinds(body: str, form: str, outline: str | None) -> None:
    told = read_outline(body)

    assert told.form == form
    assert (None if told.outline is None else str(told.outline)) == outline


def test_codes_are_found_where_answers_have_them() -> None:
    body = '{"messages": [{"code": "E 17"}, {"code": "E17"}], "errorCode": 4, "sku": "MUG"}'
    fault = "<Envelope><Body><Fault><faultcode>s:Client</faultcode></Fault></Body></Envelope>"

    assert dict(read_outline(body).codes) == {
        ("messages", "[0]", "code"): "E17",
        ("errorCode",): "4",
    }
    assert list(read_outline(fault).codes.values()) == ["s:Client"]


def test_a_path_is_written_as_the_file_of_calls_writes_it() -> None:
    path = ("odata.error", "details", "[0]", "code")

    assert expression_of(path, "response.body") == "response.body['odata.error'].details[0].code"


def told_by(value: Any) -> Any:
    """The same with a secret for every text."""
    match value:
        case str():
            return "s3cret"
        case list():
            return [told_by(entry) for entry in value]
        case dict():
            return {name: told_by(inner) for name, inner in value.items()}
    return value


@given(_RECORDS)
def test_no_value_is_in_an_outline(record: dict[str, Any]) -> None:
    outline = str(read_outline(json.dumps(told_by({**record, "always": "x"}))).outline)

    assert "always: text" in outline
    assert "s3cret" not in outline


@given(_RECORDS, st.data())
def test_however_it_is_cut_an_outline_agrees_with_the_whole(
    record: dict[str, Any], data: st.DataObject
) -> None:
    body = json.dumps(record)
    cut = body[: data.draw(st.integers(1, len(body)))]
    whole, part = read_outline(body).outline, read_outline(cut).outline

    assert whole is not None
    assert part is not None
    assert merged(whole, part) is not None


@given(_RECORDS)
def test_merged_with_itself_an_outline_stays(record: dict[str, Any]) -> None:
    outline = read_outline(json.dumps(record)).outline

    assert outline is not None
    assert str(merged(outline, outline)) == str(outline)


def test_bodies_of_different_answers_are_not_one() -> None:
    booked, refused = (
        read_outline(text).outline for text in ('{"number": "1", "a": 1}', '{"error": "x"}')
    )

    assert booked is not None
    assert refused is not None
    assert merged(booked, refused) is None
