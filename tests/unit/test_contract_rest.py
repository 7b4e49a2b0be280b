"""OpenAPI and EDMX as field trees, and which operation a call means."""

from __future__ import annotations

import json
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from adapters.contract.contract import DescribedContract
from adapters.contract.field import Field, Operation
from adapters.contract.xml import parse_xml
from adapters.rest.contract import open_contract
from adapters.rest.edmx import EdmxDescription
from adapters.rest.openapi import OpenApiDescription
from adapters.rest.paths import operation_of
from sidecar.domains import SPECS
from sidecar.model.errors import ConfigurationError
from sidecar.ports import AdapterSettings, ShopContext

INTERFACES = Path(__file__).parent / "interfaces"
ORDERS: dict[str, Any] = json.loads((INTERFACES / "orders.json").read_text("utf-8"))
EDMX_2 = (INTERFACES / "odata2.edmx").read_text("utf-8")
EDMX_4 = (INTERFACES / "odata4.edmx").read_text("utf-8")


def adapter_settings(folder: Path) -> AdapterSettings:
    return AdapterSettings(
        "http://erp.invalid/api",
        1,
        1,
        ShopContext("main", UTC),
        calls=folder / "calls.yaml",
        domains=SPECS,
    )


def body(operations: dict[str, Operation] | Any, name: str) -> dict[str, Field]:
    return dict(operations[name].parts["json"].members.fields)


def test_a_schema_is_put_together_from_its_parts() -> None:
    order = OpenApiDescription(ORDERS).operations["POST /shops/{shop}/orders"]
    members = order.parts["json"].members

    assert order.about == "Books an order"
    assert [one.name for one in members.mandatory()] == ["externalNumber", "channel", "lines"]
    fields = members.fields
    assert fields["externalNumber"].longest == 35
    assert not fields["number"].writable
    assert fields["channel"].choices == ("web", "shop")
    assert fields["total"].digits == (1000, 2)
    assert fields["weight"].takes >= {"number", "text"}
    assert fields["orderDate"].takes == {"text"}
    assert fields["createdAt"].nullable
    assert fields["free"].members.open
    assert list(fields["payer"].members.fields) == ["card", "iban"]
    assert fields["payer"].members.mandatory() == []
    assert order.answer is not None
    assert list(order.answer.members.fields) == ["number"]


def test_a_list_of_what_contains_itself() -> None:
    lines = body(OpenApiDescription(ORDERS).operations, "POST /shops/{shop}/orders")["lines"]

    assert (lines.many, lines.kind) == (True, "Line")
    assert lines.members.fields["parts"].members.fields["parts"].kind == "Line"


def test_parameters_of_path_and_operation_are_its_query() -> None:
    get = OpenApiDescription(ORDERS).operations["GET /shops/{shop}/orders"]

    assert set(get.parts["query"].members.fields) == {"dry", "externalNumber"}


def test_openapi_2_has_its_body_among_the_parameters() -> None:
    schema = {"properties": {"number": {"type": "string", "maxLength": 9}}, "required": ["number"]}
    parameters = [{"name": "order", "in": "body", "required": True, "schema": schema}]
    document = {"swagger": "2.0", "paths": {"/orders": {"post": {"parameters": parameters}}}}

    part = OpenApiDescription(document).operations["POST /orders"].parts["json"]

    assert part.required
    assert part.members.fields["number"].longest == 9


def test_references_that_lead_nowhere_or_in_circles_end() -> None:
    schemas = {"A": {"allOf": [{"$ref": "#/components/schemas/A"}]}}
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}}
    other = {"application/json": {"schema": {"$ref": "http://elsewhere/schema.json"}}}
    document = {
        "paths": {
            "/a": {"post": {"requestBody": {"content": content}}},
            "/b": {"post": {"requestBody": {"content": other}}},
        },
        "components": {"schemas": schemas},
    }

    for operation in OpenApiDescription(document).operations.values():
        assert operation.parts["json"].kind == "anything"


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", "/shops/main/orders", "POST /shops/{shop}/orders"),
        ("GET", "/api/v2/shops/main/orders", "GET /shops/{shop}/orders"),
        ("GET", "/shops/main/orders/search", "GET /shops/{shop}/orders/search"),
        ("GET", "='/shops/' ~ shop.name ~ '/orders/' ~ ref", "GET /shops/{shop}/orders/{id}"),
        ("POST", "/orders", None),
        ("PUT", "/shops/main/orders", None),
    ],
)
def test_which_operation_a_call_means(method: str, path: str, name: str | None) -> None:
    operations = OpenApiDescription(ORDERS).operations
    found = operation_of(operations.values(), {"method": method, "path": path})

    assert (found.name if found else None) == name


