"""Orders out, and back all that an ERP says of them, over REST and over SOAP, through a bad wire.

The daemon is killed at random instants, answers are lost on both sides, and the ERP repeats and
mixes up what it tells.  Counted is what stands in Magento and in the ERP's books.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib import resources
from pathlib import Path

import pytest

from sidecar.testing.erpsim import WSDL
from sidecar.testing.fault_proxy import FaultProxy
from sidecar.testing.magento_db import Line, PlacedOrder, PrivateServer, Shop
from sidecar.testing.magento_rest import ADMIN, PASSWORD, MagentoRest, Misbehaviour
from sidecar.testing.magento_rest.faults import Fault
from tests.rig import Rig

KILLS = int(os.environ.get("ERP_SIDECAR_KILLS", "4"))
SEED = int(os.environ.get("ERP_SIDECAR_SEED", "20261130"))

_TOLD = ("order_status", "shipments", "invoices", "refunds")
_LIFECYCLE = """\
states:
  OPEN:   {meaning: final, status: erp_received, label: Received by ERP}
  POSTED: {meaning: posted, do: [comment], comment: "posted {reference}"}
  CLOSED: {meaning: closed, do: [comment], comment: "closed {reference}"}
transitions: {OPEN: [POSTED], POSTED: [CLOSED]}
passing: true
"""
_REST = """
{domain}:
  changes:
    call:
      method: GET
      path: {asked}
      query: {{changedSince: "=since | date('%Y-%m-%dT%H:%M:%SZ')", page: =page}}
    answer:
      ok: =response.status == 200
      found: =response.body.items
      next: =response.body.nextPage
    each: {each}
"""
_SOAP = """
{domain}:
  changes:
    call: {{operation: {asked}, body: {{ChangedSince: =since, Page: =page}}}}
    answer:
      ok: =response.status == 200 and response.body.ResultCode == 'OK'
      found: =response.body.{found}
      next: =response.body.NextPage
    each: {each}
"""
_REST_LINES = "{$each: line in item.lines, $do: {sku: =line.sku, qty: =line.quantity}}"
_SOAP_LINES = "{$each: line in item.Lines.Line, $do: {sku: =line.Sku, qty: =line.Qty}}"


def _rest(number: str, more: str = "") -> str:
    return (
        f"{{number: =item.{number}, order: =item.externalOrder, items: {_REST_LINES}, "
        f"at: =item.changedAt{more}}}"
    )


def _soap(number: str, more: str = "") -> str:
    return (
        f"{{number: =item.{number}, order: =item.ExternalOrder, items: {_SOAP_LINES}, "
        f"at: =item.ChangedAt{more}}}"
    )


#: Domain → what is asked for, the list in the answer, a row.
_REST_NEWS = {
    "order_status": (
        "/sales-orders",
        "",
        "{external: =item.externalNumber, reference: =item.number, status: =item.state, "
        "at: =item.changedAt}",
    ),
    "shipments": (
        "/deliveries",
        "",
        _rest(
            "deliveryNumber",
            ", tracks: {$each: one in item.parcels, "
            "$do: {title: =one.carrier, track_number: =one.number}}",
        ),
    ),
    "invoices": ("/bills", "", _rest("invoiceNumber")),
    "refunds": ("/returns", "", _rest("returnNumber")),
}
_SOAP_NEWS = {
    "order_status": (
        "ListOrders",
        "Order",
        "{external: =item.ExternalId, reference: =item.OrderNo, status: =item.Status, "
        "at: =item.ChangedAt}",
    ),
    "shipments": (
        "ListDeliveries",
        "Delivery",
        _soap(
            "DeliveryNo",
            ", tracks: {$each: one in item.Parcels.Parcel, "
            "$do: {title: =one.Carrier, track_number: =one.Number}}",
        ),
    ),
    "invoices": ("ListInvoices", "Invoice", _soap("InvoiceNo")),
    "refunds": ("ListReturns", "Return", _soap("ReturnNo")),
}


def calls_of(protocol: str) -> str:
    """The demonstration's orders, and what the ERP tells by itself."""
    name, form, news = {
        "rest": ("calls.yaml", _REST, _REST_NEWS),
        "soap": ("soap-calls.yaml", _SOAP, _SOAP_NEWS),
    }[protocol]
    orders = resources.files("sidecar.testing.demo").joinpath(name).read_text("utf-8")
    return orders.partition("\nrefunds:")[0] + "".join(
        form.format(domain=domain, asked=asked, found=found, each=each)
        for domain, (asked, found, each) in news.items()
    )


