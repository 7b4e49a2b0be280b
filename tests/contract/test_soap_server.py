"""The SOAP server of the test bench: any WSDL, through real sockets, with a plain zeep client."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
import zeep
from zeep.exceptions import Fault, TransportError

from sidecar.testing.soap_server import Call, Delivery, Handler, Response, SoapFault, SoapServer

WSDL = Path(__file__).parent / "wsdl" / "stock.wsdl"
PORTS = ["Document11", "Document12", "Rpc11", "Rpc12"]
ITEM = {"Sku": "A", "Qty": Decimal("0.333")}
DOCUMENT = "<b:Book xmlns:b='urn:test:stock' xmlns:t='urn:test:types'>{}</b:Book>"
ONE_ITEM = "<b:Item><t:Sku>A</t:Sku><t:Qty>1</t:Qty></b:Item>"
ENVELOPES = {
    "11": "http://schemas.xmlsoap.org/soap/envelope/",
    "12": "http://www.w3.org/2003/05/soap-envelope",
}


@contextmanager
def client_of(url: str, port: str) -> Iterator[Any]:
    """The operations of a port, as a zeep client sees them."""
    with requests.Session() as session:
        client = zeep.Client(url, transport=zeep.Transport(session=session, operation_timeout=20))
        yield client.bind("Stock", port)


def book(call: Call) -> dict[str, Any]:
    """Answers what it was told."""
    items = call.body.Item
    return {"Booked": len(items) if isinstance(items, list) else 1, "Item": items}


@contextmanager
def serving(port: str, answer: Handler = book) -> Iterator[tuple[SoapServer, Any]]:
    """A server of that port with a client of it."""
    handlers = dict.fromkeys(("Book", "BookAgain"), answer)
    with (
        SoapServer.start(WSDL, handlers, port=port) as server,
        client_of(server.wsdl_url, port) as client,
    ):
        yield server, client


def post(server: SoapServer, content: str | bytes, **headers: str) -> requests.Response:
    return requests.post(server.url, data=content, headers=headers, timeout=20)


def envelope(body: str, version: str = "11") -> str:
    return f"<e:Envelope xmlns:e='{ENVELOPES[version]}'><e:Body>{body}</e:Body></e:Envelope>"


@pytest.mark.parametrize("port", PORTS)
def test_a_call_arrives_as_values_and_its_answer_too(port: str) -> None:
    item: Any = [ITEM] if port.startswith("Document") else ITEM

    with serving(port) as (server, client):
        answer = client.Book(Item=item, Note="now", _soapheaders={"ClientId": "shop"})

    assert answer.Booked == 1
    assert zeep.helpers.serialize_object(answer.Item) == item
    [call] = server.requests
    assert (call.operation, call.body.Note) == ("Book", "now")
    assert call.headers == {"ClientId": "shop"}
    assert call.request.headers["content-type"].startswith(
        "application/soap+xml" if port.endswith("12") else "text/xml"
    )


@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize(
    ("code", "shown_11", "shown_12", "status_11", "status_12"),
    [
        ("Client", "soap:Client", "soap:Sender", 500, 400),
        ("Receiver", "soap:Server", "soap:Receiver", 500, 500),
        ("{urn:test:stock}Full", "code:Full", "soap:Sender", 500, 500),
    ],
)
def test_a_fault_is_one_of_the_version(
    port: str, code: str, shown_11: str, shown_12: str, status_11: int, status_12: int
) -> None:
    def refuse(call: Call) -> None:
        detail = server.types.get_element("{urn:test:stock}Refused")(Reason="no room")
        raise SoapFault(code, "not now", detail)

    with serving(port, refuse) as (server, client):
        with pytest.raises(Fault) as raised:
            client.Book(Item=[ITEM] if port.startswith("Document") else ITEM, Note="")
        again = post(server, server.requests[0].request.body)

    assert raised.value.message == "not now"
    assert raised.value.detail.findtext(".//{urn:test:stock}Reason") == "no room"
    assert raised.value.code == (shown_12 if port.endswith("12") else shown_11)
    assert again.status_code == (status_12 if port.endswith("12") else status_11)
    if port.endswith("12") and code.startswith("{"):
        assert [subcode.text for subcode in raised.value.subcodes] == [code]


def test_a_fault_may_have_any_status_and_detail() -> None:
    def refuse(call: Call) -> None:
        raise SoapFault("Server", "later", "why", status=200)

    with serving("Document11", refuse) as (server, client):
        with pytest.raises(Fault, match="later") as raised:
            client.Book(Item=[ITEM])

        assert raised.value.detail.text == "why"
        assert post(server, server.requests[0].request.body).status_code == 200


@pytest.mark.parametrize("version", ["11", "12"])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("<e:Envelope", "no XML"),
        ("", "no XML"),
        ("<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>", "DTD"),
        ("<x/>", "no SOAP envelope"),
        ("{empty}", "no body"),
        ("{nonsense}", "no operation {urn:test:stock}Destroy"),
        ("{unfit}", "Book"),
    ],
)
def test_what_is_no_call_is_the_clients_fault(version: str, content: str, words: str) -> None:
    empty = f"<e:Envelope xmlns:e='{ENVELOPES[version]}'/>"
    unfit = envelope(DOCUMENT.format("<b:Item><t:Sku>A</t:Sku><t:Qty>x</t:Qty></b:Item>"), version)
    nonsense = envelope("<Destroy xmlns='urn:test:stock'/>", version)
    sent = {"{empty}": empty, "{nonsense}": nonsense, "{unfit}": unfit}.get(content, content)

    with SoapServer.start(WSDL, {"Book": book}, port=f"Document{version}") as server:
        answer = post(server, sent)

    assert answer.status_code == (500 if version == "11" else 400)
    assert words in answer.text
    assert (":Client<" if version == "11" else ":Sender<") in answer.text
    assert server.requests == []


def test_the_other_version_of_soap_is_a_mismatch() -> None:
    with SoapServer.start(WSDL, {"Book": book}, port="Document12") as server:
        answer = post(server, envelope(DOCUMENT.format(ONE_ITEM), "11"))

    assert answer.status_code == 500
    assert "VersionMismatch" in answer.text


@pytest.mark.parametrize(
    ("port", "version", "headers"),
    [
        ("Document11", "11", {"SOAPAction": '"urn:test:stock#BookAgain"'}),
        (
            "Document12",
            "12",
            {"Content-Type": 'application/soap+xml; action="urn:test:stock#BookAgain"; x=y'},
        ),
    ],
)
def test_the_action_decides_between_operations_that_share_an_element(
    port: str, version: str, headers: Mapping[str, str]
) -> None:
    body = envelope(DOCUMENT.format(ONE_ITEM), version)

    with serving(port) as (server, _):
        assert post(server, body, **headers).status_code == 200
        assert post(server, body).status_code == 200

    assert [call.operation for call in server.requests] == ["BookAgain", "Book"]


@pytest.mark.parametrize("body", ["", "<Recounted xmlns='urn:test:stock'/>"])
def test_an_action_without_its_body_is_no_call(body: str) -> None:
    with SoapServer.start(WSDL, {"Book": book}, port="Document11") as server:
        answer = post(server, envelope(body), SOAPAction="urn:test:stock#Book")

    assert (answer.status_code, server.requests) == (500, [])
    assert "no operation" in answer.text


def test_an_action_that_contradicts_the_body_is_not_believed() -> None:
    with SoapServer.start(WSDL, {"Book": book}, port="Document11") as server:
        answer = post(
            server, envelope(DOCUMENT.format(ONE_ITEM)), SOAPAction="urn:test:stock#Recount"
        )

    assert (answer.status_code, server.requests[0].operation) == (200, "Book")


@pytest.mark.parametrize("port", ["Document11", "Document12"])
def test_parts_without_an_element_around_them_arrive_and_return(port: str) -> None:
    def move(call: Call) -> dict[str, Any]:
        return {"Moved": call.body.Item, "To": call.body.To}

    with serving(port) as (server, client):
        server.handlers["Move"] = move
        answer = client.Move(Item=ITEM, To="B7")

    assert (answer.Moved.Sku, answer.To) == ("A", "B7")


def test_an_operation_without_an_answer_has_none() -> None:
    with SoapServer.start(WSDL, {"Recount": lambda call: None}, port="Document11") as server:
        answer = post(server, envelope("<Recount xmlns='urn:test:stock'/>"))

    assert (answer.status_code, answer.content) == (202, b"")


def test_an_operation_without_a_handler_is_the_servers_fault() -> None:
    with SoapServer.start(WSDL, port="Document11") as server:
        answer = post(server, envelope(DOCUMENT.format(ONE_ITEM)))

    assert answer.status_code == 500
    assert "no handler for Book" in answer.text


def test_a_derived_type_arrives_and_returns_as_what_it_is() -> None:
    with serving("Document11") as (server, client):
        batch_item = zeep.Client(server.wsdl_url).get_type("{urn:test:types}BatchItem")
        answer = client.Book(Item=[batch_item(**ITEM, Batch="B7"), ITEM])

        assert [getattr(item, "Batch", None) for item in answer.Item] == ["B7", None]
        assert type(server.requests[0].body.Item[0]).__name__ == "BatchItem"


def test_an_answer_may_be_any_bytes() -> None:
    page = Response(200, b"<html><body>restarting</body></html>", "text/html")
    answers = iter([page, Response(200, b"<cut" * 9, delivery=Delivery.TRUNCATED)])

    with serving("Document11", lambda call: next(answers)) as (_, client):
        with pytest.raises((TransportError, zeep.exceptions.Error)):
            client.Book(Item=[ITEM])
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            client.Book(Item=[ITEM])


def test_calls_are_answered_side_by_side() -> None:
    together = threading.Barrier(4, timeout=20)

    def meet(call: Call) -> dict[str, Any]:
        together.wait()
        return book(call)

    def one(number: int) -> str:
        with client_of(server.wsdl_url, "Document11") as client:
            return str(client.Book(Item=[{"Sku": str(number), "Qty": 1}]).Item[0].Sku)

    with serving("Document11", meet) as (server, _), ThreadPoolExecutor(4) as threads:
        assert list(threads.map(one, range(8))) == [str(number) for number in range(8)]


def test_the_wsdl_comes_with_its_schemas_and_the_address_of_the_server() -> None:
    with SoapServer.start(WSDL, {"Book": book}, port="Rpc12") as server:
        loaded = zeep.Client(server.wsdl_url)
        ports = loaded.wsdl.services["Stock"].ports

        assert {ports[name].binding_options["address"] for name in PORTS} == {server.url}
        assert requests.get(f"{server.url}?WSDL", timeout=20).status_code == 200
        assert requests.get(f"{server.url}?xsd=2", timeout=20).text.count("Amount") == 1
        for nowhere in ("?xsd=3", "?xsd=-1", "?xsd=../x", "", "?wsd"):
            assert requests.get(server.url + nowhere, timeout=20).status_code == 404


@pytest.mark.parametrize("port", ["Http", "Document13"])
def test_what_is_no_soap_port_is_not_served(port: str) -> None:
    with pytest.raises(LookupError, match=rf"no SOAP port Stock\.{port}"):
        SoapServer.start(WSDL, service="Stock", port=port)


def test_the_first_soap_port_is_served_where_none_is_named() -> None:
    with SoapServer.start(WSDL, {"Book": book}) as server:
        assert post(server, envelope(DOCUMENT.format(ONE_ITEM))).status_code == 200


@pytest.mark.shared
def test_netsuite_is_served_from_its_own_wsdl(shared: Path) -> None:
    """Records of any type, in the header the token, in a list a partial success."""
    wsdl = shared / "contracts" / "netsuite" / "2023_2" / "netsuite.wsdl"
    if not wsdl.is_file():
        pytest.skip(f"NetSuite's WSDL is not here ({wsdl})")
    numbers: dict[str, str] = {}

    def write(record: Any) -> dict[str, Any]:
        if record.entity is None:
            trouble = {"code": "USER_ERROR", "message": "entity is missing", "type": "ERROR"}
            return {"status": {"isSuccess": False, "statusDetail": [trouble]}}
        internal = numbers.setdefault(record.externalId, str(len(numbers) + 1))
        reference = server.types.get_type(
            "{urn:core_2023_2.platform.webservices.netsuite.com}RecordRef"
        )
        return {"status": {"isSuccess": True}, "baseRef": reference(internalId=internal)}

    def upsert(call: Call) -> dict[str, Any]:
        if call.headers["tokenPassport"].account != "1234567":
            named = "{urn:faults_2023_2.platform.webservices.netsuite.com}invalidCredentialsFault"
            detail = server.types.get_element(named)(code="INVALID_ACCT", message="no such account")
            raise SoapFault("Server", "no such account", detail)
        return {"writeResponse": write(call.body.record)}

    def upsert_list(call: Call) -> dict[str, Any]:
        written = [write(record) for record in call.body.record]
        return {"writeResponseList": {"status": {"isSuccess": True}, "writeResponse": written}}

    handlers = {"upsert": upsert, "upsertList": upsert_list}
    with SoapServer.start(wsdl, handlers, port="NetSuitePort") as server:
        client = zeep.Client(server.wsdl_url)
        order = client.get_type(
            "{urn:sales_2023_2.transactions.webservices.netsuite.com}SalesOrder"
        )
        reference = client.get_type("{urn:core_2023_2.platform.webservices.netsuite.com}RecordRef")
        complete = order(externalId="42", entity=reference(internalId="7"), tranId="000000042")

        def passport(account: str) -> dict[str, Any]:
            signature = {"_value_1": "c2lnbg==", "algorithm": "HMAC-SHA256"}
            keys = {"account": account, "consumerKey": "k", "token": "t", "nonce": "n"}
            return {"tokenPassport": {**keys, "timestamp": 1, "signature": signature}}

        first = client.service.upsert(complete, _soapheaders=passport("1234567"))
        both = client.service.upsertList(
            [complete, order(externalId="43")], _soapheaders=passport("1234567")
        )
        with pytest.raises(Fault, match="no such account") as refused:
            client.service.upsert(complete, _soapheaders=passport("9"))

    assert first.body.writeResponse.baseRef.internalId == "1"
    rows = both.body.writeResponseList.writeResponse
    assert [row.status.isSuccess for row in rows] == [True, False]
    assert rows[0].baseRef.internalId == "1"
    assert refused.value.detail[0].tag.endswith("}invalidCredentialsFault")
    sent = server.requests[0]
    assert (sent.body.record.tranId, sent.headers["tokenPassport"].signature.algorithm) == (
        "000000042",
        "HMAC-SHA256",
    )
