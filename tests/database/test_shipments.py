"""Shipments from Magento to the ERP and back, beside the orders: each once, with its tracks."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from sidecar.domains.shipments.payload import Shipment
from sidecar.model.outcome import Rejected
from sidecar.testing.magento_db import MagentoDatabase, PrivateServer, Shop, Track, create_magento
from tests.document_pipeline import erp_of, pipeline_of, sent, standing, told
from tests.harness import ScriptedErp
from tests.pipeline import Pipeline


@pytest.fixture
def magento(server: PrivateServer) -> Iterator[MagentoDatabase]:
    magento = create_magento(server, "shipping")
    yield magento
    magento.drop()


@pytest.fixture
def erp() -> ScriptedErp:
    return erp_of("shipments")


@pytest.fixture
def pipeline(magento: MagentoDatabase, erp: ScriptedErp, tmp_path: Path) -> Iterator[Pipeline]:
    with pipeline_of("shipments", magento, erp, tmp_path) as pipeline:
        yield pipeline


@pytest.fixture
def php(magento: MagentoDatabase) -> Iterator[Shop]:
    with Shop(magento) as shop:
        yield shop


def add_track(pipeline: Pipeline, shipment: int, number: str) -> None:
    """What `POST /V1/shipment/track` writes: a row, and nothing of the shipment's own."""
    pipeline.sql(
        f"INSERT INTO `{pipeline.magento.name}`.sales_shipment_track (parent_id, order_id, "
        "track_number, title, carrier_code) SELECT entity_id, order_id, %s, 'DHL', 'custom' "
        f"FROM `{pipeline.magento.name}`.sales_shipment WHERE entity_id = %s",
        number, shipment,
    )  # fmt: skip


def tracks_of(erp: ScriptedErp, place: int = -1) -> list[str]:
    """The tracks of what was pushed."""
    shipment = erp.pushed[place].event.data
    assert isinstance(shipment, Shipment)
    return [track.track_number for track in shipment.tracks]


def types(erp: ScriptedErp) -> list[str]:
    """Of the shipments' events."""
    return [type_ for type_, _ in sent(erp) if type_ != "order.placed"]


def shipped(php: Shop, *tracks: str) -> int:
    """A shipment's id."""
    order = php.place()
    made = php.ship(order.entity_id, tracks=[Track(number) for number in tracks])
    return made.entity_id


def test_a_shipment_is_told_after_its_order_and_both_hear_the_answer(
    pipeline: Pipeline, php: Shop, erp: ScriptedErp
) -> None:
    order = php.place()
    php.ship(order.entity_id, tracks=[Track("T1")])

    pipeline.run()

    assert sent(erp) == [("order.placed", "000000001"), ("shipment.created", "SH000000001")]
    shipment, parent = erp.pushed[1].event.data, erp.pushed[1].parent
    assert isinstance(shipment, Shipment)
    assert (shipment.order_increment_id, shipment.source_code) == (order.increment_id, "default")
    assert [track.track_number for track in shipment.tracks] == ["T1"]
    assert sum(item.qty for item in shipment.items) == shipment.total_qty
    assert parent is not None
    assert parent.link is not None
    assert parent.link.reference == "SO-000000001"
    assert standing(pipeline, "shipment") == [("shipment.created", "accepted", None)]
    assert told(pipeline, "sales_shipment_comment") == ["ERP document SO-SH000000001"]
    assert told(pipeline, "sales_order_status_history")[-1] == (
        "Shipment 000000001: ERP document SO-SH000000001"
    )


def test_it_has_no_money_in_the_ledger(pipeline: Pipeline, php: Shop) -> None:
    shipped(php, "T1")
    pipeline.run()

    [row] = pipeline.sql(
        f"SELECT amount, currency FROM {pipeline.sidecar.names('event')} WHERE kind = 'shipment'"
    )
    assert (row.amount, row.currency) == (None, None)
    assert pipeline.sql(f"SELECT 1 FROM {pipeline.sidecar.names('difference')}") == []


