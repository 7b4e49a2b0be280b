"""Steps around a call, over real sockets: a session, what is found or made first, what follows."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.rest import generic
from sidecar.domains import SPECS
from sidecar.domains.orders.spec import SPEC
from sidecar.model.event import Event, schema_urn
from sidecar.model.outcome import (
    Accepted,
    Misconfigured,
    Outcome,
    Partial,
    Rejected,
    Retry,
    Taken,
    Unfinished,
    Unmapped,
)
from sidecar.model.secret import Secret
from sidecar.ports import AdapterSettings, Delivery, ErpAdapter, Link, PushCall, ShopContext
from sidecar.testing.sample_order import simple_order
from tests.contract.scripted_server import Received, answer, scripted_server

CALLS = """
login:
  call: {method: POST, path: /login, json: {password: =secret.password}}
  answer: {ok: =response.status == 200, token: =response.body.token, message: =response.body.error}
  headers: {X-Session: =token}
  renew: =response.status == 401
orders:
  push:
    on: [order.placed]
    first:
      - as: product
        $each: item in order.sellable_items
        key: =item.sku
        keep: 1h
        find:
          call: {method: GET, path: /products, query: {sku: =item.sku}}
          answer: {ok: =response.status == 200, found: =response.body.items, value: =item.id}
      - as: customer
        find:
          call: {method: GET, path: /customers, query: {email: =order.customer_email}}
          answer: {ok: =response.status == 200, found: =response.body.items, value: =item.id}
        else:
          call: {method: POST, path: /customers, json: {email: =order.customer_email}}
          answer:
            accepted: =response.status == 201
            rejected: =response.status == 422
            value: =response.body.id
            message: =response.body.error
    call:
      method: POST
      path: /orders
      json: {ref: =ref, customer: =first.customer, product: "=first.product[order.items[0].sku]"}
    answer:
      accepted: =response.status == 201
      accepted_ask: =response.status == 202
      rejected: =response.status == 422
      reference: =response.body.number
      key: =response.body.id
      status: =response.body.state
      message: =response.body.error
    then:
      - as: validate
        unless: =link.status == 'VALIDATED'
        call: {method: POST, path: "='/orders/' ~ link.key ~ '/validate'"}
        answer:
          accepted: =response.status == 200
          rejected: =response.status == 422
          throttled: =response.status == 429
          misconfigured: =response.status == 403
          status: =response.body.state
          total: =response.body.total
          message: =response.body.error
  probe:
    call: {method: GET, path: /orders, query: {ref: =ref}}
    answer:
      ok: =response.status == 200
      found: =response.body.items
      message: =response.body.error
    each: {external: =item.ref, reference: =item.number, key: =item.id, status: =item.state}
