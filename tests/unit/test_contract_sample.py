"""A request and its answer, and what Odoo tells of its models, make a file of calls that works."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from adapters.rest.contract import open_contract
from adapters.rest.generic import create
from adapters.rest.sample import open_sample as open_json
from adapters.soap.sample import open_sample as open_envelope
from sidecar.domains import SPECS
from sidecar.model.errors import ConfigurationError
from sidecar.ports import Previewing
from sidecar.testing.sample_order import placed, simple_order
from tests.unit.test_contract_rest import INTERFACES, adapter_settings

ODOO = INTERFACES / "odoo"
REQUEST = {
    "externalNumber": "100000042",
    "mandant": 7,
    "email": "ada@example.com",
    "lines": [
        {"sku": "A", "quantity": 1, "unitPrice": 10.5, "plant": "W1"},
        {"sku": "B", "quantity": 2, "unitPrice": 3, "note": None},
    ],
}
ANSWER = {"order": {"id": 12, "number": "SO-12", "total": 16.5}}
ENVELOPE = """\
<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:o="urn:orders"><s:Body>
{}</s:Body></s:Envelope>
"""


def sample(folder: Path, request: str, answer: str) -> tuple[str, str]:
    (folder / "request").write_text(request, encoding="utf-8")
    (folder / "answer").write_text(answer, encoding="utf-8")
    return str(folder / "request"), str(folder / "answer")


def lines_of(text: str) -> list[str]:
    """What stands, without its notes and without what is a comment."""
    return [line for one in text.splitlines() if (line := one.partition("  # ")[0].rstrip())]


def test_a_sample_in_json_becomes_a_file_of_calls(tmp_path: Path) -> None:
    contract = open_json(*sample(tmp_path, json.dumps(REQUEST), json.dumps(ANSWER)))
    assert contract is not None

    text = contract.skeleton("POST", ())

    lines = lines_of(text)
    assert "        externalNumber: =order.increment_id" in lines
    assert "          $each: item in order.sellable_items" in lines
    assert "            sku: =item.sku" in lines
    assert "      reference: =response.body.order.number" in lines
    assert re.search(r"^        mandant: =FILL_IN +# whole number; sample: 7$", text, re.MULTILINE)
    # What a name says is marked, and a person's value is not carried on.
    assert "guess; text" in text
    assert "ada@example.com" not in text
    assert lines[-1] == "#   response.body.order.total: number"


def test_filled_in_a_sample_makes_the_request_again(tmp_path: Path) -> None:
    contract = open_json(*sample(tmp_path, json.dumps(REQUEST), json.dumps(ANSWER)))
    assert contract is not None
    filled = (
        contract.skeleton("POST", ())
        .replace("path: =FILL_IN", "path: /orders")
        .replace("mandant: =FILL_IN", "mandant: 7")
        .replace("plant: =FILL_IN", "plant: W1")
        .replace("note: =FILL_IN", "note: x")
    )
    (tmp_path / "calls.yaml").write_text(filled, encoding="utf-8")

    adapter = create(adapter_settings(tmp_path))
    assert isinstance(adapter, Previewing)
    [preview] = adapter.preview(placed(simple_order()))
    adapter.close()

    assert json.loads(preview.body or "").keys() == REQUEST.keys()
    assert contract.check(tmp_path / "calls.yaml", SPECS) == []


def test_a_sample_envelope_names_operation_and_lines(tmp_path: Path) -> None:
    request = ENVELOPE.format(
        "<o:CreateOrder><externalId>1</externalId><Client>007</Client><Lines><Line><Sku>A</Sku>"
        "<Qty>1</Qty></Line></Lines></o:CreateOrder>"
    )
    answer = ENVELOPE.format("<o:Created><Result><OrderNo>SO-1</OrderNo></Result></o:Created>")
    contract = open_envelope(*sample(tmp_path, request, answer))
    assert contract is not None

    lines = lines_of(contract.skeleton("CreateOrder", ()))

    assert "      operation: CreateOrder" in lines
    assert lines[lines.index("        Lines:") + 1 : lines.index("        Lines:") + 5] == [
        "          Line:",
        "            $each: item in order.sellable_items",
        "            $do:",
        "              Sku: =item.sku",
    ]
    assert "      reference: =response.body.Result.OrderNo" in lines


@pytest.mark.parametrize(
    ("request_", "message"),
    [("<order/>", "is no SOAP envelope"), ("<a><b>", "is no XML")],
)
def test_xml_that_is_no_envelope_is_refused(tmp_path: Path, request_: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        open_envelope(*sample(tmp_path, request_, ""))
    assert message in refusal.value.message


def test_broken_json_is_refused_and_each_reader_leaves_the_other_s_alone(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="request: is no JSON"):
        open_json(*sample(tmp_path, '{"a": ', ""))
    assert open_envelope(*sample(tmp_path, "{}", "")) is None
    assert open_json(*sample(tmp_path, "<a/>", "")) is None


def odoo_skeleton(model: str, method: str) -> str:
    contract = open_contract(str(ODOO / f"{model}.json"), None)
    assert contract is not None
    return contract.skeleton(f"POST /json/2/{model}/{method}", ())


def test_odoo_s_create_has_lines_as_commands(tmp_path: Path) -> None:
    text = odoo_skeleton("sale.order", "create")
    lines = lines_of(text)

    at = lines.index("            order_line:")
    assert lines[at + 1 : at + 7] == [
        "              $each: item in order.sellable_items",
        "              $do:",
        "                - 0",
        "                - 0",
        "                -",
        "                  name: =item.name",
    ]
    assert "            client_order_ref: =order.increment_id" in lines
    assert "            partner_id: =FILL_IN" in lines
    # Given by Odoo, and the way back to the order.
    assert not any("amount_total" in line or "order_id" in line for line in lines)
    filled = text.replace("partner_id: =FILL_IN", "partner_id: 7").replace(
        "name: =FILL_IN", "name: =order.increment_id"
    )
    filled = filled.replace("picking_policy: =FILL_IN", "picking_policy: direct")
    (tmp_path / "calls.yaml").write_text(filled, encoding="utf-8")

    adapter = create(adapter_settings(tmp_path))
    assert isinstance(adapter, Previewing)
    [preview] = adapter.preview(placed(simple_order()))
    adapter.close()

    [order] = json.loads(preview.body or "")["vals_list"]
    assert [command[:2] for command in order["order_line"]] == [[0, 0], [0, 0]]
    assert order["order_line"][0][2]["price_unit"] == 11.33
    contract = open_contract(str(ODOO / "sale.order.json"), None)
    assert contract is not None
    assert contract.check(tmp_path / "calls.yaml", SPECS) == []


def test_odoo_s_documents_check_what_is_in_a_command(tmp_path: Path) -> None:
    calls = """\
