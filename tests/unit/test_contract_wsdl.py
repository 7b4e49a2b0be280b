"""A WSDL's operations as field trees: what zeep knows, and what it forgets."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path

import pytest

from adapters.contract.field import Field
from adapters.contract.xml import parse_xml
from adapters.soap.contract import WsdlDescription, open_contract
from adapters.soap.declarations import Declarations
from adapters.soap.documents import Documents
from adapters.soap.fill import UnknownType
from adapters.soap.schema import Schemas
from adapters.soap.wsdl import Wsdl
from sidecar.domains import SPECS
from sidecar.model.errors import ConfigurationError, UsageError
from sidecar.ports import AdapterSettings, Contract, ShopContext

NETSUITE = """
orders:
  push:
    on: [order.placed]
    call:
      operation: upsert
      body:
        record:
          $type: tranSales:SalesOrder
          externalId: =order.increment_id
          otherRefNumber: =order.increment_id
          orderStatus: _pendingFulfilment
          shippingCost: =order.shipping_method
          customFieldList: {customField: [{scriptId: custbody_shop}]}
          itemList:
            item:
              $each: item in order.sellable_items
              $do: {item: {internalId: "7"}, quantity: =item.qty_ordered, rate: =item.price}
      header:
        tokenPassport:
          account: "1"
          consumerKey: =secret.consumer
          nonce: =nonce
          timestamp: 1
          signature: {algorithm: HMAC-SHA256, _value_1: =nonce}
    answer: {accepted: =not response.fault, reference: =response.body.baseRef.internalId}
"""
WSDL = Path(__file__).parent / "interfaces" / "trade.wsdl"


@pytest.fixture
def trade() -> WsdlDescription:
    return described(WSDL)


def described(path: Path) -> WsdlDescription:
    settings = AdapterSettings("", 1, 1, ShopContext("", UTC), wsdl=str(path), domains=SPECS)
    return WsdlDescription(Wsdl.load(str(path), Documents(settings)))


def opened(path: Path) -> Contract:
    contract = open_contract(str(path), None)
    assert contract is not None
    return contract


def field(description: WsdlDescription, operation: str, path: str) -> Field:
    part, *names = path.split(".")
    found = description.operations[operation].parts[part]
    for name in names:
        found = found.members.fields[name]
    return found


def test_each_operation_has_its_parts(trade: WsdlDescription) -> None:
    create, find = trade.operations["CreateOrder"], trade.operations["FindOrder"]

    assert create.about == "Books an order."
    assert create.call == {"operation": "CreateOrder"}
    assert list(create.parts) == ["body", "header"]
    header = field(trade, "CreateOrder", "header").members
    assert list(header.fields) == ["Login"]
    assert header.named("login") is header.named("Login")  # the name of the message's part
    # An RPC message has parts instead of one element.
    assert list(find.parts["body"].members.fields) == ["externalId", "most"]
    assert find.parts["body"].members.fields["externalId"].longest == 20


def test_restrictions_come_along_that_zeep_drops(trade: WsdlDescription) -> None:
    order = field(trade, "CreateOrder", "body.order").members.fields

    assert order["externalId"].longest == 20  # by way of two types in another file
    assert order["total"].digits == (15, 2)
    assert order["channel"].choices == ("OPEN", "BOOKED")
    assert order["channel"].about == "Where it came from."
    assert (order["ordered"].kind, order["placedAt"].kind) == ("date", "time")


def test_what_is_mandatory(trade: WsdlDescription) -> None:
    members = field(trade, "CreateOrder", "body.order").members

    mandatory = {one.name: one.nullable for one in members.mandatory()}
    assert mandatory == {"externalId": False, "currency": True, "line": False, "mandant": False}
    assert members.alternatives == ((("customerNumber",), ("guest",)),)
    assert not members.fields["memo"].required  # its group may be left out


def test_lists_attributes_and_what_has_no_name(trade: WsdlDescription) -> None:
    order = field(trade, "CreateOrder", "body.order").members.fields

    assert order["line"].many
    assert order["mandant"].kind == "whole number"
    assert order["test"].takes == {"truth value"}
    assert order["_value_1"].kind == "any element"


def test_a_type_may_contain_itself(trade: WsdlDescription) -> None:
    part = field(trade, "CreateOrder", "body.order.line.part.part.part")

    assert part.kind == "Line"
    assert part.many


def test_a_text_with_attributes_is_both_value_and_record(trade: WsdlDescription) -> None:
    price = field(trade, "CreateOrder", "body.order.line.price")

    assert "number" in price.takes
    assert set(price.members.fields) == {"_value_1", "currency"}


def test_types_that_derive_from_an_abstract_one_can_be_chosen(trade: WsdlDescription) -> None:
    document = field(trade, "CreateOrder", "body.document")

    assert document.abstract
    assert document.type_names == ["Quote", "Invoice"]
    assert list(document.types["Quote"].members.fields) == ["number", "validUntil"]
    assert document.types["b:Quote"] is document.types["{urn:trade:base}Quote"]


BROKEN = """
<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:x="http://www.w3.org/2001/XMLSchema"
    xmlns:t="urn:t"><types><x:schema targetNamespace="urn:t">
  <x:element name="a" type="t:A"/>
  <x:complexType name="A"><x:sequence>
    <x:element name="s" type="t:S"/><x:element name="u" type="t:U"/><x:group ref="t:G"/>
    <x:element name="n" type="t:Nowhere"/><x:element ref="t:nobody"/>
  </x:sequence></x:complexType>
  <x:complexType name="B"><x:complexContent><x:extension base="t:C"/></x:complexContent>
  </x:complexType>
  <x:complexType name="C"><x:complexContent><x:extension base="t:B"/></x:complexContent>
  </x:complexType>
  <x:element name="b" type="t:B"/>
  <x:simpleType name="S"><x:restriction base="t:S"/></x:simpleType>
  <x:simpleType name="U"><x:union memberTypes="t:U t:U t:U t:U"/></x:simpleType>
  <x:group name="G"><x:sequence><x:group ref="t:G"/><x:group ref="t:G"/></x:sequence></x:group>
