"""What the published schemas promise holds for orders as a shop writes them."""

from __future__ import annotations

import pytest

from sidecar.database.connection import Database
from sidecar.domains import SPECS
from sidecar.domains.orders.events import ORDER_VANISHED
from sidecar.domains.orders.payload import Order
from sidecar.domains.orders.reader import OrderReader
from sidecar.domains.orders.spec import SPEC
from sidecar.magento.live_schema import read_schema
from sidecar.testing.demo.orders import SCENES
from sidecar.testing.magento_db import PrivateServer, Shop, create_magento
from tests.database.capture_bench import login
from tests.unit.test_event_schemas import EVENTS, as_sent, validate

CARRY_AN_ORDER = [kind for kind in SPEC.types if kind != ORDER_VANISHED]


@pytest.fixture(scope="module")
def orders(server: PrivateServer) -> list[Order]:
    """An order of every scene of the demonstration: each product type, currency, discount."""
    magento = create_magento(server, "sent_orders")
    with Shop(magento) as shop:
        ids = [shop.place(scene.lines, **scene.how).entity_id for scene in SCENES]
    database = Database(login(magento))
    try:
        with database.snapshot() as view:
            return list(OrderReader(read_schema(database, SPECS)).read(view, ids).values())
    finally:
        database.close()
        magento.drop()


@pytest.mark.parametrize("kind", CARRY_AN_ORDER)
def test_an_order_event_is_valid_as_it_is_sent(orders: list[Order], kind: str) -> None:
    assert len(orders) == len(SCENES)
    for order in orders:
        validate(EVENTS[kind], as_sent(EVENTS[kind], order))
