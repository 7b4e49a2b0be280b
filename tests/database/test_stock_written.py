"""What stands in Magento after a run of the ERP's quantities, by tables and by its API."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

import pytest

from sidecar.domains.stock.applier import StockApplier
from sidecar.domains.stock.change import Change
from sidecar.domains.stock.needs import INBOUND
from sidecar.domains.stock.table_writer import TableWriter
from sidecar.magento.applier import Written
from sidecar.magento.live_schema import read_schema
from sidecar.magento.rest.stock import SourceItem
from sidecar.model.errors import ConfigurationError
from sidecar.testing.magento_db import Line, PrivateServer, Shop, create_magento
from tests.stock_shop import RecordedApi, StockShop, stock_shop, told


@pytest.fixture(scope="module")
def module_shop(server: PrivateServer) -> Iterator[StockShop]:
    magento = create_magento(server, "stock_written")
    with stock_shop(magento) as shop:
        yield shop
    magento.drop()


@pytest.fixture
def shop(module_shop: StockShop) -> StockShop:
    module_shop.reset()
    return module_shop


@pytest.fixture
def api(shop: StockShop) -> RecordedApi:
    return RecordedApi(shop.magento)


def test_a_quantity_stands_in_the_source_and_in_the_tables_from_before_it(shop: StockShop) -> None:
    assert shop.write(told("MUG", 7)) == Written(1)
    assert shop.level("MUG") == (7, 1)
    assert shop.legacy("MUG") == (7, 1)


def test_another_source_than_the_default_one_has_no_copy(shop: StockShop) -> None:
    shop.add_source("north")
    shop.write(told("MUG", 7, "north"))
    assert shop.level("MUG", "north") == (7, 1)
    assert shop.legacy("MUG") == (1000, 1)


def test_a_second_run_of_the_same_writes_nothing(shop: StockShop) -> None:
    shop.add_source("north")
    rows = [told("MUG", 7), told("DESK", 0), told("MUG", 3, "north"), told("DESK", 0, "north")]
    assert shop.write(*rows).rows == 3
    assert shop.write(*rows) == Written(0)


def test_magentos_own_triggers_note_it_for_both_indexes(shop: StockShop) -> None:
    before = shop.noted("inventory"), shop.noted("cataloginventory_stock")
    shop.write(told("MUG", 7), told("DESK", 7))
    after = shop.noted("inventory"), shop.noted("cataloginventory_stock")
    assert after == (before[0] + 2, before[1] + 2)


def test_a_level_that_falls_to_zero_goes_out_of_stock_and_comes_back(shop: StockShop) -> None:
    shop.write(told("MUG", 0))
    assert (shop.level("MUG"), shop.legacy("MUG")) == ((0, 0), (0, 0))
    shop.write(told("MUG", 5))
    assert (shop.level("MUG"), shop.legacy("MUG")) == ((5, 1), (5, 1))


@pytest.mark.parametrize("by", ["product", "configuration"])
def test_what_may_be_backordered_stays_in_stock_at_zero(shop: StockShop, by: str) -> None:
    if by == "product":
        shop.sql("UPDATE cataloginventory_stock_item SET use_config_backorders = 0, backorders = 1")
    else:
        shop.sql(
            "INSERT INTO core_config_data (scope, scope_id, path, value) VALUES "
            "('default', 0, 'cataloginventory/item_options/backorders', '1')"
        )
    shop.write(told("MUG", 0))
    assert (shop.level("MUG"), shop.legacy("MUG")) == ((0, 1), (0, 1))


def test_what_is_left_at_the_least_quantity_is_out_of_stock_before_msi_only(
    shop: StockShop,
) -> None:
    """As Magento: its index compares the source's quantity with the least one by itself."""
    shop.sql("UPDATE cataloginventory_stock_item SET use_config_min_qty = 0, min_qty = 5")
    shop.write(told("MUG", 5))
    assert (shop.level("MUG"), shop.legacy("MUG")) == ((5, 1), (5, 0))


def test_what_a_person_took_off_sale_stays_so_while_there_is_some(shop: StockShop) -> None:
    shop.sql("UPDATE inventory_source_item SET status = 0 WHERE sku = 'MUG'")
    shop.write(told("MUG", 7))
    assert (shop.level("MUG"), shop.legacy("MUG")) == ((7, 0), (7, 0))


