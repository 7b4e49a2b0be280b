"""Our description of Magento's tables against the tables of a real Magento 2.4.7."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sidecar.testing.magento_db import (
    CATALOGUE,
    MagentoDatabase,
    PrivateServer,
    Shop,
    create_magento,
    load_dump,
)

pytestmark = pytest.mark.any_server

Rows = tuple[tuple[Any, ...], ...]


def _select(server: PrivateServer, sql: str, *parameters: object) -> Rows:
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return tuple(cursor.fetchall())


@pytest.fixture(scope="module")
def real(server: PrivateServer, shared: Path) -> Iterator[str]:
    """Schema with the tables of the real shop, nothing in them."""
    load_dump(server, shared / "magento" / "schema.sql", "real_magento")
    yield "real_magento"
    _select(server, "DROP DATABASE real_magento")


@pytest.fixture(scope="module")
def ours(server: PrivateServer) -> Iterator[MagentoDatabase]:
    database = create_magento(server, "our_magento")
    yield database
    database.drop()


def _tables(server: PrivateServer, schema: str) -> set[str]:
    found = _select(
        server, "SELECT table_name FROM information_schema.tables WHERE table_schema = %s", schema
    )
    return {name for (name,) in found}


def _second_store(table: str) -> bool:
    """The recorded shop has one store, ours has two; the second's sequences are its first's."""
    return table.startswith("sequence_") and table.endswith("_2")


@pytest.mark.shared
def test_every_column_is_magentos(server: PrivateServer, real: str, ours: MagentoDatabase) -> None:
    def columns(schema: str) -> dict[str, list[tuple[Any, ...]]]:
        found: dict[str, list[tuple[Any, ...]]] = {}
        for table, *column in _select(
            server,
            "SELECT table_name, column_name, column_type, is_nullable, column_default, extra, "
            "column_key FROM information_schema.columns WHERE table_schema = %s "
            "ORDER BY table_name, ordinal_position",
            schema,
        ):
            found.setdefault(table, []).append(tuple(column))
        return found

    theirs = columns(real)
    described = {t: c for t, c in columns(ours.name).items() if not _second_store(t)}
    assert described == {table: theirs.get(table) for table in described}


@pytest.mark.shared
def test_every_index_is_magentos(server: PrivateServer, real: str, ours: MagentoDatabase) -> None:
    def indexes(schema: str) -> set[tuple[Any, ...]]:
        return set(
            _select(
                server,
                "SELECT table_name, index_name, non_unique, index_type, "
                "GROUP_CONCAT(column_name ORDER BY seq_in_index) "
                "FROM information_schema.statistics WHERE table_schema = %s "
                "GROUP BY table_name, index_name, non_unique, index_type",
                schema,
            )
        )

    described = {i for i in indexes(ours.name) if not _second_store(i[0])}
    tables = _tables(server, ours.name)
    assert described == {index for index in indexes(real) if index[0] in tables}


@pytest.mark.shared
def test_deletes_cascade_as_in_magento(
    server: PrivateServer, real: str, ours: MagentoDatabase
) -> None:
    def foreign_keys(schema: str) -> set[tuple[Any, ...]]:
        return set(
            _select(
                server,
                "SELECT k.table_name, k.column_name, k.referenced_table_name, "
                "k.referenced_column_name, r.delete_rule "
                "FROM information_schema.key_column_usage k "
                "JOIN information_schema.referential_constraints r "
                "ON r.constraint_schema = k.constraint_schema AND r.table_name = k.table_name "
                "AND r.constraint_name = k.constraint_name WHERE k.table_schema = %s "
                "AND k.referenced_table_name IS NOT NULL",
                schema,
            )
        )

    tables = _tables(server, ours.name)
    both_described = {f for f in foreign_keys(real) if f[0] in tables and f[2] in tables}
    assert foreign_keys(ours.name) == both_described


@pytest.mark.shared
def test_every_trigger_is_magentos(server: PrivateServer, real: str, ours: MagentoDatabase) -> None:
    def triggers(schema: str) -> dict[str, tuple[Any, ...]]:
        return {
            name: (table, event, timing, " ".join(body.split()))
            for name, table, event, timing, body in _select(
                server,
                "SELECT trigger_name, event_object_table, event_manipulation, action_timing, "
                "action_statement FROM information_schema.triggers WHERE trigger_schema = %s",
                schema,
            )
        }

    tables = _tables(server, ours.name)
    theirs = {name: t for name, t in triggers(real).items() if t[0] in tables}
    assert triggers(ours.name) == theirs


def test_a_prefix_stands_before_every_table_and_trigger(server: PrivateServer) -> None:
    database = create_magento(server, "prefixed", prefix="shop_")
    with Shop(database) as shop:
        placed = shop.place()
    assert all(name.startswith("shop_") for name in _tables(server, "prefixed"))
    found = _select(
        server,
        "SELECT COUNT(*), SUM(trigger_name LIKE 'trg\\_shop\\_%%') "
        "FROM information_schema.triggers WHERE trigger_schema = %s",
        "prefixed",
    )
    assert found == ((51, 51),)
    assert _select(server, "SELECT increment_id FROM prefixed.shop_sales_order") == (
        (placed.increment_id,),
    )
    database.drop()


def test_a_shop_that_indexes_on_save_has_no_triggers(server: PrivateServer) -> None:
    database = create_magento(server, "on_save", mview=False)
    assert (
        _select(
            server,
            "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = 'on_save'",
        )
        == ()
    )
    assert _select(server, "SELECT DISTINCT mode FROM on_save.mview_state") == (("disabled",),)
    database.drop()


def test_the_changelogs_are_empty_before_the_first_order(magento: MagentoDatabase) -> None:
    logs = [name for name in _tables(magento.server, magento.name) if name.endswith("_cl")]
    assert len(logs) == 10
    for log in logs:
        assert _select(magento.server, f"SELECT COUNT(*) FROM {magento.name}.{log}") == ((0,),)


def test_every_product_can_be_found_with_its_name_and_price(magento: MagentoDatabase) -> None:
    found = _select(
        magento.server,
        "SELECT e.sku, name.value, price.value "
        f"FROM {magento.name}.catalog_product_entity e "
        f"JOIN {magento.name}.catalog_product_entity_varchar name ON name.entity_id = e.entity_id "
        f"JOIN {magento.name}.eav_attribute a ON a.attribute_id = name.attribute_id "
        "AND a.attribute_code = 'name' "
        f"JOIN {magento.name}.catalog_product_entity_decimal price "
        "ON price.entity_id = e.entity_id "
        f"JOIN {magento.name}.eav_attribute b ON b.attribute_id = price.attribute_id "
        "AND b.attribute_code = 'price'",
    )
    assert {row[0]: (row[1], row[2]) for row in found} == {
        product.sku: (product.name, product.price) for product in CATALOGUE.values()
    }
