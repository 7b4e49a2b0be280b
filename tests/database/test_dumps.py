"""A shop with our triggers is dumped by the server's own program and imported elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sidecar.capture.triggers import State
from sidecar.testing.magento_db import Flavour, MagentoDatabase, PrivateServer, create_magento
from tests.database.capture_bench import Bench, bench_beside
from tests.dump_client import DumpClient

ALL_IS_WELL = {State.OK}


@pytest.fixture(scope="module")
def client(flavour: Flavour) -> DumpClient:
    return DumpClient.find(flavour)


@pytest.fixture(scope="module")
def elsewhere(flavour: Flavour) -> Iterator[PrivateServer]:
    """A server on which no sidecar was ever installed."""
    with PrivateServer(flavour=flavour) as running:
        yield running


@pytest.fixture(scope="module")
def dumped_shop(server: PrivateServer) -> Iterator[MagentoDatabase]:
    shop = create_magento(server, "dumped_shop")
    yield shop
    shop.drop()


@pytest.fixture(params=["own schema", "inside Magento's"])
def installed(request: pytest.FixtureRequest, dumped_shop: MagentoDatabase) -> Iterator[Bench]:
    with bench_beside(dumped_shop, inside=request.param == "inside Magento's") as bench:
        bench.triggers().install()
        yield bench


def place_order_in(server: PrivateServer, schema: str) -> None:
    """As the copy's checkout does; raises what the copy's customer would see."""
    with server.connect(schema) as connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO sales_order (state) VALUES ('new')")
        order = cursor.lastrowid
        cursor.execute(f"INSERT INTO sales_order_payment (parent_id) VALUES ({order})")
        cursor.execute(f"UPDATE sales_order_payment SET method = 'x' WHERE parent_id = {order}")
        connection.commit()


def triggers_of(server: PrivateServer, schema: str) -> set[str]:
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = %s "
            "AND TRIGGER_NAME LIKE 'erp%%'",
            (schema,),
        )
        return {name for (name,) in cursor.fetchall()}


@pytest.mark.parametrize("place", ["the same server", "another server"])
def test_it_is_imported_under_another_name_and_sells_there(
    installed: Bench,
    client: DumpClient,
    server: PrivateServer,
    elsewhere: PrivateServer,
    place: str,
) -> None:
    target = server if place == "the same server" else elsewhere
    dump = client.dump(server, "--single-transaction", "--triggers", installed.magento.name)
    assert f"`{installed.magento.name}`.`".encode() not in dump

    client.load(target, "staging_copy", dump)
    place_order_in(target, "staging_copy")

    assert triggers_of(target, "staging_copy") == installed.triggers_there()
    assert {state.state for state in installed.triggers().status()} == ALL_IS_WELL
    MagentoDatabase(target, "staging_copy").drop()


def test_a_copy_with_the_ledger_inside_writes_hints_into_its_own_outbox_only(
    dumped_shop: MagentoDatabase, client: DumpClient, server: PrivateServer
) -> None:
    with bench_beside(dumped_shop, inside=True) as bench:
        bench.triggers().install()
        client.load(server, "copy_inside", client.dump(server, "--triggers", dumped_shop.name))
        place_order_in(server, "copy_inside")

        assert bench.hints() == []
        ((hints,),) = bench.sql("SELECT COUNT(*) FROM copy_inside.erp_sidecar_outbox")
        assert hints == 2
        MagentoDatabase(server, "copy_inside").drop()


def test_shop_and_ledger_together_are_restored_elsewhere_as_they_were(
    dumped_shop: MagentoDatabase,
    client: DumpClient,
    server: PrivateServer,
    elsewhere: PrivateServer,
) -> None:
    with bench_beside(dumped_shop) as bench:
        bench.triggers().install()
        ledger = bench.names.schema
        both = client.dump(server, "--triggers", "--databases", dumped_shop.name, ledger)
        client.load(elsewhere, "unused", both)
        place_order_in(elsewhere, dumped_shop.name)

        with elsewhere.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"SELECT kind, pointed FROM {bench.names('outbox')} ORDER BY id")
            assert cursor.fetchall() == (
                ("order", "sales_order_payment_ai"),
                ("order", "sales_order_payment_au"),
            )
