"""What each flow that a real Magento recorded comes to: the table of the events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sidecar.capture.intake import Intake
from sidecar.capture.outbox import Outbox
from sidecar.capture.pointers import Pointers
from sidecar.capture.sweep import Sweep
from sidecar.capture.tally import Tally
from sidecar.capture.triggers import Triggers
from sidecar.database.connection import Database, Login
from sidecar.domains import DOMAINS, SPECS
from sidecar.host.process import Stop, SystemClock
from sidecar.install.installation import Installation
from sidecar.ledger.migrate import Ledger
from sidecar.ledger.store import LedgerStore
from sidecar.ledger.tables import LedgerNames
from sidecar.magento.domain import Beside
from sidecar.magento.live_schema import read_schema
from sidecar.magento.stores import StoreLimit
from sidecar.magento.totals import MESSAGES_FROM
from sidecar.model.secret import Secret
from sidecar.settings.domains import Domains
from sidecar.settings.inbound import Invoices, Prices, Refunds, Shipments, Stock
from sidecar.settings.master_data import Customers, Products
from sidecar.testing.magento_db import PrivateServer, load_dump, replay

pytestmark = pytest.mark.shared

#: Flow → (entity id, event); a flow that is not named here yields none.  Orders 1 to 3 were in the
#: shop before the sidecar.  A price's id is that of the product × 65536, all websites being one.
#: Demand is named by its SKU and sum.
EVENTS: dict[str, list[tuple[int | str, str]]] = {
    "01-place-guest": [
        (4, "order.placed"),
        ("SIMPLE-1 +2", "stock.demand"),
        ("SIMPLE-2 +1", "stock.demand"),
    ],  # Magento commits twice
    "02-place-customer": [
        (5, "order.placed"),
        # The order points at its customer, who was in the shop before the sidecar.
        (1, "customer.saved"),
        ("CONF-1-RED +2", "stock.demand"),
        ("SIMPLE-2 +1", "stock.demand"),
    ],
    "03-place-bundle-guest": [
        (6, "order.placed"),
        ("SIMPLE-1 +2", "stock.demand"),
        ("SIMPLE-2 +1", "stock.demand"),
    ],
    "04-place-virtual-guest": [(7, "order.placed"), ("VIRT-1 +1", "stock.demand")],
    "05-place-plain": [
        (8, "order.placed"),
        ("SIMPLE-1 +2", "stock.demand"),
        ("SIMPLE-2 +1", "stock.demand"),
    ],
    "06-hold": [(4, "order.held")],
    "07-unhold": [(4, "order.released")],
    "08-address-admin": [(4, "order.updated")],
    "09-address-api": [(4, "order.updated")],
    # In these two recordings the id is another order's than in the base data: it was placed at
    # another moment.  So it is as after a restored dump: one that the ledger never saw.
    "20-cancel": [
        (3, "order.placed"),
        (3, "order.canceled"),
        ("SIMPLE-1 -2", "stock.demand"),
        ("SIMPLE-2 -1", "stock.demand"),
    ],
    # Offline, as all of these are, an invoice is paid when it is issued: one event.
    "12-invoice-api-partial": [(1, "invoice.issued")],
    "13-invoice-api-final": [(2, "invoice.issued")],
    "16-ship-api-partial": [
        (1, "shipment.created"),
        (1, "stock.adjusted"),
        (2, "stock.adjusted"),
        ("SIMPLE-1 -1", "stock.demand"),
        ("SIMPLE-2 -1", "stock.demand"),
    ],  # its track is there at once
    "17-ship-api-final": [
        (2, "shipment.created"),
        (1, "stock.adjusted"),
        ("SIMPLE-1 -1", "stock.demand"),
    ],
    "21-invoice-admin": [(3, "invoice.issued")],
    "22-ship-admin": [
        (3, "shipment.created"),
        (2, "stock.adjusted"),
        (7, "stock.adjusted"),
        ("CONF-1-RED -2", "stock.demand"),
        ("SIMPLE-2 -1", "stock.demand"),
    ],
    # The order's event is not the invoice's doing: in this recording the guest of order 2 has
    # another e-mail address than in the base data, and that is a change.
    "24-invoice-notify": [(2, "order.placed"), (4, "invoice.issued")],
    "25-ship-notify": [
        (4, "shipment.created"),
        (1, "stock.adjusted"),
        (2, "stock.adjusted"),
        ("SIMPLE-1 -2", "stock.demand"),
        ("SIMPLE-2 -1", "stock.demand"),
    ],
    "18-creditmemo-api-partial": [(1, "refund.issued")],
    "19-creditmemo-api-final": [(2, "refund.issued")],
    "23-creditmemo-admin": [(3, "refund.issued"), (2, "stock.adjusted"), (7, "stock.adjusted")],
    "26-creditmemo-notify": [(4, "refund.issued")],
    "35-customer-new": [(3, "customer.saved")],  # three transactions
    "36-customer-save": [(1, "customer.saved")],
    "37-customer-address-save": [(1, "customer.saved")],
    "42-order-delete": [(3, "order.vanished")],
    "28-product-new": [
        (11, "product.saved"),
        (9, "stock.adjusted"),
        (720896, "price.changed"),
    ],  # its price is in all websites: product 11 × 65536
    "29-product-save-price": [
        (4, "product.saved"),
        (262144, "price.changed"),
    ],  # its stock is written with equal values
    "30-product-save-name": [(4, "product.saved")],
    "32-product-delete": [
        (11, "product.removed")
    ],  # its levels stay: Magento removes them later, by a queue
    "33-stock-save-msi": [(4, "stock.adjusted")],
    "34-stock-save-legacy": [(4, "stock.adjusted")],
    "38-rest-base-price": [(262144, "price.changed")],  # moves no `updated_at`
    "39-rest-source-items": [(4, "stock.adjusted"), (5, "stock.adjusted")],
}
#: A deleted row fires no trigger that we may have, and nothing else does on what Magento's own
#: triggers watch: the sweep alone finds these.
ONLY_SWEPT = {"order.vanished", "product.saved", "product.removed", "price.changed"}
#: A new product's level is written before its status, on which our trigger sits, has a row.
ONLY_SWEPT_FLOW = "28-product-new"
#: What a sweep finds after all flows without one: the newest of each, and nothing of product 11,
#: which came and went meanwhile, but for its level.
LEFT = {
    (3, "order.vanished"),
    (4, "product.saved"),
    (9, "stock.adjusted"),
    (262144, "price.changed"),
}


class Captured:
    """Intake over one shop, with the captures that a test chooses."""

    def __init__(self, server: PrivateServer, name: str, *, triggers: bool) -> None:
        self._database = Database(
            Login("root", Secret(""), name, socket=str(server.socket)), connections=4
        )
        self._store = LedgerStore(LedgerNames(f"{name}_ledger"))
        magento = read_schema(self._database, SPECS)
        sections = Domains(
            refunds=Refunds(),
            invoices=Invoices(),
            shipments=Shipments(owner="magento"),
            customers=Customers(fields=("email", "firstname", "lastname", "addresses")),
            products=Products(),
            stock=Stock(owner="magento"),
            prices=Prices(owner="magento"),
        )
        entities = self._store.names("entity")
        parts = [
            domain.open(
                Beside(magento, entities, sections.carried()[domain.spec.name], StoreLimit(magento))
            )
            for domain in DOMAINS
            if domain.open is not None and domain.spec.name in sections.carried()
        ]
        self._installation = Installation(
            self._database,
            self._store,
            Ledger(self._database, self._store.names),
            magento,
            Triggers(self._database, self._store.names, SPECS if triggers else [], Stop()),
            [],
            parts,
        )
        self._installation.install(who="test")
        narrator = _Silent()
        self._intake = Intake(
            self._database,
            self._store,
            Outbox(self._store.names),
            [one.examiner for one in parts],
            pointers=Pointers.of(
                self._database,
                Outbox(self._store.names),
                {one.examiner.spec.name: one for one in parts},
            ),
            shop="main",
            clock=SystemClock(),
            narrator=narrator,
            triggers_on=triggers,
        )
        self._sweeps = [
            Sweep(
                self._database,
                Outbox(self._store.names),
                one.search,
                narrator=narrator,
                stopping=lambda: False,
            )
            for one in parts
        ]
        self._tallies = [
            Tally(self._database, self._store, one.totals, shop="main", narrator=narrator)
            for one in parts
            if one.totals is not None
        ]
        self._seen = 0

    def look(self, *, sweep: bool) -> list[tuple[int | str, str]]:
        """Sweep if wanted, take in every hint; gives the events since the last look."""
        if sweep:
            for one in self._sweeps:
                one.full()
        while self._intake.run_once():
            pass
        for tally in self._tallies:
            tally.run_once()
        events, payloads = self._store.names("event"), self._store.names("payload")
        with self._database.transaction() as connection:
            rows = connection.exec_driver_sql(
                f"SELECT e.id, e.entity_id, e.number, e.type, p.payload FROM {events} e "
                f"JOIN {payloads} p USING (kind, entity_id, sequence) WHERE e.id > %s "
                "ORDER BY e.id",
                (self._seen,),
            ).all()
        self._seen = rows[-1].id if rows else self._seen
        return [(_name(row), row.type) for row in rows]

    def kept_back(self) -> list[tuple[str, str]]:
        """Type and reason of what breaks a rule of its domain: its sums, say."""
        with self._database.transaction() as connection:
            rows = connection.exec_driver_sql(
                f"SELECT type, reason FROM {self._store.names('event')} WHERE status = 'parked'"
            )
            return [(row.type, row.reason) for row in rows]

    def close(self) -> None:
        self._installation.uninstall(who="test", reason=None, drop_ledger=True)
        self._database.close()


def _name(event: Any) -> int | str:
    """The entity's id; of a message with a sum, which has none in Magento, what it says."""
    if event.entity_id < MESSAGES_FROM:
        return int(event.entity_id)
    said = json.loads(event.payload, parse_float=Decimal)
    return f"{said['sku']} {said['quantity']:+.0f}"


