"""A skeleton does not load before it is filled in; then it loads and fits."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.rest.contract import open_contract as open_rest
from adapters.rest.generic import create as create_rest
from adapters.soap.contract import open_contract as open_soap
from adapters.soap.generic import create as create_soap
from sidecar.domains import SPECS
from sidecar.model.errors import ConfigurationError
from sidecar.ports import AdapterSettings, Previewing
from sidecar.testing import erpsim
from sidecar.testing.sample_order import placed, simple_order
from tests.unit.test_contract_rest import INTERFACES, adapter_settings

ERPSIM = erpsim.WSDL
WSDL = INTERFACES / "trade.wsdl"


def soap(folder: Path) -> AdapterSettings:
    return replace(adapter_settings(folder), wsdl=str(WSDL), url="")


def trade_skeleton(folder: Path, *types: str) -> str:
    contract = open_soap(str(WSDL), None)
    assert contract is not None
    text = contract.skeleton("CreateOrder", types)
    (folder / "calls.yaml").write_text(text, encoding="utf-8")
    return text


def test_what_is_mandatory_stands_and_the_rest_is_noted(tmp_path: Path) -> None:
    lines = trade_skeleton(tmp_path).splitlines()

    assert any(line.startswith("          externalId: =order.increment_id ") for line in lines)
    assert any(line.startswith("          # placedAt: =FILL_IN ") for line in lines)
    assert any(line.startswith("            $each: item in order.sellable_items") for line in lines)
    assert any(line.startswith("              sku: =item.sku ") for line in lines)
    assert "          # one of: customerNumber | guest" in lines
    assert any("at most 20 characters, mandatory" in line for line in lines)
    assert lines[-1] == "#   response.body.state: text, OPEN | BOOKED, mandatory"


def test_it_does_not_load_before_it_is_filled_in(tmp_path: Path) -> None:
    trade_skeleton(tmp_path)

    with pytest.raises(ConfigurationError) as refusal:
        create_soap(soap(tmp_path))

    assert "there is no 'FILL_IN' here" in refusal.value.message
    assert "orders.push.answer.reference" in refusal.value.message


def test_filled_in_it_loads_and_fits_and_makes_a_request(tmp_path: Path) -> None:
    text = trade_skeleton(tmp_path, "Quote")
    filled = (
        text.replace("mandant: =FILL_IN", "mandant: 7")
        .replace("reference: =FILL_IN", "reference: =response.body.number")
        .replace("and FILL_IN", "and response.body.state == 'BOOKED'")
        .replace("# customerNumber: =FILL_IN", "customerNumber: C1")
        .replace("qty: =item.qty_ordered ", "qty: =item.qty_ordered | int ")
    )
    (tmp_path / "calls.yaml").write_text(filled, encoding="utf-8")
    contract = open_soap(str(WSDL), None)
    assert contract is not None

    findings = contract.check(tmp_path / "calls.yaml", SPECS)
    adapter = create_soap(soap(tmp_path))
    assert isinstance(adapter, Previewing)
    [preview] = adapter.preview(placed(simple_order()))
    adapter.close()

    # A SKU may be longer than this ERP's twenty characters, a number too: that is worth knowing.
    assert {one.id for one in findings} == {"too-long"}
    assert "<ns0:externalId>000000042</ns0:externalId>" in (preview.body or "")


def test_every_commented_line_can_be_taken_in(tmp_path: Path) -> None:
    text = trade_skeleton(tmp_path, "Quote")
    lines = text.partition("# What the answer may hold")[0].splitlines()[3:]
    taken = [line if "# one of" in line else re.sub(r"^( *)# ", r"\1", line) for line in lines]
    filled = "\n".join(taken).replace("=FILL_IN", "x").replace("FILL_IN", "true")
    (tmp_path / "calls.yaml").write_text(filled, encoding="utf-8")
    contract = open_soap(str(WSDL), None)
    assert contract is not None

    # It is YAML of the right shape: what is left are values that make no sense.
    ids = {one.id for one in contract.check(tmp_path / "calls.yaml", SPECS)}
    assert ids <= {"one-of", "wrong-type", "no-choice", "too-long", "odd-type"}


def test_a_rest_skeleton_works_too(tmp_path: Path) -> None:
    contract = open_rest(str(INTERFACES / "orders.json"), None)
    assert contract is not None
    text = contract.skeleton("POST /shops/{shop}/orders", ())
    filled = (
        text.replace("~ FILL_IN ~", "~ 'main' ~")
        .replace("reference: =FILL_IN", "reference: =response.body.number")
        .replace("=FILL_IN", "web")
    )
    (tmp_path / "calls.yaml").write_text(filled, encoding="utf-8")

    assert [
        one for one in contract.check(tmp_path / "calls.yaml", SPECS) if one.severity == "error"
    ] == []
    adapter = create_rest(adapter_settings(tmp_path))
    assert isinstance(adapter, Previewing)
    [preview] = adapter.preview(placed(simple_order()))
    adapter.close()
    assert preview.request == "POST http://erp.invalid/api/shops/main/orders"
    assert json.loads(preview.body or "")["externalNumber"] == "000000042"


def test_as_a_question_for_news_it_has_the_fields_of_a_row(tmp_path: Path) -> None:
    contract = open_soap(str(ERPSIM), None)
    assert contract is not None
    [news] = [spec for spec in SPECS if spec.name == "shipments"]

    text = contract.skeleton("ListDeliveries", (), news)

    lines = [line.partition("  # ")[0].rstrip() for line in text.splitlines()]
    assert lines[2].endswith("'erp-sidecar adapter changes shipments' look at it.")
    assert lines[3:5] == ["shipments:", "  changes:"]
    assert "        ChangedSince: =since" in lines
    assert "        Page: =page" in lines
    assert text.index("\n      number: =FILL_IN\n") < text.index("\n      # tracks: =FILL_IN\n")
    filled = text.replace("found: =FILL_IN", "found: =response.body.Delivery").replace(
        "      number: =FILL_IN",
        "      number: =item.DeliveryNo\n      order: =item.ExternalOrder",
    )
    (tmp_path / "calls.yaml").write_text("port: Document11\n" + filled, encoding="utf-8")
    settings = replace(soap(tmp_path), wsdl=str(ERPSIM))
    assert create_soap(settings).capabilities("shipments").tells_changes
