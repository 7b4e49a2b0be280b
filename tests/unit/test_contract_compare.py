"""Two interface descriptions: what one takes and tells that the other does not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.contract.compare import Harm
from adapters.rest.contract import open_contract as open_rest
from adapters.soap.contract import open_contract as open_soap
from sidecar.domains import SPECS
from sidecar.model.errors import UsageError
from sidecar.ports import Contract, ContractDifference

INTERFACES = Path(__file__).parent / "interfaces"
EDMX = (INTERFACES / "odata2.edmx").read_text("utf-8")
CALLS = """\
orders:
  push:
    on: [order.placed]
    call:
      method: POST
      path: /orders
      json:
        number: =ref
        note: from the shop
        lines: {$each: item in order.items, $do: {sku: =item.sku, qty: =item.qty_ordered}}
    answer: {accepted: =response.status == 201, reference: =response.body.number}
"""
OPENAPI = """\
openapi: 3.0.0
paths:
  /orders:
    post:
      requestBody:
        required: true
        content: {application/json: {schema: {$ref: '#/components/schemas/Order'}}}
      responses:
        '201': {content: {application/json: {schema: {$ref: '#/components/schemas/Booked'}}}}
  /orders/{id}:
    patch:
      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Order'}}}}
components:
  schemas:
    Order:
      required: [number]
      properties:
        number: {type: string, maxLength: 20}
        note: {type: string, maxLength: 40}
        channel: {type: string, enum: [web, shop]}
        lines: {type: array, items: {$ref: '#/components/schemas/Line'}}
    Line:
      properties:
        sku: {type: string, maxLength: 64}
        qty: {type: number, multipleOf: 0.001}
        parts: {type: array, items: {$ref: '#/components/schemas/Line'}}
    Booked:
      required: [number]
      properties: {number: {type: string}, total: {type: number}}
