"""Orders of a real Magento database to SAP, whose sessions end and whose answers are lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from adapters.erps.sap_s4 import PACK, PACK_4
from sidecar.domains import SPECS
from sidecar.ports import AdapterSettings, Pack, ShopContext
from sidecar.testing.erpsim import ErpSimClient, serve_in_thread
from sidecar.testing.magento_db import MagentoDatabase, Shop
from sidecar.testing.sample_order import SHOP
from tests.pipeline import Pipeline


@dataclass
class Stage:
    pipeline: Pipeline
    shop: Shop
    sap: ErpSimClient

    def booked(self) -> list[str]:
        return sorted(document.external for document in self.sap.documents())


@pytest.fixture(params=[PACK, PACK_4], ids=["odata-2", "odata-4"])
def stage(
    request: pytest.FixtureRequest, magento: MagentoDatabase, shop: Shop, tmp_path: Path
) -> Iterator[Stage]:
    pack: Pack = request.param
    with serve_in_thread(session_requests=2) as sap:
        context = ShopContext(SHOP, ZoneInfo("Europe/Berlin"))
        settings = AdapterSettings(sap.url, 5, 20, context, domains=SPECS)
        with (
            closing(pack(settings)) as adapter,
            Pipeline(magento, tmp_path / "sidecar", adapter=adapter, concurrency=4) as pipeline,
        ):
            yield Stage(pipeline, shop, sap)


def test_orders_reach_sap_and_agree_with_what_was_sold(stage: Stage) -> None:
    placed = [stage.shop.place() for _ in range(4)]

    stage.pipeline.run()

    assert stage.booked() == sorted(one.increment_id for one in placed)
    assert stage.pipeline.open_events() == []
    assert [stage.pipeline.differences(one.entity_id) for one in placed] == [[]] * 4


def test_an_order_whose_answer_is_lost_is_asked_for_and_not_sent_again(stage: Stage) -> None:
    stage.sap.rule("accept_then_drop", times=1)
    placed = [stage.shop.place() for _ in range(3)]

    stage.pipeline.run()

    assert stage.booked() == sorted(one.increment_id for one in placed)
    assert stage.pipeline.open_events() == []


def test_a_refused_login_stops_the_domain_and_the_next_goes_on(stage: Stage) -> None:
    stage.sap.rule("unauthorised")
    placed = stage.shop.place()

    stage.pipeline.run()

    assert stage.pipeline.stopped()
    assert stage.booked() == []

    stage.sap.clear_rules()
    stage.pipeline.resume()
    stage.pipeline.run()

    assert stage.booked() == [placed.increment_id]
    assert stage.pipeline.open_events() == []
