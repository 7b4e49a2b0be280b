"""What the generic adapter makes of its file, beyond what every adapter must do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.rest import generic
from sidecar.domains import SPECS
from sidecar.domains.orders.events import ORDER_CANCELED, ORDER_HELD, ORDER_UPDATED
from sidecar.model.errors import ConfigurationError, NotUnderstood, Unavailable
from sidecar.model.outcome import Accepted, Misconfigured, Rejected, Unknown, Unmapped, name_of
from sidecar.ports import AdapterSettings, ErpAdapter, Link, ShopContext
from sidecar.testing.contract_calls import push_all
from sidecar.testing.erpsim import ErpSim
from sidecar.testing.sample_order import PLACED_AT, canceled, delivery, placed, simple_order
from tests.contract.scripted_server import Received, ScriptedServer, answer, scripted_server

MAPPINGS = Path(__file__).parent / "mappings"
EXAMPLES = Path(__file__).parents[3] / "shared" / "examples"
SINCE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

PUSH = """
orders:
  push:
    on: [order.placed, order.updated]
    call: {method: POST, path: /orders, json: {number: =ref}}
    answer: {accepted: =response.status == 200, reference: =response.body.number}
"""

Make = Callable[[str, str], ErpAdapter]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """An adapter of a file's text for a server's address."""
    with ExitStack() as adapters:

        def make_one(calls: str, url: str) -> ErpAdapter:
            path = tmp_path / "calls.yaml"
            path.write_text(calls)
            return adapters.enter_context(closing(generic.create(adapter_settings(path, url))))

        yield make_one


def adapter_settings(calls: Path | None, url: str) -> AdapterSettings:
    shop = ShopContext("main", ZoneInfo("Europe/Berlin"))
    return AdapterSettings(
        url=url, connect_timeout=5, read_timeout=20, shop=shop, calls=calls, domains=SPECS
    )


@pytest.fixture
def echo() -> Iterator[ScriptedServer]:
    """A server that accepts everything as SO-1."""
    with scripted_server(lambda _: answer(200, '{"number": "SO-1", "items": []}')) as server:
        yield server


# Sending


def test_each_event_takes_its_own_call_and_results_keep_their_places() -> None:
    with (
        ErpSim.start() as erp,
        closing(generic.create(adapter_settings(MAPPINGS / "single.yaml", erp.url))) as adapter,
    ):
        [first] = push_all(adapter, [placed(simple_order("000000001"))])
        assert isinstance(first.outcome, Accepted)
        link = Link(first.outcome.booked.reference)

        results = push_all(
            adapter,
            [
                placed(simple_order("000000002")),
                canceled(simple_order("000000001"), link),
                delivery(simple_order("000000003"), ORDER_HELD),
                placed(simple_order("000000004")),
            ],
        )

        outcomes = [name_of(each.outcome) for each in results]
        assert outcomes == ["accepted", "accepted", "misconfigured", "accepted"]
        assert {each.external: each.state for each in erp.documents()} == {
            "000000001": "CANCELED",
            "000000002": "OPEN",
            "000000004": "OPEN",
        }


def test_an_event_without_a_call_is_not_sent_and_says_so(make: Make, echo: ScriptedServer) -> None:
    [result] = push_all(make(PUSH, echo.url), [delivery(simple_order(), ORDER_HELD)])

    assert result.outcome == Misconfigured(
        message="calls.yaml has no call for order.held: nothing was sent"
    )
    assert echo.requests == []


def test_an_order_that_cannot_be_mapped_is_parked_with_the_line_and_not_sent(
    make: Make, echo: ScriptedServer
) -> None:
    calls = "tables: {t: {}}" + PUSH.replace("=ref", "=order.shipping_method | lookup('t')")

    [result] = push_all(make(calls, echo.url), [placed(simple_order())])

    assert isinstance(result.outcome, Unmapped)
    assert "calls.yaml:5: orders.push.call.json.number: lookup: table 't' has no key" in (
        result.outcome.message
    )
    assert result.exchange is None
    assert echo.requests == []


def test_a_cancellation_of_what_the_erp_never_accepted_is_not_sent() -> None:
    with (
        scripted_server(lambda _: None) as server,
        closing(generic.create(adapter_settings(MAPPINGS / "single.yaml", server.url))) as adapter,
    ):
        [result] = push_all(adapter, [delivery(simple_order(), ORDER_CANCELED)])

        assert isinstance(result.outcome, Unmapped)
        assert "link is none (the ERP has not accepted it before)" in result.outcome.message
        assert server.requests == []


def test_a_number_of_the_erp_with_a_slash_stays_one_part_of_the_path(
    make: Make, echo: ScriptedServer
) -> None:
    calls = PUSH.replace("path: /orders", "path: \"='/orders/' ~ link.reference | urlencode\"")
    update = delivery(simple_order(), ORDER_UPDATED, link=Link("SO/2026 Ü"))

    make(calls, echo.url).push([update])

    assert echo.requests[0].target == "/api/orders/SO%2F2026%20%C3%9C"


def test_a_form_and_a_query_are_encoded_and_what_is_empty_is_left_out(
    make: Make, echo: ScriptedServer
) -> None:
    calls = PUSH.replace(
        "json: {number: =ref}",
        "query: {a: =order.customer_email, none: =order.coupon_code, list: [1, 2]}, "
        "headers: {X-Total: =order.grand_total, X-None: =order.coupon_code}, "
        "form: {total: =order.grand_total, guest: =order.customer_is_guest, at: =order.created_at}",
    )

    make(calls, echo.url).push([placed(simple_order())])

    [request] = echo.requests
    assert parse_qsl(urlsplit(request.target).query) == [
        ("a", "jürgen.ærø@example.com"),
        ("list", "1"),
        ("list", "2"),
    ]
    assert parse_qsl(request.body.decode()) == [
        ("total", "75.89"),
        ("guest", "true"),
        ("at", "2026-03-28T23:30:00Z"),
    ]
    assert request.header("X-Total") == "75.89"
    assert request.header("X-None") is None
    assert request.header("Content-Type") == "application/x-www-form-urlencoded"


def test_a_text_is_sent_as_it_is(make: Make, echo: ScriptedServer) -> None:
    calls = PUSH.replace(
        "json: {number: =ref}",
        "headers: {Content-Type: text/csv}, text: \"=ref ~ ';' ~ order.grand_total\"",
    )

    make(calls, echo.url).push([placed(simple_order())])

    assert echo.requests[0].body == b"000000042;75.89"
    assert echo.requests[0].header("Content-Type") == "text/csv"


def test_a_header_cannot_be_split_by_a_value(make: Make, echo: ScriptedServer) -> None:
    calls = PUSH.replace("json: {number: =ref}", "headers: {X-Note: =order.customer_note}")

    order = simple_order(customer_note="a\r\nX-Evil: b")
    [result] = push_all(make(calls, echo.url), [placed(order)])

    assert isinstance(result.outcome, Unmapped)
    assert echo.requests == []


def test_the_day_of_an_order_is_the_shop_s_day(make: Make, echo: ScriptedServer) -> None:
    assert PLACED_AT.date().isoformat() == "2026-03-28"
    expression = "\"=order.created_at | date('%Y-%m-%d', shop.timezone)\""

    make(PUSH.replace("=ref", expression), echo.url).push([placed(simple_order())])

    assert json.loads(echo.requests[0].body) == {"number": "2026-03-29"}


# Batches

BATCH = """
tables: {methods: {flatrate_flatrate: DHL}}
orders:
  push:
    on: [order.placed]
    batch: 4
    call:
      method: POST
      path: /bulk
      json:
        $each: event in events
        $do:
          number: =event.data.increment_id
          carrier: =event.data.shipping_method | lookup('methods')
    answer:
      ok: =response.status == 200
      results: =response.body
      match: =result.number
      accepted: =result.ok
      rejected: =response.status == 422 or not result.ok
      reference: =result.number
