"""The code's view of the ledger against the ledger itself."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from sidecar.database.connection import Database, _prepare_session
from sidecar.ledger.tables import _COLUMNS, TABLES, LedgerNames, Tables
from sidecar.model.errors import ConfigurationError
from sidecar.testing.magento_db import MagentoDatabase
from tests.harness import LedgerBench


def columns(ledger: LedgerBench, table: str) -> list[str]:
    rows = ledger.sql(
        "SELECT column_name AS name FROM information_schema.columns "
        "WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position",
        ledger.store.names.schema,
        table,
    )
    return [row.name for row in rows]


@pytest.mark.parametrize("table", sorted(_COLUMNS))
def test_the_code_knows_every_column_in_its_order(ledger: LedgerBench, table: str) -> None:
    assert columns(ledger, table) == _COLUMNS[table].split()


def test_the_code_knows_every_table(ledger: LedgerBench) -> None:
    rows = ledger.sql(
        "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = %s",
        ledger.store.names.schema,
    )

    assert sorted(row.name for row in rows) == sorted(TABLES)


def test_the_archive_has_the_columns_of_the_events(ledger: LedgerBench) -> None:
    assert columns(ledger, "event_archive") == columns(ledger, "event")


def test_every_table_is_innodb(ledger: LedgerBench) -> None:
    engines = ledger.sql(
        "SELECT DISTINCT engine AS engine FROM information_schema.tables WHERE table_schema = %s",
        ledger.store.names.schema,
    )

    assert [row.engine for row in engines] == ["InnoDB"]


@pytest.mark.parametrize("table", ["outbox", "outbox_fault"])
def test_what_checkout_writes_has_a_primary_key_and_nothing_else(
    ledger: LedgerBench, table: str
) -> None:
    """A secondary key or a foreign key there could make checkout wait."""
    keys = ledger.sql(f"SHOW INDEX FROM {ledger.store.names(table)}")

    assert [(row.Key_name, row.Column_name) for row in keys] == [("PRIMARY", "id")]


def test_names_are_quoted_and_prefixed_only_inside_magentos_schema() -> None:
    assert LedgerNames.placed("erp_sidecar", "shop")("event") == "`erp_sidecar`.`event`"
    assert LedgerNames.placed(None, "shop")("event") == "`shop`.`erp_sidecar_event`"
    assert Tables(LedgerNames.placed(None, "shop")).event.name == "erp_sidecar_event"


def isolation(connection: sa.Connection) -> str:
    rows = connection.exec_driver_sql(
        "SHOW SESSION VARIABLES WHERE Variable_name IN ('transaction_isolation', 'tx_isolation')"
    )
    return str(rows.one()[1])


def test_every_connection_reads_committed_data_only_and_waits_two_seconds_at_most(
    ledger: LedgerBench,
) -> None:
    """In REPEATABLE READ an open claim would make checkout wait."""
    database = Database(ledger.database.login, connections=3)
    for _ in range(2):
        with database.transaction() as one, database.transaction() as other:
            for connection in (one, other):
                assert isolation(connection) == "READ-COMMITTED"
                waits = connection.exec_driver_sql(
                    "SELECT @@SESSION.innodb_lock_wait_timeout, @@SESSION.lock_wait_timeout"
                ).one()
                assert tuple(waits) == (2, 2)
    database.close()


def test_what_a_snapshot_needs_is_gone_when_its_connection_is_used_again(
    ledger: LedgerBench,
) -> None:
    database = Database(ledger.database.login, connections=1)
    with database.snapshot() as view:
        view.exec_driver_sql("SELECT 1").scalar_one()
    with database.definition() as definition:
        definition.exec_driver_sql("SELECT 1").scalar_one()

    with database.transaction() as connection:
        assert isolation(connection) == "READ-COMMITTED"
        assert connection.exec_driver_sql("SELECT @@SESSION.lock_wait_timeout").scalar_one() == 2
        # A write would fail (1792) if the transaction were still read-only.
        connection.exec_driver_sql(
            f"INSERT INTO {ledger.store.names('outbox')} (kind, entity_id, pointed) "
            "VALUES ('order', 1, 'test')"
        )
        # A second look sees what others committed in between.
        before = connection.exec_driver_sql(
            f"SELECT COUNT(*) FROM {ledger.store.names('audit')}"
        ).scalar_one()
        ledger.sql(
            "INSERT INTO {audit} (at, who, command, subject) "
            "VALUES (UTC_TIMESTAMP(), 'a', 'b', 'c')"
        )
        after = connection.exec_driver_sql(
            f"SELECT COUNT(*) FROM {ledger.store.names('audit')}"
        ).scalar_one()
        assert after == before + 1
    database.close()


def test_a_connection_with_another_isolation_is_refused(empty_schema: MagentoDatabase) -> None:
    """As a proxy or an init_connect would give it."""
    with empty_schema.connect() as raw:
        with raw.cursor() as cursor:
            cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")

        with pytest.raises(ConfigurationError, match="REPEATABLE-READ"):
            _prepare_session(raw, SimpleNamespace(info={}))