def test_a_hostile_document_writes_no_line_of_its_own_into_a_skeleton() -> None:
    evil = "a\n      path: /stolen #\x1b[31m"
    schema = {
        "required": [evil, "mode"],
        "properties": {
            evil: {"type": "string", "description": evil, "enum": [evil, "b"]},
            "mode": {"type": "string", "enum": ["x: y"]},
        },
    }
    content = {"application/json": {"schema": schema}}
    document = {"paths": {"/a": {"post": {"summary": evil, "requestBody": {"content": content}}}}}

    text = DescribedContract(OpenApiDescription(document), "evil.json").skeleton("POST /a", ())

    assert "\x1b" not in text
    assert not any(line.startswith("      path: /stolen") for line in text.splitlines())
    assert '        mode: "x: y" ' in text


def test_parts_of_parts_are_put_together_once() -> None:
    schemas: dict[str, Any] = {
        f"A{level}": {"allOf": [{"$ref": f"#/components/schemas/A{level + 1}"}] * 4}
        for level in range(20)
    }
    schemas["A20"] = {"properties": {"number": {"type": "string"}}}
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/A0"}}}
    document = {
        "paths": {"/a": {"post": {"requestBody": {"content": content}}}},
        "components": {"schemas": schemas},
    }

    fields = body(OpenApiDescription(document).operations, "POST /a")

    assert list(fields) == ["number"]


def edmx(text: str) -> EdmxDescription:
    return EdmxDescription(parse_xml(text.encode(), "test.edmx"))


def test_odata_2() -> None:
    operations = edmx(EDMX_2).operations
    order = body(operations, "POST /Orders")

    assert "POST /Items" not in operations
    assert (order["Number"].required, order["Number"].longest) == (False, 10)  # the ERP numbers
    assert (order["Customer"].required, order["Customer"].about) == (True, "Sold to")
    assert not order["Status"].writable
    assert body(operations, "PATCH /Orders({key})")["Status"].writable
    assert not body(operations, "PATCH /Orders({key})")["Customer"].required
    assert order["Total"].digits == (15, 3)
    assert order["Total"].takes == {"text"}
    assert order["to_Item"].many
    assert order["to_Item"].wrapper == "results"
    assert list(order["to_Item"].members.fields) == ["Position", "Quantity"]


def test_odata_4() -> None:
    order = body(edmx(EDMX_4).operations, "POST /orders")

    assert not order["id"].writable
    assert order["number"].longest == 20
    assert order["kind"].choices == ("Web", "Shop")
    assert order["address"].members.fields["City"].longest == 30
    assert (order["total"].digits, order["total"].takes >= {"number"}) == ((18, 2), True)
    assert not order["rate"].writable
    assert (order["tags"].many, order["placed"].takes >= {"time"}) == (True, True)
    assert (order["company"].required, order["state"].required) == (True, False)
    assert order["lines"].many
    assert "customer@odata.bind" in order


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("orders.json", json.dumps(ORDERS)),
        ("orders.yaml", json.dumps(ORDERS, indent=1)),
        ("orders.edmx", EDMX_4),
    ],
)
def test_a_document_is_known_by_its_content(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")

    contract = open_contract(str(tmp_path / name), None)

    assert contract is not None
    assert contract.operations()


@pytest.mark.parametrize("content", ["<definitions/>", '{"a": 1}', "a: 1", "text"])
def test_what_is_no_description_is_left_to_others(tmp_path: Path, content: str) -> None:
    (tmp_path / "file").write_text(content, encoding="utf-8")

    assert open_contract(str(tmp_path / "file"), None) is None


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "neither JSON nor YAML"),
        ("a: [", "neither JSON nor YAML"),
        ("a: !!python/object/apply:os.system ['true']", "neither JSON nor YAML"),
        ("<!DOCTYPE a><a/>", "has a DOCTYPE"),
        ("<a", "is no XML"),
    ],
)
def test_a_broken_document_is_refused(tmp_path: Path, content: str, problem: str) -> None:
    (tmp_path / "file").write_text(content, encoding="utf-8")

    with pytest.raises(ConfigurationError, match=problem):
        open_contract(str(tmp_path / "file"), None)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("file", "operation", "field", "longest"),
    [
        ("sap/API_SALES_ORDER_SRV.2020.edmx", "POST /A_SalesOrder", "PurchaseOrderByCustomer", 35),
        ("sap/API_SALES_ORDER_SRV.openapi.json", "POST /A_SalesOrder", "SoldToParty", 10),
        ("sap/CE_SALESORDER_0001.openapi.json", "POST /SalesOrder", "SalesOrderType", 4),
        ("bc/BCOAS1.0.yaml", "POST /companies({company_id})/salesOrders", "number", 20),
        ("bc/BCOpenApiSpecification.json", "POST /companies({company_id})/items", "number", None),
        ("fo/receivable.openapi.json", "POST /AdvLines", "dataAreaId", None),
        ("oracle/erpintegrations.openapi.yaml", "POST /erpintegrations", "OperationName", None),
    ],
)
def test_vendors_documents_are_read(
    shared: Path, file: str, operation: str, field: str, longest: int | None
) -> None:
    contract = open_contract(str(shared / "contracts" / file), None)
    assert contract is not None

    fields = contract.describe(operation, (), 2).tree["parts"]["json"]["fields"]

    assert {one["name"]: one["longest"] for one in fields}[field] == longest