def test_what_was_shipped_between_plan_and_write_is_left_alone_and_right_the_next_time(
    shop: StockShop,
) -> None:
    applier = shop.applier()
    plan = applier.plan(iter([told("MUG", 500), told("DESK", 500)]), whole=False)
    with Shop(shop.magento) as php:
        php.ship(php.place([Line("MUG", 2)]).entity_id)

    assert applier.write(plan, lambda: False) == Written(1, left=1)
    assert (shop.quantity("MUG"), shop.quantity("DESK")) == (998, 500)
    assert shop.write(told("MUG", 498), told("DESK", 500)) == Written(1)
    assert shop.quantity("MUG") == 498


def test_a_row_that_a_shipment_holds_is_not_waited_for(shop: StockShop) -> None:
    with shop.magento.connect(autocommit=False) as other, other.cursor() as cursor:
        cursor.execute("UPDATE inventory_source_item SET quantity = quantity - 1 "
                       "WHERE source_code = 'default' AND sku = 'MUG'")  # fmt: skip
        assert shop.write(told("MUG", 500), told("DESK", 500)) == Written(1, left=1)
        cursor.execute("ROLLBACK")
    assert (shop.quantity("MUG"), shop.quantity("DESK")) == (1000, 500)


def test_on_a_server_without_skip_locked_a_held_row_keeps_its_chunk_back_at_once(
    shop: StockShop,
) -> None:
    rows = [told("MUG", 500), told("DESK", 500)]
    changes: Sequence[Change] = shop.plan(*rows).changes
    schema = read_schema(shop.database, (), inbound=(INBOUND,))
    writer = TableWriter(shop.database, schema, skip_locked=False)
    with shop.magento.connect(autocommit=False) as other, other.cursor() as cursor:
        cursor.execute("UPDATE inventory_source_item SET quantity = 999 WHERE sku = 'MUG'")
        assert writer.write(changes, lambda: False) == Written(0, left=2)
        cursor.execute("ROLLBACK")
    assert writer.write(changes, lambda: False) == Written(2)


def test_a_product_that_is_being_saved_keeps_both_its_rows(shop: StockShop) -> None:
    with shop.magento.connect(autocommit=False) as other, other.cursor() as cursor:
        cursor.execute("UPDATE cataloginventory_stock_item SET qty = 1000 WHERE product_id = 1")
        assert shop.write(told("MUG", 500)) == Written(0, left=1)
        cursor.execute("ROLLBACK")
    assert (shop.quantity("MUG"), shop.legacy("MUG")[0]) == (1000, 1000)


def test_a_level_that_somebody_made_meanwhile_is_left_alone(shop: StockShop) -> None:
    shop.add_source("north")
    applier = shop.applier()
    plan = applier.plan(iter([told("MUG", 5, "north")]), whole=False)
    shop.sql("INSERT INTO inventory_source_item (source_code, sku, quantity, status) "
             "VALUES ('north', 'MUG', 8, 1)")  # fmt: skip
    assert applier.write(plan, lambda: False) == Written(0, left=1)
    assert shop.level("MUG", "north") == (8, 1)


def test_a_source_that_somebody_is_saving_keeps_its_missing_levels_for_the_next_run(
    shop: StockShop,
) -> None:
    shop.add_source("north")
    with shop.magento.connect(autocommit=False) as other, other.cursor() as cursor:
        cursor.execute("SELECT 1 FROM inventory_source WHERE source_code = 'north' FOR UPDATE")
        done = shop.write(told("MUG", 5, "north"), told("DESK", 5))
        cursor.execute("ROLLBACK")
    assert done == Written(1, left=1)
    assert shop.level("MUG", "north") is None


def test_a_source_that_was_deleted_meanwhile_costs_its_own_rows_only(shop: StockShop) -> None:
    shop.add_source("north")
    applier = shop.applier()
    plan = applier.plan(iter([told("MUG", 5, "north"), told("DESK", 5)]), whole=False)
    shop.sql("DELETE FROM inventory_source WHERE source_code = 'north'")
    assert applier.write(plan, lambda: False) == Written(1, left=1)


def test_a_stop_ends_between_two_chunks_and_counts_what_is_left(shop: StockShop) -> None:
    applier = shop.applier()
    plan = applier.plan(iter([told("MUG", 5), told("DESK", 5)]), whole=False)
    assert applier.write(plan, lambda: True) == Written(0, left=2)
    assert shop.quantity("MUG") == 1000


