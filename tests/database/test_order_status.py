"""Our statuses in Magento's registry: added once, taken out only when nobody carries them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from sidecar.database.connection import Database
from sidecar.domains import SPECS
from sidecar.domains.orders.statuses import OwnStatus, Unregistered, missing, register, unregister
from sidecar.magento.live_schema import MagentoSchema, read_schema
from sidecar.model.errors import ConfigurationError
from sidecar.testing.magento_db import PrivateServer, create_magento
from tests.database.capture_bench import login

RECEIVED = OwnStatus("erp_received", "Received by ERP", ("new", "processing", "pending_payment"))


@pytest.fixture(scope="module")
def database(server: PrivateServer) -> Iterator[Database]:
    magento = create_magento(server, "order_statuses")
    database = Database(login(magento))
    yield database
    database.close()
    magento.drop()


@pytest.fixture(scope="module")
def schema(database: Database) -> MagentoSchema:
    return read_schema(database, SPECS)


@pytest.fixture
def connection(database: Database) -> Iterator[sa.Connection]:
    """What a test writes is rolled back after it."""
    with database.transaction() as connection:
        yield connection
        connection.rollback()


def rows(connection: sa.Connection, statement: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in connection.exec_driver_sql(statement)]


def test_a_status_is_registered_once(connection: sa.Connection, schema: MagentoSchema) -> None:
    everything = [
        "erp_received",
        "erp_received/new",
        "erp_received/processing",
        "erp_received/pending_payment",
    ]

    assert missing(connection, schema, [RECEIVED]) == everything
    assert register(connection, schema, [RECEIVED]) == everything
    assert missing(connection, schema, [RECEIVED]) == []
    assert register(connection, schema, [RECEIVED]) == []


def test_customers_see_it_where_they_see_the_states_own_status(
    connection: sa.Connection, schema: MagentoSchema
) -> None:
    register(connection, schema, [RECEIVED])

    found = rows(
        connection,
        "SELECT state, is_default, visible_on_front FROM sales_order_status_state "
        "WHERE status = 'erp_received' ORDER BY state",
    )
    assert found == [("new", 0, 1), ("pending_payment", 0, 0), ("processing", 0, 1)]


def test_a_status_that_the_shop_renamed_keeps_its_label(
    connection: sa.Connection, schema: MagentoSchema
) -> None:
    connection.exec_driver_sql(
        "INSERT INTO sales_order_status (status, label) VALUES ('erp_received', 'Im Lager')"
    )

    added = register(connection, schema, [RECEIVED])

    assert "erp_received" not in added
    assert "erp_received/new" in added
    assert rows(
        connection, "SELECT label FROM sales_order_status WHERE status = 'erp_received'"
    ) == [("Im Lager",)]


def test_a_status_that_nobody_carries_is_removed_whole(
    connection: sa.Connection, schema: MagentoSchema
) -> None:
    before = rows(connection, "SELECT * FROM sales_order_status_state ORDER BY status, state")
    register(connection, schema, [RECEIVED])

    assert unregister(connection, schema, ["erp_received"]) == Unregistered(["erp_received"], {})

    after = rows(connection, "SELECT * FROM sales_order_status_state ORDER BY status, state")
    assert after == before
    assert unregister(connection, schema, ["erp_received"]) == Unregistered([], {})


def test_a_status_that_orders_carry_or_would_return_to_stays(
    connection: sa.Connection, schema: MagentoSchema
) -> None:
    register(connection, schema, [RECEIVED, OwnStatus("erp_rejected", "Rejected", ("holded",))])
    connection.exec_driver_sql(
        "INSERT INTO sales_order (state, status, hold_before_status) VALUES "
        "('processing', 'erp_received', NULL), ('holded', 'holded', 'erp_received'), "
        "('complete', 'complete', 'erp_received')"
    )

    done = unregister(connection, schema, ["erp_received", "erp_rejected"])

    assert done == Unregistered(["erp_rejected"], {"erp_received": 2})
    assert missing(connection, schema, [RECEIVED]) == []


@pytest.mark.parametrize(
    "status",
    [OwnStatus("x" * 33, "Label", ()), OwnStatus("code", "x" * 129, ()), OwnStatus("", "x", ())],
)
def test_what_magentos_columns_cannot_hold_is_refused_before_anything_is_written(
    connection: sa.Connection, schema: MagentoSchema, status: OwnStatus
) -> None:
    with pytest.raises(ConfigurationError, match="column holds"):
        register(connection, schema, [RECEIVED, status])

    assert missing(connection, schema, [RECEIVED]) != []
