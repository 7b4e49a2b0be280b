"""What is found in a schema, and how a wrong one is told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sidecar.database.connection import Database
from sidecar.domains import SPECS
from sidecar.domains.orders.needs import NEEDS, credit_columns, has_pickup_locations
from sidecar.magento.live_schema import read_schema
from sidecar.model.errors import ConfigurationError
from sidecar.testing.magento_db import MagentoDatabase, PrivateServer, create_magento
from tests.database.capture_bench import login


@pytest.fixture
def database(magento: MagentoDatabase) -> Iterator[Database]:
    database = Database(login(magento))
    yield database
    database.close()


def run(magento: MagentoDatabase, *statements: str) -> None:
    with magento.connect() as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def test_a_shop_is_found_with_all_that_is_needed(
    database: Database, magento: MagentoDatabase
) -> None:
    schema = read_schema(database, SPECS)

    assert schema.table("sales_order") == f"`{magento.name}`.`sales_order`"
    assert all(schema.has_table(table) for table in NEEDS.tables)
    assert schema.has_column("sales_order", "grand_total")
    assert schema.has_multi_source_inventory
    assert has_pickup_locations(schema)
    assert credit_columns(schema) == ()


def test_the_prefix_is_added_to_every_name(server: PrivateServer) -> None:
    magento = create_magento(server, "prefixed", prefix="m2_")
    database = Database(login(magento))
    try:
        schema = read_schema(database, SPECS, "m2_")
        assert schema.table("sales_order") == "`prefixed`.`m2_sales_order`"
        assert schema.has_table("sales_order")

        with pytest.raises(ConfigurationError) as wrong:
            read_schema(database, SPECS)
        assert "'prefixed'" in wrong.value.message
        assert "table_prefix to 'm2_'" in wrong.value.remedy
    finally:
        database.close()
        magento.drop()


def test_everything_that_is_missing_is_told_at_once(
    database: Database, magento: MagentoDatabase
) -> None:
    run(
        magento,
        "DROP TABLE sales_order_tax_item",
        "ALTER TABLE sales_order DROP COLUMN coupon_rule_name",
        "ALTER TABLE sales_order_address DROP COLUMN vat_id",
    )

    with pytest.raises(ConfigurationError) as incomplete:
        read_schema(database, SPECS)

    assert "no table sales_order_tax_item" in incomplete.value.message
    assert "no column sales_order.coupon_rule_name" in incomplete.value.message
    assert "no column sales_order_address.vat_id" in incomplete.value.message
    assert "setup:upgrade" in incomplete.value.remedy
    assert incomplete.value.exit_code == 78


def test_a_database_that_is_no_shop_is_told_as_such(server: PrivateServer) -> None:
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE not_a_shop")
    database = Database(login(MagentoDatabase(server, "not_a_shop")))
    try:
        with pytest.raises(ConfigurationError) as empty:
            read_schema(database, SPECS)
        assert "no Magento 2 shop" in empty.value.remedy
    finally:
        database.close()
        MagentoDatabase(server, "not_a_shop").drop()


def test_the_credit_columns_of_adobe_commerce_are_detected(
    database: Database, magento: MagentoDatabase
) -> None:
    run(
        magento,
        "ALTER TABLE sales_order ADD customer_balance_amount decimal(20,4) NULL, "
        "ADD base_customer_balance_amount decimal(20,4) NULL, "
        "ADD gift_cards_amount decimal(20,4) NULL",
    )

    assert credit_columns(read_schema(database, SPECS)) == ("customer_balance_amount",)


def test_a_shop_without_the_inventory_modules_is_a_shop(
    database: Database, magento: MagentoDatabase
) -> None:
    run(
        magento,
        "DROP TABLE inventory_pickup_location_order",
        "DROP TABLE inventory_reservation",
    )

    schema = read_schema(database, SPECS)

    assert not has_pickup_locations(schema)
    assert not schema.has_multi_source_inventory
