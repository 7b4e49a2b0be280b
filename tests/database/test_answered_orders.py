"""An order that Magento shows as answered is asked for before a ledger that forgot it sends it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sidecar.model.outcome import Rejected
from sidecar.testing.magento_db import MagentoDatabase, Shop
from tests.harness import ScriptedErp
from tests.pipeline import Pipeline


@pytest.fixture
def erp() -> ScriptedErp:
    return ScriptedErp()


@pytest.fixture
def pipeline(magento: MagentoDatabase, tmp_path: Path, erp: ScriptedErp) -> Iterator[Pipeline]:
    with Pipeline(magento, tmp_path / "sidecar", adapter=erp) as installed:
        yield installed


def answered(pipeline: Pipeline, erp: ScriptedErp) -> Any:
    """An order that was sold, sent and acknowledged."""
    with Shop(pipeline.magento) as shop:
        placed = shop.place()
    pipeline.work()
    assert [delivery.ref for delivery in erp.pushed] == [placed.increment_id]
    erp.pushed.clear()
    erp.probed.clear()
    return placed


def forget(pipeline: Pipeline) -> None:
    """The ledger is one from before the order."""
    for table in ("event", "payload", "attempt", "link", "entity", "write_back"):
        pipeline.sql(f"DELETE FROM {pipeline.sidecar.names(table)}")


def forget_the_sending(pipeline: Pipeline) -> None:
    """The ledger is one of the moment when the order waited to be sent."""
    for table in ("attempt", "link", "write_back"):
        pipeline.sql(f"DELETE FROM {pipeline.sidecar.names(table)}")
    pipeline.sql(
        f"UPDATE {pipeline.sidecar.names('event')} SET status = 'pending', attempts = 0, "
        "due_at = UTC_TIMESTAMP(3), first_sent_at = NULL, sent_at = NULL, finished_at = NULL"
    )


@pytest.mark.parametrize("forgotten", [forget, forget_the_sending])
def test_an_order_that_the_erp_holds_is_taken_over_and_not_sent(
    pipeline: Pipeline, erp: ScriptedErp, forgotten: Any
) -> None:
    placed = answered(pipeline, erp)
    forgotten(pipeline)
    pipeline.run()

    assert erp.pushed == []
    assert erp.probed == [placed.increment_id]
    assert pipeline.sql(f"SELECT reference FROM {pipeline.sidecar.names('link')}") == [
        (f"SO-{placed.increment_id}",)
    ]
    assert pipeline.open_events() == []


@pytest.mark.parametrize("forgotten", [forget, forget_the_sending])
def test_an_order_that_the_erp_does_not_hold_is_sent_after_the_question(
    pipeline: Pipeline, erp: ScriptedErp, forgotten: Any
) -> None:
    placed = answered(pipeline, erp)
    erp.documents.clear()
    forgotten(pipeline)
    pipeline.run()

    assert [delivery.ref for delivery in erp.pushed] == [placed.increment_id]
    attempts = pipeline.sql(
        f"SELECT operation FROM {pipeline.sidecar.names('attempt')} ORDER BY id LIMIT 2"
    )
    assert attempts == [("probe",), ("push",)]


def test_a_refused_order_that_is_sent_again_is_not_asked_for(
    pipeline: Pipeline, erp: ScriptedErp
) -> None:
    erp.answers["000000001"] = [Rejected(message="unknown item")]
    placed = answered(pipeline, erp)

    pipeline.requeue(placed.increment_id)
    pipeline.work()

    assert [delivery.ref for delivery in erp.pushed] == [placed.increment_id]
    attempts = pipeline.sql(
        f"SELECT operation FROM {pipeline.sidecar.names('attempt')} ORDER BY id"
    )
    assert attempts == [("push",), ("push",)]


def test_what_changed_since_goes_after_it_and_not_with_it(
    pipeline: Pipeline, erp: ScriptedErp
) -> None:
    placed = answered(pipeline, erp)
    forget_the_sending(pipeline)
    with Shop(pipeline.magento) as shop:
        shop.change_address(placed.entity_id, city="Elsewhere")
    pipeline.run()

    assert erp.types() == ("order.updated",)


@pytest.mark.parametrize(
    ("shown", "is_asked"),
    [
        ("status = 'pending'", True),
        ("ext_order_id = NULL", True),
        (
            "hold_before_status = status, status = 'holded', state = 'holded', ext_order_id = NULL",
            True,
        ),
        ("status = 'pending', ext_order_id = NULL", False),
    ],
)
def test_the_number_or_the_status_alone_is_enough_to_ask(
    pipeline: Pipeline, erp: ScriptedErp, shown: str, is_asked: bool
) -> None:
    answered(pipeline, erp)
    pipeline.sql(f"UPDATE `{pipeline.magento.name}`.sales_order SET {shown}")
    forget_the_sending(pipeline)
    pipeline.pump.run_once()

    assert len(erp.pushed) == (0 if is_asked else 1)


def test_an_erp_that_cannot_be_asked_gets_it(magento: MagentoDatabase, tmp_path: Path) -> None:
    mute = ScriptedErp(probe=False)
    with Pipeline(magento, tmp_path / "sidecar", adapter=mute) as pipeline:
        answered(pipeline, mute)
        forget(pipeline)
        pipeline.run()

    assert len(mute.pushed) == 1
