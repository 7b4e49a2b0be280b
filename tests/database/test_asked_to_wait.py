"""An ERP that asks to be left alone for long: nothing is kept claimed for it, nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.model.outcome import Throttled
from sidecar.testing.magento_db import MagentoDatabase, PrivateServer, Shop, create_magento
from tests.harness import ScriptedErp
from tests.pipeline import Pipeline


@pytest.fixture
def magento(server: PrivateServer) -> Iterator[MagentoDatabase]:
    magento = create_magento(server, "asked_to_wait")
    yield magento
    magento.drop()


@pytest.mark.parametrize("concurrency", [1, 4])
def test_nothing_is_kept_claimed_while_the_erp_asks_to_be_left_alone(
    magento: MagentoDatabase, tmp_path: Path, concurrency: int
) -> None:
    erp = ScriptedErp()
    with (
        Shop(magento) as shop,
        Pipeline(magento, tmp_path, adapter=erp, concurrency=concurrency) as pipeline,
    ):
        numbers = [shop.place().increment_id for _ in range(6)]
        for number in numbers:
            erp.answers[number] = [Throttled(message="come back later", after=600.0)]
        pipeline.sweep.recent()
        began = pipeline.clock.seconds

        pipeline.work()

        assert pipeline.clock.seconds - began < 60
        assert 1 <= len(erp.pushed) <= concurrency
        assert statuses(pipeline) == {"pending"}

        erp.answers.clear()
        pipeline.let_pass(610)
        pipeline.work()
        assert statuses(pipeline) == {"accepted"}


def statuses(pipeline: Pipeline) -> set[str]:
    return {row[0] for row in pipeline.sql(f"SELECT status FROM {pipeline.sidecar.names('event')}")}