"""


def contract(folder: Path, name: str, text: str) -> Contract:
    file = folder / name
    file.write_text(text, "utf-8")
    opened = open_rest(str(file), None)
    assert opened is not None
    return opened


def compared(folder: Path, *changes: tuple[str, str], calls: str = "") -> list[ContractDifference]:
    """The description against itself with these changes."""
    changed = OPENAPI
    for old, new in changes:
        assert changed.count(old) == 1, old
        changed = changed.replace(old, new)
    file = folder / "calls.yaml"
    file.write_text(calls, "utf-8")
    ours, theirs = contract(folder, "a.yaml", OPENAPI), contract(folder, "b.yaml", changed)
    return ours.compare(theirs, (file,) if calls else (), SPECS)


def test_what_is_the_same_has_no_difference(tmp_path: Path) -> None:
    assert compared(tmp_path, calls=CALLS) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "note: {type: string, maxLength: 40}",
            "note: {type: string, maxLength: 30}",
            ("less", "length", "Order.note", "at most 40 characters", "at most 30 characters"),
        ),
        (
            "note: {type: string, maxLength: 40}",
            "note: {type: string}",
            ("more", "length", "Order.note", "at most 40 characters", "any length"),
        ),
        (
            "enum: [web, shop]",
            "enum: [shop]",
            ("less", "choices", "Order.channel", "web", "no longer"),
        ),
        (
            "enum: [web, shop]",
            "enum: [web, shop, app]",
            ("more", "choices", "Order.channel", None, "app"),
        ),
        (
            "multipleOf: 0.001",
            "multipleOf: 0.01",
            ("less", "digits", "Line.qty", "1000 digits, 3 decimals", "1000 digits, 2 decimals"),
        ),
        (
            "qty: {type: number",
            "qty: {type: string",
            ("less", "type", "Line.qty", "number", "text"),
        ),
        (
            "sku: {type: string, ",
            "sku: {type: string, readOnly: true, ",
            ("less", "writable", "Line.sku", "may be written", "is given by the ERP"),
        ),
        (
            "required: [number]\n      properties:\n        number: {type: string, max",
            "required: [number, channel]\n      properties:\n        number: {type: string, max",
            ("less", "mandatory", "Order.channel", "may be left out", "mandatory"),
        ),
        (
            "note: {type: string, maxLength: 40}",
            "remark: {type: string, maxLength: 40}",
            ("less", "field-gone", "Order.note", "text", None),
        ),
        (
            "total: {type: number}}",
            "sum: {type: number}}",
            ("less", "field-gone", "Booked.total", "number", None),
        ),
        (
            "  /orders/{id}:\n    patch:",
            "  /orders/{id}:\n    put:",
            ("less", "operation-gone", "PATCH /orders/{id}", "PATCH /orders/{id}", None),
        ),
        (
            "'#/components/schemas/Line'}}\n    Line",
            "'#/components/schemas/Line'}}\n        due: {type: string}\n    Line",
            ("more", "field-new", "Order.due", None, "text"),
        ),
    ],
)
def test_each_difference_is_told_once_however_many_operations_have_it(
    tmp_path: Path, old: str, new: str, expected: tuple[Harm, str, str, str | None, str | None]
) -> None:
    found = compared(tmp_path, (old, new))

    told = [(one.harm, one.id, one.place, one.before, one.after) for one in found]
    assert told.count(expected) == 1
    # A renamed thing is gone under one name and new under another.
    assert len(told) == (2 if expected[1].endswith("-gone") else 1)


def test_what_hinders_our_file_of_calls_comes_first_with_its_line(tmp_path: Path) -> None:
    found = compared(
        tmp_path,
        ("enum: [web, shop]", "enum: [shop]"),
        ("maxLength: 64", "maxLength: 18"),
        ("  Line:\n", "  Line:\n      required: [unit]\n"),
        ("        sku: ", "        unit: {type: string}\n        sku: "),
        calls=CALLS,
    )

    assert [(one.harm, one.id, one.place) for one in found] == [
        ("calls", "length", "Line.sku"),
        ("calls", "field-new-mandatory", "Line.unit"),
        ("less", "choices", "Order.channel"),
    ]
    places = [one.sent_at for one in found]
    assert [place and place.partition(": ")[0].rpartition("/")[2] for place in places] == [
        "calls.yaml:10",
        "calls.yaml:10",
        None,
    ]


def test_a_call_that_is_not_there_any_more_hinders_it(tmp_path: Path) -> None:
    found = compared(tmp_path, ("  /orders:\n", "  /salesOrders:\n"), calls=CALLS)

    assert (found[0].harm, found[0].id, found[0].operation) == (
        "calls",
        "operation-gone",
        "POST /orders",
    )
    assert str(found[0].sent_at).partition(": ")[0].endswith("calls.yaml:4")


def test_a_wsdl_is_compared_type_by_type(tmp_path: Path) -> None:
    for file in INTERFACES.glob("*.xsd"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    text = (INTERFACES / "trade.wsdl").read_text("utf-8")
    (tmp_path / "same.wsdl").write_text(text, "utf-8")
    files = {name: tmp_path / name for name in ("same.wsdl", "changed.wsdl")}
    files["changed.wsdl"].write_text(text.replace('name="externalId"', 'name="extId"'), "utf-8")
    before, same, after = (
        open_soap(str(path), None)
        for path in (INTERFACES / "trade.wsdl", files["same.wsdl"], files["changed.wsdl"])
    )
    assert before is not None
    assert same is not None
    assert after is not None

    assert before.compare(same, (), SPECS) == []
    told = {(one.id, one.place) for one in before.compare(after, (), SPECS)}
    assert ("field-gone", "Order.externalId") in told
    assert {one[0] for one in told} == {"field-gone", "field-new-mandatory"}


def test_an_edmx_is_compared_as_it_is_made_and_changed_and_told_once(tmp_path: Path) -> None:
    old, new = 'MaxLength="35"', 'MaxLength="20"'
    assert EDMX.count(old) >= 1
    ours = contract(tmp_path, "a.edmx", EDMX)
    theirs = contract(tmp_path, "b.edmx", EDMX.replace(old, new, 1))

    found = ours.compare(theirs, (), SPECS)

    assert [(one.harm, one.id, one.before, one.after) for one in found] == [
        ("less", "length", "at most 35 characters", "at most 20 characters")
    ]


def test_two_interfaces_without_a_common_operation_are_not_compared(tmp_path: Path) -> None:
    ours, theirs = contract(tmp_path, "a.yaml", OPENAPI), contract(tmp_path, "b.edmx", EDMX)

    with pytest.raises(UsageError, match="no operation in common"):
        ours.compare(theirs, (), SPECS)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("first", "second", "reader"),
    [
        ("sap/API_SALES_ORDER_SRV.2020.edmx", "sap/API_SALES_ORDER_SRV.2020.edmx", open_rest),
        ("sap/CE_SALESORDER_0001.openapi.json", "sap/CE_SALESORDER_0001.openapi.json", open_rest),
        ("netsuite/2023_2/netsuite.wsdl", "netsuite/2023_2/netsuite.wsdl", open_soap),
    ],
)
def test_a_vendors_description_is_the_same_as_itself(
    shared: Path, first: str, second: str, reader: Callable[[str, None], Contract | None]
) -> None:
    ours, theirs = (reader(str(shared / "contracts" / name), None) for name in (first, second))
    assert ours is not None
    assert theirs is not None

    assert ours.compare(theirs, (), SPECS) == []


@pytest.mark.shared
def test_two_versions_of_a_vendor_differ_in_known_places(shared: Path) -> None:
    ours, theirs = (
        open_rest(str(shared / "contracts" / "bc" / name), None)
        for name in ("BCOAS1.0.yaml", "BCOpenApiSpecification.json")
    )
    assert ours is not None
    assert theirs is not None

    told = {(one.id, one.place) for one in ours.compare(theirs, (), SPECS)}

    assert ("field-gone", "POST /companies({company_id})/items json.itemCategoryCode") in told
