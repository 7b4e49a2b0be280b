"""A defect of ours that every order meets stops the work; it does not park them all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from sidecar.delivery.claim import Claimer
from sidecar.domains.orders.acknowledge import OrderAcknowledger
from sidecar.domains.orders.examiner import OrderExaminer
from sidecar.ledger.settling import Settling
from sidecar.model.bulkhead import MOST_ALIKE
from sidecar.testing.magento_db import PlacedOrder, PrivateServer, Shop, create_magento
from tests.contract.scripted_server import scripted_server
from tests.database.test_bulkhead import Books, assert_well, statuses
from tests.pipeline import Pipeline

ORDERS = 8


class Defect(Exception):
    """None of our errors: nobody foresaw it."""


@pytest.fixture(scope="module")
def books() -> Books:
    return Books()


@pytest.fixture(scope="module")
def module_pipeline(
    server: PrivateServer, books: Books, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pipeline]:
    magento = create_magento(server, "defects")
    folder: Path = tmp_path_factory.mktemp("defects")
    with scripted_server(books) as erp, Pipeline(magento, folder, url=erp.url) as made:
        yield made
    magento.drop()


@pytest.fixture
def pipeline(module_pipeline: Pipeline) -> Pipeline:
    module_pipeline.forget()
    module_pipeline.told.lines.clear()
    return module_pipeline


@pytest.fixture
def orders(pipeline: Pipeline) -> list[PlacedOrder]:
    with Shop(pipeline.magento) as shop:
        return [shop.place() for _ in range(ORDERS)]


def fails(*_: Any, **__: Any) -> Any:
    raise Defect("Kim Secret")


def parked(pipeline: Pipeline) -> int:
    return [event.status for event in pipeline.open_events()].count("parked")


def corrected(pipeline: Pipeline) -> None:
    """A version that is corrected is installed, and begins; the operator lets all go on."""
    pipeline.pump.workers.close()
    pipeline.start()
    pipeline.resume()
    for event in pipeline.open_events():
        if event.status == "parked":
            pipeline.requeue(event.number)
    pipeline.run()


def repeatedly(run: Callable[[], object]) -> int:
    """A station that is run again and again; gives how often it failed."""
    failures = 0
    for _ in range(2 * ORDERS):
        try:
            run()
        except Defect:
            failures += 1
    return failures


def test_in_the_intake_it_fails_the_station_and_the_hints_wait(
    pipeline: Pipeline, orders: list[PlacedOrder], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(OrderExaminer, "compare", fails)
        assert repeatedly(pipeline.intake.run_once) == 2 * ORDERS
        assert parked(pipeline) == MOST_ALIKE - 1

    corrected(pipeline)

    assert [statuses(pipeline, order)[0] for order in orders] == ["accepted"] * ORDERS


def test_in_the_claim_it_stops_the_domain_each_time_it_is_resumed(
    pipeline: Pipeline, orders: list[PlacedOrder], monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.intake.run_once()
    with monkeypatch.context() as broken:
        broken.setattr(Claimer, "_passes", fails)
        for _ in range(3):
            pipeline.pump.run_once()
            reason = pipeline.stopped() or ""
            assert "Defect at test_defects.py" in reason
            assert "Kim" not in reason
            assert parked(pipeline) == MOST_ALIKE - 1
            pipeline.resume()
    assert "domain.stopped" in pipeline.told.names()

    corrected(pipeline)

    assert_well(pipeline, orders)


def test_in_the_settlement_it_stops_the_domain_and_what_was_sent_is_asked_for(
    pipeline: Pipeline,
    books: Books,
    orders: list[PlacedOrder],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def accept(_settling: Settling, _connection: Any, accepted: Sequence[Any]) -> None:
        if accepted:
            fails()

    pipeline.intake.run_once()
    with monkeypatch.context() as broken:
        broken.setattr(Settling, "_accept", accept)
        repeatedly(pipeline.pump.run_once)
    assert "Defect" in (pipeline.stopped() or "")
    sent = sum(order.increment_id in books.documents for order in orders)
    assert MOST_ALIKE <= parked(pipeline) == sent

    corrected(pipeline)

    assert_well(pipeline, orders)


def test_in_the_write_back_it_fails_the_station_and_the_answers_wait(
    pipeline: Pipeline, orders: list[PlacedOrder], monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.intake.run_once()
    while pipeline.pump.run_once():
        pass
    with monkeypatch.context() as broken:
        broken.setattr(OrderAcknowledger, "_target", fails)
        assert repeatedly(pipeline.write_back.run_once) == 2 * ORDERS

    for order in orders:
        pipeline.requeue(order.increment_id)
    pipeline.run()

    assert_well(pipeline, orders)


def test_one_that_only_some_orders_meet_parks_those_alone(
    pipeline: Pipeline, orders: list[PlacedOrder], monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.intake.run_once()
    sound, odd = orders[:2], orders[2:]
    passes = Claimer._passes

    def some(claimer: Claimer, connection: Any, event: Any, *rest: Any) -> bool:
        if event.entity_id in {order.entity_id for order in odd}:
            fails()
        return passes(claimer, connection, event, *rest)

    monkeypatch.setattr(Claimer, "_passes", some)

    pipeline.run(sweep=False)

    assert_well(pipeline, sound)
    assert pipeline.stopped() is None
    assert parked(pipeline) == len(odd)
