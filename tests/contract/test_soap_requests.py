"""What a mapping becomes on the wire, and what is refused before anything is sent."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from adapters.soap import generic
from sidecar.model.errors import ConfigurationError
from sidecar.model.outcome import Accepted, Unmapped
from sidecar.testing.sample_order import SampleLine, placed, sample_order
from tests.contract.soap_peer import (
    CALLS,
    LEGACY,
    SOAP,
    WSDLS,
    accepting,
    adapter_settings,
    answering,
    envelope,
    peer,
)

SAVED = envelope('<SaveResponse xmlns="urn:legacy"><Saved>true</Saved></SaveResponse>')


def save(body: str, head: str = "") -> str:
    """A file that sends the Save operation with this body (YAML on one line)."""
    return f"""
{head}
orders:
  push:
    on: [order.placed]
    call: {{operation: Save, body: {body}}}
    answer: {{accepted: =response.body, reference: =ref}}
"""


def sent(folder: Path, body: str, head: str = "") -> Any:
    """The Save element as it went over the wire."""
    with peer(folder, answering(200, SAVED), save(body, head)) as at:
        told = at.push()
        assert isinstance(told, Accepted), told
        return at.envelope.find(".//t:Save", SOAP)


def problem(folder: Path, calls: str) -> str:
    """What the file's refusal says."""
    path = folder / "calls.yaml"
    path.write_text(calls)
    with pytest.raises(ConfigurationError) as wrong:
        generic.create(adapter_settings(path, ""))
    return wrong.value.message


def test_the_envelope_is_the_wsdls(tmp_path: Path) -> None:
    with peer(tmp_path, accepting) as at:
        at.adapter.push([placed(sample_order("000000042", [SampleLine("A&B", price="19.9900")]))])

        received, root = at.received, at.envelope

    assert received.header("SOAPAction") == '"urn:CreateOrder"'
    assert received.header("Content-Type") == "text/xml; charset=utf-8"
    assert root.findtext("s:Header/t:ClientId", None, SOAP) == "magento"
    assert root.findtext(".//t:ExternalId", None, SOAP) == "000000042"
    assert root.findtext(".//t:Line/t:Sku", None, SOAP) == "A&B"
    assert root.findtext(".//t:Line/t:Price", None, SOAP) == "19.99"


def test_a_field_that_the_wsdl_wants_and_the_mapping_has_not_is_left_out(tmp_path: Path) -> None:
    with peer(tmp_path, accepting) as at:
        assert isinstance(at.push(), Accepted)
        assert at.envelope.find(".//t:Line/t:Position", SOAP) is None


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ('{Whole: "=order.items[0].qty_ordered"}', "2"),
        ("{Number: =order.grand_total}", "\\d+\\.\\d+"),
        ("{Truth: =order.grand_total > 0}", "true"),
        ("{Text: =order.grand_total}", "\\d+\\.\\d+"),
        ("{Moment: =order.created_at}", "2026-\\d\\d-\\d\\dT[\\d:]+Z"),
    ],
)
def test_a_value_is_written_as_its_type_has_it(tmp_path: Path, body: str, text: str) -> None:
    assert re.fullmatch(text, sent(tmp_path, body)[0].text)


def test_none_is_left_out_where_it_may_be_and_nil_where_it_must(tmp_path: Path) -> None:
    element = sent(tmp_path, "{Text: =none, Nothing: =none}")

    assert element.find("t:Text", SOAP) is None
    [nothing] = element.findall("t:Nothing", SOAP)
    assert nothing.get("{http://www.w3.org/2001/XMLSchema-instance}nil") == "true"


def test_a_list_is_the_element_several_times(tmp_path: Path) -> None:
    element = sent(tmp_path, "{Tags: [a, b]}")

    assert [one.text for one in element.findall("t:Tags", SOAP)] == ["a", "b"]


def test_a_type_is_chosen_by_name_and_has_attributes(tmp_path: Path) -> None:
    body = "{Party: {$type: Company, externalId: =ref, VatNumber: DE1, Name: =none}}"
    party = sent(tmp_path, body).find("t:Party", SOAP)

    kind = party.get("{http://www.w3.org/2001/XMLSchema-instance}type")
    assert kind.rpartition(":")[2] == "Company"
    assert party.get("externalId") == "000000042"
    assert party.findtext("t:VatNumber", None, SOAP) == "DE1"


def test_a_text_with_attributes_is_written_with_its_text_apart(tmp_path: Path) -> None:
    amount = sent(tmp_path, "{Amount: {_value_1: =order.grand_total, unit: EUR}}").find(
        "t:Amount", SOAP
    )
    bare = sent(tmp_path, "{Amount: '12.50'}").find("t:Amount", SOAP)

    assert (amount.get("unit"), bare.text) == ("EUR", "12.50")


