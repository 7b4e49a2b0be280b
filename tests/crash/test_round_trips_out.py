"""All that Magento owns goes out through a bad wire from a daemon that dies, over REST and SOAP.

Invoices, shipments and demand count once; customers, products, prices and levels are in the ERP's
books as they are in Magento at last.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from sidecar.testing.erpsim import Customer, Demand, ShopLevel, ShopPrice, ShopProduct
from sidecar.testing.magento_db import CATALOGUE, Line, PlacedOrder, PrivateServer, Track
from sidecar.testing.magento_db.product_values import Value, save_values
from tests.crash.round_trip import RoundTrip, round_trip, unlike
from tests.protocols import PROTOCOLS

KILLS = int(os.environ.get("ERP_SIDECAR_ROUND_TRIP_KILLS", "4"))
SEED = int(os.environ.get("ERP_SIDECAR_SEED", "20261201"))

_PACE = (
    "every: 50ms, lease: 2s, retry: {first: 200ms, most: 1s, give_up_after: 1h}, "
    "unknown: {probe_after: 200ms, trust_absence_after: 2s}"
)
_DOMAINS = f"""\
  invoices: {{{_PACE}}}
  shipments: {{owner: magento, {_PACE}}}
  customers: {{fields: [email, firstname, lastname, taxvat, group_code], {_PACE}}}
  products: {{{_PACE}}}
  prices: {{owner: magento, {_PACE}}}
  stock: {{owner: magento, window: 1s, {_PACE}}}
"""
_ITEMS = ("DESK", "LAMP")


class Sent:
    """What was done in the shop, and what the ERP has of it."""

    def __init__(self, trip: RoundTrip) -> None:
        self.trip = trip
        self.rig = trip.rig
        self.orders: list[PlacedOrder] = []
        #: Customer → last name; SKU → name, price, quantity: those that were changed.
        self.people: dict[int, str] = {}
        self.names: dict[str, str] = {}
        self.prices: dict[str, Decimal] = {}
        self.levels: dict[str, Decimal] = {}

    def live(self, day: int) -> None:
        """A day in the shop: an order, its invoice and its parcel, people, and the catalogue."""
        shop, rng = self.trip.shop, self.trip.rng
        order = shop.place([Line("MUG", 1 + day)])
        self.orders.append(order)
        shop.invoice(order.entity_id)
        shop.ship(order.entity_id, tracks=[Track(f"T{day}")])
        new = shop.create_customer(f"person{day}@example.com", "Ada", f"Born {day}")
        self.people[new] = f"Born {day}"
        for person in self.people:
            self.people[person] = f"Wed {day}"
            shop.save_customer(person, lastname=f"Wed {day}")
        for sku in _ITEMS:
            product = CATALOGUE[sku].entity_id
            self.names[sku] = f"{sku} of day {day}"
            self.prices[sku] = Decimal(rng.randrange(1000, 9000)) / 100
            self.levels[sku] = Decimal(rng.randrange(10, 900))
            save_values(shop.session, "name", [Value(product, 0, self.names[sku])])
            save_values(shop.session, "price", [Value(product, 0, self.prices[sku])])
            self._touch(product, day)
            shop.save_stock(sku, self.levels[sku])

    def _touch(self, product: int, day: int) -> None:
        """What every save of a product writes of its own row."""
        with self.rig.magento.connect() as connection, connection.cursor() as cursor:
            cursor.execute(
                "UPDATE catalog_product_entity SET updated_at = UTC_TIMESTAMP() + INTERVAL %s "
                "SECOND WHERE entity_id = %s",
                (day, product),
            )
            connection.commit()

    def amiss(self) -> list[str]:
        """What the ERP lacks, has too often or otherwise than Magento; the ledger is not asked."""
        reserved, levels, invoices, shipments = self.rig.look(
            "SELECT sku, -SUM(quantity) FROM inventory_reservation GROUP BY sku",
            "SELECT sku, quantity FROM inventory_source_item WHERE source_code = 'default'",
            "SELECT comment FROM sales_invoice_comment",
            "SELECT comment FROM sales_shipment_comment",
        )
        erp = self.rig.erp
        documents = erp.documents()
        # Magento counts documents of each kind by themselves.
        ours = [f"{n:09}" for n in range(1, len(self.orders) + 1)]
        of_orders = [*ours, *(f"IN{n}" for n in ours), *(f"SH{n}" for n in ours)]
        demand: defaultdict[str, Decimal] = defaultdict(Decimal)
        for one in erp.records(Demand):
            demand[one.sku] += one.quantity
        customers = erp.records(Customer)
        level_of = dict(levels)
        told_levels = {one.sku: one.quantity for one in erp.records(ShopLevel)}
        wanted: dict[str, Counter[object]] = {
            "books": Counter(of_orders),
            "answers": Counter(
                f"ERP document {one.number}"
                for one in documents
                if one.external[:2] in ("IN", "SH")
            ),
            "customers": Counter((f"CU{id_}", f"Ada {n}") for id_, n in self.people.items()),
            "customers' numbers": Counter({one.number for one in customers}),
            "products": Counter(
                (f"PD{CATALOGUE[sku].entity_id}", name) for sku, name in self.names.items()
            ),
            "prices": Counter(self.prices.items()),
            "levels": Counter((sku, level_of[sku]) for sku in {*told_levels, *self.levels}),
            "demand": Counter((sku, quantity) for sku, quantity in reserved if quantity),
        }
        there: dict[str, Counter[object]] = {
            "books": Counter(one.external for one in documents),
            "answers": Counter(text for (text,) in (*invoices, *shipments)),
            "customers": Counter((one.external, one.name) for one in customers),
            "customers' numbers": Counter(one.number for one in customers),
            "products": Counter((one.external, one.name) for one in erp.records(ShopProduct)),
            "prices": Counter((one.sku, one.price) for one in erp.records(ShopPrice)),
            "levels": Counter(told_levels.items()),
            "demand": Counter((sku, quantity) for sku, quantity in demand.items() if quantity),
        }
        return unlike(wanted, there)


@pytest.fixture(params=PROTOCOLS)
def sent(request: pytest.FixtureRequest, server: PrivateServer, tmp_path: Path) -> Iterator[Sent]:
    with round_trip(server, tmp_path, "trip_out", request.param, _DOMAINS, SEED) as trip:
        yield Sent(trip)


@pytest.mark.timeout(600)
def test_nothing_is_lost_and_nothing_counts_twice(sent: Sent) -> None:
    trip, rig = sent.trip, sent.rig
    trip.break_the_wire()
    for day in range(KILLS):
        daemon = rig.start()
        sent.live(day)
        trip.die(daemon, 0.5)
    rig.start()
    trip.until_nothing_is_amiss(sent.amiss, 150)
    assert {one.fault for one in trip.wire.passages()} > {None}

    # A further day, on a good wire: by then whatever is repeated would be seen.
    trip.wire.clear()
    sent.live(KILLS)
    trip.until_nothing_is_amiss(sent.amiss)
