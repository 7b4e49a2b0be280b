"""`preview` shows what `push` sends, and neither sends anything nor shows a secret."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from adapters.language.filters import ExpressionError
from adapters.rest.generic import create
from adapters.soap.generic import create as create_soap
from sidecar.domains import SPECS
from sidecar.domains.orders.events import ORDER_CANCELED, ORDER_PLACED
from sidecar.model.secret import Secret
from sidecar.ports import AdapterSettings, Preview, Previewing, ShopContext
from sidecar.testing.sample_order import delivery, placed, simple_order
from tests.contract.scripted_server import answer, scripted_server

CALLS = """
orders:
  push:
    on: [order.placed]
    call:
      method: POST
      path: /orders
      query: {shop: =shop.name}
      headers: {Idempotency-Key: =event.id, X-Key: =secret.key}
      json: {number: =order.increment_id, total: =order.grand_total, key: =secret.key}
    answer: {accepted: =response.status == 200, reference: =response.body.number}
"""
SOAP_CALLS = """
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
WSDL = Path(__file__).parents[1] / "unit" / "interfaces" / "trade.wsdl"


def adapter_settings(folder: Path, url: str, calls: str, **more: Any) -> AdapterSettings:
    path = folder / "calls.yaml"
    path.write_text(calls, encoding="utf-8")
    return AdapterSettings(url, 5, 5, ShopContext("main", UTC), calls=path, **more, domains=SPECS)


def preview_of(adapter: object, event: str = ORDER_PLACED) -> Preview | None:
    assert isinstance(adapter, Previewing)
    calls = adapter.preview(delivery(simple_order(), event))
    return calls[-1] if calls else None


def test_what_is_shown_is_what_is_sent(tmp_path: Path) -> None:
    with scripted_server(lambda _: answer(200, '{"number": "SO-1"}')) as server:
        secrets = {"key": Secret("swordfish")}
        asked = adapter_settings(tmp_path, server.url, CALLS, secrets=secrets)
        with closing(create(asked)) as adapter:
            shown = preview_of(adapter)
            assert server.requests == []
            adapter.push([placed(simple_order())])
    (sent,) = server.requests

    assert shown is not None
    assert shown.request == f"POST {server.url}/orders?shop=main"
    assert shown.body == sent.body.decode().replace("swordfish", "***")
    for name, value in shown.headers.items():
        if name == "Content-Length":
            continue  # of a body with the secret in it
        assert value == (sent.header(name) or "").replace("swordfish", "***")
    assert shown.headers["X-Key"] == "***"
    assert '\n  "number": "000000042"' in (shown.shown or "")


@pytest.mark.parametrize(
    ("auth", "header"),
    [
        ({"basic": {"user": "ada", "password": Secret("swordfish")}}, "Basic ***"),
        ({"bearer": {"token": Secret("swordfish")}}, "Bearer ***"),
        (
            {
                "oauth2_client_credentials": {
                    "token_url": "http://localhost:9/token",
                    "client_id": "m2",
                    "client_secret": Secret("swordfish"),
                }
            },
            "Bearer ***",
        ),
    ],
)
def test_a_login_is_named_and_not_shown(
    tmp_path: Path, auth: Mapping[str, Any], header: str
) -> None:
    calls = CALLS.replace(", X-Key: =secret.key", "").replace(", key: =secret.key", "")
    with closing(
        create(adapter_settings(tmp_path, "http://localhost:9", calls, auth=auth))
    ) as adapter:
        shown = preview_of(adapter)

    assert shown is not None
    assert shown.headers["Authorization"] == header
    assert "swordfish" not in str(shown)


def test_an_envelope_is_shown_without_its_password(tmp_path: Path) -> None:
    token = {"user": "ada", "password": Secret("swordfish"), "digest": False, "timestamp": False}
    asked = adapter_settings(
        tmp_path, "", SOAP_CALLS, wsdl=str(WSDL), auth={"username_token": token}
    )
    with closing(create_soap(asked)) as adapter:
        shown = preview_of(adapter)

    assert shown is not None
    assert shown.request == "POST http://localhost:9/trade"
    assert shown.headers["SOAPAction"] == '"urn:trade#CreateOrder"'
    assert "externalId>000000042</" in (shown.body or "")
    assert ">***</" in (shown.body or "")
    assert "swordfish" not in str(shown)
    assert len((shown.shown or "").splitlines()) > 10


