"""Orders out, and back all that an ERP says of them, and of stock and prices; through a bad wire.

Over REST and over SOAP the daemon is killed at random instants, answers are lost on both sides, and
the ERP repeats and mixes up what it tells.  Counted is what stands in Magento and in the books.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from sidecar.testing.magento_db import Line, PlacedOrder, PrivateServer
from sidecar.testing.magento_rest import Misbehaviour
from sidecar.testing.magento_rest.faults import Fault
from tests.crash.round_trip import RoundTrip, round_trip, unlike
from tests.protocols import PROTOCOLS

KILLS = int(os.environ.get("ERP_SIDECAR_ROUND_TRIP_KILLS", "4"))
SEED = int(os.environ.get("ERP_SIDECAR_SEED", "20261130"))

_PACE = "owner: erp, every: 200ms, overlap: 30s"
_DOMAINS = f"""\
  order_status: {{{_PACE}, lifecycle: lifecycle.yaml}}
  shipments: {{{_PACE}}}
  invoices: {{{_PACE}}}
  refunds: {{{_PACE}}}
  stock: {{{_PACE}, bounds: {{run: {{changed: 100%, to_zero: 100%}}}}}}
  prices: {{{_PACE}, bounds: {{row: {{change: null}}, run: {{changed: 100%}}}}}}
"""
_LIFECYCLE = """\
states:
  OPEN:   {meaning: final, status: erp_received, label: Received by ERP}
  POSTED: {meaning: posted, do: [comment], comment: "posted {reference}"}
  CLOSED: {meaning: closed, do: [comment], comment: "closed {reference}"}
transitions: {OPEN: [POSTED], POSTED: [CLOSED]}
passing: true
"""
#: Of these the ERP tells how many there are and what they cost; they are not sold here.
_ITEMS = ("DESK", "SCREW", "LAMP")


class Told:
    """What the ERP told, and what Magento has of it."""

    def __init__(self, trip: RoundTrip) -> None:
        self.trip = trip
        self.rig = trip.rig
        self.orders: list[PlacedOrder] = []
        self.levels: dict[str, Decimal] = {}
        self.prices: dict[str, Decimal] = {}

    def sell(self, count: int) -> None:
        self.orders = [self.trip.shop.place([Line("MUG", 4)]) for _ in range(count)]

    def number_of(self, order: PlacedOrder) -> str:
        """What the ERP calls it."""
        return self.rig.erp.bookings(order.increment_id)[0].number

    def tell(self, order: PlacedOrder) -> None:
        """Two deliveries, two invoices and a return, in any order and some of them long ago."""
        erp, number, rng = self.rig.erp, order.increment_id, self.trip.rng
        past = [datetime.now(UTC) - timedelta(seconds=rng.uniform(0, 5)) for _ in range(2)]
        told: list[Callable[[], None]] = [
            partial(erp.tell_delivery, f"L1-{number}", number, [("MUG", 2)], parcels=["P1"],
                    changed=past[0]),
            partial(erp.tell_delivery, f"L2-{number}", number, [("MUG", 1)], changed=past[1]),
            partial(erp.tell_invoice, f"I1-{number}", number, [("MUG", 2)]),
            partial(erp.tell_invoice, f"I2-{number}", number, [("MUG", 2)]),
            partial(erp.tell_return, f"R-{number}", number, [("MUG", 1)]),
        ]  # fmt: skip
        rng.shuffle(told)
        for tell in told:
            tell()

    def change_items(self) -> None:
        """Other quantities and prices than before."""
        for sku in _ITEMS:
            self.levels[sku] = Decimal(self.trip.rng.randrange(500, 1500))
            self.prices[sku] = Decimal(self.trip.rng.randrange(2000, 3000)) / 100
            self.rig.erp.set_stock(sku, str(self.levels[sku]))
            self.rig.erp.set_price(sku, str(self.prices[sku]))

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
        shipped, invoiced, refunded, tracks, comments, statuses, levels, prices = self.rig.look(
            "SELECT comment FROM sales_shipment_comment",
            "SELECT comment FROM sales_invoice_comment",
            "SELECT comment FROM sales_creditmemo_comment",
            "SELECT track_number, order_id FROM sales_shipment_track",
            "SELECT comment FROM sales_order_status_history WHERE comment LIKE 'posted %' "
            "OR comment LIKE 'closed %'",
            "SELECT entity_id, ext_order_id FROM sales_order",
            "SELECT sku, quantity FROM inventory_source_item WHERE source_code = 'default'",
            "SELECT p.sku, v.value FROM catalog_product_entity_decimal v "
            "JOIN catalog_product_entity p USING (entity_id) "
            "WHERE v.attribute_id = 77 AND v.store_id = 0",
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
            "levels": Counter(self.levels.items()),
            "prices": Counter(self.prices.items()),
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
            "levels": Counter((sku, level) for sku, level in levels if sku in self.levels),
            "prices": Counter((sku, price) for sku, price in prices if sku in self.prices),
        }
        return unlike(wanted, there)

    def amiss_later(self) -> list[str]:
        """The same, once what waits is due."""
        self.let_pass(20)
        return self.amiss()


@pytest.fixture(params=PROTOCOLS)
def told(request: pytest.FixtureRequest, server: PrivateServer, tmp_path: Path) -> Iterator[Told]:
    (tmp_path / "lifecycle.yaml").write_text(_LIFECYCLE, "utf-8")
    with round_trip(server, tmp_path, "trip", request.param, _DOMAINS, SEED) as trip:
        yield Told(trip)


@pytest.mark.timeout(600)
def test_nothing_is_lost_and_nothing_made_twice(told: Told) -> None:
    trip, rig, rng = told.trip, told.rig, told.trip.rng
    trip.break_the_wire()
    rig.erp.rule("repeat_rows", probability=0.5)
    rig.erp.rule("disorder", probability=0.5)
    told.sell(KILLS)
    lost: list[Fault] = []
    daemon = rig.start()
    rig.until(lambda: rig.unacknowledged() == 0)
    for order in told.orders:
        told.tell(order)
        told.change_items()
        rig.erp.set_state(told.number_of(order), "POSTED")
        for path in ("order/*/ship", "order/*/invoice", "order/*/refund", "products/base-prices"):
            skip = rng.randrange(2)
            lost.append(trip.rest.misbehave(Misbehaviour.DROP_AFTER, path, skip=skip))
        trip.die(daemon, 1.0)
        told.let_pass(60)
        daemon = rig.start()
    for order in told.orders:
        rig.erp.set_state(told.number_of(order), "CLOSED")
    trip.until_nothing_is_amiss(told.amiss_later)
    assert {one.fault for one in trip.wire.passages()} > {None}
    assert sum(fault.struck for fault in lost) > 0

    before = len(trip.wire.passages())
    rig.until(lambda: len(trip.wire.passages()) > before + 12)
    assert told.amiss() == []