class RoundTrip:
    """The rig, with a bad wire before the ERP and Magento's API behind the daemon."""

    def __init__(self, rig: Rig, shop: Shop, rest: MagentoRest, wire: FaultProxy) -> None:
        self.rig = rig
        self.shop = shop
        self.rest = rest
        self.wire = wire
        self.rng = random.Random(SEED)
        self.orders: list[PlacedOrder] = []

    def sell(self, count: int) -> None:
        self.orders = [self.shop.place([Line("MUG", 4)]) for _ in range(count)]

    def number_of(self, order: PlacedOrder) -> str:
        """What the ERP calls it."""
        return self.rig.erp.bookings(order.increment_id)[0].number

    def tell(self, order: PlacedOrder) -> None:
        """Two deliveries, two invoices and a return, in any order and some of them long ago."""
        erp, number = self.rig.erp, order.increment_id
        past = [datetime.now(UTC) - timedelta(seconds=self.rng.uniform(0, 5)) for _ in range(2)]
        told: list[Callable[[], None]] = [
            partial(erp.tell_delivery, f"L1-{number}", number, [("MUG", 2)], parcels=["P1"],
                    changed=past[0]),
            partial(erp.tell_delivery, f"L2-{number}", number, [("MUG", 1)], changed=past[1]),
            partial(erp.tell_invoice, f"I1-{number}", number, [("MUG", 2)]),
            partial(erp.tell_invoice, f"I2-{number}", number, [("MUG", 2)]),
            partial(erp.tell_return, f"R-{number}", number, [("MUG", 1)]),
        ]  # fmt: skip
        self.rng.shuffle(told)
        for tell in told:
            tell()

    def let_pass(self, seconds: int) -> None:
        """What waits for time in the ledger is due: nobody waits a minute for it."""
        ledger = f"{self.rig.magento.name}_ledger"
        with self.rig.magento.connect() as connection, connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {ledger}.incoming SET asked_at = asked_at - INTERVAL %s SECOND, "
                "due_at = due_at - INTERVAL %s SECOND WHERE status IN ('waiting', 'asked')",
                (seconds, seconds),
            )
            connection.commit()

    def amiss(self) -> list[str]:
        """What Magento lacks of what was told, or has too often; the ledger is not asked."""
        shipped, invoiced, refunded, tracks, comments, statuses = self.rig.look(
            "SELECT comment FROM sales_shipment_comment",
            "SELECT comment FROM sales_invoice_comment",
            "SELECT comment FROM sales_creditmemo_comment",
            "SELECT track_number, order_id FROM sales_shipment_track",
            "SELECT comment FROM sales_order_status_history WHERE comment LIKE 'posted %' "
            "OR comment LIKE 'closed %'",
            "SELECT entity_id, ext_order_id FROM sales_order",
        )
        ours = [order.increment_id for order in self.orders]
        numbers = {order.entity_id: self.number_of(order) for order in self.orders}
        wanted: dict[str, Counter[object]] = {
            "shipments": Counter(f"ERP delivery L{n}-{o} (main)" for o in ours for n in (1, 2)),
            "invoices": Counter(f"ERP invoice I{n}-{o} (main)" for o in ours for n in (1, 2)),
            "refunds": Counter(f"ERP refund R-{o} (main)" for o in ours),
            "tracks": Counter(("P1", order.entity_id) for order in self.orders),
            "statuses": Counter(
                f"{word} {n}" for n in numbers.values() for word in ("posted", "closed")
            ),
            "orders": Counter(numbers.items()),
            "books": Counter(ours),
        }
        told = [line for (text,) in comments for line in str(text).splitlines()]
        there: dict[str, Counter[object]] = {
            "shipments": Counter(text for (text,) in shipped),
            "invoices": Counter(text for (text,) in invoiced),
            "refunds": Counter(text for (text,) in refunded),
            "tracks": Counter(tracks),
            "statuses": Counter(told),
            "orders": Counter(statuses),
            "books": Counter(one.external for one in self.rig.erp.documents()),
        }
        return [
            f"{what}: missing {dict(wanted[what] - there[what])}, "
            f"too many {dict(there[what] - wanted[what])}"
            for what in wanted
            if wanted[what] != there[what]
        ]

    def until_right(self, seconds: float = 60.0) -> None:
        def is_right() -> bool:
            self.let_pass(20)
            return not self.amiss()

        try:
            self.rig.until(is_right, seconds)
        except AssertionError as late:
            news = self.rig.sidecar("incoming", "list", "--all")
            raise AssertionError(f"{self.amiss()}\n{news}\n{self.rig.log_tail()}") from late