def test_a_track_that_is_added_later_is_announced_by_a_trigger(
    pipeline: Pipeline, php: Shop, erp: ScriptedErp
) -> None:
    shipment = shipped(php)
    pipeline.work()
    add_track(pipeline, shipment, "T1")

    pipeline.work()
    pipeline.run()

    assert types(erp) == ["shipment.created", "shipment.tracked"]
    assert (tracks_of(erp, 1), tracks_of(erp)) == ([], ["T1"])
    assert erp.pushed[-1].link is not None


@pytest.mark.parametrize(
    ("change", "left"),
    [
        ("UPDATE {} SET track_number = 'T9' WHERE track_number = 'T2'", ["T1", "T9"]),
        ("UPDATE {} SET title = 'DHL' WHERE track_number = 'T2'", ["T1", "T2"]),
        ("DELETE FROM {} WHERE track_number = 'T1'", ["T2"]),
    ],
    ids=["another number", "another carrier", "removed"],
)
def test_one_that_is_changed_or_removed_is_found_by_the_sweep(
    pipeline: Pipeline, php: Shop, erp: ScriptedErp, change: str, left: list[str]
) -> None:
    shipped(php, "T1", "T2")
    pipeline.run()
    pipeline.sql(change.format(f"`{pipeline.magento.name}`.sales_shipment_track"))

    pipeline.run()
    pipeline.run()

    assert types(erp) == ["shipment.created", "shipment.tracked"]
    assert tracks_of(erp) == left
    assert "capture.trigger_missed" not in pipeline.told.names()


def test_a_sweep_that_finds_nothing_new_points_at_nothing(
    pipeline: Pipeline, php: Shop, erp: ScriptedErp
) -> None:
    shipped(php, "T1")
    pipeline.run()
    long_ago = "updated_at = '2026-01-01 00:00:00'"
    pipeline.sql(f"UPDATE `{pipeline.magento.name}`.sales_shipment SET {long_ago}")
    pipeline.run()

    search = next(one for one in pipeline.sweeps if one.full().found)
    assert search is pipeline.sweep  # the orders', changed a moment ago
    assert types(erp) == ["shipment.created"]


def test_tracks_that_come_before_it_was_sent_go_with_it(
    pipeline: Pipeline, php: Shop, erp: ScriptedErp
) -> None:
    erp.answers["000000001"] = [Rejected(message="unknown customer")]
    shipment = shipped(php, "T1")
    pipeline.run()
    add_track(pipeline, shipment, "T2")
    pipeline.run()

    pipeline.requeue("000000001")
    pipeline.run()

    assert types(erp) == ["shipment.created"]
    assert tracks_of(erp) == ["T1", "T2"]


def test_one_that_was_refused_for_want_of_a_track_goes_when_it_has_one(
    pipeline: Pipeline, php: Shop, erp: ScriptedErp
) -> None:
    shipment = shipped(php)
    erp.answers["SH000000001"] = [Rejected(message="no tracking number")]
    pipeline.run()
    add_track(pipeline, shipment, "T1")

    pipeline.run()

    assert types(erp) == ["shipment.created", "shipment.created"]
    assert tracks_of(erp) == ["T1"]
    assert {status for _, status, _ in standing(pipeline, "shipment")} == {
        "accepted", "superseded",
    }  # fmt: skip


def test_a_refused_track_is_history_when_a_newer_one_comes(
    pipeline: Pipeline, php: Shop, erp: ScriptedErp
) -> None:
    shipment = shipped(php)
    pipeline.run()
    erp.answers["SH000000001"] = [Rejected(message="no such carrier")]
    add_track(pipeline, shipment, "T1")
    pipeline.run()
    add_track(pipeline, shipment, "T2")

    pipeline.run()

    assert tracks_of(erp) == ["T1", "T2"]
    assert [status for _, status, _ in standing(pipeline, "shipment")] == [
        "accepted", "superseded", "accepted",
    ]  # fmt: skip