orders:
  push:
    on: [order.placed]
    call:
      method: POST
      path: /json/2/sale.order/create
      json:
        vals_list:
          - partner_id: 7
            amount_total: 1
            picking_policy: later
            tag_ids: [[6, 0, [1, 2]]]
            order_line:
              - [0, 0, {name: x, product_uom_qty: 1, price_unit: 1, qty: 2}]
              - [4, 7, 0]
              - {name: x}
    answer: {accepted: =response.status == 200, reference: "=response.body[0]"}
"""
    (tmp_path / "calls.yaml").write_text(calls, encoding="utf-8")
    contract = open_contract(str(ODOO / "sale.order.json"), None)
    assert contract is not None

    found = [
        (one.id, one.severity, one.field, one.path.removeprefix("orders.push.call.json.vals_list."))
        for one in contract.check(tmp_path / "calls.yaml", SPECS)
    ]

    assert found == [
        ("not-writable", "error", "amount_total", "0.amount_total"),
        ("no-choice", "error", "picking_policy", "0.picking_policy"),
        ("unknown-field", "error", "qty", "0.order_line.0.2.qty"),
        ("wrong-type", "error", "2", "0.order_line.2"),
        ("missing", "warning", "name", "0"),
        ("missing", "warning", "date_order", "0"),
    ]


def test_odoo_is_asked_by_our_number_and_steps_by_its_id() -> None:
    question = lines_of(odoo_skeleton("sale.order", "search_read"))
    step = lines_of(odoo_skeleton("sale.order", "action_confirm"))

    assert question[3:5] == ["orders:", "  probe:"]
    assert "        domain: \"=[['client_order_ref', '=', ref]]\"" in question
    assert "      found: =response.body" in question
    assert "        ids: [=link.key | int]" in step


def test_odoo_s_index_lists_models_and_tells_which_file_to_fetch() -> None:
    contract = open_contract(str(ODOO / "index.json"), None)
    assert contract is not None

    operations = contract.operations()

    assert "POST /json/2/sale.order/action_confirm" in operations
    assert "POST /json/2/res.partner/create" in operations
    described = contract.describe("POST /json/2/res.partner/create", (), 3)
    assert "fetch res.partner.json" in described.lines[0]
    assert any(line.strip().startswith("email: anything") for line in described.lines)


V2 = """\
<edmx:Edmx Version="1.0" xmlns:edmx="http://schemas.microsoft.com/ado/2007/06/edmx">
<edmx:DataServices><Schema Namespace="S" xmlns="http://schemas.microsoft.com/ado/2008/09/edm"
 xmlns:sap="http://www.sap.com/Protocols/SAPData">
