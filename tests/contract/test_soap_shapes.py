"""`describe` offers, `check` lets pass, the run sends and reads: one tree for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from adapters.contract.field import Field
from adapters.soap.contract import open_contract
from adapters.soap.documents import Documents
from adapters.soap.wsdl import Wsdl
from sidecar.domains import SPECS
from sidecar.model.errors import ConfigurationError
from sidecar.model.outcome import Accepted, Outcome, Unknown, Unmapped
from sidecar.model.secret import Secret
from sidecar.ports import Contract
from tests.contract.soap_peer import WSDLS, adapter_settings, answering, peer

SHAPES = WSDLS / "shapes.wsdl"
SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
BODY = """
        Order-No: =ref
        Bill.To: "=order.billing_address.lastname ~ '\\v\\x01'"
        _id: a-1
        Weight: {_value_1: 1.5, unit: kg}
        Whatever: =order.increment_id
        _value_1: [{Note: first}, {Code: 7}, {Note: last}]
        _value_2:
          - {Key: a, Value: b}
          - {Key: c}
        _value_3:
          - '{urn:more}Extra': {Inner: x}
"""
CALLS = f"""
orders:
  push:
    on: [order.placed]
    call:
      operation: Send
      body:{BODY}
    answer: {{accepted: ACCEPTED, reference: REFERENCE}}
