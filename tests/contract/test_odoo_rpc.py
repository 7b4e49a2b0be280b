"""Odoo's JSON-RPC on the wire: the envelope, the session, and what its HTTP 200 hides."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from adapters.erps.odoo_rpc import PACK
from sidecar.domains import SPECS
from sidecar.model.errors import Unavailable
from sidecar.model.outcome import Misconfigured, Outcome, Rejected, Retry, Taken, Unknown
from sidecar.model.secret import Secret
from sidecar.ports import AdapterSettings, ErpAdapter, Link, ShopContext
from sidecar.testing.sample_order import SampleLine, canceled, placed, sample_order
from tests.contract.scripted_server import Received, answer, scripted_server

KEY = "swordfish-of-odoo"
USER = 7
ORDER = sample_order("000000042", [SampleLine("MUG", "2", "9.99")])

#: (model, method, arguments) → what stands beside `jsonrpc` in the answer.
Odoo = Callable[[str, str, dict[str, Any]], dict[str, Any]]


def exception(name: str, message: str = "told by Odoo") -> dict[str, Any]:
    """As Odoo 14 words it: its code is 200 there, 0 in 19."""
    data = {"name": name, "message": message, "arguments": [message]}
    return {"error": {"code": 200, "message": "Odoo Server Error", "data": data}}


def not_loaded(message: str) -> dict[str, Any]:
    """What `load` says of a row that it does not take."""
    return {"result": {"ids": False, "messages": [{"type": "error", "message": message}]}}


def willing(model: str, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Finds everything, and takes an order."""
    if method == "load":
        return {"result": {"ids": [21], "messages": [], "nextrow": 0}}
    return {"result": [{"id": 5}]}


class Wire:
    """The server's side: what came, and a session for who knows the key."""

    def __init__(self, odoo: Odoo) -> None:
        self._odoo = odoo
        self.logins: list[list[Any]] = []
        self.calls: list[tuple[str, str, list[Any], dict[str, Any]]] = []

    def __call__(self, received: Received) -> Iterable[bytes]:
        assert received.target == "/api/jsonrpc"
        parameters = json.loads(received.body)["params"]
        if parameters["service"] == "common":
            self.logins.append(parameters["args"])
            told: dict[str, Any] = {"result": USER if parameters["args"][2] == KEY else False}
        else:
            database, user, key, model, method, ids, arguments = parameters["args"]
            assert (database, user, key) == ("production", USER, KEY)
            self.calls.append((model, method, ids, arguments))
            told = self._odoo(model, method, arguments)
        return answer(200, json.dumps({"jsonrpc": "2.0", "id": None, **told}))


@contextmanager
def spoken_to(wire: Wire, folder: Path, key: str = KEY) -> Iterator[ErpAdapter]:
    own = folder / "own.yaml"
    own.write_text("tables: {odoo: {database: production, user: magento}}\n", "utf-8")
    with scripted_server(wire) as server:
        settings = AdapterSettings(
            server.url, 5, 5, ShopContext("main", UTC),
            calls=own, secrets={"odoo_key": Secret(key)}, domains=SPECS,
        )  # fmt: skip
        with closing(PACK(settings)) as adapter:
            yield adapter


def outcome_of(adapter: ErpAdapter) -> Outcome:
    (*_, last) = adapter.push([placed(ORDER)])
    return last.results[0].outcome


def told_on_load(told: dict[str, Any]) -> Odoo:
    def odoo(model: str, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
        is_order = (model, method) == ("sale.order", "load")
        return told if is_order else willing(model, method, arguments)

    return odoo


def test_calls_travel_as_execute_kw_within_one_session(tmp_path: Path) -> None:
    wire = Wire(willing)
    with spoken_to(wire, tmp_path) as adapter:
        assert isinstance(outcome_of(adapter), Taken)

    assert wire.logins == [["production", "magento", KEY, {}]]
    model, method, ids, arguments = wire.calls[-1]
    assert (model, method, ids) == ("sale.order", "load", [])
    assert arguments["fields"][-1] == "order_line/tax_id/.id"
    assert arguments["data"][0][:2] == ["__magento__.order_000000042", "000000042"]


def test_ids_stand_before_the_named_arguments(tmp_path: Path) -> None:
    wire = Wire(willing)
    with spoken_to(wire, tmp_path) as adapter:
        assert adapter.ping().authorised
        adapter.push([canceled(ORDER, Link("S00021", key="21"))])

    assert wire.calls[0] == ("res.users", "context_get", [], {})
    model, method, ids, arguments = wire.calls[-1]
    assert (model, method, ids) == ("sale.order", "action_cancel", [[5]])
    assert arguments == {"context": {"lang": "en_US", "disable_cancel_warning": True}}


def test_a_wrong_key_stops_the_domain_and_is_not_repeated(tmp_path: Path) -> None:
    wire = Wire(willing)
    with spoken_to(wire, tmp_path, key="wrong") as adapter:
        outcome, ping = outcome_of(adapter), adapter.ping()

    assert (ping.reachable, ping.authorised) == (True, False), ping
    assert isinstance(outcome, Misconfigured)
    assert "knows no such user" in outcome.message
    assert wire.calls == []


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        (exception("odoo.exceptions.UserError"), Rejected),
        (exception("odoo.exceptions.ValidationError"), Rejected),
        (exception("odoo.exceptions.AccessError"), Misconfigured),
        (exception("builtins.ValueError", "Invalid field 'x' on model 'y'"), Misconfigured),
        (exception("psycopg2.errors.SerializationFailure"), Retry),
        (exception("builtins.KeyError"), Unknown),
        ({}, Unknown),
        (not_loaded("No matching record"), Rejected),
        (not_loaded("could not serialize access"), Retry),
    ],
)
def test_what_http_200_hides_is_read(tmp_path: Path, told: dict[str, Any], kind: type) -> None:
    with spoken_to(Wire(told_on_load(told)), tmp_path) as adapter:
        assert isinstance(outcome_of(adapter), kind)


def test_a_question_that_is_answered_with_an_error_is_no_answer(tmp_path: Path) -> None:
    def broken(model: str, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
        return exception("builtins.KeyError")

    with (
        spoken_to(Wire(broken), tmp_path) as adapter,
        pytest.raises(Unavailable, match="the ERP's answer cannot be used"),
    ):
        adapter.probe("orders", ["000000042"])


def test_the_key_comes_back_in_no_word_of_an_answer(tmp_path: Path) -> None:
    told = exception("odoo.exceptions.UserError", f"{KEY} may not")
    with spoken_to(Wire(told_on_load(told)), tmp_path) as adapter:
        calls = adapter.push([placed(ORDER)])

    assert KEY not in repr(calls)
