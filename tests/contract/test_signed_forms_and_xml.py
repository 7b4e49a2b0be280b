"""The documented examples over a wire: forms that are trees, a signature, answers in XML."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from adapters.rest import generic
from sidecar.model.errors import ConfigurationError, NotUnderstood
from sidecar.model.outcome import Accepted, Booked, BookedLine, Outcome, Rejected, Unknown
from sidecar.model.secret import Secret
from sidecar.ports import ErpAdapter, Previewing
from sidecar.testing.contract_calls import push_all
from sidecar.testing.sample_order import placed, simple_order
from tests.contract.scripted_server import (
    Received,
    Script,
    answer,
    scripted_server,
)
from tests.contract.soap_peer import WSDLS, answering, envelope, peer
from tests.contract.test_rest_generic_adapter import adapter_settings

DOCS = Path(__file__).parents[2] / "docs"
KEY = "the key of the ERP"
LINES = (
    '<line sku="24-MB01"><qty>2.000</qty><price>11.3300</price></line>'
    '<line sku="24-MB02"><qty>3.000</qty><price>12.3300</price></line>'
)
BOOKED = f"<answer><status>OK</status><number>SO-7</number><lines>{LINES}</lines></answer>"


def example(page: str, behind: str) -> str:
    """The block of YAML behind those words of a page."""
    text = (DOCS / page).read_text("utf-8")
    found = re.search(r"```yaml\n(.*?)```", text[text.index(behind) :], re.DOTALL)
    assert found is not None
    return found[1]


CALLS = example("mapping.md", "### A signature over the body")


@contextmanager
def erp(folder: Path, script: Script, calls: str = CALLS) -> Iterator[tuple[ErpAdapter, Any]]:
    path = folder / "calls.yaml"
    path.write_text(calls)
    with scripted_server(script) as server:
        settings = replace(adapter_settings(path, server.url), secrets={"signing_key": Secret(KEY)})
        with closing(generic.create(settings)) as adapter:
            yield adapter, server


def xml(content: str | bytes, status: int = 200, mime: str = "text/xml") -> Script:
    return lambda _: answer(status, content, Content_Type=mime)


def pushed(adapter: ErpAdapter) -> Outcome:
    [result] = push_all(adapter, [placed(simple_order())])
    return result.outcome


def outcome(folder: Path, content: str | bytes, status: int = 200) -> Outcome:
    with erp(folder, xml(content, status)) as (adapter, _):
        return pushed(adapter)


def probed(folder: Path, content: str, mime: str = "text/xml") -> tuple[Booked, ...]:
    with erp(folder, xml(content, mime=mime)) as (adapter, _):
        return adapter.probe("orders", ["000000042"])["000000042"]


def signature_of(request: Received) -> str:
    text = f"{request.header('X-Time')}.".encode() + request.body
    return hmac.new(KEY.encode(), text, hashlib.sha256).hexdigest()


def test_the_documented_order_is_a_signed_form_and_its_answer_has_lines(tmp_path: Path) -> None:
    with erp(tmp_path, xml(BOOKED)) as (adapter, server):
        told = pushed(adapter)
    [request] = server.requests

    assert parse_qsl(request.body.decode()) == [
        ("ref", "000000042"),
        ("placed", "1774740600"),
        ("due", "2026-04-12"),
        ("skus", "24-MB01 24-MB02"),
        ("lines[0][position]", "10"),
        ("lines[0][sku]", "24-MB01"),
        ("lines[0][qty]", "2.000"),
        ("lines[0][price]", "11.3300"),
        ("lines[1][position]", "20"),
        ("lines[1][sku]", "24-MB02"),
        ("lines[1][qty]", "3.000"),
        ("lines[1][price]", "12.3300"),
    ]
    assert request.header("X-Signature") == signature_of(request)
    assert isinstance(told, Accepted), told
    assert told.booked.reference == "SO-7"
    assert told.booked.items == (
        BookedLine(sku="24-MB01", qty_ordered=Decimal(2), price=Decimal("11.3300")),
        BookedLine(sku="24-MB02", qty_ordered=Decimal(3), price=Decimal("12.3300")),
    )


def test_a_namespace_round_the_answer_changes_nothing(tmp_path: Path) -> None:
    told = outcome(tmp_path, BOOKED.replace("<answer>", '<answer xmlns="urn:erp:2">'))

    assert isinstance(told, Accepted), told
    assert told.booked.items is not None
    assert len(told.booked.items) == 2


@pytest.mark.parametrize(
    ("content", "expected", "said"),
    [
        ("<answer><status>CREDIT</status><message>no</message></answer>", Rejected, "no"),
        ("<answer><state>OK</state></answer>", Unknown, "the XML has no '//status' here"),
        ("<answer><status>OK</status></answer>", Unknown, "has no reference"),
        (BOOKED[:-20], Unknown, "the body is no XML"),
        (BOOKED.replace("<number>", "<status>OK</status><number>"), Unknown, "2 times here"),
        ('{"status": "OK"}', Unknown, "the body is no XML"),
        ("", Unknown, "the body is no XML"),
        (
            "<html><body><status>OK</status><number>1</number></body></html>",
            Unknown,
            "the body is a page of HTML",
        ),
        (
            '<!DOCTYPE a [<!ENTITY n SYSTEM "file:///etc/passwd">]>'
            + BOOKED.replace("SO-7", "&n;"),
            Unknown,
            "DOCTYPE",
        ),
    ],
)
def test_an_answer_that_is_not_what_was_meant_is_no_acceptance(
    tmp_path: Path, content: str, expected: type[Outcome], said: str
) -> None:
    told = outcome(tmp_path, content)

    assert isinstance(told, expected), told
    assert said in told.message


@pytest.mark.parametrize("code", ["", "<status/>", '<status xsi:nil="true"/>'])
def test_nothing_that_is_not_ok_is_no_refusal(tmp_path: Path, code: str) -> None:
    calls = CALLS.replace("in ['CREDIT', 'BLOCKED']", "!= 'OK'")
    content = f'<a xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">{code}</a>'
    with erp(tmp_path, xml(content), calls) as (adapter, _):
        told = pushed(adapter)

    assert isinstance(told, Unknown), told


@pytest.mark.parametrize(
    ("encoding", "mime"),
    [("iso-8859-1", "text/xml; charset=ISO-8859-1"), ("utf-8", "text/xml"), ("utf-16", "text/xml")],
)
def test_an_answer_is_read_in_its_charset(tmp_path: Path, encoding: str, mime: str) -> None:
    content = "<a><status>BLOCKED</status><message>gesperrt für Ø</message></a>".encode(encoding)
    with erp(tmp_path, xml(content, mime=mime)) as (adapter, _):
        told = pushed(adapter)

    assert isinstance(told, Rejected), told
    assert told.message == "gesperrt für Ø"


def test_a_question_finds_nodes(tmp_path: Path) -> None:
    found = '<orders><order ref="000000042"><number>SO-7</number></order></orders>'

    assert [one.reference for one in probed(tmp_path, found)] == ["SO-7"]
    assert probed(tmp_path, "<answer><orders/></answer>") == ()


@pytest.mark.parametrize(
    ("content", "mime"),
    [
        ("<answer><bestellungen/></answer>", "text/xml"),
        ("<error>database down</error>", "text/xml"),
        ("<html><body><orders/></body></html>", "text/html"),
        ("", "text/xml"),
    ],
)
def test_an_answer_without_the_list_is_never_nothing_there(
    tmp_path: Path, content: str, mime: str
) -> None:
    with pytest.raises(NotUnderstood):
        probed(tmp_path, content, mime)


def test_a_query_is_signed_as_well_and_no_key_is_shown(tmp_path: Path) -> None:
    calls = CALLS.replace(
        "path: /import.php\n",
        'path: /import.php\n      query: {sign: "=body | hmac(secret.signing_key)", md5: '
        "\"=body | hash('md5')\"}\n",
    )
    with erp(tmp_path, xml(BOOKED), calls) as (adapter, server):
        assert isinstance(adapter, Previewing)
        [shown] = adapter.preview(placed(simple_order()))
        pushed(adapter)
    [request] = server.requests
    query = dict(parse_qsl(urlsplit(request.target).query))

    assert query["md5"] == hashlib.md5(request.body).hexdigest()
    assert len(query["sign"]) == 44
    assert shown.body == request.body.decode()
    assert shown.headers["X-Signature"] == "***"
    assert "sign=%2A%2A%2A" in shown.request or "sign=***" in shown.request


def test_json_is_signed_byte_by_byte(tmp_path: Path) -> None:
    calls = CALLS.replace("form:\n", "json:\n        name: =order.billing_address.lastname\n")
    with erp(tmp_path, xml(BOOKED), calls) as (adapter, server):
        pushed(adapter)
    [request] = server.requests

    assert request.body.startswith(b'{"name":"')
    assert request.header("X-Signature") == signature_of(request)


def test_a_signature_of_no_body_is_one_of_the_empty_text(tmp_path: Path) -> None:
    calls = """
