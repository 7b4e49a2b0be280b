"""Answers as the SOAP servers of the world write them, each with its own prefixes and habits.

All of them say the same: the order was booked as SO-1, and asked for it is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from sidecar.model.errors import Unavailable
from sidecar.model.outcome import Accepted, Unknown
from sidecar.ports import ErpAdapter
from sidecar.testing.contract_calls import push_all
from sidecar.testing.sample_order import placed, simple_order
from tests.contract.scripted_server import Received, answer, scripted_server
from tests.fuzz.wires import soap_adapter

XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
XSD = 'xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
ENCODING = "http://schemas.xmlsoap.org/soap/encoding/"
REF = "000000042"


def nusoap(operation: str) -> str:
    """Every prefix on the envelope, every value with its type, ISO-8859-1 in its declaration."""
    inner = {
        "Book": '<Success xsi:type="xsd:boolean">true</Success><Code xsi:type="tns:Code">OK</Code>'
        '<Number xsi:type="xsd:string">SO-1</Number>'
        '<Message xsi:nil="true" xsi:type="xsd:string"/>',
        "Find": f'<Order xsi:type="tns:Order"><Ref xsi:type="xsd:string">{REF}</Ref>'
        '<Number xsi:type="xsd:string">SO-1</Number></Order>',
    }[operation]
    return (
        '<?xml version="1.0" encoding="ISO-8859-1"?><SOAP-ENV:Envelope '
        f'SOAP-ENV:encodingStyle="{ENCODING}" xmlns:SOAP-ENV="{ENVELOPE}" {XSD} {XSI} '
        f'xmlns:SOAP-ENC="{ENCODING}" xmlns:tns="urn:fuzz"><SOAP-ENV:Body>'
        f'<ns1:{operation}Response xmlns:ns1="urn:fuzz"><return xsi:type="tns:{operation}Result">'
        f"{inner}</return></ns1:{operation}Response></SOAP-ENV:Body></SOAP-ENV:Envelope>"
    )


def php(operation: str) -> str:
    """PHP's SoapServer: prefixes on the envelope, nil for what is null."""
    inner = {
        "Book": '<Success xsi:type="xsd:boolean">true</Success><Code xsi:type="ns1:Code">OK</Code>'
        '<Number xsi:type="xsd:string">SO-1</Number><Total xsi:nil="true"/>',
        "Find": f'<Order xsi:type="SOAP-ENC:Struct"><Ref>{REF}</Ref><Number>SO-1</Number></Order>',
    }[operation]
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<SOAP-ENV:Envelope xmlns:SOAP-ENV="{ENVELOPE}" '
        f'xmlns:ns1="urn:fuzz" {XSD} {XSI} xmlns:SOAP-ENC="{ENCODING}" '
        f'SOAP-ENV:encodingStyle="{ENCODING}"><SOAP-ENV:Body><ns1:{operation}Response>'
        f'<return xsi:type="ns1:{operation}Result">{inner}</return></ns1:{operation}Response>'
        "</SOAP-ENV:Body></SOAP-ENV:Envelope>\n"
    )


def axis(operation: str) -> str:
    """Axis 1: whatever is no plain value stands behind, under an id."""
    behind = {
        "Book": '<multiRef id="id0" soapenc:root="0" xsi:type="ns2:BookResult" '
        'xmlns:ns2="urn:fuzz"><Success href="#id1"/><Code xsi:type="ns2:Code">OK</Code>'
        '<Number xsi:type="soapenc:string">SO-1</Number></multiRef>'
        '<multiRef id="id1" soapenc:root="0" xsi:type="xsd:boolean">true</multiRef>',
        "Find": '<multiRef id="id0" soapenc:root="0"><Order href="#id1"/></multiRef>'
        f'<multiRef id="id1" soapenc:root="0"><Ref xsi:type="xsd:string">{REF}</Ref>'
        "<Number>SO-1</Number></multiRef>",
    }[operation]
    return (
        f'<soapenv:Envelope xmlns:soapenv="{ENVELOPE}" {XSD} {XSI}><soapenv:Body>'
        f'<ns1:{operation}Response soapenv:encodingStyle="{ENCODING}" xmlns:ns1="urn:fuzz">'
        f'<return href="#id0"/></ns1:{operation}Response>{behind}</soapenv:Body>'
        "</soapenv:Envelope>"
    ).replace("<multiRef ", f'<multiRef xmlns:soapenc="{ENCODING}" ')


def gsoap(operation: str) -> str:
    """gSOAP in RPC: one line, all namespaces of the service on the envelope."""
    return php(operation).replace("SOAP-ENC:Struct", "ns1:Order").replace("\n", "")