def test_a_trigger_that_is_gone_is_seen_in_the_transaction_and_nothing_is_written(
    server: PrivateServer,
) -> None:
    magento = create_magento(server, "stock_untriggered")
    with stock_shop(magento) as shop:
        shop.sql("DROP TRIGGER trg_inventory_source_item_after_update")
        with pytest.raises(ConfigurationError) as wrong:
            shop.write(told("MUG", 5), write="sql")
        assert "no trigger of Magento's noted a change" in wrong.value.message
        assert (shop.quantity("MUG"), shop.legacy("MUG")[0]) == (1000, 1000)
    magento.drop()


@pytest.mark.parametrize("indexer", ["inventory", "cataloginventory_stock"])
def test_an_index_that_updates_on_save_forbids_the_tables(shop: StockShop, indexer: str) -> None:
    shop.sql("UPDATE mview_state SET mode = 'disabled' WHERE view_id = %s", indexer)
    with pytest.raises(ConfigurationError) as wrong:
        shop.write(told("MUG", 5))
    assert f"the indexer {indexer} is not on schedule" in wrong.value.message
    assert shop.quantity("MUG") == 1000


def by_api(shop: StockShop, api: RecordedApi, *quantities: tuple[str, int], write: str) -> Written:
    applier: StockApplier = shop.applier(api, write=write)
    plan = applier.plan(iter([told(sku, number) for sku, number in quantities]), whole=False)
    return applier.write(plan, lambda: False)


def test_auto_takes_the_tables_where_the_indexes_are_on_schedule_else_the_api(
    shop: StockShop, api: RecordedApi
) -> None:
    by_api(shop, api, ("MUG", 5), write="auto")
    assert api.calls == []
    shop.sql("UPDATE mview_state SET mode = 'disabled' WHERE view_id = 'inventory'")
    assert by_api(shop, api, ("MUG", 6), write="auto") == Written(1)
    six = SourceItem(sku="MUG", source_code="default", quantity=Decimal(6), status=1)
    assert api.calls == [[six]]


def test_the_api_gets_status_and_missing_levels_by_the_same_rules(
    shop: StockShop, api: RecordedApi
) -> None:
    shop.add_source("north")
    applier = shop.applier(api, write="rest")
    rows = [told("MUG", 0), told("DESK", 4, "north")]
    applier.write(applier.plan(iter(rows), whole=False), lambda: False)
    assert shop.level("MUG") == (0, 0)
    assert shop.level("DESK", "north") == (4, 1)


def test_what_the_api_refuses_is_found_by_halving_and_named(
    shop: StockShop, api: RecordedApi
) -> None:
    api.refuses = frozenset({"LAMP"})
    skus = ("MUG", "DESK", "LAMP", "TEAPOT")
    done = by_api(shop, api, *((sku, 5) for sku in skus), write="rest")
    assert (done.rows, done.left) == (3, 0)
    assert [(one.number, one.reason, one.ours, one.theirs) for one in done.refused] == [
        ("LAMP @ default", "Could not save Source Item", "1000", "5")
    ]
    assert {sku: shop.quantity(sku) for sku in skus} == {
        "MUG": 5, "DESK": 5, "LAMP": 1000, "TEAPOT": 5
    }  # fmt: skip


def test_what_changed_since_the_plan_does_not_go_to_the_api(
    shop: StockShop, api: RecordedApi
) -> None:
    applier = shop.applier(api, write="rest")
    plan = applier.plan(iter([told("MUG", 500), told("DESK", 500)]), whole=False)
    with Shop(shop.magento) as php:
        php.ship(php.place([Line("MUG", 2)]).entity_id)
    done = applier.write(plan, lambda: False)
    assert (done.rows, done.left) == (1, 1)
    assert shop.quantity("MUG") == 998


def test_the_api_alone_without_access_to_it_is_refused_at_once(shop: StockShop) -> None:
    with pytest.raises(ConfigurationError):
        shop.applier(write="rest")


def test_a_prefix_stands_before_every_table(server: PrivateServer) -> None:
    magento = create_magento(server, "stock_prefixed", prefix="m2_")
    with stock_shop(magento) as shop:
        assert shop.write(told("MUG", 5)) == Written(1)
        ((quantity,),) = shop.sql("SELECT quantity FROM m2_inventory_source_item WHERE sku = 'MUG'")
        assert quantity == Decimal(5)
    magento.drop()
