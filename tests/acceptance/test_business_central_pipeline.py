"""Orders of a real Magento database to a Business Central that loses answers and is throttled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from adapters.erps.dynamics_bc import PACK
from sidecar.domains import SPECS
from sidecar.ports import AdapterSettings, ShopContext
from sidecar.testing.erpsim import ErpSimClient, serve_in_thread
from sidecar.testing.magento_db import MagentoDatabase, Shop
from tests.contract.business_central_bench import overlay
from tests.pipeline import Pipeline


@dataclass
class Stage:
    pipeline: Pipeline
    shop: Shop
    erp: ErpSimClient

    def booked(self) -> list[str]:
        return sorted(one.external for one in self.erp.documents())


@pytest.fixture
def stage(magento: MagentoDatabase, shop: Shop, tmp_path: Path) -> Iterator[Stage]:
    context = ShopContext("main", ZoneInfo("Europe/Berlin"))
    with serve_in_thread(interface="business-central") as erp:
        settings = AdapterSettings(erp.url, 5, 20, context, calls=overlay(tmp_path), domains=SPECS)
        with (
            closing(PACK(settings)) as adapter,
            Pipeline(magento, tmp_path / "sidecar", adapter=adapter, concurrency=4) as pipeline,
        ):
            yield Stage(pipeline, shop, erp)


def test_orders_reach_business_central_with_their_customers_and_agree_with_what_was_sold(
    stage: Stage,
) -> None:
    placed = [stage.shop.place() for _ in range(3)]

    stage.pipeline.run()

    assert stage.booked() == [one.increment_id for one in placed]
    assert stage.pipeline.open_events() == []
    assert [stage.pipeline.differences(one.entity_id) for one in placed] == [[]] * 3
    [[ext_order_id]] = stage.pipeline.sql(
        f"SELECT ext_order_id FROM `{stage.pipeline.magento.name}`.sales_order "
        "WHERE increment_id = %s", placed[0].increment_id,
    )  # fmt: skip
    [document] = stage.erp.bookings(placed[0].increment_id)
    assert ext_order_id == document.number


def test_through_lost_answers_and_throttling_each_order_is_there_once(stage: Stage) -> None:
    for name in ("accept_then_drop", "drop_before", "server_error_after_booking", "throttle"):
        stage.erp.rule(name, probability=0.2, times=6, seed=len(name))
    placed = [stage.shop.place() for _ in range(12)]

    stage.pipeline.run()

    assert stage.booked() == [one.increment_id for one in placed]
    assert stage.pipeline.open_events() == []
    assert [stage.pipeline.differences(one.entity_id) for one in placed] == [[]] * 12
    customers = [one.external for one in stage.erp.customers()]
    assert len(customers) == len(set(customers))


def test_the_cancel_of_an_order_that_was_posted_waits_for_a_person(stage: Stage) -> None:
    order = stage.shop.place()
    stage.pipeline.run()
    [document] = stage.erp.bookings(order.increment_id)
    stage.erp.set_state(document.number, "POSTED")
    stage.shop.cancel(order.entity_id)

    stage.pipeline.run()

    [event] = stage.pipeline.open_events()
    assert (event.number, event.status) == (order.increment_id, "rejected")
    assert [one.state for one in stage.erp.documents()] == ["POSTED"]
