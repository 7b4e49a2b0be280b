"""Credit memos in the simulator's REST face: documents of their own kind, each of an order."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import requests

from sidecar.testing.erpsim import DocumentKind, ErpSimClient, serve_in_thread

NUMBER = "CM000000042"


@pytest.fixture
def erp() -> Iterator[ErpSimClient]:
    with serve_in_thread() as running:
        line = {"sku": "A", "quantity": 1, "unitPrice": 100}
        order = {"externalNumber": "000000007", "lines": [line]}
        requests.post(f"{running.url}/sales-orders", json=order, timeout=10)
        yield running


def memo(external: str = NUMBER, price: float = 40, **fields: Any) -> dict[str, Any]:
    line = {"lineId": 7, "sku": "A", "quantity": 1, "unitPrice": price}
    return {"externalNumber": external, "salesOrder": "SO-100001", "lines": [line], **fields}


def post(erp: ErpSimClient, payload: Any, path: str = "") -> requests.Response:
    return requests.post(f"{erp.url}/credit-memos{path}", json=payload, timeout=10)


def listed(erp: ErpSimClient, path: str) -> list[Any]:
    return [item["number"] for item in requests.get(erp.url + path, timeout=10).json()["items"]]


def test_one_is_booked_of_its_order_and_found_among_its_own_kind_alone(erp: ErpSimClient) -> None:
    answer = post(erp, memo(adjustment=-0.75, shipping=5, tax=2))

    assert (answer.status_code, answer.json()["number"]) == (201, "CR-100001")
    [booked] = erp.bookings(NUMBER)
    assert (booked.kind, booked.order) == (DocumentKind.CREDIT_MEMO, "SO-100001")
    assert booked.total == Decimal("46.25")
    assert listed(erp, f"/credit-memos?externalNumber={NUMBER}") == ["CR-100001"]
    assert listed(erp, f"/sales-orders?externalNumber={NUMBER}") == []
    assert listed(erp, "/sales-orders") == ["SO-100001"]
    assert listed(erp, "/credit-memos") == ["CR-100001"]


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (memo(salesOrder="SO-1"), "unknown_order"),
        (memo(salesOrder=""), "unknown_order"),
        (memo(price=100.02), "refund_too_high"),
        (memo(price=0), "invalid"),
        ({key: value for key, value in memo().items() if key != "salesOrder"}, "invalid"),
    ],
)
def test_what_is_of_no_order_or_gives_back_more_than_it_took_is_refused(
    erp: ErpSimClient, payload: dict[str, Any], code: str
) -> None:
    answer = post(erp, payload)

    assert (answer.status_code, answer.json()["error"]["code"]) == (422, code)
    assert [document.number for document in erp.documents()] == ["SO-100001"]


def test_what_was_canceled_can_be_given_back_again(erp: ErpSimClient) -> None:
    [first, refused] = [post(erp, memo(external, price=60)) for external in ("CM1", "CM2")]
    post(erp, None, f"/{first.json()['number']}/cancel")
    again = post(erp, memo("CM2", price=60))

    assert [answer.status_code for answer in (first, refused, again)] == [201, 422, 201]


def test_several_are_sent_in_one_call(erp: ErpSimClient) -> None:
    answer = post(erp, {"creditMemos": [memo("CM1", 10), memo("CM2", 95)]}, "/bulk")

    results = {one["externalNumber"]: one["code"] for one in answer.json()["results"]}
    assert results == {"CM1": None, "CM2": "refund_too_high"}


def test_a_rule_for_an_order_strikes_a_credit_memo_too(erp: ErpSimClient) -> None:
    erp.rule("drop_tax", path="/credit-memos")
    lines = [{"sku": "A", "quantity": 1, "unitPrice": 10, "tax": 1.9}]

    post(erp, memo(lines=lines))

    [booked] = erp.bookings(NUMBER)
    assert (booked.tax, booked.total) == (Decimal(0), Decimal(10))
