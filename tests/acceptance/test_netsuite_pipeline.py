"""Orders of a real Magento database to a NetSuite that is busy, or knows us no more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from sidecar.model.secret import Secret
from sidecar.ports import ErpAdapter
from sidecar.testing.magento_db import MagentoDatabase, Shop
from tests.contract.netsuite_bench import EXAMPLE, make_adapter
from tests.contract.netsuite_server import TOKEN, NetSuiteServer
from tests.pipeline import Pipeline


@dataclass
class Stage:
    pipeline: Pipeline
    shop: Shop
    netsuite: NetSuiteServer
    entity_ids: Sequence[int] = ()

    def place(self, count: int) -> list[str]:
        placed = [self.shop.place() for _ in range(count)]
        self.entity_ids = [one.entity_id for one in placed]
        return [one.increment_id for one in placed]

    def use(self, adapter: ErpAdapter) -> None:
        self.pipeline.sidecar.erps.adapters = {"main": adapter}
        self.pipeline.pump.workers.close()
        self.pipeline.start()

    def booked(self) -> list[str]:
        return [document.external for document in self.netsuite.documents()]


@pytest.fixture
def stage(magento: MagentoDatabase, shop: Shop, tmp_path: Path) -> Iterator[Stage]:
    with NetSuiteServer.start() as netsuite:
        netsuite.knows_customers = True
        with (
            closing(make_adapter(EXAMPLE, netsuite.url)) as adapter,
            Pipeline(magento, tmp_path / "sidecar", adapter=adapter, concurrency=4) as pipeline,
        ):
            yield Stage(pipeline, shop, netsuite)


def test_orders_reach_netsuite_with_their_customers_and_agree_with_what_was_sold(
    stage: Stage,
) -> None:
    numbers = stage.place(3)

    stage.pipeline.run()

    assert sorted(stage.booked()) == numbers
    assert stage.pipeline.open_events() == []
    assert len(stage.netsuite.customers) == 3
    assert [stage.pipeline.differences(one) for one in stage.entity_ids] == [[]] * 3
    [[ext_order_id]] = stage.pipeline.sql(
        f"SELECT ext_order_id FROM `{stage.pipeline.magento.name}`.sales_order "
        "WHERE increment_id = %s", numbers[0],
    )  # fmt: skip
    assert [ext_order_id] == [one.number for one in stage.netsuite.bookings(numbers[0])]


def test_a_concurrency_fault_slows_the_throttle_and_loses_nothing(stage: Stage) -> None:
    stage.netsuite.blocked = 3
    numbers = stage.place(6)

    stage.pipeline.run()

    assert "throttle.slower" in stage.pipeline.told.names()
    assert sorted(stage.booked()) == numbers
    assert stage.pipeline.open_events() == []
    assert not stage.pipeline.stopped()


def test_a_wrong_token_stops_the_domain_and_the_right_one_goes_on(
    stage: Stage, tmp_path: Path
) -> None:
    good = stage.pipeline.sidecar.erps.adapters["main"]
    wrong = make_adapter(
        EXAMPLE, stage.netsuite.url, token={**TOKEN, "token_secret": Secret("of another account")}
    )
    with closing(wrong):
        stage.use(wrong)
        numbers = stage.place(3)

        stage.pipeline.run()

        assert "Invalid login attempt" in (stage.pipeline.stopped() or "")
        assert "domain.stopped" in stage.pipeline.told.names()
        assert stage.booked() == []
        waiting = {(one.number, one.status) for one in stage.pipeline.open_events()}
        assert waiting == {(number, "pending") for number in numbers}

    stage.use(good)
    stage.pipeline.resume()
    stage.pipeline.run()

    assert sorted(stage.booked()) == numbers
    assert stage.pipeline.open_events() == []
