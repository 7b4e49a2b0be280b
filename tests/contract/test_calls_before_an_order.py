"""`first` in the file of calls: what an order names is there before the order is sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.rest import generic
from sidecar.model.errors import ConfigurationError
from sidecar.model.outcome import Accepted, Outcome, Rejected, Retry, name_of
from sidecar.ports import ErpAdapter, PushCall
from sidecar.testing.sample_order import SampleLine, placed, sample_order, simple_order
from tests.contract.scripted_server import Received, Script, answer, scripted_server
from tests.contract.test_rest_generic_adapter import adapter_settings

CALLS = """
orders:
  push:
    on: [order.placed]
    first:
      - call:
          method: PUT
          path: "='/customers/' ~ order.customer_id"
          json: {name: =order.customer_lastname}
        answer:
          accepted: =response.status in [200, 204]
          duplicate: =response.status == 409
          rejected: =response.status == 422
          throttled: =response.status == 429
          conflict: =response.status == 412
          misconfigured: =response.status == 401
          code: =response.body.code
          message: =response.body.message
    call: {method: POST, path: /orders, json: {number: =ref}}
    answer: {accepted: =response.status == 200, reference: =response.body.number}
"""
BATCH = (
    CALLS.replace("    first:", "    batch: 10\n    first:")
    .replace("path: /orders, json: {number: =ref}",
             "path: /bulk, json: {$each: one in events, $do: =one.data.increment_id}")
    .replace("answer: {accepted: =response.status == 200, reference: =response.body.number}",
             "answer: {ok: =response.status == 200, results: =response.body, match: =result, "
             "accepted: true, reference: =result}")
)  # fmt: skip

Push = Callable[..., Sequence[PushCall]]


class Erp:
    """Answers customers as it is told to; takes every order."""

    def __init__(self, customers: Callable[[str], list[bytes] | None]) -> None:
        self.customers = customers
        self.calls: list[str] = []

    def __call__(self, received: Received) -> list[bytes] | None:
        place = received.target.removeprefix("/api")
        self.calls.append(place)
        if place.startswith("/customers/"):
            return self.customers(place.rpartition("/")[2])
        if place == "/bulk":
            return answer(200, received.body)
        return answer(200, json.dumps({"number": "SO-1"}))


@pytest.fixture
def push(tmp_path: Path) -> Push:
    """Sends orders of customers 1, 2, 3 … by a file of calls to a server with that script."""

    def run(script: Script, calls: str = CALLS, customers: int = 1) -> Sequence[PushCall]:
        with (
            scripted_server(script) as server,
            closing(_adapter(tmp_path, calls, server.url)) as it,
        ):
            return it.push(
                [
                    placed(simple_order(f"{number:09}", customer_id=number))
                    for number in range(1, customers + 1)
                ]
            )

    return run


def outcomes(calls: Sequence[PushCall]) -> list[Outcome]:
    """Of each order, by their numbers."""
    results = [result for call in calls for result in call.results]
    return [one.outcome for one in sorted(results, key=lambda one: one.delivery.ref)]


def requests(calls: Sequence[PushCall]) -> list[str]:
    """What went over the wire, as it is recorded."""
    return [call.exchange.request for call in calls if call.exchange]


def _adapter(folder: Path, calls: str, url: str) -> ErpAdapter:
    path = folder / "calls.yaml"
    path.write_text(calls)
    # As the daemon has it: what was made a moment ago, a search may not show yet.
    return generic.create(replace(adapter_settings(path, url), trust_absence_after=60.0))


@pytest.mark.parametrize("status", [200, 204, 409])
def test_an_order_follows_its_customer(push: Push, status: int) -> None:
    erp = Erp(lambda _: answer(status, "" if status == 204 else "{}"))

    calls = push(erp)

    assert erp.calls == ["/customers/1", "/orders"]
    assert requests(calls) == ["PUT /customers/1", "POST /orders"]
    assert [len(call.results) for call in calls] == [0, 1]
    assert isinstance(outcomes(calls)[0], Accepted)


def test_an_order_whose_customer_is_refused_is_refused_with_the_words_that_say_why(
    push: Push,
) -> None:
    refusal = '{"code": "no_vat_id", "message": "the VAT id is not valid"}'
    erp = Erp(lambda _: answer(422, refusal))

    calls = push(erp)

    assert erp.calls == ["/customers/1"]
    assert outcomes(calls) == [
        Rejected(code="no_vat_id", message="first, PUT /customers/1: the VAT id is not valid")
    ]


@pytest.mark.parametrize(
    ("status", "name"), [(429, "throttled"), (401, "misconfigured"), (412, "retry"), (500, "retry")]
)
def test_an_order_that_was_not_sent_is_never_in_doubt(push: Push, status: int, name: str) -> None:
    erp = Erp(lambda _: answer(status, "{}"))

    [outcome] = outcomes(push(erp))

    assert name_of(outcome) == name
    assert erp.calls == ["/customers/1"]


def test_an_order_waits_when_nobody_answered_for_its_customer(push: Push) -> None:
    erp = Erp(lambda _: None)

    [call] = push(erp)

    assert [type(result.outcome) for result in call.results] == [Retry]
    assert call.exchange is not None
    assert call.exchange.status is None


def test_a_customer_that_cannot_be_mapped_stops_its_order_only(push: Push) -> None:
    erp = Erp(lambda _: answer(204))
    calls = BATCH.replace(
        "{name: =order.customer_lastname}", "{name: =1 / (order.customer_id - 2)}"
    )

    made = push(erp, calls, customers=3)

    assert [name_of(one) for one in outcomes(made)] == ["accepted", "unmapped", "accepted"]
    assert requests(made) == ["PUT /customers/1", "PUT /customers/3", "POST /bulk"]
    assert erp.calls == ["/customers/1", "/customers/3", "/bulk"]


def test_a_batch_leaves_out_the_orders_whose_customers_were_refused(push: Push) -> None:
    erp = Erp(lambda number: answer(422 if number == "2" else 204, "{}" if number == "2" else ""))

    calls = push(erp, BATCH, customers=3)

    assert erp.calls == ["/customers/1", "/customers/2", "/customers/3", "/bulk"]
    assert [name_of(one) for one in outcomes(calls)] == ["accepted", "rejected", "accepted"]
    assert [len(call.results) for call in calls] == [0, 1, 0, 2]


def test_an_erp_that_has_had_enough_is_not_asked_for_each_customer_of_a_batch(push: Push) -> None:
    erp = Erp(lambda number: answer(204 if number == "1" else 429, "" if number == "1" else "{}"))

    calls = push(erp, BATCH, customers=4)

    assert erp.calls == ["/customers/1", "/customers/2", "/bulk"]
    assert [name_of(one) for one in outcomes(calls)] == ["accepted", *["throttled"] * 3]
    assert [len(call.results) for call in calls] == [0, 3, 1]


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("first: {call: {}}", "orders.push.first: this must be a list"),
        ("first: [{answer: {accepted: true}}]", "orders.push.first.0: 'call' is missing"),
        (
            "first: [{call: {method: GET, path: /}, answer: {accepted: true, reference: x}}]",
            "orders.push.first.0.answer.reference: there is no key 'reference' here",
        ),
        (
            "first: [{call: {method: GET, path: =order.nothing}, answer: {accepted: true}}]",
            "Order has no field 'nothing'",
        ),
    ],
)
def test_a_mistake_in_it_is_told_with_its_place(tmp_path: Path, written: str, problem: str) -> None:
    head, _, rest = CALLS.partition("    first:")
    tail = rest[rest.index("    call: {method: POST") :]
    with pytest.raises(ConfigurationError) as wrong:
        _adapter(tmp_path, f"{head}    {written}\n{tail}", "http://127.0.0.1:9")
    assert problem in wrong.value.message


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ("path: \"='/customers/M' ~ order.customer_id\"", "path"),
        ("path: \"='/customers/' ~ (order.customer_id | string | urlencode)\"", "path"),
        ("path: /customers/x\n          query: {number: \"='M' ~ order.customer_id\"}", "query"),
        ("path: \"=['', 'customers', order.customer_id] | join('/')\"", "path"),
    ],
)
def test_guests_are_never_one_customer(push: Push, tmp_path: Path, changed: str, key: str) -> None:
    calls = CALLS.replace("path: \"='/customers/' ~ order.customer_id\"", changed)
    erp = Erp(lambda _: answer(200))
    with scripted_server(erp) as server, closing(_adapter(tmp_path, calls, server.url)) as adapter:
        told = outcomes(
            adapter.push(
                [placed(simple_order(f"{number:09}", customer_id=None)) for number in (1, 2)]
            )
        )

    assert erp.calls == []
    assert len(told) == 2
    for outcome in told:
        assert f"calls.yaml:7: orders.push.first.0.call.{key}" in outcome.message or (
            f"first.0.call.{key}" in outcome.message
        )
        assert "none" in outcome.message


def test_the_documented_example_gives_each_guest_a_customer(push: Push, tmp_path: Path) -> None:
    document = Path(__file__).parents[2] / "docs" / "mapping.md"
    (path,) = [
        line.partition("path: ")[2]
        for line in document.read_text("utf-8").splitlines()
        if line.strip().startswith("path:") and "'/customers/'" in line
    ]
    calls = CALLS.replace("path: \"='/customers/' ~ order.customer_id\"", f"path: {path}")
    erp = Erp(lambda _: answer(200))
    with scripted_server(erp) as server, closing(_adapter(tmp_path, calls, server.url)) as adapter:
        adapter.push(
            [
                placed(simple_order("000000001", customer_id=None, customer_is_guest=True)),
                placed(simple_order("000000002", customer_id=None, customer_is_guest=True)),
                placed(simple_order("000000003", customer_id=7, customer_is_guest=False)),
            ]
        )

    customers = [call for call in erp.calls if call.startswith("/customers/")]
    assert customers == ["/customers/G000000001", "/customers/G000000002", "/customers/M7"]


DRAFTS = """
orders:
  push:
    on: [order.placed]
    first:
      - as: draft
        call: {method: POST, path: /drafts, json: {kind: order}}
        answer: {accepted: =response.status == 201, value: =response.body.id}
      - $each: item in order.sellable_items
        key: =item.item_id
        call: {method: POST, path: "='/drafts/' ~ first.draft", json: {sku: =item.catalog_sku}}
        answer: {accepted: =response.status == 200}
    call: {method: POST, path: /orders, json: {draft: =first.draft, number: =ref}}
    answer: {accepted: =response.status == 200, reference: =response.body.number}