def test_partial_shipments_are_one_message_each(
    pipeline: Pipeline, php: Shop, erp: ScriptedErp
) -> None:
    order = php.place()
    php.ship(order.entity_id, qty=Decimal(1))
    php.ship(order.entity_id)

    pipeline.run()

    assert [ref for type_, ref in sent(erp) if type_ == "shipment.created"] == [
        "SH000000001", "SH000000002",
    ]  # fmt: skip


def test_it_waits_for_its_order_and_goes_when_the_order_is_booked(
    pipeline: Pipeline, php: Shop, erp: ScriptedErp
) -> None:
    erp.answers["000000001"] = [Rejected(message="unknown customer")]
    shipped(php, "T1")
    pipeline.run()
    [(_, status, waiting)] = standing(pipeline, "shipment")
    assert status == "pending"
    assert (waiting or "").startswith("gate parent: the ERP refused order 000000001")

    pipeline.requeue("000000001")
    pipeline.run()

    assert standing(pipeline, "shipment") == [("shipment.created", "accepted", None)]


def test_one_without_lines_is_parked_and_goes_when_they_are_there(
    pipeline: Pipeline, php: Shop, erp: ScriptedErp
) -> None:
    shipped(php)
    lines = f"`{pipeline.magento.name}`.sales_shipment_item"
    pipeline.sql(f"UPDATE {lines} SET qty = 0")
    pipeline.run()
    [row] = pipeline.sql(
        f"SELECT status, reason FROM {pipeline.sidecar.names('event')} WHERE kind = 'shipment'"
    )
    assert (row.status, row.reason) == ("parked", "the shipment has no line with a quantity")

    pipeline.sql(f"UPDATE {lines} SET qty = 1")
    pipeline.run()

    assert types(erp) == ["shipment.created"]


def test_of_one_from_before_the_sidecar_nothing_is_told_nor_of_its_later_tracks(
    magento: MagentoDatabase, php: Shop, erp: ScriptedErp, tmp_path: Path
) -> None:
    shipment = shipped(php, "T1")

    with pipeline_of("shipments", magento, erp, tmp_path) as pipeline:
        pipeline.run()
        for number in ("T2", "T3"):
            add_track(pipeline, shipment, number)
            pipeline.run()

        assert (standing(pipeline, "shipment"), sent(erp)) == ([], [])


def test_one_that_went_with_its_order_is_no_news_of_its_own(
    pipeline: Pipeline, php: Shop, erp: ScriptedErp
) -> None:
    shipped(php, "T1")
    pipeline.run()
    pipeline.sql(f"DELETE FROM `{pipeline.magento.name}`.sales_order")

    pipeline.run()

    assert [type_ for type_, _ in sent(erp)][1:] == ["shipment.created"]


def test_a_shop_without_multi_source_inventory_has_no_source(
    magento: MagentoDatabase, php: Shop, erp: ScriptedErp, tmp_path: Path
) -> None:
    made = shipped(php, "T1")
    with magento.connect() as connection, connection.cursor() as cursor:
        cursor.execute("DROP TABLE inventory_shipment_source")
    with pipeline_of("shipments", magento, erp, tmp_path) as pipeline:
        examiner = pipeline.sidecar.parts["shipments"].examiner
        with pipeline.sidecar.database.snapshot("reading a shipment") as view:
            read = examiner.read(view, [made])
        assert getattr(read[made].payload, "source_code", "") is None


def test_its_story_says_what_was_shipped(pipeline: Pipeline, php: Shop) -> None:
    shipped(php, "T1", "T2")
    pipeline.run()

    [story] = pipeline.sidecar.stories("shipment/000000001", ask_erp=False)

    assert [event.type for event in story.events] == ["shipment.created"]
    assert story.magento is not None
    assert (story.magento["order"], story.magento["tracks"]) == ("000000001", 2)
