"""Invoices, payments and shipments in the simulator's REST face, each of an order."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import requests

from sidecar.testing.erpsim import DocumentKind, ErpSimClient, serve_in_thread

ORDER = "SO-100001"
LINE = {"lineId": 7, "sku": "A", "quantity": 1, "unitPrice": 40}
PIECES = {"lineId": 7, "sku": "A", "quantity": 2}


@pytest.fixture
def erp() -> Iterator[ErpSimClient]:
    with serve_in_thread() as running:
        line = {"sku": "A", "quantity": 1, "unitPrice": 100}
        order = {"externalNumber": "000000007", "lines": [line]}
        requests.post(f"{running.url}/sales-orders", json=order, timeout=10)
        yield running


def post(erp: ErpSimClient, path: str, **payload: Any) -> requests.Response:
    return requests.post(f"{erp.url}{path}", json=payload, timeout=10)


def test_an_invoice_is_summed_by_its_lines(erp: ErpSimClient) -> None:
    sent = post(erp, "/invoices", externalNumber="IN1", salesOrder=ORDER, lines=[LINE], shipping=5)

    assert (sent.status_code, sent.json()["number"]) == (201, "IV-100001")
    [booked] = erp.bookings("IN1")
    assert (booked.kind, booked.order, booked.total) == (DocumentKind.INVOICE, ORDER, Decimal(45))


def test_a_payment_is_an_amount_without_lines(erp: ErpSimClient) -> None:
    sent = post(erp, "/payments", externalNumber="IN1", order=ORDER, amount=45.5, method="checkmo")

    assert (sent.status_code, sent.json()["number"]) == (201, "PY-100001")
    assert sent.json()["tax"] is None
    [booked] = erp.bookings("IN1")
    assert (booked.lines, booked.total) == ((), Decimal("45.5"))
    assert booked.other == {"method": "checkmo"}


def test_a_shipment_is_pieces_without_prices(erp: ErpSimClient) -> None:
    sent = post(erp, "/shipments", externalNumber="SH1", salesOrder=ORDER, lines=[PIECES])

    assert (sent.status_code, sent.json()["number"]) == (201, "SH-100001")
    [booked] = erp.bookings("SH1")
    assert ([line.quantity for line in booked.lines], booked.total) == ([Decimal(2)], Decimal(0))


@pytest.mark.parametrize(
    ("path", "payload", "code"),
    [
        ("/invoices", {"salesOrder": "SO-1", "lines": [LINE]}, "unknown_order"),
        ("/payments", {"order": "SO-1", "amount": 1}, "unknown_order"),
        ("/shipments", {"salesOrder": "SO-1", "lines": [PIECES]}, "unknown_order"),
        ("/invoices", {"salesOrder": ORDER, "lines": [LINE] * 3}, "invoice_too_high"),
        ("/payments", {"order": ORDER, "amount": 100.02}, "payment_too_high"),
        ("/payments", {"order": ORDER}, "invalid"),
        ("/shipments", {"salesOrder": ORDER, "lines": []}, "invalid"),
    ],
)
def test_what_its_order_does_not_bear_is_refused(
    erp: ErpSimClient, path: str, payload: dict[str, Any], code: str
) -> None:
    answer = post(erp, path, externalNumber="X1", **payload)

    assert (answer.status_code, answer.json()["error"]["code"]) == (422, code)
    assert erp.bookings("X1") == []