@pytest.mark.parametrize("secret", ["swordfish", "ab", 'a"<&>b', "päss wörd+/="])
def test_what_a_filter_makes_of_a_secret_is_not_shown_either(tmp_path: Path, secret: str) -> None:
    filters = (
        "base64", "upper", "lower", "trim", "truncate(30)", "urlencode", "string", "hash",
        "replace('s', 'z')", "hmac('key')",
    )  # fmt: skip
    made = "".join(
        f"        f{number}: \"=('user:' ~ secret.key) | {one}\"\n"
        for number, one in enumerate(filters)
    )
    calls = CALLS.replace(
        "json: {number: =order.increment_id, total: =order.grand_total, key: =secret.key}",
        f"json:\n        plain: =secret.key ~ '!'\n        cut: =secret.key[:3]\n"
        f'        signed: "=order.increment_id | hmac(secret.key)"\n{made}',
    )
    auth = {"header": {"name": "X-Login", "value": Secret("xy")}}
    asked = adapter_settings(
        tmp_path, "http://localhost:9", calls, secrets={"key": Secret(secret)}, auth=auth
    )
    with closing(create(asked)) as adapter:
        shown = preview_of(adapter)

    assert shown is not None
    body = json.loads(shown.body or "")
    assert body["plain"] == "***!"
    assert {value for name, value in body.items() if name != "plain"} == {"***"}
    assert shown.headers["X-Key"] == shown.headers["X-Login"] == "***"


def test_what_is_done_first_is_shown_first(tmp_path: Path) -> None:
    first = """
    first:
      - call: {method: PUT, path: "='/customers/' ~ ref", json: {key: =secret.key}}
        answer: {accepted: =response.status == 200}
"""
    calls = CALLS.replace("    call:\n      method: POST", f"{first}    call:\n      method: POST")
    asked = adapter_settings(
        tmp_path, "http://localhost:9", calls, secrets={"key": Secret("swordfish")}
    )
    with closing(create(asked)) as adapter:
        assert isinstance(adapter, Previewing)
        before, order = adapter.preview(placed(simple_order()))

    assert before.request == "PUT http://localhost:9/customers/000000042"
    assert before.body == '{"key":"***"}'
    assert order.request.startswith("POST http://localhost:9/orders")


def test_nothing_is_shown_of_what_nothing_carries(tmp_path: Path) -> None:
    secrets = {"key": Secret("swordfish")}
    asked = adapter_settings(tmp_path, "http://localhost:9", CALLS, secrets=secrets)
    with closing(create(asked)) as adapter:
        assert preview_of(adapter, ORDER_CANCELED) is None


def test_an_order_that_cannot_be_mapped_is_told_with_its_line(tmp_path: Path) -> None:
    calls = CALLS.replace("=order.grand_total", "=order.increment_id | date('%Y')")
    secrets = {"key": Secret("swordfish")}
    asked = adapter_settings(tmp_path, "http://localhost:9", calls, secrets=secrets)
    with closing(create(asked)) as adapter, pytest.raises(ExpressionError, match=r"calls.yaml:\d+"):
        preview_of(adapter)


FILLED_STEP_BY_STEP = """
orders:
  push:
    on: [order.placed]
    first:
      - as: shipping
        find:
          call: {method: GET, path: /methods}
          answer: {ok: =response.status == 200, found: =response.body, value: =item}
      - as: draft
        call: {method: POST, path: /drafts, json: {method: =first.shipping.id}}
        answer: {accepted: =response.status == 201, value: =response.body.id}
      - as: content
        find:
          call: {method: GET, path: "='/drafts/' ~ first.draft"}
          answer: {ok: =response.status == 200, found: "=[response.body]", value: =item}
      - $each: line in first.content.lines
        key: =line.id
        call: {method: DELETE, path: "='/drafts/' ~ first.draft ~ '/' ~ line.id"}
        answer: {accepted: =response.status == 200}
    call: {method: POST, path: /orders, json: {draft: =first.draft, number: =ref}}
    answer: {accepted: =response.status == 200, reference: =response.body.number}
"""


@pytest.mark.parametrize(("ask", "asked", "method"), [
    (False, [], "‹first.shipping.id›"),
    # Nobody is asked for a draft that was not made.
    (True, ["/api/methods"], "7"),
])  # fmt: skip
def test_what_is_not_known_yet_holds_its_place_in_every_call(
    tmp_path: Path, ask: bool, asked: list[str], method: str
) -> None:
    with (
        scripted_server(lambda _: answer(200, '[{"id": "7"}]')) as server,
        closing(create(adapter_settings(tmp_path, server.url, FILLED_STEP_BY_STEP))) as adapter,
    ):
        assert isinstance(adapter, Previewing)
        shown = adapter.preview(placed(simple_order()), ask=ask)
        requests = [received.target for received in server.requests]

    assert requests == asked
    made = next(one for one in shown if one.step == "first.draft")
    assert json.loads(made.body or "") == {"method": method}
    assert any("not known yet" in one.request for one in shown)
    assert json.loads(shown[-1].body or "") == {"draft": "‹first.draft›", "number": "000000042"}