"""


class DraftingErp:
    """Fills a draft line by line; an order is made of it.  `lost`: answers of lines to swallow."""

    def __init__(self, lost: int = 0) -> None:
        self.drafts: dict[str, list[str]] = {}
        self.orders: dict[str, list[str]] = {}
        self._lost = lost

    def __call__(self, received: Received) -> list[bytes] | None:
        sent = json.loads(received.body)
        place = received.target.removeprefix("/api/")
        if place == "drafts":
            number = f"D{len(self.drafts) + 1}"
            self.drafts[number] = []
            return answer(201, json.dumps({"id": number}))
        if place == "orders":
            self.orders[sent["number"]] = self.drafts[sent["draft"]]
            return answer(200, json.dumps({"number": f"SO-{sent['draft']}"}))
        self.drafts[place.removeprefix("drafts/")].append(sent["sku"])
        if self._lost:
            self._lost -= 1
            return None
        return answer(200, "{}")


def test_what_is_made_without_a_question_is_made_for_each_order_alone(push: Push) -> None:
    erp = DraftingErp()

    made = push(erp, DRAFTS, customers=3)

    assert [name_of(one) for one in outcomes(made)] == ["accepted"] * 3
    assert len(erp.drafts) == 3
    assert sorted(erp.orders) == ["000000001", "000000002", "000000003"]
    [lines] = {tuple(lines) for lines in erp.orders.values()}
    assert len(lines) == len(simple_order("000000001").sellable_items)


def test_of_lines_that_are_alike_each_is_made(tmp_path: Path) -> None:
    erp, lines = DraftingErp(), [SampleLine("MUG"), SampleLine("MUG"), SampleLine("LAMP")]
    with (
        scripted_server(erp) as server,
        closing(_adapter(tmp_path, DRAFTS, server.url)) as adapter,
    ):
        made = adapter.push([placed(sample_order("000000001", lines))])

    assert [name_of(one) for one in outcomes(made)] == ["accepted"]
    assert erp.orders == {"000000001": ["MUG", "MUG", "LAMP"]}


def test_an_attempt_that_broke_leaves_nothing_to_the_next(tmp_path: Path) -> None:
    erp, lines = DraftingErp(lost=1), [SampleLine("MUG"), SampleLine("LAMP")]
    with (
        scripted_server(erp) as server,
        closing(_adapter(tmp_path, DRAFTS, server.url)) as adapter,
    ):
        broken, whole = (
            outcomes(adapter.push([placed(sample_order("000000001", lines))])) for _ in range(2)
        )

    assert [name_of(one) for one in (*broken, *whole)] == ["retry", "accepted"]
    assert erp.orders == {"000000001": ["MUG", "LAMP"]}
    assert list(erp.drafts.values()) == [["MUG"], ["MUG", "LAMP"]]


def test_two_rounds_of_one_key_are_told_and_none_is_left_out_unseen(tmp_path: Path) -> None:
    erp, lines = DraftingErp(), [SampleLine("MUG"), SampleLine("MUG")]
    calls = DRAFTS.replace("key: =item.item_id", "key: =item.catalog_sku")
    with (
        scripted_server(erp) as server,
        closing(_adapter(tmp_path, calls, server.url)) as adapter,
    ):
        [outcome] = outcomes(adapter.push([placed(sample_order("000000001", lines))]))

    assert name_of(outcome) == "unmapped"
    assert "two rounds have this key" in str(outcome)
    assert erp.orders == {}


def test_what_a_later_step_needs_and_the_erp_has_not_refuses_the_order(push: Push) -> None:
    asks = """    first:
      - as: product
        $each: item in order.sellable_items
        key: =item.catalog_sku
        find:
          call: {method: GET, path: /products}
          answer: {ok: =response.status == 200, found: =response.body, value: =item.id}
"""
    calls = DRAFTS.replace("    first:\n", asks).replace(
        "{sku: =item.catalog_sku}", '{sku: "=first.product[item.catalog_sku]"}'
    )
    erp = DraftingErp()

    def script(received: Received) -> list[bytes] | None:
        return answer(200, "[]") if received.target == "/api/products" else erp(received)

    [outcome] = outcomes(push(script, calls))

    assert isinstance(outcome, Rejected)
    assert outcome.code == "not_found"
    assert "the ERP has nothing for first.product[" in outcome.message
    assert erp.orders == {}
