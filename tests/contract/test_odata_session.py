"""The token with its cookies, the version of a document, pages: what an OData service wants."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from adapters.erps.sap_s4 import PACK
from adapters.odata import generic
from sidecar.domains import SPECS
from sidecar.model.errors import ConfigurationError, NotReached, NotUnderstood
from sidecar.model.outcome import (
    Accepted,
    Conflict,
    Misconfigured,
    Outcome,
    Rejected,
    Retry,
    Throttled,
)
from sidecar.ports import (
    AdapterSettings,
    Delivery,
    ErpAdapter,
    Link,
    RehearsedCall,
    Rehearsing,
    ShopContext,
    WireAnswer,
)
from sidecar.testing.contract_calls import push_all
from sidecar.testing.erpsim import ErpSimClient, serve_in_thread
from sidecar.testing.sample_order import SHOP, canceled, placed, simple_order
from tests.contract.sap_bench import overlay
from tests.contract.scripted_server import Received, ScriptedServer, answer, scripted_server

CALLS = """
services:
  orders: {path: /SRV, version: 2}
parameters: {sap-client: "100"}
orders:
  push:
    on: [order.placed]
    call: {method: POST, path: /A_Order, json: {Ref: =ref}}
    answer: &answer
      accepted: =response.status in [201, 204]
      rejected: =response.status == 400 and response.error.code is not none
      throttled: =response.status == 429
      conflict: =response.status in [412, 428]
      misconfigured: =response.status in [401, 403, 404]
      reference: =response.document.Order
      message: =response.error.message
      code: =response.error.code
  cancel:
    on: [order.canceled]
    call:
      method: PATCH
      path: "='/A_Order(' ~ (link.reference | odata_text) ~ ')'"
      json: {State: canceled}
    answer:
      accepted: =response.status == 204
      conflict: =response.status in [412, 428]
      rejected: =response.status == 404
      throttled: =response.status == 429
      misconfigured: =response.status in [401, 403]
  probe:
    call:
      method: GET
      path: /A_Order
      query: {filter: "='Ref eq ' ~ (ref | odata_text)", select: "Order,Ref"}
    answer: {ok: =response.status == 200, found: =response.documents}
    each: {external: =item.Ref, reference: =item.Order}
  list:
    call:
      method: GET
      path: /A_Order
      query: {filter: "='Changed ge ' ~ (since | date('%F') | odata_text)"}
    answer: {ok: =response.status == 200, found: =response.documents, next: =response.next}
    each: {external: =item.Ref, reference: =item.Order}
