"""Every recorded order of a real Magento goes through the Business Central pack to the cent."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from zoneinfo import ZoneInfo

from adapters.erps.dynamics_bc import PACK
from sidecar.domains import SPECS
from sidecar.domains.orders.payload import Order
from sidecar.domains.orders.verify import differences
from sidecar.model.outcome import Accepted
from sidecar.model.settlement import Difference, Tolerances
from sidecar.ports import AdapterSettings, ErpAdapter, ShopContext
from sidecar.testing.contract_calls import push_one
from sidecar.testing.erpsim import serve_in_thread
from sidecar.testing.sample_order import placed
from tests.contract.business_central_bench import overlay


def booked_otherwise(adapter: ErpAdapter, order: Order) -> tuple[Difference, ...]:
    """What Business Central, which reckons by itself, has of the order and is not as ours."""
    sent = placed(order)
    outcome = push_one(adapter, sent)
    assert isinstance(outcome, Accepted), outcome
    [booked] = adapter.probe("orders", [sent.ref])[sent.ref]
    assert booked.total is not None
    assert booked.items is not None
    return differences(order, booked, Tolerances())


def test_real_orders_arrive_to_the_cent(
    recorded_orders: dict[str, list[Order]], tmp_path: Path
) -> None:
    shop = ShopContext("main", ZoneInfo("Europe/Berlin"))
    calls = overlay(tmp_path)
    for orders in recorded_orders.values():
        with serve_in_thread(interface="business-central") as erp:
            settings = AdapterSettings(erp.url, 5, 20, shop, calls=calls, domains=SPECS)
            with closing(PACK(settings)) as adapter:
                found = {one.increment_id: booked_otherwise(adapter, one) for one in orders}
                booked = erp.documents()
        assert {number: told for number, told in found.items() if told} == {}
        assert len(booked) == len(orders)
