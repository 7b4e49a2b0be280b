"""Levels and demand where Magento owns the stock: the newest of each, and exact sums."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from sidecar.domains.stock.payload import Demand, SourceLevel
from sidecar.model.outcome import Rejected, Unknown
from sidecar.testing.magento_db import MagentoDatabase, PrivateServer, Shop, create_magento
from tests.document_calls import section_of
from tests.harness import ScriptedErp
from tests.owned_by_magento import erp_of_all, pipeline_of_all, tally_of, told
from tests.pipeline import Pipeline

STOCK = section_of("stock.md")


@pytest.fixture
def magento(server: PrivateServer) -> Iterator[MagentoDatabase]:
    magento = create_magento(server, "owns_stock")
    yield magento
    magento.drop()


@pytest.fixture
def erp() -> ScriptedErp:
    return erp_of_all("stock.adjusted", "stock.demand")


@pytest.fixture
def pipeline(magento: MagentoDatabase, erp: ScriptedErp, tmp_path: Path) -> Iterator[Pipeline]:
    with pipeline_of_all(magento, erp, tmp_path, STOCK) as pipeline:
        yield pipeline


@pytest.fixture
def php(magento: MagentoDatabase) -> Iterator[Shop]:
    with Shop(magento) as shop:
        yield shop


def set_level(pipeline: Pipeline, sku: str, quantity: int, source: str = "default") -> None:
    """What Magento's API writes of a source that is not the default one: this row alone."""
    pipeline.sql(
        f"INSERT INTO `{pipeline.magento.name}`.inventory_source_item "
        "(source_code, sku, quantity, status) VALUES (%s, %s, %s, %s) ON DUPLICATE KEY UPDATE "
        "quantity = VALUES(quantity), status = VALUES(status)",
        source, sku, quantity, int(quantity > 0),
    )  # fmt: skip


def reserve(pipeline: Pipeline, sku: str, *quantities: int, stock: int = 1) -> None:
    for quantity in quantities:
        pipeline.sql(
            f"INSERT INTO `{pipeline.magento.name}`.inventory_reservation "
            "(stock_id, sku, quantity) VALUES (%s, %s, %s)", stock, sku, quantity,
        )  # fmt: skip


def clean_up(pipeline: Pipeline) -> None:
    """What Magento's `inventory_cleanup_reservations` deletes: what comes to nothing."""
    table = f"`{pipeline.magento.name}`.inventory_reservation"
    pipeline.sql(
        f"DELETE r FROM {table} r JOIN (SELECT stock_id, sku FROM {table} "
        "GROUP BY stock_id, sku HAVING SUM(quantity) = 0) z USING (stock_id, sku)"
    )


def levels(erp: ScriptedErp) -> list[tuple[str, str, Decimal]]:
    return [
        (one.event.data.sku, one.event.data.source_code, one.event.data.quantity)
        for one in erp.pushed
        if isinstance(one.event.data, SourceLevel)
    ]


def demands(erp: ScriptedErp) -> list[tuple[int, str, Decimal]]:
    return [
        (one.event.data.stock_id, one.event.data.sku, one.event.data.quantity)
        for one in erp.pushed
        if isinstance(one.event.data, Demand)
    ]


def skus(pipeline: Pipeline, count: int) -> list[str]:
    rows = pipeline.sql(
        f"SELECT sku FROM `{pipeline.magento.name}`.inventory_source_item "
        "WHERE source_code = 'default' ORDER BY source_item_id"
    )
    return [row.sku for row in rows][:count]


def test_what_is_there_already_is_known_and_not_told(pipeline: Pipeline, erp: ScriptedErp) -> None:
    pipeline.run()
    tally_of(pipeline).run_once()
    pipeline.run()

    assert erp.pushed == []


def test_a_level_is_told_by_its_newest_quantity_alone(pipeline: Pipeline, erp: ScriptedErp) -> None:
    (sku,) = skus(pipeline, 1)
    pipeline.pause()
    for quantity in (7, 6, 5):
        set_level(pipeline, sku, quantity)
        pipeline.look_everywhere()
    pipeline.resume()
    pipeline.run()

    assert levels(erp) == [(sku, "default", Decimal(5))]


