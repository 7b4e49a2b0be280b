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
from sidecar.model.errors import NotUnderstood
from sidecar.ports import Connection, ErpAdapter, ShopContext
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
    path = folder / "calls.yaml"
    path.write_text(calls, "utf-8")
    shop = ShopContext("main", ZoneInfo("UTC"))
    connection = Connection(server.url, 5, 20, shop, calls=path)
    return stack.enter_context(closing(generic.create(connection)))


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