<EntityType Name="Order"><Key><PropertyRef Name="Number"/></Key>
<Property Name="Number" Type="Edm.String" Nullable="false" MaxLength="10"/>
<Property Name="PurchaseOrderByCustomer" Type="Edm.String" MaxLength="35"/>
<Property Name="ShipToCity" Type="Edm.String" MaxLength="40"/>
<NavigationProperty Name="to_Item" Relationship="S.Items" FromRole="O" ToRole="I"/></EntityType>
<EntityType Name="Item"><Key><PropertyRef Name="Position"/></Key>
<Property Name="Position" Type="Edm.String" Nullable="false" MaxLength="6"/>
<Property Name="Material" Type="Edm.String" MaxLength="40"/>
<NavigationProperty Name="to_Order" Relationship="S.Items" FromRole="I" ToRole="O"/></EntityType>
<Association Name="Items"><End Role="O" Type="S.Order" Multiplicity="1"/>
<End Role="I" Type="S.Item" Multiplicity="*"/></Association>
<EntityContainer Name="C"><EntitySet Name="Orders" EntityType="S.Order"/></EntityContainer>
</Schema></edmx:DataServices></edmx:Edmx>
"""


def test_odata_2_has_its_key_its_lines_and_its_answer_in_d(tmp_path: Path) -> None:
    (tmp_path / "v2.edmx").write_text(V2, encoding="utf-8")
    contract = open_contract(str(tmp_path / "v2.edmx"), None)
    assert contract is not None

    text = contract.skeleton("POST /Orders", ())
    lines = lines_of(text)

    assert "# key, String, at most 10 characters" in text
    assert "        PurchaseOrderByCustomer: =order.increment_id" in lines
    assert "        ShipToCity: =order.shipping_address.city" in lines
    assert lines[lines.index("        to_Item:") + 3] == "            Material: =item.sku"
    assert "to_Order" not in text
    assert "      reference: =response.body.d.Number" in lines
    assert "#   response.body.d.Number: key, String, at most 10 characters" in text
    question = lines_of(contract.skeleton("GET /Orders", ()))
    assert question[-5:] == [
        "    answer:",
        "      ok: =response.status == 200",
        "      found: =response.body.d.results",
        "    each:",
        "      reference: =item.Number",
    ]
    assert any("PurchaseOrderByCustomer eq '" in line and "$filter" in line for line in question)