def test_a_trigger_on_a_product_points_at_its_level_without_the_sweep(
    pipeline: Pipeline, erp: ScriptedErp, php: Shop
) -> None:
    order = php.place()
    pipeline.run(sweep=False)
    erp.pushed.clear()

    php.ship(order.entity_id)
    pipeline.run(sweep=False)

    assert levels(erp)
    assert {source for _, source, _ in levels(erp)} == {"default"}


def test_a_level_that_is_written_with_equal_values_is_no_news(
    pipeline: Pipeline, erp: ScriptedErp
) -> None:
    (sku,) = skus(pipeline, 1)
    pipeline.sql(
        f"UPDATE `{pipeline.magento.name}`.cataloginventory_stock_status s "
        f"JOIN `{pipeline.magento.name}`.catalog_product_entity p ON p.entity_id = s.product_id "
        "SET s.qty = s.qty + 1 WHERE p.sku = %s", sku,
    )  # fmt: skip
    pipeline.run()

    assert erp.pushed == []


def test_a_level_of_another_source_is_found_by_the_sweep(
    pipeline: Pipeline, erp: ScriptedErp
) -> None:
    (sku,) = skus(pipeline, 1)
    pipeline.sql(
        f"INSERT INTO `{pipeline.magento.name}`.inventory_source "
        "(source_code, name, country_id, postcode) VALUES ('north', 'North', 'DE', '1')"
    )
    set_level(pipeline, sku, 3, "north")
    pipeline.look_everywhere()
    pipeline.run()

    assert levels(erp) == [(sku, "north", Decimal(3))]


def test_a_level_that_is_gone_is_told_as_0(pipeline: Pipeline, erp: ScriptedErp) -> None:
    (sku,) = skus(pipeline, 1)
    pipeline.sql(f"DELETE FROM `{pipeline.magento.name}`.inventory_source_item WHERE sku = %s", sku)
    pipeline.look_everywhere()
    pipeline.run()

    assert levels(erp) == [(sku, "default", Decimal(0))]


def test_a_refused_level_writes_nothing_into_magento_and_is_told_when_it_changes_again(
    pipeline: Pipeline, erp: ScriptedErp
) -> None:
    (sku,) = skus(pipeline, 1)
    (row,) = pipeline.sql(
        f"SELECT source_item_id FROM `{pipeline.magento.name}`.inventory_source_item "
        "WHERE sku = %s", sku,
    )  # fmt: skip
    erp.answers[f"ST{row.source_item_id}"] = [Rejected(message="no such item", code="unknown_item")]
    set_level(pipeline, sku, 4)
    pipeline.look_everywhere()
    pipeline.run()
    assert pipeline.sql(f"SELECT * FROM {pipeline.sidecar.names('write_back')}") == []

    set_level(pipeline, sku, 3)
    pipeline.look_everywhere()
    pipeline.run()

    assert [quantity for *_, quantity in levels(erp)] == [4, 3]


def test_10000_reservations_in_a_window_are_one_message_per_sku_and_stock(
    pipeline: Pipeline, erp: ScriptedErp
) -> None:
    first, second = skus(pipeline, 2)
    tally = tally_of(pipeline)
    tally.run_once()
    table = f"`{pipeline.magento.name}`.inventory_reservation"
    for stock, sku, quantity in ((1, first, -1), (1, second, -2), (2, first, -3), (1, first, 1)):
        pipeline.sql(
            f"INSERT INTO {table} (stock_id, sku, quantity) VALUES "
            + ", ".join(["(%s, %s, %s)"] * 2500),
            *[stock, sku, quantity] * 2500,
        )

    assert tally.run_once() == 2
    pipeline.run()

    # The first's in stock 1 come to nothing: 2500 that were placed and shipped within the window.
    assert sorted(demands(erp)) == [
        (1, second, Decimal(5000)),
        (2, first, Decimal(7500)),
    ]


