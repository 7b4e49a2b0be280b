"""The example for Tryton against a real Tryton 8: an ERP by a file of calls and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC
from decimal import Decimal
from pathlib import Path

import pytest

from adapters.rest import generic
from sidecar.domains import SPECS
from sidecar.domains.orders.payload import Order
from sidecar.model.outcome import Accepted, Misconfigured, Rejected, Taken, Unfinished
from sidecar.model.secret import Secret
from sidecar.ports import AdapterSettings, ErpAdapter, Link, ShopContext
from sidecar.testing.fault_proxy import FaultProxy
from sidecar.testing.sample_order import SampleLine, canceled, placed, sample_order
from tests.erps.tryton_server import PASSWORD, USER, TrytonServer

CALLS = Path(__file__).parents[2] / "config" / "examples" / "tryton.yaml"
LINES = [
    SampleLine("SEVEN", "7", "3.3333", tax_percent="8.25"),
    SampleLine("MUG", "3", "9.99", tax_percent="8.25", discount="1.00"),
]


def make_adapter(url: str, password: str = PASSWORD) -> ErpAdapter:
    """That of `erp: {adapter: rest.generic, calls: tryton.yaml, secrets: …}`."""
    secrets = {"user": Secret(USER), "password": Secret(password)}
    shop = ShopContext("main", UTC)
    return generic.create(
        AdapterSettings(url, 5, 60, shop, calls=CALLS, secrets=secrets, domains=SPECS)
    )


@pytest.fixture
def wire(tryton: TrytonServer) -> Iterator[FaultProxy]:
    with FaultProxy(tryton.url) as proxy:
        yield proxy


@pytest.fixture
def adapter(wire: FaultProxy) -> Iterator[ErpAdapter]:
    with closing(make_adapter(wire.url)) as adapter:
        yield adapter


def link_of(adapter: ErpAdapter, number: str) -> Link:
    """What the sidecar keeps of the one document that Tryton has."""
    (booked,) = adapter.probe("orders", [number])[number]
    return Link(booked.reference or "", booked.status, key=booked.key)


def finish(adapter: ErpAdapter, order: Order) -> object:
    """Go on with an order that was taken, as the pump does."""
    link = link_of(adapter, order.increment_id)
    (*_, call) = adapter.push([replace(placed(order), link=link, unfinished=True)])
    return call.results[0].outcome


def test_an_order_is_confirmed_with_its_number_and_totals(adapter: ErpAdapter) -> None:
    order = sample_order("000000101", LINES)
    (*_, call) = adapter.push([placed(order)])
    assert isinstance(call.results[0].outcome, Taken), call.results[0].outcome

    finished = finish(adapter, order)

    assert isinstance(finished, Accepted), finished
    assert finished.booked.reference
    assert not finished.booked.reference.startswith("draft")
    (booked,) = adapter.probe("orders", ["000000101"])["000000101"]
    assert booked.currency == "EUR"
    assert booked.status in ("confirmed", "processing")
    assert booked.total is not None
    assert abs(booked.total - order.grand_total) <= Decimal("0.02")


def test_a_lost_answer_leaves_one_order_and_each_step_is_done_once(
    adapter: ErpAdapter, wire: FaultProxy
) -> None:
    order = sample_order("000000102", LINES)
    adapter.push([placed(sample_order("000000103", LINES))])  # so that all but the order is known
    wire.rule("cut_after", nth=2, times=1)  # its address is asked for before it
    adapter.push([placed(order)])

    wire.rule("cut_after", nth=2, times=1)  # it is asked for before it is a quotation
    assert isinstance(finish(adapter, order), Unfinished)
    assert isinstance(finish(adapter, order), Accepted)

    assert len(adapter.probe("orders", ["000000102"])["000000102"]) == 1


def test_a_quotation_is_cancelled_and_a_delivery_that_is_under_way_is_not(
    adapter: ErpAdapter,
) -> None:
    early, late = sample_order("000000104", LINES), sample_order("000000105", LINES)
    adapter.push([placed(early)])
    adapter.push([placed(late)])
    finish(adapter, late)

    (first,) = adapter.push([canceled(early, link_of(adapter, "000000104"))])
    (second,) = adapter.push([canceled(late, link_of(adapter, "000000105"))])

    assert isinstance(first.results[0].outcome, Accepted)
    assert isinstance(second.results[0].outcome, Rejected)
    assert link_of(adapter, "000000104").status == "cancelled"


def test_a_wrong_password_stops_the_domain(tryton: TrytonServer) -> None:
    with closing(make_adapter(tryton.url, "wrong")) as adapter:
        (call,) = adapter.push([placed(sample_order("000000106", LINES))])

    assert isinstance(call.results[0].outcome, Misconfigured)