"""
TOKEN = "a-token-of-a-session"
DRAFT = {"number": "SO-1", "id": 17, "state": "DRAFT", "ref": "000000042"}


@dataclass
class Erp:
    """What it answers, by method and path; a list is answered in turn, the last one for good."""

    answers: dict[str, object] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, received: Received) -> Iterable[bytes] | None:
        method, target, _ = received.head.split(" ", 2)
        place = f"{method} {target.partition('?')[0].removeprefix('/api')}"
        with self.lock:
            given = {**USUAL, **self.answers}[place]
            told = (
                given[min(self.seen[place], len(given) - 1)] if isinstance(given, list) else given
            )
            self.seen[place] += 1
        if told is None:
            return None
        status, body = told  # type: ignore[misc]
        return answer(status, json.dumps(body))


USUAL: dict[str, object] = {
    "POST /login": (200, {"token": TOKEN}),
    "GET /products": (200, {"items": [{"id": 5}]}),
    "GET /customers": (200, {"items": [{"id": 7}]}),
    "POST /customers": (201, {"id": 8}),
    "POST /orders": (201, DRAFT),
    "POST /orders/17/validate": (200, {"state": "VALIDATED", "total": 23.8}),
    "GET /orders": (200, {"items": [DRAFT]}),
}


def adapter_of(folder: Path, url: str, calls: str = CALLS, absence: float = 0.0) -> ErpAdapter:
    path = folder / "calls.yaml"
    path.write_text(calls, "utf-8")
    return generic.create(
        AdapterSettings(
            url,
            5,
            2,
            ShopContext("main", UTC),
            calls=path,
            secrets={"password": Secret("geheim-1234")},
            insecure=True,
            trust_absence_after=absence,
            domains=SPECS,
        )
    )


def placed(link: Link | None = None, *, unfinished: bool = False) -> Delivery:
    number = "000000042"
    event = Event(
        id=f"main.order.{int(number)}.1",
        type="order.placed",
        source="/magento/main",
        subject=f"order/{number}",
        time=datetime(2026, 3, 28, tzinfo=UTC),
        dataschema=schema_urn(SPEC.event("order.placed")),
        data=simple_order(number),
        sequence=1,
    )
    return Delivery(event, number, link, unfinished=unfinished)


def outcome_of(calls: Iterable[PushCall]) -> Outcome:
    [result] = [result for call in calls for result in call.results]
    return result.outcome


def test_an_order_goes_with_what_was_found_and_is_finished(tmp_path: Path) -> None:
    erp = Erp()
    with scripted_server(erp) as server:
        adapter = adapter_of(tmp_path, server.url)
        outcome = outcome_of(adapter.push([placed()]))
        sent = [
            json.loads(one.body)
            for one in server.requests
            if one.head.startswith("POST /api/orders ")
        ]
        sessions = {one.header("X-Session") for one in server.requests[1:]}
        adapter.close()

    assert isinstance(outcome, Accepted)
    assert (outcome.booked.status, outcome.booked.reference, outcome.booked.key) == (
        "VALIDATED", "SO-1", "17",
    )  # fmt: skip
    assert str(outcome.booked.total) == "23.8"
    assert sent == [{"ref": "000000042", "customer": 7, "product": 5}]
    assert sessions == {TOKEN}
    assert erp.seen["POST /login"] == 1
    assert erp.seen["POST /customers"] == 0


def test_the_session_is_made_once_for_many_threads(tmp_path: Path) -> None:
    erp = Erp()
    with scripted_server(erp) as server:
        adapter = adapter_of(tmp_path, server.url)
        threads = [
            threading.Thread(target=lambda: adapter.probe("orders", ["000000042"]))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        adapter.close()

    assert erp.seen["POST /login"] == 1
    assert erp.seen["GET /orders"] == 8


@pytest.mark.parametrize(
    "place", ["GET /products", "GET /customers", "POST /orders", "GET /orders"]
)
def test_a_session_that_is_over_is_made_anew_and_the_call_made_again(
    tmp_path: Path, place: str
) -> None:
    erp = Erp({place: [(401, {"error": "no session"}), USUAL[place]]})
    with scripted_server(erp) as server:
        adapter = adapter_of(tmp_path, server.url)
        outcome = outcome_of(adapter.push([placed()]))
        assert adapter.probe("orders", ["000000042"])["000000042"]
        adapter.close()

    assert isinstance(outcome, Accepted)
    assert erp.seen["POST /login"] == 2
    assert erp.seen["POST /orders/17/validate"] == 1


def test_a_session_that_is_never_good_does_not_make_a_loop(tmp_path: Path) -> None:
    erp = Erp({"POST /orders": (401, {"error": "no"})})
    with scripted_server(erp) as server:
        adapter = adapter_of(tmp_path, server.url)
        outcome_of(adapter.push([placed()]))
        adapter.close()

    # Other threads may have used up a new session; after five that is no longer believed.
    assert erp.seen["POST /orders"] == 6
    assert erp.seen["POST /login"] == 6


def test_a_login_that_is_refused_stops_the_domain_and_tells_no_secret(tmp_path: Path) -> None:
    erp = Erp({"POST /login": (401, {"error": "geheim-1234 is wrong"})})
    with scripted_server(erp) as server:
        adapter = adapter_of(tmp_path, server.url)
        outcome = outcome_of(adapter.push([placed()]))
        adapter.close()

    assert isinstance(outcome, Misconfigured)
    assert "refuses our login" in outcome.message
    assert "geheim" not in outcome.message
    assert erp.seen["POST /orders"] == 0


def test_a_line_that_looks_for_what_a_good_login_has_not_is_passed_over(tmp_path: Path) -> None:
    erp = Erp({})
    calls = CALLS.replace(
        "token: =response.body.token,",
        "token: =response.body.token, misconfigured: =response.body.refusal.code is string,",
    )
    with scripted_server(erp) as server:
        adapter = adapter_of(tmp_path, server.url, calls)
        outcome = outcome_of(adapter.push([placed()]))
        adapter.close()

    assert isinstance(outcome, Accepted), outcome


@pytest.mark.parametrize("login", [(500, {}), (200, {"token": ""}), (200, {"other": 1}), None])
def test_without_a_session_the_order_waits(tmp_path: Path, login: object) -> None:
    erp = Erp({"POST /login": login})
    with scripted_server(erp) as server:
        adapter = adapter_of(tmp_path, server.url)
        outcome = outcome_of(adapter.push([placed()]))
        adapter.close()

    assert isinstance(outcome, Retry)
    assert outcome.message.count("no session") == 1
    assert erp.seen["POST /orders"] == 0


def test_the_token_is_struck_out_of_what_is_kept_of_an_answer(tmp_path: Path) -> None:
    erp = Erp({"POST /orders": (422, {"error": f"session {TOKEN} has no such right"})})
    with scripted_server(erp) as server:
        adapter = adapter_of(tmp_path, server.url)
        calls = adapter.push([placed()])
        adapter.close()

    assert isinstance(outcome_of(calls), Rejected)
    assert TOKEN not in repr(calls)


def test_what_is_kept_is_asked_once_and_again_after_a_refusal(tmp_path: Path) -> None:
    erp = Erp({"POST /orders": [(201, DRAFT), (422, {"error": "no product 5"}), (201, DRAFT)]})
    with scripted_server(erp) as server:
        adapter = adapter_of(tmp_path, server.url)
        for _ in range(3):
            adapter.push([placed()])
        adapter.close()

    assert erp.seen["GET /products"] == 2 * 2
    assert erp.seen["GET /customers"] == 3


def test_what_the_erp_lacks_refuses_the_order_by_its_name(tmp_path: Path) -> None:
    erp = Erp({"GET /products": (200, {"items": []})})
    with scripted_server(erp) as server:
        adapter = adapter_of(tmp_path, server.url)
        outcome = outcome_of(adapter.push([placed()]))
        adapter.close()

    assert isinstance(outcome, Rejected)
    assert outcome.code == "not_found"
    assert outcome.message == (
        "the ERP has nothing for first.product['24-MB01'], first.product['24-MB02']"
    )
    assert erp.seen["POST /orders"] == 0


def test_of_several_customers_none_is_guessed(tmp_path: Path) -> None:
    erp = Erp({"GET /customers": (200, {"items": [{"id": 7}, {"id": 9}]})})
    with scripted_server(erp) as server:
        adapter = adapter_of(tmp_path, server.url)
        outcome = outcome_of(adapter.push([placed()]))
        adapter.close()

    assert isinstance(outcome, Unmapped)
    assert "calls.yaml:18: orders.push.first.1" in outcome.message
    assert erp.seen["POST /customers"] == 0


@pytest.mark.parametrize(
    "found", [(200, {"items": None}), (200, {"hits": []}), (500, {}), (200, []), None]
)
def test_a_question_that_is_not_understood_makes_nothing(tmp_path: Path, found: object) -> None:
    erp = Erp({"GET /customers": found})
    with scripted_server(erp) as server:
        adapter = adapter_of(tmp_path, server.url)
        outcome = outcome_of(adapter.push([placed()]))
        adapter.close()

    assert isinstance(outcome, Retry)
    assert erp.seen["POST /customers"] == erp.seen["POST /orders"] == 0


def test_a_customer_is_made_once_for_two_orders_while_the_search_lags(tmp_path: Path) -> None:
    erp = Erp({"GET /customers": (200, {"items": []})})
    with scripted_server(erp) as server:
        adapter = adapter_of(tmp_path, server.url, absence=0.5)
        while isinstance(outcome := outcome_of(adapter.push([placed()])), Retry):
            assert erp.seen["POST /customers"] == 0
        second = outcome_of(adapter.push([placed()]))
        adapter.close()

    assert isinstance(outcome, Accepted)
    assert isinstance(second, Accepted)
    assert erp.seen["POST /customers"] == 1


@pytest.mark.parametrize("lost", [None, (500, {"error": "?"}), (201, {"other": 1})])
def test_a_customer_that_was_perhaps_made_is_not_made_again_while_a_search_may_not_show_it(
    tmp_path: Path, lost: object
) -> None:
    erp = Erp({"GET /customers": (200, {"items": []}), "POST /customers": [lost, (201, {"id": 8})]})
    with scripted_server(erp) as server:
        adapter = adapter_of(tmp_path, server.url, absence=3600)
        first = outcome_of(adapter.push([placed()]))
        adapter.close()
        # The first call of a process waits as long; this one has had its time.
        assert isinstance(first, Retry)
        assert erp.seen["POST /customers"] == 0
        adapter = adapter_of(tmp_path, server.url, absence=0.0)
        assert isinstance(outcome_of(adapter.push([placed()])), Retry)
        adapter.close()

    assert erp.seen["POST /customers"] == 1
    assert erp.seen["POST /orders"] == 0


@pytest.mark.parametrize(
    ("validated", "cause"),
    [
        (None, "unknown"), ((500, {}), "unknown"), ((429, {"error": "slow"}), "throttled"),
        ((403, {}), "misconfigured"),
    ],
)  # fmt: skip
def test_an_order_whose_step_is_not_done_is_unfinished(
    tmp_path: Path, validated: object, cause: str
) -> None:
    erp = Erp({"POST /orders/17/validate": validated})
    with scripted_server(erp) as server:
        adapter = adapter_of(tmp_path, server.url)
        outcome = outcome_of(adapter.push([placed()]))
        adapter.close()

    assert isinstance(outcome, Unfinished)
    assert (outcome.booked.reference, outcome.booked.key, outcome.cause) == ("SO-1", "17", cause)
    assert outcome.message.startswith("then.validate: ")


def test_a_step_that_is_refused_is_told_with_the_erps_words(tmp_path: Path) -> None:
    erp = Erp({"POST /orders/17/validate": (422, {"error": "no such warehouse"})})
    with scripted_server(erp) as server:
        adapter = adapter_of(tmp_path, server.url)
        outcome = outcome_of(adapter.push([placed()]))
        adapter.close()

    assert isinstance(outcome, Partial)
    assert outcome.what == "then.validate was refused: no such warehouse"


@pytest.mark.parametrize(("state", "validations"), [("DRAFT", 1), ("VALIDATED", 0)])
def test_an_unfinished_order_is_gone_on_with_and_not_sent(
    tmp_path: Path, state: str, validations: int
) -> None:
    erp = Erp({"GET /orders": (200, {"items": [{**DRAFT, "state": state}]})})
    with scripted_server(erp) as server:
        adapter = adapter_of(tmp_path, server.url)
        outcome = outcome_of(
            adapter.push([placed(link=Link("SO-1", "DRAFT", key="17"), unfinished=True)])
        )
        adapter.close()

    assert isinstance(outcome, Accepted)
    assert outcome.booked.status == "VALIDATED"
    assert erp.seen["POST /orders"] == 0
    assert erp.seen["POST /orders/17/validate"] == validations
    assert erp.seen["GET /customers"] == 0


@pytest.mark.parametrize("shown", [(200, {"items": []}), (500, {}), None, (200, {"hits": 1})])
def test_an_unfinished_order_that_cannot_be_asked_about_waits(
    tmp_path: Path, shown: object
) -> None:
    erp = Erp({"GET /orders": shown})
    with scripted_server(erp) as server:
        adapter = adapter_of(tmp_path, server.url)
        outcome = outcome_of(adapter.push([placed(link=Link("SO-1"), unfinished=True)]))
        adapter.close()

    assert isinstance(outcome, Unfinished)
    assert outcome.booked.reference == "SO-1"
    assert erp.seen["POST /orders"] == erp.seen["POST /orders/17/validate"] == 0


def test_what_the_erp_took_without_a_number_is_asked_for(tmp_path: Path) -> None:
    erp = Erp({"POST /orders": (202, {})})
    with scripted_server(erp) as server:
        adapter = adapter_of(tmp_path, server.url)
        outcome = outcome_of(adapter.push([placed()]))
        adapter.close()

    assert isinstance(outcome, Taken)


def test_the_words_of_the_erp_stand_in_a_question_that_fails(tmp_path: Path) -> None:
    erp = Erp({"GET /orders": (500, {"error": "index is being rebuilt"})})
    with scripted_server(erp) as server:
        adapter = adapter_of(tmp_path, server.url)
        with pytest.raises(Exception, match="it says: index is being rebuilt"):
            adapter.probe("orders", ["000000042"])
        adapter.close()


def test_a_dry_run_shows_every_step_and_makes_none(tmp_path: Path) -> None:
    erp = Erp()
    with scripted_server(erp) as server:
        adapter = adapter_of(tmp_path, server.url)
        shown = adapter.preview(placed())  # type: ignore[attr-defined]
        assert not server.requests
        asked = adapter.preview(placed(), ask=True)  # type: ignore[attr-defined]
        adapter.close()

    assert [one.step for one in shown] == [
        "first.product['24-MB01'] is asked for", "first.product['24-MB02'] is asked for",
        "first.customer is asked for", "first.customer is made, where there is none",
        "call", "then.validate",
    ]  # fmt: skip
    assert json.loads(shown[4].body or "")["customer"] == "‹first.customer›"
    assert shown[5].request.endswith("/orders/%E2%80%B9link.key%E2%80%BA/validate")
    assert all(one.headers["X-Session"] == "‹token›" for one in shown)
    of_call = next(one for one in asked if one.step == "call")
    assert json.loads(of_call.body or "") == {"ref": "000000042", "customer": 7, "product": 5}
    assert erp.seen["POST /orders"] == erp.seen["POST /customers"] == 0


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("  probe:", "  list:", "add probe to the domain"),
        ("        unless: =link.status == 'VALIDATED'\n", "", "'unless' is missing"),
        ("link.status ==", "link.state ==", "link has no field 'state'"),
        ("        key: =item.sku\n", "", "'key' is missing"),
        ("as: customer", "as: product", "there is a step 'product' already"),
        ("as: customer", "as: the customer", "letters, digits and _ only"),
        ("=first.customer,", "=first.costumer,", "first has no field 'costumer'"),
        ("keep: 1h", "keep: 60", "is no duration"),
        (", value: =item.id}", "}", "'value' is missing"),
        ("  renew: =response.status == 401\n", "", "'renew' is missing"),
        ("=response.body.token,", "=response.body.token, tokn: 1,", "there is no key 'tokn'"),
        ("accepted_ask:", "accepted_aks:", "there is no key 'accepted_aks'"),
        ("on: [order.placed]", "on: [order.placed]\n    batch: 5", "leave out 'batch'"),
    ],
)  # fmt: skip
def test_a_wrong_line_is_told_when_the_file_is_read(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    assert old in CALLS
    with pytest.raises(Exception, match=r"calls\.yaml:") as caught:
        adapter_of(tmp_path, "http://127.0.0.1:1", CALLS.replace(old, new))

    assert problem in str(caught.value)