</x:schema></types></definitions>"""


def test_a_schema_that_leads_in_circles_or_nowhere_ends() -> None:
    root = parse_xml(BROKEN.strip().encode(), "a.wsdl")
    schemas = Schemas(Declarations("a.wsdl", lambda _: root))

    a, b = schemas.element("{urn:t}a"), schemas.element("{urn:t}b")

    assert a is not None
    assert b is not None
    assert list(a.members.fields) == ["s", "u", "n", "nobody"]
    assert b.members.fields == {}
    assert b.type_names == ["B", "C"]


def test_described_for_a_person() -> None:
    lines = opened(WSDL).describe("CreateOrder", ["Quote"], 3).lines

    assert lines[0] == "CreateOrder — Books an order."
    text = "\n".join(lines)
    assert "    externalId: text, at most 20 characters, mandatory" in text
    assert "    channel: text, OPEN | BOOKED — Where it came from." in text
    assert "    one of: customerNumber | guest" in text
    assert "  document: Quote, $type: Quote" in text
    assert "    validUntil: date, mandatory" in text
    assert "part: list of Line …" in text
    assert text.endswith("answer (response.body)\n  number: text, mandatory\n  "
                         "state: text, OPEN | BOOKED, mandatory")  # fmt: skip


def test_an_operation_that_does_not_exist_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'CreateOrder'"):
        opened(WSDL).describe("CreatOrder", [], 3)


def test_what_is_no_wsdl_is_left_to_others(tmp_path: Path) -> None:
    for name, content in (("a.json", "{}"), ("b.xml", "<Edmx/>")):
        (tmp_path / name).write_text(content, encoding="utf-8")
        assert open_contract(str(tmp_path / name), None) is None


def test_a_document_type_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "evil.wsdl"
    path.write_text(
        '<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]><definitions>&a;</definitions>',
        encoding="utf-8",
    )

    with pytest.raises(ConfigurationError, match="has a DOCTYPE"):
        open_contract(str(path), None)


def test_an_array_of_soap_encoding_is_a_list() -> None:
    encoded = described(WSDL.parents[2] / "contract" / "wsdl" / "encoded.wsdl")
    lines = field(encoded, "createOrder", "body.order.lines")

    assert (lines.many, lines.lone, lines.kind) == (True, False, "line")
    assert list(lines.members.fields) == ["sku", "qty"]


@pytest.mark.shared
def test_netsuite_is_described(shared: Path) -> None:
    path = shared / "contracts" / "netsuite" / "2023_2" / "netsuite.wsdl"
    contract = opened(path)
    lines = contract.describe("upsert", ["SalesOrder"], 6).lines

    assert len(contract.operations()) == 42
    assert any(line.strip().startswith("orderStatus: text, _pendingApproval") for line in lines)
    assert any(line.strip().startswith("quantity: number") for line in lines)


@pytest.mark.parametrize("name", ["Quote", "b:Quote", "{urn:trade:base}Quote"])
def test_a_type_that_is_offered_is_one_that_can_be_sent(name: str) -> None:
    settings = AdapterSettings("", 1, 1, ShopContext("", UTC), wsdl=str(WSDL), domains=SPECS)
    wsdl = Wsdl.load(str(WSDL), Documents(settings))

    assert name in field(WsdlDescription(wsdl), "CreateOrder", "body.document").types
    assert str(wsdl.filler.type_named(name).qname) == "{urn:trade:base}Quote"


@pytest.mark.parametrize("name", ["Quotation", "b:Quotation", "x:Quote", "{urn:other}Quote"])
def test_a_type_that_does_not_exist_is_no_surprise(name: str) -> None:
    settings = AdapterSettings("", 1, 1, ShopContext("", UTC), wsdl=str(WSDL), domains=SPECS)
    wsdl = Wsdl.load(str(WSDL), Documents(settings))

    with pytest.raises(UnknownType):
        wsdl.filler.type_named(name)


@pytest.mark.shared
def test_a_mapping_for_netsuite_is_checked(shared: Path, tmp_path: Path) -> None:
    calls = tmp_path / "netsuite.yaml"
    calls.write_text(NETSUITE, encoding="utf-8")

    findings = opened(shared / "contracts" / "netsuite" / "2023_2" / "netsuite.wsdl").check(
        calls, SPECS
    )

    assert [(one.severity, one.id) for one in findings] == [
        ("error", "unknown-field"),
        ("error", "no-choice"),
        ("error", "wrong-type"),
        ("error", "which-type"),
        ("error", "missing"),
    ]
    assert "did you mean 'otherRefNum'?" in findings[0].text
    assert findings[4].text == "'token' is mandatory and not filled"