"""
ECHO = (
    "<Order-No>SO-1</Order-No><Bill.To>Müller</Bill.To><_id>7</_id><Weight unit='kg'>1.50</Weight>"
    "<Whatever kind='x'><a>1</a><a>2</a></Whatever><Note>n</Note><Code>3</Code><Note>m</Note>"
    "<Key>k</Key><Value>v</Value><Key>l</Key><Extra xmlns='urn:more'><b>c</b></Extra>"
)


def envelope(inner: str) -> str:
    return (
        f'<s:Envelope xmlns:s="{SOAP_12}"><s:Body><SendResponse xmlns="urn:shapes">{inner}'
        "</SendResponse></s:Body></s:Envelope>"
    )


def calls(reference: str, accepted: str = "true") -> str:
    quoted = '"=' + reference.replace('"', '\\"') + '"'
    return CALLS.replace("REFERENCE", quoted).replace("ACCEPTED", accepted)


def outcome(folder: Path, content: str | bytes, reference: str, accepted: str = "true") -> Outcome:
    script = answering(200, content)
    with peer(folder, script, calls(reference, accepted), wsdl=str(SHAPES)) as at:
        return at.push()


def contract() -> Contract:
    found = open_contract(str(SHAPES), None)
    assert found is not None
    return found


def test_what_describe_offers_is_checked_and_sent(tmp_path: Path) -> None:
    described = "\n".join(contract().describe("Send", [], 4).lines)
    for name in ("Order-No", "Bill.To", "_id", "Weight", "Whatever", "_value_1", "_value_2"):
        assert f"  {name}: " in described

    with peer(tmp_path, answering(200, envelope(ECHO)), calls("ref"), wsdl=str(SHAPES)) as at:
        assert isinstance(at.push(), Accepted)
        sent, kind = at.envelope.find("{*}Body")[0], at.received.header("Content-Type")

    assert contract().check(tmp_path / "calls.yaml", SPECS) == []
    assert [etree.QName(one).localname for one in sent] == [
        "Order-No", "Bill.To", "_id", "Weight", "Whatever", "Note", "Code", "Note", "Key", "Value",
        "Key", "Extra",
    ]  # fmt: skip
    assert kind == "application/soap+xml; charset=utf-8"
    assert sent.findtext("{*}Bill.To").isprintable()
    assert sent.find("{*}Weight").get("unit") == "kg"
    assert sent.findtext("{urn:more}Extra/{urn:more}Inner") == "x"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("{Order-No: a, _value_3: ['<x/>']}", "any element"),
        ("{Order-No: a, Whatever: {a: b}}", "not a mapping"),
        ("{Order-No: a, _value_1: [text]}", "choice"),
        ("{Order-No: a, Note: text}", "no field 'Note'"),
    ],
)
def test_what_check_refuses_the_run_refuses_too(tmp_path: Path, body: str, told: str) -> None:
    text = calls("ref").replace(BODY, f" {body}")
    path = tmp_path / "calls.yaml"
    path.write_text(text)
    assert any(told in one.text for one in contract().check(path, SPECS) if one.severity == "error")

    # A name that does not exist is seen before any order comes.
    at_start = pytest.raises(ConfigurationError, match="Note") if "Note:" in body else nullcontext()
    with at_start, peer(tmp_path, answering(200, ""), text, wsdl=str(SHAPES)) as at:
        assert isinstance(at.push(), Unmapped)
        assert not at.server.requests


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("response.body['Order-No']", "SO-1"),
        ("response.body['Bill.To']", "Müller"),
        ("response.body._id", "7"),
        ("response.body.Weight._value_1 ~ response.body.Weight.unit", "1.5kg"),
        ("response.body.Whatever.a[1] ~ response.body.Whatever.kind", "2x"),
        ("response.body.Note | join('+')", "n+m"),
        ("response.body._value_1[1].Code", "3"),
        ("response.body._value_1 | length", "3"),
        ("response.body._value_2[0].Value ~ response.body._value_2[1].Key", "vl"),
        ("response.body.Key | last", "l"),
        ("response.body._value_3[0].Extra.b", "c"),
    ],
)
def test_every_shape_of_an_answer_is_read(tmp_path: Path, reference: str, expected: str) -> None:
    found = outcome(tmp_path, envelope(ECHO), reference)

    assert isinstance(found, Accepted), found
    assert found.booked.reference == expected


@pytest.mark.parametrize(
    "inner",
    [
        ECHO + "<More/>",
        ECHO.replace("Order-No", "OrderNo"),
        ECHO.replace("<Order-No>", "<Order-No>x</Order-No><Order-No>"),
        ECHO.replace("<Code>3", "<Code>three"),
        ECHO.replace("unit=", "units="),
        ECHO.replace("1.50", "<v>1.50</v>"),
        "Notice: undefined" + ECHO,
        ECHO.replace("urn:more", "urn:shapes"),
        "<a>" * 120 + "</a>" * 120 + ECHO,
    ],
)
def test_what_finds_no_place_makes_the_answer_unreadable(tmp_path: Path, inner: str) -> None:
    """Nor does a default stand for it: `| default(…)` is for what is absent."""
    for expression in ("response.body._id", "response.body._id | default('SO-9')"):
        found = outcome(tmp_path, envelope(inner), expression, '"=response.body._id is defined"')
        assert isinstance(found, Unknown)
        assert "does not fit the WSDL" in found.message


def test_what_is_mandatory_and_absent_is_missing_and_what_may_be_is_none(tmp_path: Path) -> None:
    absent = envelope("<_id>7</_id>")

    accepted = "\"=response.body['Bill.To'] is none\""
    assert isinstance(outcome(tmp_path, absent, "response.body._id", accepted), Accepted)
    accepted = "\"=response.body['Order-No'] != 'x'\""
    assert isinstance(outcome(tmp_path, absent, "response.body._id", accepted), Unknown)


@pytest.mark.parametrize(
    ("text", "content_type"),
    [
        ("\n\n" + '<?xml version="1.0"?>' + envelope(ECHO), "text/xml"),
        ("\ufeff \ufeff" + '<?xml version="1.0"?>' + envelope(ECHO), "text/xml"),
        ('<?xml version="1.0" encoding="utf-16"?>' + envelope(ECHO), "text/xml"),
    ],
)
def test_what_stands_before_the_document_says_nothing(
    tmp_path: Path, text: str, content_type: str
) -> None:
    found = outcome(tmp_path, text, "response.body['Bill.To']")

    assert isinstance(found, Accepted), found
    assert found.booked.reference == "Müller"


@pytest.mark.parametrize(
    ("declared", "header", "codec", "is_read"),
    [
        ("", "iso-8859-1", "iso-8859-1", True),
        ("", "windows-1252", "cp1252", True),
        ("iso-8859-1", "utf-8", "iso-8859-1", True),
        ("", "utf-8", "iso-8859-1", False),
        ("utf-16", "", "utf-16", True),
        ("punycode", "", "utf-8", False),
        ("rot13", "", "utf-8", False),
        ("utf-7", "", "utf-8", False),
        ("", "idna", "utf-8", True),
    ],
)
def test_the_charset_is_the_document_s_or_else_the_header_s(
    tmp_path: Path, declared: str, header: str, codec: str, is_read: bool
) -> None:
    first = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    script = answering(
        200,
        (first + envelope(ECHO)).encode(codec),
        **{"Content-Type": f"text/xml;charset={header}"},
    )
    with peer(tmp_path, script, calls("response.body['Bill.To']"), wsdl=str(SHAPES)) as at:
        found = at.push()

    assert isinstance(found, Accepted if is_read else Unknown), found


@pytest.mark.parametrize(
    "xpath", ["number('a')", "1 div 0", "-1 div 0", "number(//nothing)"]
)  # fmt: skip
def test_an_xpath_that_finds_no_number_is_no_answer(tmp_path: Path, xpath: str) -> None:
    accepted = f'"=response.xml.xpath(\\"{xpath}\\") != 1"'
    assert isinstance(outcome(tmp_path, envelope(ECHO), "ref", accepted), Unknown)


def test_prefixes_without_measure_are_refused(tmp_path: Path) -> None:
    many = " ".join(f'xmlns:p{number}="urn:{number}"' for number in range(200))
    told = envelope(ECHO).replace("<SendResponse", f"<SendResponse {many}")

    found = outcome(tmp_path, told, "ref", "\"=response.xml.xpath('true()')\"")

    assert isinstance(found, Unknown)
    assert "declares more than 100 namespaces" in found.message


def test_a_secret_that_xml_cannot_carry_is_named_and_never_altered(tmp_path: Path) -> None:
    path = tmp_path / "calls.yaml"
    path.write_text(calls("ref"))
    token = {"username_token": {"user": "magento", "password": Secret("pa\x01ss")}}
    for further, named in (
        ({"auth": token}, "erp.auth.username_token.password"),
        ({"secrets": {"key": Secret("a\x0bb")}}, "erp.secrets.key"),
    ):
        with (
            pytest.raises(ConfigurationError, match=f"{named}: has a control character"),
            peer(tmp_path, answering(200, ""), path.read_text(), wsdl=str(SHAPES), **further),
        ):
            pass


def _fields(field: Field, depth: int = 0) -> Iterator[Field]:
    yield field
    for one in field.members.fields.values() if depth < 3 else ():
        yield from _fields(one, depth + 1)


def _wsdls() -> list[Any]:
    unit = Path(__file__).parents[1] / "unit" / "interfaces"
    own = [*sorted(WSDLS.glob("*.wsdl")), *sorted(unit.glob("*.wsdl"))]
    return [*own, pytest.param("reports", marks=pytest.mark.shared)]


@pytest.mark.parametrize("place", _wsdls(), ids=str)
def test_every_wsdl_is_described_and_every_name_that_is_offered_can_be_filled(
    place: Path | str, request: pytest.FixtureRequest
) -> None:
    wsdls = [place]
    if place == "reports":
        shared: Path = request.getfixturevalue("shared")
        wsdls = sorted((shared / "reports").glob("*/erp.wsdl"))
    for path in wsdls:
        wsdl = Wsdl.load(str(path), Documents(adapter_settings(Path(), "", wsdl=str(path))))
        for operation in wsdl.operations():
            body = wsdl.messages.body(operation.soap, "input")
            kind_of = operation.body_type
            if body is None or kind_of is None or not hasattr(kind_of, "elements_nested"):
                continue
            offered = {name for name, one in body.field.members.fields.items() if one.writable}
            assert offered <= set(wsdl.filler.plan(kind_of).names), (path, str(operation))