"""


TEN = [f"{number:09}" for number in range(1, 11)]
NUMBERS_OF_TEN = st.sets(st.sampled_from(TEN))


def bulk(bad: AbstractSet[str], seen: list[list[str]]) -> Callable[[Received], Iterable[bytes]]:
    """An ERP that refuses a whole call for one bad order in it."""

    def script(received: Received) -> Iterable[bytes]:
        numbers = [each["number"] for each in json.loads(received.body)]
        seen.append(numbers)
        if bad & set(numbers):
            return answer(422, '{"error": "one of them is bad"}')
        return answer(200, json.dumps([{"number": each, "ok": True} for each in numbers]))

    return script


def test_a_large_batch_is_sent_in_calls_of_the_size_that_the_file_names(make: Make) -> None:
    seen: list[list[str]] = []
    with scripted_server(bulk(set(), seen)) as server:
        results = push_all(
            make(BATCH, server.url),
            [placed(simple_order(f"{number:09}")) for number in range(1, 11)],
        )

    assert [len(each) for each in seen] == [4, 4, 2]
    assert all(isinstance(each.outcome, Accepted) for each in results)


def test_an_order_that_spoils_its_batch_is_found_by_halving(make: Make) -> None:
    seen: list[list[str]] = []
    calls = BATCH.replace(
        "rejected: =response.status == 422 or not result.ok", "rejected: =response.status == 422"
    )
    with scripted_server(bulk({"000000003"}, seen)) as server:
        made = make(calls, server.url).push(
            [placed(simple_order(f"{number:09}")) for number in range(1, 5)]
        )

    assert [len(each) for each in seen] == [4, 2, 2, 1, 1]
    assert [[name_of(result.outcome) for result in call.results] for call in made] == [
        [], ["accepted", "accepted"], [], ["rejected"], ["accepted"]
    ]  # fmt: skip
    assert [call.exchange and call.exchange.status for call in made] == [422, 200, 422, 422, 200]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(bad=NUMBERS_OF_TEN, unmapped=NUMBERS_OF_TEN)
def test_however_a_batch_is_divided_each_order_has_one_outcome_and_each_request_is_a_call(
    make: Make, bad: set[str], unmapped: set[str]
) -> None:
    seen: list[list[str]] = []
    calls = BATCH.replace(
        "rejected: =response.status == 422 or not result.ok", "rejected: =response.status == 422"
    )
    orders = [
        simple_order(
            number, shipping_method="pigeon" if number in unmapped else "flatrate_flatrate"
        )
        for number in TEN
    ]
    with scripted_server(bulk(bad, seen)) as server:
        made = make(calls, server.url).push([placed(order) for order in orders])

    results = [result for call in made for result in call.results]
    assert sorted((one.delivery.ref, name_of(one.outcome)) for one in results) == [
        (number, "unmapped" if number in unmapped else "rejected" if number in bad else "accepted")
        for number in TEN
    ]
    assert [call.exchange.status for call in made if call.exchange] == [
        422 if bad & set(numbers) else 200 for numbers in seen
    ]


def test_a_line_that_needs_a_result_does_not_decide_over_the_whole_batch(make: Make) -> None:
    with scripted_server(bulk({"000000003"}, [])) as server:
        results = push_all(
            make(BATCH, server.url),
            [placed(simple_order(f"{number:09}")) for number in range(1, 5)],
        )

    assert all(isinstance(each.outcome, Unknown) for each in results)


def test_an_order_that_cannot_be_mapped_does_not_hold_up_its_batch(make: Make) -> None:
    seen: list[list[str]] = []
    orders = [
        simple_order("000000001"),
        simple_order("000000002", shipping_method="pigeon"),
        simple_order("000000003"),
    ]
    with scripted_server(bulk(set(), seen)) as server:
        results = push_all(make(BATCH, server.url), [placed(order) for order in orders])

    assert [name_of(each.outcome) for each in results] == ["accepted", "unmapped", "accepted"]
    assert seen == [["000000001", "000000003"]]


def test_results_of_strangers_are_noted_in_the_record(make: Make) -> None:
    body = '[{"number": "000000042", "ok": true}, {"number": "000000099", "ok": true}]'
    with scripted_server(lambda _: answer(200, body)) as server:
        [result] = push_all(make(BATCH, server.url), [placed(simple_order())])

    assert isinstance(result.outcome, Accepted)
    assert result.exchange is not None
    assert result.exchange.answer.startswith("[1 results belong to nothing that was sent]")


@pytest.mark.shared
@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="needs ../shared/examples")
def test_the_batch_example_books_as_written() -> None:
    calls = EXAMPLES / "legacy-batch-rest.yaml"
    with (
        ErpSim.start() as erp,
        closing(generic.create(adapter_settings(calls, erp.url))) as adapter,
    ):
        erp.rule("credit_limit", external="000000007")
        orders = [simple_order(f"{number:09}") for number in range(1, 61)]

        results = push_all(adapter, [placed(order) for order in orders])

        assert len(erp.documents()) == 59
        assert isinstance(results[6].outcome, Rejected)
        assert adapter.ping().reachable


# Asking

ASK = (
    PUSH
    + """
  probe:
    call: {method: GET, path: /orders, query: {number: =ref}}
    answer: {ok: =response.status == 200, found: =response.body.items}
    each: {external: =item.external, reference: =item.number, total: =item.total}
  list:
    call: {method: GET, path: /orders, query: {since: =since, page: =page}}
    answer: {ok: =response.status == 200, found: =response.body.items, next: =response.body.next}
    each: {external: =item.external, reference: =item.number}