@pytest.fixture(params=["rest", "soap"])
def trip(
    request: pytest.FixtureRequest, server: PrivateServer, tmp_path: Path
) -> Iterator[RoundTrip]:
    with ExitStack() as stack:
        rig = stack.enter_context(Rig(server, tmp_path, f"trip_{request.param}"))
        wire = stack.enter_context(FaultProxy(rig.erp.url, seed=SEED))
        rest = stack.enter_context(MagentoRest(stack.enter_context(Shop(rig.magento))))
        (tmp_path / "calls.yaml").write_text(calls_of(request.param), "utf-8")
        (tmp_path / "lifecycle.yaml").write_text(_LIFECYCLE, "utf-8")
        (tmp_path / "admin").touch(mode=0o600)
        (tmp_path / "admin").write_text(PASSWORD, "utf-8")
        file = tmp_path / "sidecar.yaml"
        text = file.read_text("utf-8").replace(rig.erp.url, wire.url)
        if request.param == "soap":
            endpoint = rig.erp.endpoint().replace(rig.erp.url, wire.url)
            text = text.replace(
                f"adapter: rest.generic\n  url: {wire.url}",
                f"adapter: soap.generic\n  wsdl: {WSDL}\n  endpoint: {endpoint}",
            )
        api = (
            f"  api: {{url: '{rest.url}', admin: {{user: {ADMIN}, password: {{file: admin}}}}, "
            "timeout: {connect: 1s, read: 2s}}\n"
        )
        pace = "owner: erp, every: 200ms, overlap: 30s"
        sections = "".join(
            f"  {domain}: {{{pace}"
            + (", lifecycle: lifecycle.yaml" if domain == "order_status" else "")
            + "}\n"
            for domain in _TOLD
        )
        text = text.replace("ledger:", f"{api}ledger:", 1).replace(
            "logging:", f"{sections}logging:"
        )
        file.write_text(text, "utf-8")
        rig.sidecar("install")
        yield RoundTrip(rig, stack.enter_context(Shop(rig.magento)), rest, wire)


@pytest.mark.timeout(240)
def test_nothing_is_lost_and_nothing_made_twice(trip: RoundTrip) -> None:
    rig, rng = trip.rig, trip.rng
    trip.wire.rule("cut_after", probability=0.1)
    trip.wire.rule("cut_answer", probability=0.05)
    trip.sell(KILLS)
    lost: list[Fault] = []
    daemon = rig.start()
    rig.until(lambda: rig.unacknowledged() == 0)
    for order in trip.orders:
        trip.tell(order)
        rig.erp.set_state(trip.number_of(order), "POSTED")
        for path in ("order/*/ship", "order/*/invoice", "order/*/refund"):
            skip = rng.randrange(2)
            lost.append(trip.rest.misbehave(Misbehaviour.DROP_AFTER, path, skip=skip))
        rig.wait_or_exit(daemon, rng.uniform(0.2, 1.0))
        rig.kill(daemon)
        trip.let_pass(60)
        daemon = rig.start()
    for order in trip.orders:
        rig.erp.set_state(trip.number_of(order), "CLOSED")
    trip.until_right()
    assert {one.fault for one in trip.wire.passages()} > {None}
    assert sum(fault.struck for fault in lost) > 0

    before = len(trip.wire.passages())
    rig.until(lambda: len(trip.wire.passages()) > before + 12)
    assert trip.amiss() == []
