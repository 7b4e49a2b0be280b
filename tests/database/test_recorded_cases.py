"""Every kind of order makes a case: without its people, read again as it was, and it plays."""

from __future__ import annotations

import json
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sidecar.app.domains import specs
from sidecar.app.mapping_tests import adapter_for
from sidecar.database.connection import Database
from sidecar.domains import SPECS
from sidecar.domains.orders.payload import Order
from sidecar.domains.orders.reader import OrderReader
from sidecar.magento.live_schema import read_schema
from sidecar.model.erasure import telling_values
from sidecar.model.event import encode_payload
from sidecar.operate.rehearsal.case import Head, read_cases
from sidecar.operate.rehearsal.play import play, send
from sidecar.operate.rehearsal.stand_ins import StandIns
from sidecar.operate.rehearsal.writing import head_of, tree_of_case, with_case
from sidecar.ports import ShopContext
from sidecar.testing.demo.orders import SCENES
from sidecar.testing.magento_db import MagentoDatabase, PrivateServer, Shop, create_magento
from sidecar.testing.sample_order import placed
from tests.database.capture_bench import login

CALLS = Path(__file__).parents[2] / "config" / "mappings" / "legacy-rest.yaml"


def read(magento: MagentoDatabase, ids: list[int]) -> list[Order]:
    database = Database(login(magento))
    try:
        with database.snapshot() as view:
            return list(OrderReader(read_schema(database, SPECS)).read(view, ids).values())
    finally:
        database.close()


def recorded(orders: list[Order], folder: Path) -> None:
    """All of them in one file, which is read again and played."""
    head = Head("rest.generic", ShopContext("main", ZoneInfo("Europe/Berlin")))
    path, stand_ins = folder / "calls.tests.yaml", StandIns()
    adapter, rehearsing = adapter_for(head, CALLS)
    text, made = head_of(head, CALLS), {}
    for order in orders:
        delivery = stand_ins.of_delivery(placed(order), specs())
        made[order.increment_id] = delivery.event.data
        tree = tree_of_case(delivery, send(rehearsing, delivery, ()))
        text = with_case(text, None, order.increment_id, tree)
    path.write_text(text, encoding="utf-8")

    for case in read_cases(path, specs()).cases:
        assert case.delivery.event.data == made[case.name]
        assert play(rehearsing, case).differences == ()
    adapter.close()
    for order in orders:
        left = [one for one in telling_values(plain(order)) if one.casefold() in text.casefold()]
        assert left == [], order.increment_id
    for order in orders:
        anonymous = made[order.increment_id]
        assert isinstance(anonymous, Order)
        assert anonymous.grand_total == order.grand_total
        same = ("firstname", "lastname", "email")
        before, after = order.billing_address, anonymous.billing_address
        for name in same:
            assert len(getattr(before, name) or "") == len(getattr(after, name) or "")


def plain(order: Order) -> object:
    return json.loads(encode_payload(order))


def test_every_scene_of_the_demonstration_makes_a_case(
    server: PrivateServer, tmp_path: Path
) -> None:
    magento = create_magento(server, "recorded_cases")
    try:
        with Shop(magento) as shop:
            ids = [shop.place(scene.lines, **scene.how).entity_id for scene in SCENES]
        orders = read(magento, ids)
    finally:
        magento.drop()
    assert len(orders) == len(SCENES)

    recorded(orders, tmp_path)


@pytest.mark.shared
@pytest.mark.parametrize("file", ["orders-kinds", "orders-64"])
def test_orders_of_a_real_magento_make_cases(
    recorded_orders: dict[str, list[Order]], file: str, tmp_path: Path
) -> None:
    # Every eighth: a file of cases is YAML, and a hundred orders take a minute to read.
    recorded(recorded_orders[file][::8], tmp_path)