"""
)


def asked(make: Make, body: str, calls: str = ASK) -> tuple[ErpAdapter, ExitStack]:
    stack = ExitStack()
    server = stack.enter_context(scripted_server(lambda _: answer(200, body)))
    return make(calls, server.url), stack


@pytest.mark.parametrize("spelt", ["000000042", "000000042      ", " 000000042"])
def test_of_a_search_that_finds_more_ours_is_taken_however_it_is_padded(
    make: Make, spelt: str
) -> None:
    items = [
        {"external": "000000042-1", "number": "SO-88"},
        {"external": spelt, "number": "SO-1"},
        {"external": None, "number": "SO-99"},
    ]
    adapter, stack = asked(make, json.dumps({"items": items}))
    with stack:
        (booked,) = adapter.probe("orders", ["000000042"])["000000042"]

    assert booked.reference == "SO-1"


def test_a_document_of_another_order_is_never_taken_for_an_answer(make: Make) -> None:
    adapter, stack = asked(make, '{"items": [{"external": "000000001", "number": "SO-1"}]}')
    with stack, pytest.raises(NotUnderstood, match="'000000001', which was not asked for"):
        adapter.probe("orders", ["000000042"])


def test_a_document_without_our_reference_is_never_taken_for_an_answer(make: Make) -> None:
    adapter, stack = asked(make, '{"items": [{"external": null, "number": "SO-1"}]}')
    with stack, pytest.raises(NotUnderstood, match="'nobody', which was not asked for"):
        adapter.probe("orders", ["000000042"])


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        '{"items": "none"}',
        '{"items": [{"external": "000000042"}]}',
        '{"items": [{"number": "SO-1"}]}',
        '{"items": [{"external": "000000042", "number": null}]}',
        '{"items": ["SO-1"]}',
        '{"items": null}',
        '{"items": false}',
        '{"items": ""}',
        '{"items": 0}',
        '{"Items": []}',
        '{"items": [], "items": [{"external": "000000042", "number": "SO-1"}]}',
        '{"items": []}}',
        '{"items": []',
        '[{"items": []}]',
        "null",
        "[]",
        "<html>",
        "",
    ],
)
def test_an_answer_of_another_form_is_not_read_as_nothing(make: Make, body: str) -> None:
    adapter, stack = asked(make, body)
    with stack, pytest.raises(Unavailable):
        adapter.probe("orders", ["000000042"])


def test_an_empty_answer_says_that_there_is_nothing(make: Make) -> None:
    adapter, stack = asked(make, '{"items": []}')
    with stack:
        assert adapter.probe("orders", ["000000042"]) == {"000000042": ()}


def test_one_document_without_a_list_around_it_is_one(make: Make) -> None:
    adapter, stack = asked(make, '{"items": {"external": "000000042", "number": 7, "total": 1.5}}')
    with stack:
        [booked] = adapter.probe("orders", ["000000042"])["000000042"]
    assert (booked.reference, str(booked.total)) == ("7", "1.5")


def test_many_references_go_into_one_question_where_the_file_says_so(make: Make) -> None:
    def script(received: Received) -> Iterable[bytes]:
        numbers = [value for _, value in parse_qsl(urlsplit(received.target).query)]
        items = [{"external": number, "number": f"SO-{number}"} for number in numbers[1:]]
        return answer(200, json.dumps({"items": items}))

    calls = ASK.replace("  probe:\n", "  probe:\n    batch: 2\n")
    calls = calls.replace("query: {number: =ref}", "query: {number: =refs}")
    with scripted_server(script) as server:
        found = make(calls, server.url).probe("orders", ["1", "2", "3"])

        assert len(server.requests) == 2
    assert {ref: [each.reference for each in rows] for ref, rows in found.items()} == {
        "1": [],
        "2": ["SO-2"],
        "3": [],
    }


def test_documents_that_are_nobody_s_are_left_out_of_the_list(make: Make) -> None:
    items = '{"external": null, "number": "A"}, {"external": "1", "number": "B"}'
    body = f'{{"items": [{items}], "next": ""}}'
    adapter, stack = asked(make, body)
    with stack:
        page = adapter.list("orders", SINCE)
    assert [row.external for row in page.rows] == ["1"]
    assert page.next is None


@pytest.mark.parametrize(
    "body", ['{"items": []}', '{"items": [], "next": 2}', '{"items": [], "next": [1]}']
)
def test_a_list_that_does_not_say_where_it_goes_on_is_not_taken_for_the_last_page(
    make: Make, body: str
) -> None:
    adapter, stack = asked(make, body)
    with stack, pytest.raises(Unavailable):
        adapter.list("orders", SINCE, 2)


def test_the_first_page_is_asked_for_without_a_number(make: Make) -> None:
    with scripted_server(lambda _: answer(200, '{"items": [], "next": null}')) as server:
        make(ASK, server.url).list("orders", SINCE)

        assert server.requests[0].target == "/api/orders?since=2026-01-02T03%3A04%3A05Z"


def test_what_the_file_does_not_have_cannot_be_asked(make: Make, echo: ScriptedServer) -> None:
    adapter = make(PUSH, echo.url)

    with pytest.raises(ConfigurationError, match=r"has no orders\.probe"):
        adapter.probe("orders", ["1"])
    with pytest.raises(ConfigurationError, match=r"has no orders\.list"):
        adapter.list("orders", SINCE)


def test_a_ping_of_its_own_is_used_where_the_file_has_one(make: Make, echo: ScriptedServer) -> None:
    ping = "ping: {call: {method: GET, path: /health}, answer: {ok: =response.status == 200}}"

    assert make(PUSH + ping, echo.url).ping().message == ""
    assert echo.requests[0].target == "/api/health"


def test_the_page_of_a_proxy_is_reached_but_is_no_answer_to_a_ping(make: Make) -> None:
    ping = "ping: {call: {method: GET, path: /health}, answer: {ok: =response.body.well}}"
    with scripted_server(lambda _: answer(200, "<html>", Content_Type="text/html")) as server:
        ping_of = make(PUSH + ping, server.url).ping()

    assert ping_of.reachable
    assert "response.body is a text and has no 'well'" in ping_of.message


def test_without_a_file_of_calls_there_is_no_adapter() -> None:
    with pytest.raises(ConfigurationError, match=r"erp\.calls is missing"):
        generic.create(adapter_settings(None, "http://localhost"))
