"""The rights that customers add to the daemon's account: enough, and no password hash with them."""

from __future__ import annotations

from collections.abc import Iterator

import pymysql
import pytest

from sidecar.domains import SPECS
from sidecar.install.grants import Role, grants_for, optional_tables
from sidecar.magento.live_schema import read_schema
from sidecar.testing.magento_db import (
    CUSTOMERS,
    MagentoDatabase,
    PrivateServer,
    Shop,
    create_magento,
)
from tests.database.test_customers import CALLS, EVENTS, NEEDS
from tests.harness import TAKES, ScriptedErp
from tests.pipeline import DEMO_CALLS, USER, Pipeline

ACCOUNT = f"{USER}@localhost"


@pytest.fixture
def magento(server: PrivateServer) -> Iterator[MagentoDatabase]:
    magento = create_magento(server, "customer_rights")
    yield magento
    magento.drop()


@pytest.fixture
def narrowed(
    magento: MagentoDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pipeline]:
    """A sidecar whose account has exactly what `grants print` prints."""
    erp = ScriptedErp(subscriptions=TAKES | EVENTS)
    with Pipeline(
        magento,
        tmp_path_factory.mktemp("rights"),
        calls=DEMO_CALLS + CALLS,
        adapter=erp,
        domains=f"{NEEDS}  customers: {{guests: create, fields: [email, addresses]}}\n",
    ) as pipeline:
        sidecar = pipeline.sidecar
        there = optional_tables(sidecar.database, magento.name, magento.prefix, SPECS)
        printed = grants_for(sidecar.settings, Role.DAEMON, ACCOUNT, SPECS, there=there).statements
        _as_root(magento, f"REVOKE ALL PRIVILEGES, GRANT OPTION FROM {ACCOUNT}", *printed)
        pipeline.sidecar.database.close()
        yield pipeline
        _as_root(magento, f"GRANT ALL ON *.* TO {ACCOUNT} WITH GRANT OPTION")


def _as_root(magento: MagentoDatabase, *statements: str) -> None:
    with magento.connect() as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def test_exactly_what_is_printed_carries_customers_and_guests_and_their_orders(
    narrowed: Pipeline, magento: MagentoDatabase
) -> None:
    # As a process that begins with these rights: it looks at Magento's tables before it works.
    read_schema(narrowed.sidecar.database, narrowed.sidecar.specs)
    with Shop(magento) as php:
        php.place(customer=CUSTOMERS[0])
        php.place(email="guest@example.com")

    narrowed.run()

    assert narrowed.open_events() == []
    [[accepted]] = narrowed.sql(f"SELECT COUNT(*) FROM {narrowed.sidecar.names('link')}")
    assert accepted == 4


def test_the_daemons_account_sees_all_columns_and_reads_no_password(
    narrowed: Pipeline, magento: MagentoDatabase
) -> None:
    assert all(state.state.value == "ok" for state in narrowed.sidecar.triggers.status())
    connection = pymysql.connect(
        unix_socket=str(magento.server.socket), user=USER, password=USER, database=magento.name
    )
    with (
        connection,
        connection.cursor() as cursor,
        pytest.raises(pymysql.err.OperationalError, match="password_hash"),
    ):
        cursor.execute("SELECT password_hash FROM customer_entity")