class _Silent:
    def tell(self, event: str, /, **fields: object) -> None:
        pass


@contextmanager
def recorded_shop(
    server: PrivateServer, shared: Path, name: str, *, triggers: bool
) -> Iterator[Captured]:
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    load_dump(server, shared / "magento" / "base.sql.gz", name)
    captured = Captured(server, name, triggers=triggers)
    try:
        yield captured
    finally:
        captured.close()
        with server.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name}")


def flows(shared: Path) -> list[Path]:
    return sorted((shared / "magento" / "flows").glob("*.sql"))


@pytest.mark.parametrize(
    ("triggers", "sweep"),
    [
        pytest.param(True, False, id="triggers"),
        pytest.param(False, True, id="sweep only"),
        pytest.param(True, True, id="triggers and sweep"),
    ],
)
def test_each_flow_yields_its_events_and_no_others(
    server: PrivateServer, shared: Path, *, triggers: bool, sweep: bool
) -> None:
    expected = {flow.stem: EVENTS.get(flow.stem, []) for flow in flows(shared)}
    if not sweep:
        expected = {
            flow: [
                (entity, type_)
                for entity, type_ in events
                if type_ not in ONLY_SWEPT and flow != ONLY_SWEPT_FLOW
            ]
            for flow, events in expected.items()
        }
    name = f"flows_{int(triggers)}{int(sweep)}"
    with (
        recorded_shop(server, shared, name, triggers=triggers) as captured,
        server.connect(name) as shop,
    ):
        assert captured.look(sweep=sweep) == []
        yielded = {}
        for flow in flows(shared):
            replay(shop, flow)
            yielded[flow.stem] = captured.look(sweep=sweep)
        assert yielded == expected
        assert captured.kept_back() == []
        assert set(captured.look(sweep=True)) == (set() if sweep else LEFT)


def test_a_second_look_at_everything_yields_nothing(server: PrivateServer, shared: Path) -> None:
    with (
        recorded_shop(server, shared, "flows_again", triggers=True) as captured,
        server.connect("flows_again") as shop,
    ):
        for flow in flows(shared)[:9]:
            replay(shop, flow)
        assert len(captured.look(sweep=True)) > 0
        with shop.cursor() as cursor:
            cursor.execute(
                "INSERT INTO flows_again_ledger.outbox (kind, entity_id, pointed) "
                "SELECT 'order', entity_id, 'replay' FROM sales_order"
            )
        assert captured.look(sweep=True) == []
