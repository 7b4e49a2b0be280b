"""The ERP simulator over a real socket: what the wire shows and what the books hold."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest

import sidecar.testing.erpsim as erpsim
from sidecar.model.errors import UsageError
from sidecar.testing.erpsim import Document, ErpSimClient, Misbehaviour, serve_in_thread
from sidecar.testing.erpsim.rules import KINDS, Enquiry, Operation, RuleBook
from sidecar.testing.erpsim.wire import HOST

NUMBER = "000000042"
PATIENCE = 10.0
IMPATIENCE = 0.5
"""Read time-outs in seconds; the short one for a client that shall not see a late answer."""


@pytest.fixture
def erp() -> Iterator[ErpSimClient]:
    with serve_in_thread() as running:
        yield running


def order(external: str = NUMBER, **fields: Any) -> dict[str, Any]:
    """An order over 30.96, of which 1.98 is tax."""
    lines = [
        {"lineId": 7, "sku": "A", "quantity": 2, "unitPrice": 9.99, "tax": 1.65},
        {"lineId": 8, "sku": "B", "quantity": 1, "unitPrice": 5.00, "discount": 1, "tax": 0.33},
    ]
    amounts = {"shipping": 5, "tax": 1.98, "total": 30.96}
    return {"externalNumber": external, "currency": "EUR", "lines": lines, **amounts, **fields}


@dataclass(frozen=True)
class Shown:
    """What a client saw: a status, or how the connection failed it."""

    status: int | str
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


def call(
    erp: ErpSimClient,
    method: str,
    path: str,
    payload: Any = None,
    patience: float = PATIENCE,
    **headers: str,
) -> Shown:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = payload if payload is None or isinstance(payload, str) else json.dumps(payload)
    with closing(http.client.HTTPConnection(HOST, erp.port, timeout=patience)) as connection:
        try:
            connection.request(method, f"/api/v2{path}", body, named)
            answer = connection.getresponse()
            content = answer.read()
        except TimeoutError:
            return Shown("too late")
        except http.client.RemoteDisconnected:
            return Shown("closed")
        except http.client.IncompleteRead:
            return Shown("cut short")
    try:
        decoded = json.loads(content, parse_float=Decimal)
    except ValueError:
        decoded = content
    return Shown(answer.status, decoded, dict(answer.headers))


def post(
    erp: ErpSimClient, payload: Any = None, patience: float = PATIENCE, **headers: str
) -> Shown:
    return call(erp, "POST", "/sales-orders", payload or order(), patience, **headers)


def find(erp: ErpSimClient, external: str = NUMBER, **headers: str) -> list[Any]:
    shown = call(erp, "GET", f"/sales-orders?externalNumber={external}", None, PATIENCE, **headers)
    assert shown.status == 200
    items: list[Any] = shown.body["items"]
    return items


def essence(document: Document) -> tuple[str, int, str, str]:
    return document.state, len(document.lines), f"{document.tax:.2f}", f"{document.total:.2f}"


WHOLE = ("OPEN", 2, "1.98", "30.96")
SHOWN = {"number": "SO-100001", "state": "OPEN", "tax": Decimal("1.98"), "total": Decimal("30.96")}


@pytest.mark.parametrize(
    ("misbehaviour", "status", "shown", "booked"),
    [
        ("", 201, SHOWN, [WHOLE]),
        ("accept_then_drop", "closed", None, [WHOLE]),
        ("drop_before", "closed", None, []),
        ("answer_late;seconds=60", "too late", None, [WHOLE]),
        ("slow_body;seconds=60", "too late", None, [WHOLE]),
        ("truncated_body", "cut short", None, [WHOLE]),
        ("error_in_200", 200, {"error.code": "internal"}, []),
        ("error_in_200;status=201", 201, {"error.code": "internal"}, []),
        ("draft_on_201", 201, {"state": "DRAFT"}, [("DRAFT", *WHOLE[1:])]),
        ("duplicate_answer", 409, {"number": "SO-100001"}, [WHOLE]),
        ("wrong_duplicate", 409, {"number": "SO-000000"}, []),
        ("drop_line", 201, {"total": Decimal("26.63")}, [("OPEN", 1, "1.65", "26.63")]),
        ("drop_line;sku=A", 201, {"total": Decimal("9.33")}, [("OPEN", 1, "0.33", "9.33")]),
        ("drop_price", 201, {"total": Decimal("26.96")}, [("OPEN", 2, "1.98", "26.96")]),
        ("drop_price;sku=A", 201, {"total": Decimal("10.98")}, [("OPEN", 2, "1.98", "10.98")]),
        ("drop_tax", 201, {"tax": 0, "total": Decimal("28.98")}, [("OPEN", 2, "0.00", "28.98")]),
        ("rounded_total", 201, {"total": 31}, [("OPEN", 2, "1.98", "31.00")]),
        ("throttle;after=7", 429, {"error.code": "throttled"}, []),
        ("busy", 503, {"error.code": "busy"}, []),
        ("credit_limit", 422, {"error.code": "credit_limit", "error.field": "customer"}, []),
        ("unknown_item", 422, {"error.code": "unknown_item", "error.field": "lines[0].sku"}, []),
        ("unknown_item;sku=B", 422, {"error.field": "lines[1].sku"}, []),
        ("unauthorised", 401, {"error.code": "unauthorised"}, []),
        ("not_found", 404, {"error.code": "not_found"}, []),
        ("html_error", 500, None, []),
        ("html_error;status=200", 200, None, []),
        ("schema_change", 201, {"documentNumber": "SO-100001", "number": None}, [WHOLE]),
        ("schema_change;form=nested", 201, {"document.number": "SO-100001"}, [WHOLE]),
        ("malformed_json", 201, None, [WHOLE]),
        ("server_error_after_booking", 500, {"error.code": "internal"}, [WHOLE]),
        ("conflict", 412, {"error.code": "conflict"}, []),
        ("drop_tax, draft_on_201", 201, {"state": "DRAFT"}, [("DRAFT", 2, "0.00", "28.98")]),
        ("drop_tax, accept_then_drop", "closed", None, [("OPEN", 2, "0.00", "28.98")]),
    ],
)
def test_the_wire_and_the_books_differ_as_the_table_says(
    erp: ErpSimClient,
    misbehaviour: str,
    status: int | str,
    shown: dict[str, Any] | None,
    booked: list[Any],
) -> None:
    patience = IMPATIENCE if status == "too late" else PATIENCE
    answer = post(erp, patience=patience, X_Erpsim=misbehaviour)

    assert answer.status == status
    for path, value in (shown or {}).items():
        assert _at(answer.body, path) == value
    assert shown is not None or not isinstance(answer.body, dict), "no JSON was to be had"
    assert [essence(document) for document in erp.documents()] == booked


def _at(body: Any, path: str) -> Any:
    for name in path.split("."):
        body = body.get(name)
    return body


def test_the_table_of_the_package_names_every_misbehaviour() -> None:
    table = (erpsim.__doc__ or "").partition("the books hold\n")[2].partition("\n\n")[0]

    named = {line.split()[0] for line in table.splitlines() if line[4:5].strip()}

    assert named == {str(name) for name in Misbehaviour} == {str(name) for name in KINDS}


def test_a_slow_body_outlives_the_read_time_out_and_still_arrives(erp: ErpSimClient) -> None:
    slow = f"slow_body;seconds={1.5 * IMPATIENCE}"

    assert post(erp, patience=IMPATIENCE, X_Erpsim=slow).body["total"] == Decimal("30.96")


def test_an_answer_as_html_is_called_html(erp: ErpSimClient) -> None:
    shown = post(erp, X_Erpsim="html_error;status=200")

    assert shown.headers["Content-Type"] == "text/html"
    assert shown.body.startswith(b"<html>")


def test_a_reused_number_belongs_to_another_document(erp: ErpSimClient) -> None:
    post(erp, order("000000041"))

    assert post(erp, X_Erpsim="number_reused").body["number"] == "SO-100001"
    assert [document.number for document in erp.bookings(NUMBER)] == ["SO-100002"]


def test_a_duplicate_answer_does_not_book_again(erp: ErpSimClient) -> None:
    post(erp)

    assert post(erp, X_Erpsim="duplicate_answer").body["number"] == "SO-100001"
    assert len(erp.bookings(NUMBER)) == 1


def test_a_stale_read_misses_the_document_just_booked(erp: ErpSimClient) -> None:
    post(erp)

    assert find(erp, X_Erpsim="stale_read") == []
    assert len(find(erp, X_Erpsim="stale_read")) == 1, "one request later it has caught up"
    assert find(erp, X_Erpsim="stale_read;seconds=3600") == []
    assert len(find(erp)) == 1


def test_a_stale_read_shows_the_state_before_a_change(erp: ErpSimClient) -> None:
    post(erp)
    call(erp, "POST", "/sales-orders/SO-100001/cancel", {})

    assert find(erp, X_Erpsim="stale_read")[0]["state"] == "OPEN"
    assert find(erp)[0]["state"] == "CANCELED"


def bulk(erp: ErpSimClient, *externals: str, **headers: str) -> dict[str, Any]:
    orders = {"orders": [order(external) for external in externals]}
    shown = call(erp, "POST", "/sales-orders/bulk", orders, PATIENCE, **headers)
    assert shown.status == 200
    return {result["externalNumber"]: result for result in shown.body["results"]}


def test_a_batch_answers_one_result_an_order(erp: ErpSimClient) -> None:
    erp.rule("credit_limit", external="2")
    erp.rule("drop_tax", external="3")

    results = bulk(erp, "1", "2", "3")

    assert [results[external]["ok"] for external in "123"] == [True, False, True]
    assert results["2"]["error"]
    assert results["2"]["number"] is None
    assert results["3"]["tax"] == 0
    assert {document.external: document.number for document in erp.documents()} == {
        "1": results["1"]["number"],
        "3": results["3"]["number"],
    }


def test_the_results_of_a_batch_come_in_no_fixed_order(erp: ErpSimClient) -> None:
    externals = [str(number) for number in range(50)]

    assert list(bulk(erp, *externals)) != externals


def test_half_a_batch_is_booked_and_answered(erp: ErpSimClient) -> None:
    assert sorted(bulk(erp, "1", "2", "3", "4", "5", X_Erpsim="half_batch")) == ["1", "2"]
    assert [document.external for document in erp.documents()] == ["1", "2"]


def test_one_poisoned_order_drops_the_whole_batch(erp: ErpSimClient) -> None:
    erp.rule("drop_before", external="3")
    poisoned = {"orders": [order("1"), order("3")]}

    assert call(erp, "POST", "/sales-orders/bulk", poisoned).status == "closed"
    assert erp.documents() == []
    assert bulk(erp, "1")["1"]["ok"]


def test_the_erp_sums_the_lines_and_ignores_the_total_it_was_told(erp: ErpSimClient) -> None:
    lines = [
        {"sku": "A", "quantity": 3, "unitPrice": 9.99, "tax": 2.4725},
        {"sku": "B", "quantity": 7, "unitPrice": 3.3333, "tax": 1.9250},
    ]

    shown = post(erp, {"externalNumber": NUMBER, "lines": lines, "total": 57.70})

    assert (shown.body["tax"], shown.body["total"]) == (Decimal("4.3975"), Decimal("57.70"))
    booked = erp.bookings(NUMBER)[0]
    assert (booked.total, booked.submitted_total) == (Decimal("57.70"), Decimal("57.70"))
    post(erp, {"externalNumber": "2", "lines": lines, "total": 1})
    assert erp.bookings("2")[0].total == Decimal("57.70")


def test_an_answer_and_a_read_show_each_line_with_its_total(erp: ErpSimClient) -> None:
    lines = [{"lineId": 7, "sku": "A", "quantity": 7, "unitPrice": 3.3333, "discount": 1, "tax": 2},
             {"sku": "B", "quantity": 0.333, "unitPrice": 1}]  # fmt: skip

    shown = post(erp, {"externalNumber": NUMBER, "lines": lines}).body["lines"]

    assert shown == find(erp)[0]["lines"]
    assert [line.pop("total") for line in shown] == [Decimal("23.33"), Decimal("0.33")]
    assert shown[0] == lines[0] | {"unitPrice": Decimal("3.3333")}
    assert (shown[1]["lineId"], shown[1]["discount"], shown[1]["tax"]) == (None, 0, 0)


@pytest.mark.parametrize(
    ("misbehaviour", "lines"),
    [
        ("cut_price", [("0.335", "3.33", "1.12"), ("2", "9.99", "19.98")]),
        ("cut_price;places=1", [("0.335", "3.3", "1.11"), ("2", "9.9", "19.80")]),
        ("round_quantity", [("0.34", "3.3366", "1.13"), ("2.00", "9.99", "19.98")]),
        ("round_quantity;places=0", [("0", "3.3366", "0.00"), ("2", "9.99", "19.98")]),
    ],
)
def test_a_figure_that_is_cut_is_booked_and_shown_cut(
    erp: ErpSimClient, misbehaviour: str, lines: list[tuple[str, str, str]]
) -> None:
    sent = [{"sku": "A", "quantity": 0.335, "unitPrice": 3.3366},
            {"sku": "B", "quantity": 2, "unitPrice": 9.99}]  # fmt: skip

    answer = post(erp, {"externalNumber": NUMBER, "lines": sent}, X_Erpsim=misbehaviour)

    shown = [(line["quantity"], line["unitPrice"], line["total"]) for line in answer.body["lines"]]
    assert shown == [tuple(map(Decimal, line)) for line in lines]
    (document,) = erp.documents()
    assert [(line.quantity, line.unit_price, line.total) for line in document.lines] == shown
    assert document.total == sum(line.total for line in document.lines)


def test_money_keeps_every_digit_on_its_way(erp: ErpSimClient) -> None:
    body = json.dumps(order()).replace("9.99", "0.12345678901234567890")

    post(erp, body)

    assert str(erp.documents()[0].lines[0].unit_price) == "0.12345678901234567890"
    assert str(find(erp)[0]["lines"][0]["unitPrice"]) == "0.12345678901234567890"


def test_fields_without_a_meaning_to_the_erp_are_kept(erp: ErpSimClient) -> None:
    post(erp, order(vatId="DE1", carrier="DHL"))

    assert erp.documents()[0].other == {"vatId": "DE1", "carrier": "DHL"}


@pytest.mark.parametrize(
    ("body", "status", "named"),
    [
        ("{", 400, None),
        ("[]", 422, None),
        (order() | {"lines": []}, 422, "lines"),
        (order() | {"lines": [{"sku": "A", "unitPrice": 1}]}, 422, "lines[0]"),
        (
            order() | {"lines": [{"sku": "A", "quantity": 1, "unitPrice": "1.00"}]},
            422,
            "lines[0].unitPrice",
        ),
        (json.dumps(order()).replace("9.99", "1e99"), 422, None),
    ],
)
def test_an_order_that_is_none_is_refused(
    erp: ErpSimClient, body: Any, status: int, named: str | None
) -> None:
    shown = post(erp, body)

    assert (shown.status, shown.body["error"]["field"]) == (status, named)
    assert erp.documents() == []


def test_without_a_duplicate_policy_every_order_is_booked_twice(erp: ErpSimClient) -> None:
    assert [post(erp).body["number"] for _ in range(2)] == ["SO-100001", "SO-100002"]
    assert erp.state().bookings == {NUMBER: 2}
    assert len(find(erp)) == 2


def test_the_policy_reject_names_the_existing_document() -> None:
    with serve_in_thread(duplicates="reject") as erp:
        post(erp)
        shown = post(erp)

        assert (shown.status, shown.body["number"]) == (409, "SO-100001")
        assert len(erp.bookings(NUMBER)) == 1


def test_an_idempotency_key_answers_what_it_answered_before() -> None:
    with serve_in_thread(duplicates="idempotency-key") as erp:
        first, again = (post(erp, Idempotency_Key="k1") for _ in range(2))

        assert (again.status, again.body) == (201, first.body)
        assert post(erp, Idempotency_Key="k2").body["number"] == "SO-100002"
        assert post(erp).body["number"] == "SO-100003", "no key, no protection"
        reused = post(erp, order("000000043"), Idempotency_Key="k1")
        assert (reused.status, reused.body["error"]["code"]) == (422, "idempotency_key_reused")


def test_the_policy_upsert_updates_in_place_and_refuses_an_older_revision() -> None:
    with serve_in_thread(duplicates="upsert") as erp:
        post(erp, order(revision=2))
        newer = post(erp, order(revision=3, shipping=6))

        assert (newer.status, newer.body["number"]) == (201, "SO-100001")
        assert (newer.body["version"], newer.body["total"]) == (2, Decimal("31.96"))
        assert post(erp, order(revision=2)).status == 412
        assert [document.version for document in erp.documents()] == [2]


def test_a_closed_document_is_not_updated() -> None:
    with serve_in_thread(duplicates="upsert") as erp:
        post(erp)
        erp.set_state("SO-100001", "POSTED")

        shown = post(erp)

        assert (shown.status, shown.body["error"]["code"]) == (422, "document_closed")
        assert erp.documents()[0].version == 2, "only the clerk changed it"


@pytest.mark.parametrize(
    ("state", "status", "afterwards"),
    [
        ("OPEN", 200, "CANCELED"),
        ("DRAFT", 200, "CANCELED"),
        ("CANCELED", 200, "CANCELED"),
        ("POSTED", 409, "POSTED"),
        ("PICKED", 409, "PICKED"),
    ],
)
def test_only_what_is_not_delivered_can_be_canceled(
    erp: ErpSimClient, state: str, status: int, afterwards: str
) -> None:
    post(erp)
    erp.set_state("SO-100001", state)

    assert call(erp, "POST", "/sales-orders/SO-100001/cancel", {}).status == status
    assert erp.documents()[0].state == afterwards


def test_a_document_that_does_not_exist_cannot_be_canceled(erp: ErpSimClient) -> None:
    assert call(erp, "POST", "/sales-orders/SO-1/cancel", {}).status == 404


def test_an_unknown_path_is_not_found(erp: ErpSimClient) -> None:
    assert call(erp, "GET", "/quotations").status == 404
    assert call(erp, "DELETE", "/sales-orders").status == 404


def test_the_list_pages_through_what_changed_since() -> None:
    now = [1_000_000_000.0]
    with serve_in_thread(page_size=2, clock=lambda: now[0]) as erp:
        for external in "12345":
            post(erp, order(external))
            now[0] += 60
        erp.set_state("SO-100001", "POSTED")

        assert list(_pages(erp, "2001-09-09T01:46:40Z")) == [["2", "3"], ["4", "5"], ["1"]]
        assert list(_pages(erp, "2001-09-09T01:48:40Z")) == [["3", "4"], ["5", "1"]]
        assert list(_pages(erp, "2002-01-01T00:00:00Z")) == [[]]


def _pages(erp: ErpSimClient, since: str) -> Iterator[list[str]]:
    page: int | None = 1
    while page is not None:
        shown = call(erp, "GET", f"/sales-orders?changedSince={quote(since)}&page={page}")
        yield [item["externalNumber"] for item in shown.body["items"]]
        page = shown.body["nextPage"]


def test_a_list_that_is_asked_wrongly_says_so(erp: ErpSimClient) -> None:
    assert call(erp, "GET", "/sales-orders?changedSince=yesterday").status == 400
    assert call(erp, "GET", "/sales-orders?page=0").status == 400


def test_without_the_right_password_nothing_is_done() -> None:
    with serve_in_thread(user="magento", password="secret") as erp:
        assert post(erp).status == 401
        assert post(erp, Authorization="Basic bWFnZW50bzp3cm9uZw==").status == 401
        assert post(erp, Authorization="Basic bWFnZW50bzpzZWNyZXQ=").status == 201
        assert len(erp.documents()) == 1


def test_standing_business_rules_refuse_items_and_customers() -> None:
    with serve_in_thread(items_unknown=["B"], credit_limit_customers=["poor@example.com"]) as erp:
        assert post(erp).body["error"] == {
            "code": "unknown_item",
            "message": "there is no item B",
            "field": "lines[1].sku",
        }
        poor = order(customer={"guest": True, "email": "poor@example.com"})
        assert post(erp, poor).body["error"]["code"] == "credit_limit"
        assert erp.documents() == []


def test_a_rule_strikes_only_what_it_matches(erp: ErpSimClient) -> None:
    erp.rule("busy", external="0000000*", times=2)
    erp.rule("conflict", sku="B", method="POST", path="/sales-orders", nth=2)
    erp.rule("unauthorised", path="/sales-orders/*/cancel")

    assert [post(erp).status for _ in range(5)] == [503, 503, 201, 412, 201]
    assert call(erp, "POST", "/sales-orders/SO-100001/cancel", {}).status == 401
    erp.clear_rules()
    assert call(erp, "POST", "/sales-orders/SO-100001/cancel", {}).status == 200


def test_a_refused_request_uses_up_no_other_rule(erp: ErpSimClient) -> None:
    erp.rule("accept_then_drop", times=1)
    erp.rule("busy", times=2)

    assert [post(erp).status for _ in range(4)] == [503, 503, "closed", 201]


def test_a_lost_answer_is_no_lost_probe(erp: ErpSimClient) -> None:
    erp.rule("accept_then_drop")

    assert post(erp).status == "closed"
    assert [item["number"] for item in find(erp)] == ["SO-100001"]


def test_chance_is_repeatable_by_its_seed(erp: ErpSimClient) -> None:
    def statuses(seed: int) -> list[int | str]:
        erp.reset()
        erp.rule("busy", probability=0.5, seed=seed)
        return [post(erp).status for _ in range(20)]

    assert statuses(1) == statuses(1) != statuses(2)
    assert {*statuses(1)} == {201, 503}


def test_the_limiter_refuses_what_is_above_the_limit() -> None:
    with serve_in_thread(rules=["throttle;limit=5;per=60"]) as erp:
        answers = [post(erp) for _ in range(8)]

        assert [answer.status for answer in answers] == [201] * 5 + [429] * 3
        assert 0 < int(answers[-1].headers["Retry-After"]) <= 60
        assert len(erp.documents()) == 5
        assert erp.state().requests == {"POST /api/v2/sales-orders": {"201": 5, "429": 3}}


def test_the_window_of_the_limiter_slides() -> None:
    now = [0.0]
    rules = RuleBook(clock=lambda: now[0])
    rules.add({"name": "throttle", "limit": 2, "per": 10})
    enquiry = Enquiry(Operation.CREATE, "POST", "/sales-orders", ())

    def waits(at: float) -> float:
        now[0] = at
        fault = rules.for_request(enquiry).get(Misbehaviour.THROTTLE)
        return fault.parameters["after"] if fault else 0

    assert [waits(at) for at in (0, 4, 5, 9, 10, 11, 14)] == [0, 0, 5, 1, 0, 3, 0]


@pytest.mark.parametrize(
    ("name", "settings", "meant"),
    [
        ("accept_and_drop", {}, "did you mean accept_then_drop?"),
        ("answer_late", {"second": 3}, "did you mean seconds?"),
        ("answer_late", {"seconds": "soon"}, "Expected `float`"),
        ("schema_change", {"form": "upside down"}, "Invalid enum value"),
    ],
)
def test_a_rule_that_does_not_exist_is_refused_with_a_hint(
    erp: ErpSimClient, name: str, settings: dict[str, Any], meant: str
) -> None:
    with pytest.raises(UsageError, match=meant.replace("?", r"\?")):
        erp.rule(name, **settings)

    assert erp.state().rules == []


def test_a_header_that_does_not_exist_books_nothing(erp: ErpSimClient) -> None:
    assert post(erp, X_Erpsim="accept_and_drop").status == 400
    assert erp.documents() == []


def test_the_log_tells_every_request_and_never_the_control_face(erp: ErpSimClient) -> None:
    post(erp, X_Erpsim="drop_tax, accept_then_drop")
    find(erp)
    call(erp, "POST", "/sales-orders/SO-100001/cancel", {})

    log = erp.requests()

    assert [(exchange.external, exchange.outcome) for exchange in log] == [
        ((NUMBER,), "dropped"),
        ((NUMBER,), "200"),
        ((NUMBER,), "200"),
    ]
    assert set(log[0].faults) == {"drop_tax", "accept_then_drop"}
    assert log[2].route == "/api/v2/sales-orders/{number}/cancel"
    assert log[0].time <= log[1].time <= log[2].time
    erp.reset()
    assert (erp.requests(), erp.documents()) == ([], [])


def test_latency_holds_up_nobody_else() -> None:
    with serve_in_thread(latency_ms=150, jitter_ms=10) as erp, ThreadPoolExecutor(8) as clients:
        together = threading.Barrier(8)

        def send(number: int) -> Shown:
            together.wait()
            return post(erp, order(str(number)))

        assert [shown.status for shown in clients.map(send, range(8))] == [201] * 8
        assert max(exchange.in_flight for exchange in erp.requests()) == 8


def test_no_booking_is_lost_among_eight_clients(erp: ErpSimClient) -> None:
    def send(client: int) -> list[str]:
        numbers = []
        with closing(http.client.HTTPConnection(HOST, erp.port)) as connection:
            for turn in range(50):
                body = json.dumps(order(f"{client}-{turn}"))
                connection.request("POST", "/api/v2/sales-orders", body)
                numbers.append(json.loads(connection.getresponse().read())["number"])
        return numbers

    with ThreadPoolExecutor(8) as clients:
        answered = [number for numbers in clients.map(send, range(8)) for number in numbers]

    assert len(set(answered)) == 400
    assert {document.number for document in erp.documents()} == set(answered)
    assert set(erp.state().bookings.values()) == {1}


@pytest.mark.parametrize(
    "raw",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
def test_what_is_not_http_is_told_so_and_harms_nobody(erp: ErpSimClient, raw: bytes) -> None:
    with closing(http.client.HTTPConnection(HOST, erp.port, timeout=5)) as connection:
        connection.connect()
        assert connection.sock is not None
        connection.sock.sendall(raw)
        assert connection.sock.recv(1000).startswith(b"HTTP/1.1 400 ")

    assert post(erp).status == 201