def test_one_of_a_choice_is_sent(tmp_path: Path) -> None:
    element = sent(tmp_path, "{Phone: '1'}")

    assert [one.tag.rpartition("}")[2] for one in element] == ["Phone"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("{Whole: 1.5}", "Save.Whole: a whole number is wanted; round it"),
        ("{Whole: =order.increment_id ~ 'x'}", "Save.Whole: a number is wanted, a text is given"),
        ("{Truth: =order.increment_id}", "Save.Truth: true or false is wanted, a text is given"),
        ("{Text: [a, b]}", "Save.Text: one value is wanted, a list is given"),
        ("{Text: {a: b}}", "Save.Text: one value is wanted, a mapping is given"),
        ("{Party: a}", "Save.Party: a mapping is wanted, a text is given"),
    ],
)
def test_a_value_that_does_not_fit_is_told_by_its_place_and_not_sent(
    tmp_path: Path, body: str, told: str
) -> None:
    with peer(tmp_path, answering(200, SAVED), save(body)) as at:
        outcome = at.push()

        assert isinstance(outcome, Unmapped)
        assert told in outcome.message
        assert at.server.requests == []


@pytest.mark.parametrize(
    ("calls", "told"),
    [
        (
            CALLS.replace("operation: CreateOrder", "operation: CreateOrders"),
            "calls.yaml:6: orders.push.call.operation: the WSDL has no operation 'CreateOrders' "
            "— did you mean 'CreateOrder'?",
        ),
        (
            CALLS.replace("ClientId: magento", "Client: magento"),
            "calls.yaml:7: orders.push.call.header.Client: CreateOrder has no header 'Client'",
        ),
        (
            CALLS.replace("Sku: =item.sku", "Skuu: =item.sku"),
            "calls.yaml:15: orders.push.call.body.request.Lines.Line.$do.Skuu: "
            "the ERP has no field 'Skuu' — did you mean 'Sku'?",
        ),
        ("port: Nope\n" + CALLS, "the WSDL has no port 'Nope'; it has Legacy/Orders"),
        (
            CALLS.replace("=response.fault.code in", "=response.fault.kode in"),
            "fault has no field 'kode' — did you mean 'code'?",
        ),
        (
            CALLS.replace("=response.body.OrderNo", "=response.xml.xpath('//[') | first"),
            "response.xml.xpath: '//[' is no XPath",
        ),
        (
            CALLS.replace("=response.body.OrderNo", "=response.xml.xpath(ref) | first"),
            "response.xml.xpath takes one text in quotation marks",
        ),
        (
            CALLS.replace("=response.body.OrderNo", "=response.body.lower()"),
            "calls are not allowed",
        ),
        (
            CALLS.replace("ClientId: magento", "ClientId: =secret.key"),
            "secret has no field 'key'",
        ),
    ],
)
def test_a_mistake_of_the_file_is_told_when_it_is_loaded(
    tmp_path: Path, calls: str, told: str
) -> None:
    assert told in problem(tmp_path, calls)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("<html><body>Log in</body></html>", "is no WSDL but <html>"),
        ("<html><body>Log in", "is no XML"),
        ("host.example.com", "is no XML"),
        ("", "is no XML"),
        (LEGACY.read_text().replace("<wsdl:portType", "<wsdl:nothing"), "is no XML"),
        (
            LEGACY.read_text().replace('binding="t:Orders"', 'binding="t:No"'),
            "has no service with a SOAP port",
        ),
    ],
)
def test_a_file_that_is_no_wsdl_is_told(tmp_path: Path, content: str, told: str) -> None:
    page = tmp_path / "login.html"
    page.write_text(content)
    calls = tmp_path / "calls.yaml"
    calls.write_text(CALLS)

    with pytest.raises(ConfigurationError) as wrong:
        generic.create(adapter_settings(calls, "", wsdl=str(page)))

    assert f"login.html: {told}" in wrong.value.message


def test_a_header_of_all_calls_may_be_one_that_the_wsdl_does_not_declare(tmp_path: Path) -> None:
    head = "header: {'{urn:tenant}Tenant': {Name: north, Empty: =none}, ClientId: shop}"
    with peer(tmp_path, accepting, head + CALLS.replace("header: {ClientId: magento}", "")) as at:
        at.push()
        root = at.envelope

    assert root.findtext("s:Header/{urn:tenant}Tenant/{urn:tenant}Name", None, SOAP) == "north"
    assert root.find("s:Header/{urn:tenant}Tenant/{urn:tenant}Empty", SOAP) is None
    assert root.findtext("s:Header/t:ClientId", None, SOAP) == "shop"


def test_rpc_encoded_is_sent_without_the_internet_and_read_from_the_raw_reply(
    tmp_path: Path,
) -> None:
    calls = """
orders:
  push:
    on: [order.placed]
    call:
      operation: createOrder
      body:
        order:
          ref_ext: =ref
          lines:
            $each: item in order.items if item.is_sellable
            $do: {sku: =item.sku, qty: =item.qty_ordered}
    answer:
      accepted: =response.body.result.result_code == 'OK'
      reference: "=response.xml.xpath('//id') | first"
"""
    content = envelope(
        '<n:createOrderResponse xmlns:n="urn:encoded"><result><result_code>OK</result_code>'
        "</result><id>17</id></n:createOrderResponse>"
    )
    wsdl = str(WSDLS / "encoded.wsdl")
    with peer(tmp_path, answering(200, content), calls, wsdl=wsdl) as at:
        told = at.push()

        assert isinstance(told, Accepted), told
        assert told.booked.reference == "17"
        lines = at.envelope.findall(".//lines/line")
        assert [one.findtext("qty") for one in lines] == ["2", "3"]
        assert at.envelope.find(".//note") is None
