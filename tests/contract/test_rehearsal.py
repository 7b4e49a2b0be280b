"""An adapter sends an event to a script: the calls as they would be, and what comes of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from sidecar.app.mapping_tests import adapter_for
from sidecar.model.errors import ConfigurationError
from sidecar.operate.rehearsal.case import ExpectedCall, Head
from sidecar.operate.rehearsal.play import Sent, send, told_of
from sidecar.ports import ShopContext, WireAnswer
from sidecar.testing.sample_order import placed, simple_order

HERE = Path(__file__).parent
SHOP = ShopContext("main", ZoneInfo("Europe/Berlin"))
STEPS = """\
login:
  call: {method: POST, path: /login, json: {user: =secret.user}}
  answer: {ok: =response.status == 200, token: =response.body.token}
  headers: {X-Session: =token}
  renew: =response.status == 401
orders:
  push:
    on: [order.placed]
    first:
      - as: customer
        find:
          call: {method: GET, path: /customers, query: {email: =order.customer_email}}
          answer:
            ok: =response.status == 200
            found: =response.body.items
            value: =item.id
            message: =response.body.error
    call: {method: POST, path: /orders, json: {customer: =first.customer, number: =ref}}
    answer: {accepted: =response.status == 201, reference: =response.body.number}
  probe:
    call: {method: GET, path: /orders, query: {number: =ref}}
    answer: {ok: =response.status == 200, found: =response.body.items}
    each: {reference: =item.number}
"""
SOAP = """\
orders:
  push:
    on: [order.placed]
    call:
      operation: CreateOrder
      header: {login: {client: M2}}
      body:
        order:
          mandant: 7
          externalId: =order.increment_id
          currency: =order.order_currency_code
          customerNumber: C1
          line: {$each: item in order.sellable_items, $do: {sku: =item.sku, qty: =item.qty_ordered}}
    answer: {accepted: =not response.fault, reference: =response.body.number}
"""


def answered(status: int, body: Any) -> ExpectedCall:
    return ExpectedCall("", {}, None, WireAnswer(status, {}, json.dumps(body).encode()))


def sent(head: Head, calls: Path, *answers: ExpectedCall) -> Sent:
    adapter, rehearsing = adapter_for(head, calls)
    try:
        return send(rehearsing, placed(simple_order()), answers)
    finally:
        adapter.close()


def local(tree: Mapping[str, Any]) -> dict[str, Any]:
    """By local names."""
    return {
        name.rpartition("}")[2]: local(value) if isinstance(value, Mapping) else value
        for name, value in tree.items()
    }


def test_logins_and_steps_play_as_they_are_answered(tmp_path: Path) -> None:
    calls = tmp_path / "calls.yaml"
    calls.write_text(STEPS, encoding="utf-8")

    done = sent(
        Head("rest.generic", SHOP, secrets=("user",)),
        calls,
        answered(200, {"token": "T1"}),
        answered(200, {"items": [{"id": "C7"}]}),
        answered(201, {"number": "SO-1"}),
    )

    assert [call.request for call in done.calls] == [
        "POST /login",
        "GET /customers?email=j%C3%BCrgen.%C3%A6r%C3%B8%40example.com",
        "POST /orders",
    ]
    assert done.calls[0].body == {"user": "***"}
    assert done.calls[1].headers == {"X-Session": "T1"}
    assert done.calls[2].body == {"customer": "C7", "number": "000000042"}
    assert told_of(done.outcome) == {"outcome": "accepted", "reference": "SO-1"}


def test_a_session_that_is_over_is_made_anew_in_a_rehearsal_too(tmp_path: Path) -> None:
    calls = tmp_path / "calls.yaml"
    calls.write_text(STEPS, encoding="utf-8")

    done = sent(
        Head("rest.generic", SHOP, secrets=("user",)),
        calls,
        answered(200, {"token": "T1"}),
        answered(401, {}),
        answered(200, {"token": "T2"}),
    )

    assert [call.headers.get("X-Session") for call in done.calls] == [None, "T1", None, "T2"]


def test_an_envelope_is_a_tree_that_names_its_namespaces_where_they_change(tmp_path: Path) -> None:
    calls = tmp_path / "calls.yaml"
    calls.write_text(SOAP, encoding="utf-8")
    wsdl = HERE.parent / "unit" / "interfaces" / "trade.wsdl"

    done = sent(Head("soap.generic", SHOP, wsdl=wsdl), calls)

    [call] = done.calls
    assert call.request == "POST /"
    assert call.headers["SOAPAction"] == '"urn:trade#CreateOrder"'
    [(root, envelope)] = call.body.items()
    assert root == "{http://schemas.xmlsoap.org/soap/envelope/}Envelope"
    [operation] = envelope["Body"]
    assert operation.startswith("{urn:")
    order = local(envelope["Body"])["CreateOrder"]["order"]
    assert order["externalId"] == "000000042"
    assert [local(line)["sku"] for line in order["line"]] == ["24-MB01", "24-MB02"]
    # No answer came, and the ERP may have booked it.
    assert told_of(done.outcome)["outcome"] == "unknown"


def test_netsuite_s_passport_is_the_same_each_time() -> None:
    calls = HERE.parents[1] / "config" / "mappings" / "netsuite-soap.yaml"
    head = Head("soap.netsuite", SHOP, wsdl=HERE / "wsdl" / "suitetalk.wsdl", auth="netsuite_token")

    first, second = sent(head, calls), sent(head, calls)

    assert first.calls == second.calls
    passport = local(first.calls[0].body["{http://schemas.xmlsoap.org/soap/envelope/}Envelope"])
    assert "***" in str(passport["Header"])


def test_an_address_that_is_no_part_of_the_erp_s_is_told_whole(tmp_path: Path) -> None:
    calls = tmp_path / "calls.yaml"
    text = STEPS.partition("orders:")[2].replace("path: /orders,", "path: /a/b,")
    calls.write_text("orders:" + text, encoding="utf-8")

    done = sent(Head("rest.generic", SHOP), calls, answered(200, {"items": [{"id": 1}]}))

    assert done.calls[1].request == "POST /a/b"


def test_an_adapter_that_is_none_or_logs_in_by_http_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no adapter"):
        adapter_for(Head("nothing", SHOP), tmp_path / "calls.yaml")
    with pytest.raises(ConfigurationError, match="basic is no part of the calls"):
        adapter_for(Head("rest.generic", SHOP, auth="basic"), tmp_path / "calls.yaml")