def test_what_magento_cleans_up_before_it_was_counted_is_not_missed(
    pipeline: Pipeline, erp: ScriptedErp
) -> None:
    (sku,) = skus(pipeline, 1)
    tally = tally_of(pipeline)
    reserve(pipeline, sku, -2)
    tally.run_once()
    reserve(pipeline, sku, +2)
    clean_up(pipeline)
    tally.run_once()
    clean_up(pipeline)
    tally.run_once()
    pipeline.run()

    assert demands(erp) == [(1, sku, Decimal(2)), (1, sku, Decimal(-2))]


def test_each_message_stands_for_itself_and_the_windows_meet(
    pipeline: Pipeline, erp: ScriptedErp
) -> None:
    (sku,) = skus(pipeline, 1)
    tally = tally_of(pipeline)
    pipeline.pause()
    for quantity in (-1, -2, -4):
        reserve(pipeline, sku, quantity)
        tally.run_once()
    pipeline.resume()
    pipeline.run()

    assert sorted(demand for *_, demand in demands(erp)) == [1, 2, 4]
    assert len({delivery.ref for delivery in erp.pushed}) == 3
    said = sorted(
        (one.event.data for one in erp.pushed if isinstance(one.event.data, Demand)),
        key=lambda demand: demand.until,
    )
    assert [one.until for one in said[:-1]] == [one.since for one in said[1:]]


def test_demand_without_an_answer_is_not_told_again_to_an_erp_that_can_tell_nothing(
    pipeline: Pipeline, erp: ScriptedErp
) -> None:
    (sku,) = skus(pipeline, 1)
    reserve(pipeline, sku, -2)
    tally_of(pipeline).run_once()
    (event,) = pipeline.sql(f"SELECT entity_id FROM {pipeline.sidecar.names('event')}")
    erp.answers[f"ST{event.entity_id}"] = [Unknown(message="the connection broke")]
    pipeline.run()

    assert len(erp.pushed) == 1
    (event,) = pipeline.sql(f"SELECT status, reason FROM {pipeline.sidecar.names('event')}")
    assert event.status == "parked"
    assert "neither be asked nor does it refuse duplicates" in event.reason


def test_a_sum_that_is_requeued_is_not_taken_for_a_level_that_is_gone(
    pipeline: Pipeline, erp: ScriptedErp
) -> None:
    (sku,) = skus(pipeline, 1)
    reserve(pipeline, sku, -2)
    tally_of(pipeline).run_once()
    (event,) = pipeline.sql(f"SELECT entity_id FROM {pipeline.sidecar.names('event')}")
    erp.answers[f"ST{event.entity_id}"] = [Rejected(message="no such item", code="unknown_item")]
    pipeline.run()
    pipeline.requeue(f"stock/{sku}@stock 1")
    pipeline.run()

    assert told(erp, "stock.adjusted") == []
    assert demands(erp) == [(1, sku, Decimal(2)), (1, sku, Decimal(2))]


def test_a_shop_without_multi_source_inventory_tells_levels_of_the_default_source_and_no_demand(
    magento: MagentoDatabase, erp: ScriptedErp, tmp_path: Path
) -> None:
    with magento.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SET FOREIGN_KEY_CHECKS = 0")
        for table in ("source_item", "source_stock_link", "reservation"):
            cursor.execute(f"DROP TABLE {magento.table(f'inventory_{table}')}")
    with pipeline_of_all(magento, erp, tmp_path, STOCK) as pipeline:
        assert pipeline.sidecar.tallies() == []
        product = pipeline.sql(
            f"SELECT p.entity_id, p.sku FROM `{magento.name}`.catalog_product_entity p "
            f"JOIN `{magento.name}`.cataloginventory_stock_item i ON i.product_id = p.entity_id "
            "WHERE p.sku = 'MUG'"
        )[0]
        for table, quantity in (("item", "qty"), ("status", "qty")):
            pipeline.sql(
                f"UPDATE `{magento.name}`.cataloginventory_stock_{table} SET {quantity} = 7 "
                "WHERE product_id = %s", product.entity_id,
            )  # fmt: skip
        pipeline.run(sweep=False)

        assert levels(erp) == [(product.sku, "default", Decimal(7))]
