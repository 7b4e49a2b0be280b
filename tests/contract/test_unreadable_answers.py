"""What is said of an answer to a question that cannot be used: whose fault, where, what it was."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from adapters.rest import generic
from sidecar.domains import SPECS
from sidecar.model.errors import NotReached, NotUnderstood
from sidecar.model.outcome import Rejected, Unknown
from sidecar.ports import AdapterSettings, ErpAdapter, ShopContext
from sidecar.testing.contract_calls import push_all
from sidecar.testing.sample_order import placed, simple_order
from tests.contract.scripted_server import answer, scripted_server

CALLS = """
orders:
  push:
    on: [order.placed]
    call: {method: POST, path: /orders, json: {number: =ref}}
    answer: {accepted: =response.status == 200, reference: =response.body.number}
  probe:
    call: {method: GET, path: /orders, query: {external: =ref}}
    answer:
      ok: =response.status == 200
      found: =response.body.hits
    each:
      external: =item.external
      reference: =item.number
  list:
    call: {method: GET, path: /orders, query: {since: =since, page: =page}}
    answer:
      ok: =response.status == 200
      found: =response.body.hits
      next: =response.body.next
    each: {external: =item.external, reference: =item.number}
"""
#: How Python writes an object that nobody has given a text.
PYTHON = re.compile(r" object at 0x|<function|\b[A-Z]\w+\(\w+=|frozenset|lambda")
SINCE = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def answering(
    stack: ExitStack, folder: Path, body: str, status: int = 200, calls: str = CALLS
) -> ErpAdapter:
    server = stack.enter_context(scripted_server(lambda _: answer(status, body)))
    return adapter_of(stack, folder, server.url, calls)


def adapter_of(stack: ExitStack, folder: Path, url: str, calls: str) -> ErpAdapter:
    path = folder / "calls.yaml"
    path.write_text(calls, "utf-8")
    shop = ShopContext("main", ZoneInfo("UTC"))
    settings = AdapterSettings(url, 5, 20, shop, calls=path, domains=SPECS)
    return stack.enter_context(closing(generic.create(settings)))


@pytest.mark.parametrize(
    ("body", "line", "said"),
    [
        ("<html>Sign in</html>", 11, "the body is not valid JSON"),
        ('{"hits": [}', 11, "the body is not valid JSON"),
        ("{}", 11, "response.body has no 'hits'"),
        ('"maintenance"', 11, "response.body is a text and has no 'hits'"),
        ('{"hits": null}', 11, "response.body.hits: none is no list of documents"),
        ('{"hits": "none"}', 11, "response.body.hits: a text is no list of documents"),
        ('{"hits": 0}', 11, "response.body.hits: a number is no list of documents"),
        ('{"hits": false}', 11, "response.body.hits: a truth value is no list of documents"),
        ('{"hits": [{"number": "SO-1"}]}', 13, "item has no 'external'"),
        ('{"hits": [{"external": {}, "number": "SO-1"}]}', 13, "a mapping"),
        ('{"hits": [{"external": "1"}]}', 14, "a document in it has no reference"),
        ('{"hits": [{"external": "2", "number": "SO-1"}]}', 13, "document of '2'"),
        ('{"hits": ["SO-1"]}', 14, "a document in it has no reference"),
    ],
)
def test_it_is_the_erp_s_answer_that_is_named_with_status_line_and_beginning(
    stack: ExitStack, tmp_path: Path, body: str, line: int, said: str
) -> None:
    with pytest.raises(NotUnderstood) as raised:
        answering(stack, tmp_path, body).probe("orders", ["1"])

    message = raised.value.message
    assert message.startswith("GET /orders: HTTP 200: the ERP's answer cannot be used: ")
    assert said in message
    assert f"calls.yaml:{line}: orders.probe." in message
    assert message.endswith(f"; it begins: {body}")
    assert not PYTHON.search(str(raised.value))
    assert raised.value.exchange is not None
    assert (raised.value.exchange.status, raised.value.exchange.answer) == (200, body)


@pytest.mark.parametrize("body", ['{"hits": []}', '{"hits": [], "next": [1]}'])
def test_a_next_page_that_cannot_be_read_is_named_alike(
    stack: ExitStack, tmp_path: Path, body: str
) -> None:
    with pytest.raises(NotUnderstood, match=r"HTTP 200: the ERP's answer .*calls\.yaml:20: ") as no:
        answering(stack, tmp_path, body).list("orders", SINCE)

    assert not PYTHON.search(str(no.value))


def test_an_answer_that_is_not_ok_is_named_with_the_line_that_says_so(
    stack: ExitStack, tmp_path: Path
) -> None:
    with pytest.raises(NotUnderstood, match=r"HTTP 500: .*calls\.yaml:10.*; it is empty"):
        answering(stack, tmp_path, "", 500).probe("orders", ["1"])


def test_who_is_told_that_none_is_no_list_can_do_as_the_message_says(
    stack: ExitStack, tmp_path: Path
) -> None:
    with pytest.raises(NotUnderstood) as raised:
        answering(stack, tmp_path, '{"hits": null}').probe("orders", ["1"])
    [corrected] = re.findall(r"nothing was found: (=.*?) \(", raised.value.message)
    calls = CALLS.replace("=response.body.hits", corrected)

    found = answering(stack, tmp_path, '{"hits": null}', calls=calls).probe("orders", ["1"])

    assert found == {"1": ()}


# A ping that looks as far as a question would


@pytest.mark.parametrize(
    "ping", ["", "ping: {call: {method: GET, path: /}, answer: {ok: =response.status == 200}}\n"]
)
def test_a_page_for_signing_in_is_no_answer_though_its_status_is_well(
    stack: ExitStack, tmp_path: Path, ping: str
) -> None:
    page = "<html><form>Sign in</form></html>"
    server = stack.enter_context(
        scripted_server(lambda _: answer(200, page, Content_Type="text/html; charset=utf-8"))
    )

    told = adapter_of(stack, tmp_path, server.url, ping + CALLS).ping()

    assert (told.reachable, told.authorised) == (True, True)
    assert "the ERP's answer cannot be used" in told.message
    assert "Sign in" in told.message


# Answers that every further question would get


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("ok", ["=response.status == 200", "true"])
def test_a_refused_login_is_lasting_whatever_the_file_says_of_its_answer(
    stack: ExitStack, tmp_path: Path, status: int, ok: str
) -> None:
    calls = CALLS.replace("=response.status == 200\n      found", f"{ok}\n      found")
    adapter = answering(stack, tmp_path, '{"hits": []}', status, calls)

    for ask in (lambda: adapter.probe("orders", ["1"]), lambda: adapter.list("orders", SINCE)):
        with pytest.raises(NotReached, match=f"HTTP {status}: the ERP refuses our login") as no:
            ask()
        assert no.value.lasting
        assert no.value.exchange is not None
        assert no.value.exchange.status == status
    assert not adapter.ping().authorised


def test_what_the_file_calls_misconfigured_is_lasting_and_what_a_gateway_may_have_said_is_not(
    stack: ExitStack, tmp_path: Path
) -> None:
    calls = CALLS.replace(
        "      found", "      misconfigured: =response.status in [400, 502]\n      found"
    )
    with pytest.raises(NotReached, match="HTTP 400") as raised:
        answering(stack, tmp_path, "no such user", 400, calls).probe("orders", ["1"])
    with pytest.raises(NotUnderstood, match="HTTP 502"):
        answering(stack, tmp_path, "bad gateway", 502, calls).probe("orders", ["1"])

    assert raised.value.lasting


@pytest.mark.parametrize("status", [408, 502, 503, 504, 522])
def test_that_a_gateway_has_nothing_is_not_that_the_erp_has_nothing(
    stack: ExitStack, tmp_path: Path, status: int
) -> None:
    calls = CALLS.replace("ok: =response.status == 200", "ok: =response.body.hits is defined")
    adapter = answering(stack, tmp_path, '{"hits": [], "next": ""}', status, calls)

    for ask in (lambda: adapter.probe("orders", ["1"]), lambda: adapter.list("orders", SINCE)):
        with pytest.raises(NotUnderstood, match=f"HTTP {status} may come from a gateway"):
            ask()


def test_an_answer_that_is_not_ok_for_another_reason_is_not_lasting(
    stack: ExitStack, tmp_path: Path
) -> None:
    for status in (400, 404, 500, 503):
        with pytest.raises(NotUnderstood):
            answering(stack, tmp_path, "{}", status).probe("orders", ["1"])


@pytest.mark.parametrize("code", ['""', '" "', "null"])
@pytest.mark.parametrize(
    "line", ["response.body.code != 'OK'", "response.body.code | lower not in ['ok', 'done']"]
)
def test_what_an_answer_leaves_empty_is_no_refusal_by_what_it_is_not(
    stack: ExitStack, tmp_path: Path, code: str, line: str
) -> None:
    calls = CALLS.replace(
        "{accepted: =response.status == 200,", f'{{rejected: "={line}", accepted: true,'
    )
    silent = answering(stack, tmp_path, f'{{"number": "SO-1", "code": {code}}}', calls=calls)
    said = answering(stack, tmp_path, '{"number": "SO-1", "code": "CREDIT"}', calls=calls)

    [doubtful], [refused] = (push_all(one, [placed(simple_order())]) for one in (silent, said))

    assert isinstance(doubtful.outcome, Unknown)
    assert "rejected, but response.body.code" in doubtful.outcome.message
    assert "is empty" in doubtful.outcome.message
    assert isinstance(refused.outcome, Rejected)
