"""An ERP may repeat our login anywhere in an answer: nothing that an adapter hands out has it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, closing
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.calls.redaction import Redaction
from adapters.http.secrecy import beginning, excerpt, struck_out
from adapters.rest import generic
from sidecar.domains import SPECS
from sidecar.model.errors import NotReached, NotUnderstood, SidecarError, Unavailable
from sidecar.model.outcome import (
    Accepted,
    Booked,
    Duplicate,
    Outcome,
    Partial,
    Rejected,
    Unknown,
)
from sidecar.model.secret import Secret
from sidecar.ports import AdapterSettings, ErpAdapter, Exchange, PushCall, Result, ShopContext
from sidecar.testing.contract_calls import push_all
from sidecar.testing.sample_order import placed, simple_order
from tests.contract.scripted_server import answer, scripted_server

SECRET = "SecretE7x-token"
#: As no encoder writes it, and as every reader reads it.
ESCAPED = "Secret\\u00457x-tok\\u0065n"
REDACTION = Redaction(lambda text: struck_out(text, [SECRET]))


def echo(annotation: Any) -> Any:
    """A value of a field's type with the secret wherever it has a text."""
    arguments = [one for one in get_args(annotation) if one not in (type(None), ...)]
    if arguments and isinstance(annotation, type(tuple[int, ...])):
        return tuple(echo(one) for one in arguments)
    if arguments:
        return echo(arguments[0])
    if annotation is str:
        return f"bad token Bearer {SECRET}!"
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return echoing(annotation)
    return {int: 1, float: 1.0, bool: True, Decimal: Decimal("1.5")}[annotation]


def echoing(kind: type[Any]) -> Any:
    return kind(**{one.name: echo(one.type) for one in msgspec.structs.fields(kind)})


@pytest.mark.parametrize("kind", get_args(Outcome), ids=lambda kind: str(kind.__name__))
def test_no_text_of_an_outcome_has_it(kind: type[Any]) -> None:
    outcome = echoing(kind)
    assert SECRET in repr(outcome), "the test echoes nothing"
    exchange = Exchange(f"POST /{SECRET}", 200, 0.1, SECRET)
    delivery = placed(simple_order())

    call = REDACTION.of_call(PushCall(exchange, [Result(delivery, outcome)]))

    assert SECRET not in repr([call.exchange, call.results[0].outcome])
    assert call.results[0].delivery is delivery


def test_no_text_of_a_document_has_it_and_its_figures_stay() -> None:
    booked = msgspec.structs.replace(echoing(Booked), reference="SO-1")

    redacted = REDACTION.of_document(booked)

    assert SECRET not in repr(redacted)
    assert (redacted.reference, redacted.total, redacted.lines) == ("SO-1", Decimal("1.5"), 1)


@pytest.mark.parametrize("kind", [Accepted, Partial])
def test_a_document_that_is_named_by_it_is_no_acceptance(kind: type[Any]) -> None:
    call = REDACTION.of_call(PushCall(None, [Result(placed(simple_order()), echoing(kind))]))

    assert isinstance(call.results[0].outcome, Unknown)


def test_a_duplicate_that_is_named_by_it_has_no_name() -> None:
    duplicate = Duplicate(reference=SECRET)

    call = REDACTION.of_call(PushCall(None, [Result(placed(simple_order()), duplicate)]))

    assert call.results[0].outcome == Duplicate(reference=None)


def test_a_document_that_is_named_by_it_is_none_that_was_found() -> None:
    with pytest.raises(NotUnderstood, match="one of our own secrets"):
        REDACTION.of_document(Booked(reference=SECRET))


@pytest.mark.parametrize("kind", [SidecarError, Unavailable, NotReached, NotUnderstood])
def test_no_error_has_it(kind: type[SidecarError]) -> None:
    error = kind(f"GET /{SECRET}", f"ask {SECRET}")
    error.seen = Exchange(SECRET, 401, 0.1, SECRET)  # type: ignore[attr-defined]

    with pytest.raises(kind) as raised, REDACTION.of_errors():
        raise error

    assert SECRET not in repr([raised.value, vars(raised.value), str(raised.value)])


# On the wire

CALLS = """
orders:
  push:
    on: [order.placed]
    call: {method: POST, path: /orders, json: {number: =ref}}
    answer:
      accepted: =response.status == 201
      reference: =response.body.number
      status: =response.body.state
      rejected: =response.status == 422
      message: =response.body.error.message
      code: =response.body.error.code
      field: =response.body.error.field
  probe:
    call: {method: GET, path: /orders, query: {external: =ref}}
    answer: {ok: =response.status == 200, found: =response.body.hits}
    each: {reference: =item.number, status: =item.state}
"""
REFUSED = {"message": f"bad token Bearer {SECRET}", "code": SECRET, "field": SECRET}


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def adapter_for(stack: ExitStack, folder: Path, status: int, body: str) -> ErpAdapter:
    server = stack.enter_context(scripted_server(lambda _: answer(status, body)))
    path = folder / "calls.yaml"
    path.write_text(CALLS, "utf-8")
    settings = AdapterSettings(
        url=server.url,
        connect_timeout=5,
        read_timeout=20,
        shop=ShopContext("main", ZoneInfo("UTC")),
        calls=path,
        auth={"bearer": {"token": Secret(SECRET)}},
        domains=SPECS,
    )
    return stack.enter_context(closing(generic.create(settings)))


@pytest.mark.parametrize("escaped", [False, True], ids=["plain", "escaped"])
def test_a_refusal_that_repeats_it_in_message_code_and_field_is_kept_without(
    stack: ExitStack, tmp_path: Path, escaped: bool
) -> None:
    body = json.dumps({"error": REFUSED})
    body = body.replace(SECRET, ESCAPED) if escaped else body

    [result] = push_all(adapter_for(stack, tmp_path, 422, body), [placed(simple_order())])

    assert result.outcome == Rejected(message="bad token Bearer ***", code="***", field="***")
    assert result.exchange is not None
    assert "x-tok" not in result.exchange.answer
    assert "bad token Bearer ***" in result.exchange.answer


def test_a_status_that_repeats_it_is_kept_without(stack: ExitStack, tmp_path: Path) -> None:
    body = json.dumps({"number": "SO-1", "state": SECRET})

    [result] = push_all(adapter_for(stack, tmp_path, 201, body), [placed(simple_order())])

    assert result.outcome == Accepted(booked=Booked(reference="SO-1", status="***"))


def test_what_is_found_and_what_is_wrong_with_it_are_told_without(
    stack: ExitStack, tmp_path: Path
) -> None:
    body = json.dumps({"hits": [{"number": "SO-1", "state": SECRET}]})
    [booked] = adapter_for(stack, tmp_path, 200, body).probe("orders", ["1"])["1"]
    with pytest.raises(Unavailable) as refused:
        adapter_for(stack, tmp_path, 500, json.dumps(REFUSED)).probe("orders", ["1"])

    assert booked.status == "***"
    assert SECRET not in str(refused.value)


@given(st.integers(0, 3_000), st.integers(1, 4))
def test_one_that_a_text_s_end_would_cut_is_struck_out_whole(before: int, times: int) -> None:
    text = "." * before + f" {SECRET}" * times * 200

    assert "Sec" not in beginning(text, [SECRET], 2_000)
    assert "Sec" not in excerpt(text.encode(), "", [SECRET], 2_000)
    assert "Sec" not in excerpt(
        text.encode("utf-16"), "text/plain; charset=utf-16", [SECRET], 2_000
    )
    assert "Sec" not in excerpt(text.encode("utf-16-le"), "", [SECRET], 2_000)