"""
BOOKED = json.dumps({"d": {"Order": "1", "Ref": "000000042"}})
REQUIRED = json.dumps({"error": {"code": "X", "message": {"lang": "en", "value": "no token"}}})
COOKIES = (
    "a=1; path=/; expires=Wed, 09 Jun 2027 10:18:14 GMT, session=abcdefghijklmnopqrstuvw; secure"
)


class Bench:
    """A scripted server and an adapter that talks to it."""

    def __init__(self, server: ScriptedServer, adapter: ErpAdapter) -> None:
        self.server = server
        self.adapter = adapter

    def push(self, number: str = "000000042") -> Outcome:
        return self._one(placed(simple_order(number)))

    def cancel(self) -> Outcome:
        return self._one(canceled(simple_order(), Link("O'1")))

    def _one(self, delivery: Delivery) -> Outcome:
        [pushed] = push_all(self.adapter, [delivery])
        return pushed.outcome

    @property
    def asked(self) -> list[str]:
        """Method and path of each request."""
        return [received.head.partition(" HTTP")[0] for received in self.server.requests]


@contextmanager
def bench(folder: Path, script: Callable[[Received], Any], calls: str = CALLS) -> Iterator[Bench]:
    file = folder / "calls.yaml"
    file.write_text(calls)
    with scripted_server(script) as server, closing(made(file, server.url)) as adapter:
        yield Bench(server, adapter)


def made(file: Path, url: str) -> ErpAdapter:
    shop = ShopContext(SHOP, ZoneInfo("Europe/Berlin"))
    return generic.create(AdapterSettings(url, 5, 10, shop, calls=file, domains=SPECS))


def service(*answers: Any, token: str = "the-token-of-this-session", etag: str = "") -> Any:
    """Gives a token to who asks, and to each change the next of the answers."""
    further = list(answers)

    def script(received: Received) -> Any:
        if received.head.startswith("GET"):
            headers = {"ETag": etag} if etag else {}
            if received.header("x-csrf-token") == "Fetch":
                headers |= {"x_csrf_token": token, "Set_Cookie": COOKIES}
            return answer(200, BOOKED, **headers)
        return further.pop(0) if further else answer(201, BOOKED)

    return script


def test_a_token_is_fetched_before_the_first_change_and_goes_with_its_cookies(
    tmp_path: Path,
) -> None:
    with bench(tmp_path, service()) as erp:
        assert isinstance(erp.push(), Accepted)
        assert isinstance(erp.push("000000043"), Accepted)

        assert erp.asked == [
            "GET /api/SRV/?sap-client=100",
            "POST /api/SRV/A_Order?sap-client=100",
            "POST /api/SRV/A_Order?sap-client=100",
        ]
        for received in erp.server.requests[1:]:
            assert received.header("X-CSRF-Token") == "the-token-of-this-session"
            assert received.header("Cookie") == "a=1; session=abcdefghijklmnopqrstuvw"


def test_a_question_takes_the_token_along(tmp_path: Path) -> None:
    with bench(tmp_path, service()) as erp:
        with pytest.raises(NotUnderstood):
            erp.adapter.probe("orders", ["000000042"])  # the script answers with no list

        assert isinstance(erp.push(), Accepted)
        assert [line.split(" ")[0] for line in erp.asked] == ["GET", "POST"]


def test_a_token_that_is_over_is_fetched_anew_once(tmp_path: Path) -> None:
    over = answer(403, REQUIRED, x_csrf_token="Required")
    with bench(tmp_path, service(answer(201, BOOKED), over, answer(201, BOOKED))) as erp:
        erp.push("000000041")

        assert isinstance(erp.push(), Accepted)
        methods = [line.split(" ")[0] for line in erp.asked]
        assert methods == ["GET", "POST", "POST", "GET", "POST"]


def test_a_service_that_never_takes_its_own_token_stops_the_domain(tmp_path: Path) -> None:
    over = answer(403, REQUIRED, x_csrf_token="Required")
    with bench(tmp_path, service(over, over)) as erp:
        assert isinstance(erp.push(), Misconfigured)
        assert len(erp.asked) == 4


def test_a_403_that_is_not_about_the_token_is_not_sent_again(tmp_path: Path) -> None:
    with bench(tmp_path, service(answer(403, REQUIRED))) as erp:
        assert isinstance(erp.push(), Misconfigured)
        assert [line.split(" ")[0] for line in erp.asked] == ["GET", "POST"]


def test_a_service_that_gives_no_token_wants_none(tmp_path: Path) -> None:
    def script(received: Received) -> Any:
        return answer(200 if received.head.startswith("GET") else 201, BOOKED)

    with bench(tmp_path, script) as erp:
        assert isinstance(erp.push(), Accepted)
        assert erp.server.requests[-1].header("X-CSRF-Token") is None


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        (answer(401, ""), Misconfigured),
        (answer(403, ""), Misconfigured),
        (answer(404, REQUIRED), Misconfigured),
        (answer(429, REQUIRED, Retry_After="7"), Throttled),
        (answer(500, REQUIRED), Retry),
        (answer(503, REQUIRED), Retry),
        (answer(200, "<html>restarting</html>", Content_Type="text/html"), Retry),
        (None, Retry),
    ],
    ids=["401", "403", "404", "429", "500", "503", "a page", "cut"],
)
def test_without_a_token_nothing_was_sent(tmp_path: Path, told: Any, outcome: type) -> None:
    with bench(tmp_path, lambda _: told) as erp:
        became = erp.push()

        assert isinstance(became, outcome), became
        assert all(line.startswith("GET") for line in erp.asked)
        if isinstance(became, Throttled):
            assert became.after == 7
        else:
            assert "CSRF" in became.message


def test_eight_threads_fetch_one_token(tmp_path: Path) -> None:
    with bench(tmp_path, service()) as erp, ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(erp.push, [f"{n:09}" for n in range(1, 25)]))

        assert all(isinstance(outcome, Accepted) for outcome in outcomes)
        assert sum(line.startswith("GET") for line in erp.asked) == 1


def test_the_token_and_the_session_are_secrets(tmp_path: Path) -> None:
    def script(received: Received) -> Any:
        if received.head.startswith("GET"):
            return service()(received)
        echo = f"{received.header('x-csrf-token')} {received.header('Cookie')}"
        told = {"error": {"code": "E", "message": {"lang": "en", "value": echo}}}
        return answer(400, json.dumps(told))

    with bench(tmp_path, script) as erp:
        [pushed] = push_all(erp.adapter, [placed(simple_order())])

        assert isinstance(pushed.outcome, Rejected)
        told = f"{pushed.outcome} {pushed.exchange}"
        assert "the-token-of-this-session" not in told
        assert "abcdefghijklmnopqrstuvw" not in told
        assert "***" in pushed.outcome.message


def test_a_rehearsal_asks_for_no_token_and_goes_nowhere(tmp_path: Path) -> None:
    asked: list[str] = []

    def script(call: RehearsedCall) -> WireAnswer:
        asked.append(call.request)
        return WireAnswer(201, {"Content-Type": "application/json"}, BOOKED.encode())

    with bench(tmp_path, service()) as erp:
        assert isinstance(erp.adapter, Rehearsing)
        now = datetime(2026, 11, 30, tzinfo=UTC)
        outcome = erp.adapter.rehearse(placed(simple_order()), script, now)

        assert isinstance(outcome, Accepted), outcome
        assert asked == ["POST /SRV/A_Order?sap-client=100"]
        assert erp.asked == []


# --- the version ----------------------------------------------------------------------------


def test_a_change_names_the_version_that_it_has_read(tmp_path: Path) -> None:
    with bench(tmp_path, service(answer(204), etag='W/"7"')) as erp:
        assert isinstance(erp.cancel(), Accepted)

        assert erp.asked == [
            "GET /api/SRV/A_Order('O''1')?sap-client=100",
            "PATCH /api/SRV/A_Order('O''1')?sap-client=100",
        ]
        assert erp.server.requests[-1].header("If-Match") == 'W/"7"'


def test_the_version_may_stand_in_the_document(tmp_path: Path) -> None:
    body = json.dumps({"d": {"__metadata": {"etag": 'W/"8"'}, "Order": "1"}})

    def script(received: Received) -> Any:
        return answer(200, body) if received.head.startswith("GET") else answer(204)

    with bench(tmp_path, script) as erp:
        erp.cancel()

        assert erp.server.requests[-1].header("If-Match") == 'W/"8"'


@pytest.mark.parametrize("status", [412, 428])
def test_a_document_that_was_changed_meanwhile_is_a_conflict(tmp_path: Path, status: int) -> None:
    with bench(tmp_path, service(answer(status, REQUIRED), answer(204), etag='W/"7"')) as erp:
        assert isinstance(erp.cancel(), Conflict)

        assert isinstance(erp.cancel(), Accepted)
        assert [line.split(" ")[0] for line in erp.asked] == ["GET", "PATCH", "GET", "PATCH"]


@pytest.mark.parametrize(
    ("told", "outcome"),
    [(answer(404, REQUIRED), Rejected), (answer(500, REQUIRED), Retry), (None, Retry)],
    ids=["404", "500", "cut"],
)
def test_a_document_whose_version_is_not_known_is_not_changed(
    tmp_path: Path, told: Any, outcome: type
) -> None:
    with bench(tmp_path, lambda _: told) as erp:
        assert isinstance(erp.cancel(), outcome)
        assert all(line.startswith("GET") for line in erp.asked)


def test_a_call_that_says_whatever_version_saves_the_question(tmp_path: Path) -> None:
    calls = CALLS.replace(
        "json: {State: canceled}", 'headers: {If-Match: "*"}\n      json: {State: canceled}'
    )
    with bench(tmp_path, service(answer(204), etag='W/"7"'), calls) as erp:
        assert isinstance(erp.cancel(), Accepted)

        assert erp.asked[0] == "GET /api/SRV/?sap-client=100"
        assert erp.server.requests[-1].header("If-Match") == "*"


# --- questions ------------------------------------------------------------------------------


def test_a_reference_with_a_quote_asks_for_nothing_else(tmp_path: Path) -> None:
    rows = json.dumps({"d": {"results": [{"Order": "1", "Ref": "O'N 1"}]}})
    with bench(tmp_path, lambda _: answer(200, rows)) as erp:
        [found] = erp.adapter.probe("orders", ["O'N 1"])["O'N 1"]

        assert found.reference == "1"
        assert erp.asked == [
            "GET /api/SRV/A_Order?$filter=Ref%20eq%20'O''N%201'&$select=Order,Ref&sap-client=100"
        ]


@pytest.mark.parametrize(
    "link",
    [
        "https://erp.internal:44300/sap/opu/SRV/A_Order?sap-client=100&$skiptoken=2",
        "A_Order?sap-client=100&$skiptoken=2",
        "/SRV/A_Order?sap-client=100&$skiptoken=2",
    ],
)
def test_the_link_to_the_next_page_is_followed_on_our_own_host(tmp_path: Path, link: str) -> None:
    def script(received: Received) -> Any:
        further = {} if "skiptoken" in received.target else {"__next": link}
        rows = [{"Order": "1", "Ref": "2" if further else "3"}]
        return answer(200, json.dumps({"d": {"results": rows, **further}}))

    with bench(tmp_path, script) as erp:
        first = erp.adapter.list("orders", placed(simple_order()).event.time)
        second = erp.adapter.list("orders", placed(simple_order()).event.time, first.next)

        assert [row.external for row in (*first.rows, *second.rows)] == ["2", "3"]
        assert second.next is None
        assert erp.asked[-1] == "GET /api/SRV/A_Order?sap-client=100&$skiptoken=2"


def test_a_link_that_leads_out_of_the_service_is_not_followed(tmp_path: Path) -> None:
    with bench(tmp_path, service()) as erp, pytest.raises(NotUnderstood, match="leads out"):
        erp.adapter.list("orders", placed(simple_order()).event.time, "https://other/x?$skip=2")


@pytest.mark.parametrize(
    "body",
    ["<html></html>", "{}", '{"d": {"Order": "1"}}', '{"error": {"code": "1"}}', "[]"],
)
def test_an_answer_without_a_list_never_says_that_there_is_nothing(
    tmp_path: Path, body: str
) -> None:
    with bench(tmp_path, lambda _: answer(200, body)) as erp, pytest.raises(NotUnderstood):
        erp.adapter.probe("orders", ["000000042"])


def test_a_login_that_is_refused_to_a_question_stops_the_domain(tmp_path: Path) -> None:
    with bench(tmp_path, lambda _: answer(401)) as erp, pytest.raises(NotReached) as refused:
        erp.adapter.probe("orders", ["000000042"])

    assert refused.value.lasting


# --- the file -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "instead", "problem"),
    [
        ("services:\n  orders: {path: /SRV, version: 2}\n", "", "'services' is missing"),
        ("path: /SRV, version: 2", "path: SRV, version: 2", "a path behind erp.url"),
        ("version: 2", "version: 3", "there are 2 and 4"),
        ("version: 2", "version: 2, batch: json", "OData 2 knows multipart only"),
        ("version: 2", "version: 2, batch: xml", "'xml' is not known"),
        (
            "  orders: {path: /SRV, version: 2}",
            "  orders: {path: /SRV, version: 2}\n  other: {path: /O, version: 4}",
            "'service' is missing",
        ),
        (
            "{method: POST, path: /A_Order",
            "{service: order, method: POST, path: /A_Order",
            "'order'",
        ),
        ('parameters: {sap-client: "100"}', "parameters: {sap-client: [1]}", "one value"),
        (
            "{method: POST, path: /A_Order, json: {Ref: =ref}}",
            "{changesets: []}",
            "list of requests",
        ),
    ],
)
def test_a_mistake_in_the_file_is_told_with_its_line(
    tmp_path: Path, found: str, instead: str, problem: str
) -> None:
    file = tmp_path / "calls.yaml"
    assert found in CALLS
    file.write_text(CALLS.replace(found, instead))

    with pytest.raises(ConfigurationError, match=r"calls\.yaml:\d+: ") as refused:
        made(file, "http://localhost:1")

    assert problem in refused.value.message


# --- the simulator --------------------------------------------------------------------------


@pytest.fixture
def sap() -> Iterator[ErpSimClient]:
    """An ERP whose sessions end after two changes."""
    with serve_in_thread(session_requests=2) as erp:
        yield erp


def test_sessions_that_end_cost_a_token_and_no_order(sap: ErpSimClient, tmp_path: Path) -> None:
    shop = ShopContext(SHOP, ZoneInfo("Europe/Berlin"))
    settings = AdapterSettings(sap.url, 5, 10, shop, calls=overlay(tmp_path), domains=SPECS)
    with closing(PACK(settings)) as adapter:
        for number in range(1, 8):
            [pushed] = push_all(adapter, [placed(simple_order(f"{number:09}"))])
            assert isinstance(pushed.outcome, Accepted), pushed

    assert [document.external for document in sap.documents()] == [f"{n:09}" for n in range(1, 8)]
