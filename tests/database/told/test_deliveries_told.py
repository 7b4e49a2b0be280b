"""What the warehouse delivers becomes shipments of Magento, through its own API, each once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from sidecar.domains.shipments.news import Delivery, ShippedLine, Track
from sidecar.testing.magento_db import (
    Line,
    MagentoDatabase,
    PlacedOrder,
    Shop,
)
from sidecar.testing.magento_rest import MagentoRest, Misbehaviour
from tests.harness import TellingErp
from tests.pipeline import Pipeline
from tests.told import news, telling

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ONE = Decimal(1)


@pytest.fixture
def pipeline(
    magento: MagentoDatabase, erp: TellingErp, rest: MagentoRest, tmp_path: Path
) -> Iterator[Pipeline]:
    with telling(magento, tmp_path, erp, rest, "shipments") as pipeline:
        yield pipeline


@pytest.fixture
def order(pipeline: Pipeline, php: Shop) -> PlacedOrder:
    """An order that the ERP has."""
    placed = php.place()
    pipeline.look_everywhere()
    pipeline.work()
    return placed


def lines(pipeline: Pipeline, order: PlacedOrder) -> list[tuple[int, Decimal, Decimal]]:
    """Id, ordered and shipped of each line that stands for itself."""
    rows = pipeline.sql(
        f"SELECT item_id, qty_ordered, qty_shipped FROM `{pipeline.magento.name}`.sales_order_item "
        "WHERE order_id = %s AND parent_item_id IS NULL ORDER BY item_id", order.entity_id,
    )  # fmt: skip
    return [(row.item_id, row.qty_ordered, row.qty_shipped) for row in rows]


def shipments(pipeline: Pipeline) -> int:
    [row] = pipeline.sql(f"SELECT COUNT(*) AS n FROM `{pipeline.magento.name}`.sales_shipment")
    return int(row.n)


def tracks(pipeline: Pipeline) -> list[str]:
    rows = pipeline.sql(
        f"SELECT track_number FROM `{pipeline.magento.name}`.sales_shipment_track "
        "ORDER BY entity_id"
    )
    return [row.track_number for row in rows]


def tell(
    erp: TellingErp,
    order: PlacedOrder,
    *items: ShippedLine,
    number: str = "L-1001",
    parcels: tuple[str, ...] = ("0034",),
) -> None:
    delivery = Delivery(
        number=number,
        order=order.increment_id,
        items=items or None,
        tracks=tuple(Track(track_number=parcel, title="DHL") for parcel in parcels),
        at=NOON,
    )
    erp.said.setdefault("shipments", []).append(delivery)


def test_a_delivery_becomes_one_shipment_however_often_it_is_told(
    pipeline: Pipeline, erp: TellingErp, order: PlacedOrder
) -> None:
    tell(erp, order)
    for _ in range(3):
        pipeline.hear()
    assert shipments(pipeline) == 1
    assert tracks(pipeline) == ["0034"]
    assert all(shipped == ordered for _, ordered, shipped in lines(pipeline, order))
    assert [one.status for one in news(pipeline)] == ["applied"]


def test_a_part_is_shipped_and_the_rest_later(
    pipeline: Pipeline, erp: TellingErp, order: PlacedOrder
) -> None:
    (first, _, _), *others = lines(pipeline, order)
    tell(erp, order, ShippedLine(qty=ONE, order_item_id=first))
    pipeline.hear()
    assert [shipped for _, _, shipped in lines(pipeline, order)] == [ONE, *[0 for _ in others]]
    tell(erp, order, number="L-1002", parcels=("0035",))
    pipeline.hear()
    assert all(shipped == ordered for _, ordered, shipped in lines(pipeline, order))
    assert shipments(pipeline) == 2


def test_a_later_parcel_of_a_delivery_joins_its_shipment_once(
    pipeline: Pipeline, erp: TellingErp, order: PlacedOrder
) -> None:
    tell(erp, order)
    pipeline.hear()
    tell(erp, order, parcels=("0034", "0035"))
    for _ in range(2):
        pipeline.hear()
    assert shipments(pipeline) == 1
    assert tracks(pipeline) == ["0034", "0035"]


@pytest.mark.parametrize("lost", [Misbehaviour.DROP_AFTER, Misbehaviour.ERROR_AFTER,
                                  Misbehaviour.LATE, Misbehaviour.DROP_BEFORE,
                                  Misbehaviour.HTML_PAGE])  # fmt: skip
def test_an_answer_that_is_lost_ships_nothing_twice(
    pipeline: Pipeline,
    erp: TellingErp,
    rest: MagentoRest,
    order: PlacedOrder,
    lost: Misbehaviour,
) -> None:
    (first, _, _), *_ = lines(pipeline, order)
    rest.misbehave(lost, "order/*/ship", seconds=2)
    tell(erp, order, ShippedLine(qty=ONE, order_item_id=first))
    pipeline.hear()
    for _ in range(8):
        pipeline.let_pass(30)
        pipeline.hear()
    assert shipments(pipeline) == 1
    assert lines(pipeline, order)[0][2] == ONE
    assert [one.status for one in news(pipeline)] == ["applied"]


def test_more_than_is_open_is_a_difference_and_nothing_is_shipped(
    pipeline: Pipeline, erp: TellingErp, order: PlacedOrder
) -> None:
    (first, ordered, _), *_ = lines(pipeline, order)
    tell(erp, order, ShippedLine(qty=ordered + 1, order_item_id=first))
    pipeline.hear()
    assert shipments(pipeline) == 0
    [difference] = pipeline.sidecar.findings.open(10)
    assert (difference.domain, difference.class_) == ("shipments", "shipment")


def test_a_delivery_for_a_canceled_order_is_a_difference_and_nothing_is_shipped(
    pipeline: Pipeline, erp: TellingErp, php: Shop, order: PlacedOrder
) -> None:
    php.cancel(order.entity_id)
    tell(erp, order)
    pipeline.hear()
    assert shipments(pipeline) == 0
    assert [one.status for one in news(pipeline)] == ["differs"]


def test_a_delivery_for_an_order_on_hold_waits(
    pipeline: Pipeline, erp: TellingErp, php: Shop, order: PlacedOrder
) -> None:
    php.hold(order.entity_id)
    tell(erp, order)
    pipeline.hear()
    assert [one.status for one in news(pipeline)] == ["waiting"]
    php.unhold(order.entity_id)
    pipeline.let_pass(600)
    pipeline.hear()
    assert shipments(pipeline) == 1


def test_quantities_that_magento_cuts_in_silence_are_a_difference(
    pipeline: Pipeline, erp: TellingErp, rest: MagentoRest, order: PlacedOrder
) -> None:
    rest.misbehave(Misbehaviour.CUT_QUANTITIES, "order/*/ship")
    tell(erp, order)
    pipeline.hear()
    assert [one.status for one in news(pipeline)] == ["applied"]
    [difference] = pipeline.sidecar.findings.open(10)
    assert difference.class_ == "shipment"
    assert difference.ours != difference.theirs


def test_magento_in_maintenance_is_asked_again_and_nothing_is_lost(
    pipeline: Pipeline, erp: TellingErp, rest: MagentoRest, order: PlacedOrder
) -> None:
    rest.misbehave(Misbehaviour.HTML_PAGE, "*", times=3)
    tell(erp, order)
    for _ in range(6):
        pipeline.hear()
        pipeline.let_pass(90)
    assert shipments(pipeline) == 1


def placed(pipeline: Pipeline, php: Shop, *cart: Line) -> PlacedOrder:
    """An order of these, which the ERP has."""
    order = php.place(cart)
    pipeline.look_everywhere()
    pipeline.work()
    return order


def parts(pipeline: Pipeline, order: PlacedOrder) -> dict[str, tuple[int, Decimal]]:
    """SKU → id and shipped quantity of each line that hangs on another."""
    rows = pipeline.sql(
        f"SELECT sku, item_id, qty_shipped FROM `{pipeline.magento.name}`.sales_order_item "
        "WHERE order_id = %s AND parent_item_id IS NOT NULL", order.entity_id,
    )  # fmt: skip
    return {row.sku: (row.item_id, row.qty_shipped) for row in rows}


def test_the_child_of_a_configurable_product_ships_its_parent(
    pipeline: Pipeline, erp: TellingErp, php: Shop
) -> None:
    order = placed(pipeline, php, Line("SHIRT", 2, option="Red"))
    [(child, _)] = parts(pipeline, order).values()
    tell(erp, order, ShippedLine(qty=ONE, order_item_id=child))
    pipeline.hear()
    assert [shipped for _, _, shipped in lines(pipeline, order)] == [ONE]
    assert news(pipeline)[-1].status == "applied"
    assert pipeline.sidecar.findings.open(10) == []


def test_an_sku_names_a_line_too(pipeline: Pipeline, erp: TellingErp, php: Shop) -> None:
    order = placed(pipeline, php, Line("MUG", 2), Line("LAMP"))
    tell(erp, order, ShippedLine(qty=ONE, sku="LAMP"))
    pipeline.hear()
    assert [shipped for _, _, shipped in lines(pipeline, order)] == [0, ONE]


def test_parts_of_a_bundle_that_goes_as_one_ship_the_bundle(
    pipeline: Pipeline, erp: TellingErp, php: Shop
) -> None:
    order = placed(pipeline, php, Line("TEASET"))
    rows = pipeline.sql(
        f"SELECT item_id, qty_ordered FROM `{pipeline.magento.name}`.sales_order_item "
        "WHERE order_id = %s AND parent_item_id IS NOT NULL", order.entity_id,
    )  # fmt: skip
    tell(erp, order, *(ShippedLine(qty=row.qty_ordered, order_item_id=row.item_id) for row in rows))
    pipeline.hear()
    assert [shipped for _, _, shipped in lines(pipeline, order)] == [ONE]
    assert news(pipeline)[-1].status == "applied"
    assert pipeline.sidecar.findings.open(10) == []


def test_a_bundle_that_is_shipped_apart_ships_the_parts_that_are_named(
    pipeline: Pipeline, erp: TellingErp, php: Shop
) -> None:
    order = placed(pipeline, php, Line("TEASET", ship_separately=True))
    sku, (item_id, _) = next(iter(parts(pipeline, order).items()))
    tell(erp, order, ShippedLine(qty=ONE, order_item_id=item_id))
    pipeline.hear()
    assert parts(pipeline, order)[sku][1] == ONE
    assert sum(shipped for _, shipped in parts(pipeline, order).values()) == ONE
    assert pipeline.sidecar.findings.open(10) == []


def test_the_delivery_is_known_as_a_further_document_of_the_order(
    pipeline: Pipeline, erp: TellingErp, order: PlacedOrder
) -> None:
    tell(erp, order)
    pipeline.hear()
    rows = pipeline.sql(
        f"SELECT reference FROM {pipeline.sidecar.names('link')} WHERE kind = 'order' "
        "AND entity_id = %s AND is_main IS NULL", order.entity_id,
    )  # fmt: skip
    assert [row.reference for row in rows] == ["L-1001"]
