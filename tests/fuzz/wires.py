"""The ERPs of the fuzzer: every kind of SOAP port, NetSuite, and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from adapters.rest import generic as rest
from adapters.soap import generic as soap
from sidecar.ports import ErpAdapter
from sidecar.testing.sample_order import placed, simple_order
from tests.contract import netsuite_bench, soap_peer
from tests.contract.netsuite_server import OWN_WSDL
from tests.contract.scripted_server import Received
from tests.fuzz import json_mutations, xml_mutations
from tests.fuzz.erp import NUMBER, Wire

_ENVELOPES = {
    "11": ("http://schemas.xmlsoap.org/soap/envelope/", "http://schemas.xmlsoap.org/wsdl/soap/"),
    "12": ("http://www.w3.org/2003/05/soap-envelope", "http://schemas.xmlsoap.org/wsdl/soap12/"),
}
_WSDL = (Path(__file__).parent / "orders.wsdl").read_text("utf-8")
_REF = placed(simple_order()).ref
#: Lines that say no by a truth value, and lines that say no to all but one word.
_LINES = {
    "truth": ("=response.body.Success", "=not response.body.Success"),
    "word": ("=response.body.Code == 'OK'", "=response.body.Code != 'OK'"),
}
_CALLS = """
orders:
  push:
    on: [order.placed]
    call: {operation: Book, body: {Ref: =ref, Total: =order.grand_total}}
    answer:
      accepted: %s
      rejected: %s
      retry: =response.fault.code == 'Server'
      reference: =response.body.Number
      total: =response.body.Total
      message: =response.body.Message | default(response.fault.message)
  probe:
    call: {operation: Find, body: {Ref: =ref}}
    answer: {ok: =not response.fault, found: =response.body.Order}
    each: {external: =item.Ref, reference: =item.Number, total: =item.Total}
"""
_RESULT = (
    f"<x:Success>true</x:Success><x:Code>OK</x:Code><x:Number>{NUMBER}</x:Number>"
    "<x:Total>70.78</x:Total>"
)
_ORDER = (
    f"<x:Order><x:Ref>{_REF}</x:Ref><x:Number>{NUMBER}</x:Number><x:Total>70.78</x:Total></x:Order>"
)


def soap_wire(style: str, version: str) -> Wire:
    """`style` is document or rpc, `version` 11 or 12."""
    envelope = _ENVELOPES[version][0]

    def written(operation: str, inner: str) -> bytes:
        if style == "rpc":
            # As PHP and Axis write it: parts and what is in them without namespace, with types.
            inner = inner.replace("x:", "").replace("<Number>", '<Number xsi:type="xsd:string">')
            inner = f'<return xsi:type="x:{operation}Result">{inner}</return>'
        return (
            f'<s:Envelope xmlns:s="{envelope}" xmlns:x="urn:fuzz" '
            'xmlns:xsd="http://www.w3.org/2001/XMLSchema" '
            'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><s:Body>'
            f"<x:{operation}Response>{inner}</x:{operation}Response></s:Body></s:Envelope>"
        ).encode()

    return Wire(
        written("Book", _RESULT),
        written("Find", _ORDER),
        "text/xml; charset=utf-8" if version == "11" else "application/soap+xml",
        "Order",
        xml_mutations.mutated,
        lambda received: b":Find" in received.body,
    )


def soap_adapter(style: str, version: str, lines: str) -> Callable[[Path, str], ErpAdapter]:
    """What makes the adapter of a port."""

    def make(folder: Path, url: str) -> ErpAdapter:
        parts = "rpc" if style == "rpc" else "document"
        wsdl, calls = folder / "orders.wsdl", folder / "calls.yaml"
        wsdl.write_text(
            _WSDL.replace("SOAP-WSDL", _ENVELOPES[version][1])
            .replace("STYLE", style)
            .replace(f"-{parts}", ""),
            "utf-8",
        )
        calls.write_text(_CALLS % _LINES[lines], "utf-8")
        return soap.create(soap_peer.adapter_settings(calls, url, wsdl=str(wsdl)))

    return make


def netsuite_wire(booked: bytes, found: bytes) -> Wire:
    """Of answers that a NetSuite gave."""

    def asks(received: Received) -> bool:
        return b"getList" in received.body

    return Wire(booked, found, "text/xml", "record", xml_mutations.mutated, asks)


def netsuite_adapter(folder: Path, url: str) -> ErpAdapter:
    """The adapter that the answers of `netsuite_wire` are for."""
    calls = netsuite_bench.written(folder, netsuite_bench.SINGLE)
    return netsuite_bench.make_adapter(calls, url, OWN_WSDL)


_JSON_CALLS = """
orders:
  push:
    on: [order.placed]
    call: {method: POST, path: /orders, json: {ref: =ref, total: =order.grand_total}}
    answer:
      accepted: %s
      rejected: %s
      reference: =response.body.order.number
      total: =response.body.order.total
  probe:
    call: {method: GET, path: /orders, query: {ref: =ref}}
    answer: {ok: =response.status == 200, found: =response.body.items}
    each: {external: =item.ref, reference: =item.number, total: =item.total}
"""
_JSON_LINES = {
    "truth": ("=response.body.success", "=not response.body.success"),
    "word": ("=response.body.code == 'OK'", "=response.body.code == 'REFUSED'"),
    "status": ("=response.status == 201", "=response.status == 422"),
}


def json_wire() -> Wire:
    """An ERP that answers in JSON."""
    document = {"ref": _REF, "number": NUMBER, "total": 70.78}
    return Wire(
        json.dumps({"success": True, "code": "OK", "order": document}).encode(),
        json.dumps({"count": 1, "items": [document]}).encode(),
        "application/json",
        "items",
        json_mutations.mutated,
        lambda received: received.head.startswith("GET"),
        status=201,
    )


def json_adapter(lines: str) -> Callable[[Path, str], ErpAdapter]:
    """What makes the adapter for it."""

    def make(folder: Path, url: str) -> ErpAdapter:
        calls = folder / "calls.yaml"
        calls.write_text(_JSON_CALLS % _JSON_LINES[lines], "utf-8")
        return rest.create(soap_peer.adapter_settings(calls, url, wsdl=None))

    return make