def wcf(operation: str) -> str:
    """.NET's WCF: addressing in the header, default namespaces in the middle, nil under `i`."""
    inner = {
        "Book": '<Code>OK</Code><Message i:nil="true"/><Number>SO-1</Number>'
        "<Success>true</Success><Total>70.7800</Total>",
        "Find": f'<Order><Number>SO-1</Number><Ref>{REF}</Ref><Total i:nil="true"/></Order>',
    }[operation]
    return (
        f'<s:Envelope xmlns:s="{ENVELOPE}"><s:Header><Action s:mustUnderstand="1" '
        'xmlns="http://schemas.microsoft.com/ws/2005/05/addressing/none">urn:x</Action></s:Header>'
        f'<s:Body xmlns:u="urn:u"><{operation}Response xmlns="urn:fuzz" '
        'xmlns:i="http://www.w3.org/2001/XMLSchema-instance" '
        'xmlns:z="http://schemas.microsoft.com/2003/10/Serialization/" z:Id="i1">'
        f"{inner}</{operation}Response></s:Body></s:Envelope>"
    )


def asmx(operation: str) -> str:
    """.NET's ASMX: a byte order mark, and prefixes that it does not use."""
    plain = wcf(operation).replace("i:nil", "xsi:nil").replace("xmlns:i=", "xmlns:xsi=")
    return "\ufeff" + plain.replace(' z:Id="i1"', "")


def jax_ws(operation: str) -> str:
    """JAX-WS: numbered prefixes, and what is in the document without a namespace."""
    inner = {
        "Book": "<Success>true</Success><Code>OK</Code><Number>SO-1</Number>",
        "Find": f"<Order><Ref>{REF}</Ref><Number>SO-1</Number></Order>",
    }[operation]
    return (
        "<?xml version='1.0' encoding='UTF-8'?>"
        f'<S:Envelope xmlns:S="{ENVELOPE}"><S:Body><ns2:{operation}Response xmlns:ns2="urn:fuzz" '
        f'xmlns:ns3="urn:never:used">{inner}</ns2:{operation}Response></S:Body></S:Envelope>'
    )


RPC = (nusoap, php, axis, gsoap)
DOCUMENT = (wcf, asmx, jax_ws)
WRITERS = [*(("rpc", one) for one in RPC), *(("document", one) for one in DOCUMENT)]


@contextmanager
def before(folder: Path, style: str, write: Callable[[str], str]) -> Iterator[ErpAdapter]:
    """An adapter before a server that writes so."""

    def script(received: Received) -> Any:
        told = write("Find" if b":Find" in received.body else "Book")
        return answer(200, told, Content_Type="text/xml")

    with (
        scripted_server(script) as server,
        closing(soap_adapter(style, "11", "truth")(folder, server.url)) as adapter,
    ):
        yield adapter


def booked_and_found(adapter: ErpAdapter) -> tuple[Any, Any]:
    order = placed(simple_order())
    [result] = push_all(adapter, [order])
    return result.outcome, adapter.probe("orders", [order.ref])[order.ref]


@pytest.mark.parametrize(("style", "write"), WRITERS)
def test_every_writer_s_answers_are_read(
    tmp_path: Path, style: str, write: Callable[[str], str]
) -> None:
    with before(tmp_path, style, write) as adapter:
        outcome, found = booked_and_found(adapter)

    assert isinstance(outcome, Accepted), outcome
    assert outcome.booked.reference == "SO-1"
    assert [one.reference for one in found] == ["SO-1"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<Number", "<Numero>x</Numero><Number"),
        ("Number", "OrderNumber"),
        ('href="#id1"', 'href="#id9"'),
        ('href="#id1"', 'href="#id0"'),
        ('href="#id0"', ""),
        ('id="id1"', 'id="id0"'),
        ("<multiRef ", "<multiRef added='1' "),
        ("</soapenv:Body>", '<multiRef id="id7"/></soapenv:Body>'),
    ],
)
def test_a_reference_that_leads_nowhere_is_no_answer(tmp_path: Path, old: str, new: str) -> None:
    with before(tmp_path, "rpc", lambda operation: axis(operation).replace(old, new)) as adapter:
        [result] = push_all(adapter, [placed(simple_order())])
        with pytest.raises(Unavailable):
            adapter.probe("orders", [REF])

    assert isinstance(result.outcome, Unknown)


def test_references_that_grow_without_measure_are_refused(tmp_path: Path) -> None:
    """Each of fifty records refers to the next one twice: 2^50 if one followed them."""
    chain = "".join(
        f'<m id="id{n}"><Order href="#id{n + 1}"/><Order href="#id{n + 1}"/></m>' for n in range(50)
    )
    body = f'<r xmlns="urn:fuzz"><return href="#id0"/></r>{chain}<m id="id50"/>'
    told = f'<s:Envelope xmlns:s="{ENVELOPE}"><s:Body>{body}</s:Body></s:Envelope>'
    with (
        before(tmp_path, "rpc", lambda _: told) as adapter,
        pytest.raises(Unavailable, match="does not fit the WSDL"),
    ):
        adapter.probe("orders", [REF])