orders:
  push:
    on: [order.placed]
    call:
      method: POST
      path: /
      headers: {X: "=body | hash"}
      json: {$when: order.grand_total < 0, $do: 1}
    answer: {accepted: true, reference: =response.xml.text('//number')}
"""
    with erp(tmp_path, xml(BOOKED), calls) as (adapter, server):
        pushed(adapter)
    [request] = server.requests

    assert request.header("X") == hashlib.sha256(b"").hexdigest()
    assert request.body == b""


# SOAP

ENCODED = f"""
orders:
  push:
    on: [order.placed]
    call:
      operation: createOrder
      body:
        order:
          ref_ext: =ref
          lines:
            $each: item in order.sellable_items
            $do: {{sku: =item.sku, qty: =item.qty_ordered}}
{example("soap.md", "whose arrays the WSDL calls")}"""
XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
ENC = 'xmlns:enc="http://schemas.xmlsoap.org/soap/encoding/"'
#: As Axis 1 writes it: each value elsewhere, arrays of whatever.
AXIS = envelope(
    f'<n:createOrderResponse xmlns:n="urn:encoded" {XSI} {ENC}><result href="#id0"/><id>17</id>'
    "</n:createOrderResponse>"
    f'<multiRef id="id0" {ENC} enc:root="0"><result_code>OK</result_code><lines href="#id1"/>'
    "</multiRef>"
    f'<multiRef id="id1" {ENC} enc:arrayType="n:line[2]" xmlns:n="urn:encoded">'
    '<item href="#id2"/><item href="#id3"/></multiRef>'
    '<multiRef id="id2"><sku>24-MB01</sku><qty>2</qty><price href="#id4"/></multiRef>'
    '<multiRef id="id3"><sku>24-MB02</sku><qty>3</qty><price>12.33</price></multiRef>'
    '<multiRef id="id4">11.33</multiRef>'
)
#: As NuSOAP writes it: in place.
NUSOAP = envelope(
    f'<n:createOrderResponse xmlns:n="urn:encoded" {XSI} {ENC}><result><result_code>OK'
    '</result_code></result><id>17</id><lines enc:arrayType="n:line[2]">'
    "<line><sku>24-MB01</sku><qty>2</qty><price>11.33</price></line>"
    "<line><sku>24-MB02</sku><qty>3</qty><price>12.33</price></line></lines>"
    "</n:createOrderResponse>"
)


def told_of_soap(folder: Path, content: str) -> Outcome:
    wsdl = str(WSDLS / "encoded.wsdl")
    with peer(folder, answering(200, content), ENCODED, wsdl=wsdl) as at:
        return at.push()


@pytest.mark.parametrize("content", [AXIS, NUSOAP])
def test_lines_of_encoded_soap_are_read_where_its_wsdl_knows_none(
    tmp_path: Path, content: str
) -> None:
    told = told_of_soap(tmp_path, content)

    assert isinstance(told, Accepted), told
    assert told.booked.reference == "17"
    assert told.booked.items == (
        BookedLine(sku="24-MB01", qty_ordered=Decimal(2), price=Decimal("11.33")),
        BookedLine(sku="24-MB02", qty_ordered=Decimal(3), price=Decimal("12.33")),
    )


@pytest.mark.parametrize(
    "cut", ['<multiRef id="id0"', '<multiRef id="id4">', '</multiRef><multiRef id="id3">']
)
def test_encoded_soap_with_a_value_that_is_not_there_is_no_acceptance(
    tmp_path: Path, cut: str
) -> None:
    content = AXIS.replace(cut, cut.replace("id=", "was="))

    told = told_of_soap(tmp_path, content)

    assert isinstance(told, Unknown), told
    assert "refers to what is not in it" in told.message


def test_a_path_that_is_none_is_told_with_its_line(tmp_path: Path) -> None:
    wrong = ENCODED.replace("text('//id')", "text('//id[')")
    path = tmp_path / "calls.yaml"
    path.write_text(wrong)
    line = 1 + next(n for n, text in enumerate(wrong.splitlines()) if "//id[" in text)

    with (
        pytest.raises(ConfigurationError) as refused,
        peer(tmp_path, answering(200, AXIS), wrong, wsdl=str(WSDLS / "encoded.wsdl")),
    ):
        pass

    assert f"calls.yaml:{line}: orders.push.answer.reference: " in refused.value.message
    assert "'//id[' is no XPath" in refused.value.message
