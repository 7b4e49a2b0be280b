"""Whatever a reader of answers stumbles over, the order is in doubt and nothing is given away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NoReturn
from zoneinfo import ZoneInfo

import pytest

from adapters.rest import generic
from adapters.rest.call import HttpCall
from sidecar.domains import SPECS
from sidecar.model.errors import NotUnderstood
from sidecar.model.outcome import Retry, Unknown
from sidecar.ports import AdapterSettings, ErpAdapter, ShopContext
from sidecar.testing.contract_calls import push_all
from sidecar.testing.sample_order import placed, simple_order
from tests.contract.scripted_server import answer, scripted_server

CALLS = """
orders:
  push:
    on: [order.placed]
    call: {method: POST, path: /orders, json: {ref: =ref}}
    answer: {accepted: =true, rejected: =true, reference: ='SO-1'}
  probe:
    call: {method: GET, path: /orders, query: {ref: =ref}}
    answer: {ok: true, found: =response.body.items}
    each: {reference: =item.number}
"""
FIRST = CALLS.replace(
    "    call: {method: POST",
    """    first:
      - call: {method: PUT, path: /customers}
        answer: {accepted: =true}
    call: {method: POST""",
    1,
)
PERSONAL = "Erika Mustermann"


@pytest.fixture(params=[ValueError, KeyError, RecursionError, UnicodeError, MemoryError])
def broken(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A reader of answers that fails as a library might; the name of what it raises."""
    kind: type[Exception] = request.param

    def fails(*_: object) -> NoReturn:
        raise kind(PERSONAL)

    monkeypatch.setattr(HttpCall, "response", fails)
    return kind.__name__


@pytest.fixture
def adapter(tmp_path: Path) -> Iterator[ErpAdapter]:
    with (
        scripted_server(lambda _: answer(200, "{}")) as server,
        closing(made(tmp_path, server.url, CALLS)) as adapter,
    ):
        yield adapter


def made(folder: Path, url: str, calls: str) -> ErpAdapter:
    path = folder / "calls.yaml"
    path.write_text(calls, "utf-8")
    shop = ShopContext("main", ZoneInfo("UTC"))
    return generic.create(AdapterSettings(url, 5, 20, shop, calls=path, domains=SPECS))


def test_a_push_is_in_doubt(adapter: ErpAdapter, broken: str) -> None:
    [result] = push_all(adapter, [placed(simple_order())])

    assert isinstance(result.outcome, Unknown)
    assert broken in result.outcome.message
    assert PERSONAL not in result.outcome.message
    assert result.exchange is not None


def test_a_question_has_no_answer_and_the_erp_is_not_away(adapter: ErpAdapter, broken: str) -> None:
    with pytest.raises(NotUnderstood) as told:
        adapter.probe("orders", ["000000042"])

    assert broken in told.value.message
    assert PERSONAL not in told.value.message
    assert adapter.ping().reachable


@pytest.mark.usefixtures("broken")
def test_a_call_before_an_order_is_made_again(tmp_path: Path) -> None:
    with scripted_server(lambda _: answer(200, "{}")) as server:
        with closing(made(tmp_path, server.url, FIRST)) as adapter:
            [result] = push_all(adapter, [placed(simple_order())])
        asked = [one.target for one in server.requests]

    assert isinstance(result.outcome, Retry)
    assert [target.rpartition("/")[2] for target in asked] == ["customers"]
