"""What becomes of a shop's statement when something is wrong with our trigger.

Two lists: what the trigger's handler swallows, and what no handler can, which is why the plan, the
outbox's definition and the reader exclude it by construction.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pymysql
import pytest

from sidecar.testing.magento_db import MagentoDatabase, MySql, PrivateServer, create_magento
from tests.database.capture_bench import Bench, bench_beside

OWNER = "magento_owner"


@pytest.fixture(scope="module")
def magento(server: PrivateServer) -> Iterator[MagentoDatabase]:
    """One shop for all tests here: making its tables takes longer than any test."""
    database = create_magento(server, "fault_shop", mview=False)
    yield database
    database.drop()


@pytest.fixture
def bench(magento: MagentoDatabase) -> Iterator[Bench]:
    """The triggers are defined by an account of Magento's; the shop writes as root."""
    yield from defined_by_the_owner(magento)


@pytest.fixture
def fresh(server: PrivateServer) -> Iterator[Bench]:
    """As `bench`, with a shop of the test's own, whose tables it may change."""
    database = create_magento(server, "changed_shop", mview=False)
    yield from defined_by_the_owner(database)
    database.drop()


def defined_by_the_owner(magento: MagentoDatabase) -> Iterator[Bench]:
    with bench_beside(magento) as bench:
        bench.sql(
            f"DROP USER IF EXISTS {OWNER}@localhost",
            f"CREATE USER {OWNER}@localhost",
            f"GRANT ALL ON `{magento.name}`.* TO {OWNER}@localhost",
        )
        bench.triggers(account=f"{OWNER}@localhost").install()
        yield bench
        bench.sql(
            f"DROP USER IF EXISTS {OWNER}@localhost",
            f"DROP TABLE IF EXISTS `{magento.name}`.elsewhere",
        )


def breaking(bench: Bench, *statements: str) -> None:
    bench.sql(
        *(
            statement.format(
                outbox=bench.names("outbox"),
                fault=bench.names("outbox_fault"),
                schema=bench.names.schema,
                magento=bench.magento.name,
                owner=f"{OWNER}@localhost",
            )
            for statement in statements
        )
    )


def orders_in_the_shop(bench: Bench) -> list[int]:
    return [entity_id for (entity_id,) in bench.sql("SELECT parent_id FROM sales_order_payment")]


# --- what the handler swallows --------------------------------------------------------------------

NO_SUCH_TABLE, NO_SUCH_COLUMN, DENIED, DUPLICATE, TOO_LONG, FULL = (
    1146,
    1054,
    1142,
    1062,
    1406,
    1114,
)

WITH_A_BREADCRUMB = {
    "the outbox is dropped": (NO_SUCH_TABLE, ["DROP TABLE {outbox}"]),
    "the outbox is renamed away": (NO_SUCH_TABLE, ["RENAME TABLE {outbox} TO {magento}.elsewhere"]),
    "a column of the outbox is gone": (NO_SUCH_COLUMN, ["ALTER TABLE {outbox} DROP kind"]),
    "a column of the outbox is too short": (TOO_LONG, ["ALTER TABLE {outbox} MODIFY kind char(2)"]),
    "the definer lost INSERT on the outbox": (DENIED, ["REVOKE INSERT ON {outbox} FROM {owner}"]),
    "the hint is a duplicate to an index of somebody's": (
        DUPLICATE,
        [
            "ALTER TABLE {outbox} ADD UNIQUE (kind)",
            "INSERT INTO {outbox} (kind, entity_id, pointed) VALUES ('order', 1, 'test')",
        ],
    ),
    "somebody's trigger on the outbox signals": (
        1644,
        [
            "CREATE TRIGGER {schema}.veto BEFORE INSERT ON {outbox} FOR EACH ROW "
            "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no'"
        ],
    ),
}


@pytest.mark.parametrize("fault", WITH_A_BREADCRUMB)
def test_the_order_goes_through_and_a_breadcrumb_says_why_its_hint_is_missing(
    bench: Bench, fault: str
) -> None:
    errno, statements = WITH_A_BREADCRUMB[fault]
    breaking(bench, *statements)

    order = bench.place_order()

    assert orders_in_the_shop(bench) == [order]
    assert bench.breadcrumbs() == [("order", order, errno)]


def test_a_full_outbox_costs_mariadb_the_hint_and_mysql_the_order(bench: Bench) -> None:
    """MySQL does not ask the handler about 1114."""
    fill_outbox(bench)
    with bench.checkout() as connection, connection.cursor() as cursor:
        if isinstance(bench.magento.server.flavour, MySql):
            # Else it fails already because GTIDs forbid a table in memory in a transaction (1785).
            cursor.execute("SET SESSION sql_log_bin = 0")
            with pytest.raises(pymysql.MySQLError) as failed:
                bench.place_order_on(cursor)
            assert failed.value.args[0] == FULL
        else:
            order = bench.place_order_on(cursor)
            assert orders_in_the_shop(bench) == [order]
            assert bench.breadcrumbs() == [("order", order, FULL)]


def fill_outbox(bench: Bench) -> None:
    rows = (
        "INSERT IGNORE INTO {outbox} (kind, entity_id, pointed) "
        "SELECT 'order', 1, REPEAT('x', 64) FROM information_schema.COLUMNS LIMIT 50"
    )
    with pytest.raises(pymysql.err.OperationalError, match="is full"):
        breaking(
            bench,
            "SET SESSION max_heap_table_size = 16384",
            "ALTER TABLE {outbox} ENGINE = MEMORY",
            *[rows] * 20,
        )


WITHOUT_A_BREADCRUMB = {
    "the ledger's schema is dropped": ["DROP SCHEMA `{schema}`"],
    "both tables are dropped": ["DROP TABLE {outbox}, {fault}"],
    "the definer lost INSERT on both": [
        "REVOKE INSERT ON {outbox} FROM {owner}",
        "REVOKE INSERT ON {fault} FROM {owner}",
    ],
    "both tables have other columns": [
        "ALTER TABLE {outbox} DROP entity_id",
        "ALTER TABLE {fault} DROP entity_id",
    ],
}


@pytest.mark.parametrize("fault", WITHOUT_A_BREADCRUMB)
def test_the_order_goes_through_even_where_no_breadcrumb_can_be_left(
    bench: Bench, fault: str
) -> None:
    breaking(bench, *WITHOUT_A_BREADCRUMB[fault])

    order = bench.place_order()
    bench.sql(
        "UPDATE sales_order_payment SET method = 'free'",
        "UPDATE sales_order_address SET city = 'Ulm'",
    )

    assert orders_in_the_shop(bench) == [order]


def test_a_magento_upgrade_may_drop_a_column_that_the_trigger_compares(fresh: Bench) -> None:
    """The ALTER succeeds, and every later update of the table would fail without the handler."""
    order = fresh.place_order()
    fresh.sql("ALTER TABLE sales_order_address DROP COLUMN fax")

    fresh.sql(f"UPDATE sales_order_address SET city = 'Ulm' WHERE parent_id = {order}")

    assert fresh.breadcrumbs() == [("order", order, NO_SUCH_COLUMN)]


def test_a_magento_upgrade_may_drop_the_column_that_holds_the_order(fresh: Bench) -> None:
    fresh.sql(
        "SET SESSION foreign_key_checks = 0",
        *(
            f"ALTER TABLE sales_order_payment DROP FOREIGN KEY `{name}`"
            for (name,) in fresh.sql(
                "SELECT CONSTRAINT_NAME FROM information_schema.REFERENTIAL_CONSTRAINTS "
                f"WHERE CONSTRAINT_SCHEMA = '{fresh.magento.name}' "
                "AND TABLE_NAME = 'sales_order_payment'"
            )
        ),
        "ALTER TABLE sales_order_payment DROP COLUMN parent_id",
    )

    fresh.sql("INSERT INTO sales_order_payment (method) VALUES ('checkmo')")

    assert fresh.sql("SELECT method FROM sales_order_payment") == [("checkmo",)]


def test_a_hint_of_a_rolled_back_order_is_rolled_back_with_it(bench: Bench) -> None:
    with bench.open_checkout() as cursor:
        cursor.connection.rollback()

    assert bench.hints() == []


def test_a_long_error_message_does_not_cost_the_breadcrumb(bench: Bench) -> None:
    """MESSAGE_TEXT may be longer than the breadcrumb's column."""
    long = "x" * 128
    breaking(
        bench,
        "CREATE TRIGGER {schema}.veto BEFORE INSERT ON {outbox} FOR EACH ROW "
        f"SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{long}'",
        "ALTER TABLE {fault} MODIFY message varchar(255)",
    )

    bench.place_order()

    assert bench.sql(f"SELECT message FROM {bench.names('outbox_fault')}") == [(long,)]


# --- what no handler can swallow ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "errno"),
    [
        ("DROP USER {owner}", 1449),
        ("REVOKE TRIGGER ON `{magento}`.* FROM {owner}", 1142),
    ],
)
def test_a_lost_definer_fails_the_order_which_is_why_it_is_magentos_own_account(
    bench: Bench, fault: str, errno: int
) -> None:
    breaking(bench, fault)

    with pytest.raises(pymysql.MySQLError) as failed:
        bench.place_order()

    assert failed.value.args[0] == errno


@pytest.mark.parametrize("lock", ["LOCK TABLES {outbox} READ", "LOCK TABLES {outbox} WRITE"])
def test_a_locked_outbox_fails_the_order_which_is_why_nobody_may_lock_it(
    bench: Bench, lock: str
) -> None:
    with bench.magento.connect() as backup, backup.cursor() as cursor:
        cursor.execute(lock.format(outbox=bench.names("outbox")))

        with pytest.raises(pymysql.MySQLError) as failed:
            bench.place_order()

    assert failed.value.args[0] == 1205


def test_a_unique_index_on_the_outbox_makes_orders_wait_which_is_why_there_is_none(
    bench: Bench,
) -> None:
    breaking(bench, "ALTER TABLE {outbox} ADD UNIQUE (kind)")
    with bench.open_checkout(), pytest.raises(pymysql.MySQLError) as failed:
        bench.place_order()

    assert failed.value.args[0] == 1205
    assert orders_in_the_shop(bench) == []


def test_a_deadlock_takes_the_whole_order_never_half_of_it(bench: Bench) -> None:
    """Needs a unique index again; the handler must not swallow a lost transaction."""
    breaking(bench, "ALTER TABLE {outbox} ADD UNIQUE (pointed)")
    outbox = bench.names("outbox")
    hint = f"INSERT INTO {outbox} (kind, entity_id, pointed) VALUES ('order', 1, '{{}}')"
    with (
        bench.magento.connect(autocommit=False) as peer,
        peer.cursor() as theirs,
    ):
        # The heavier transaction survives a deadlock.
        theirs.executemany(
            f"INSERT INTO {outbox} (kind, entity_id, pointed) VALUES ('order', 1, %s)",
            [(f"row {number}",) for number in range(200)],
        )
        theirs.execute(hint.format("sales_order_payment_au"))
        with bench.open_checkout() as ours:
            waiting = threading.Thread(
                target=theirs.execute, args=(hint.format("sales_order_payment_ai"),)
            )
            waiting.start()
            until_somebody_waits_for_a_row(bench)

            with pytest.raises(pymysql.MySQLError) as failed:
                ours.execute("UPDATE sales_order_payment SET method = 'free'")
            waiting.join(timeout=10)
            assert not waiting.is_alive()
            peer.rollback()
            ours.connection.commit()

    assert failed.value.args[0] == 1213
    assert orders_in_the_shop(bench) == []
    assert bench.sql("SELECT COUNT(*) FROM sales_order") == [(0,)]


def until_somebody_waits_for_a_row(bench: Bench) -> None:
    with bench.magento.connect() as observer, observer.cursor() as cursor:
        for _ in range(10_000):
            # Not INNODB_TRX: MySQL does not renew what it shows while it is asked all the time.
            cursor.execute("SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'")
            if cursor.fetchone() != ("Innodb_row_lock_current_waits", "0"):
                return
    pytest.fail("nobody came to wait")


def test_the_outbox_has_a_primary_key_and_nothing_else_that_could_make_an_insert_wait(
    bench: Bench,
) -> None:
    for table in ("outbox", "outbox_fault"):
        keys = bench.sql(f"SHOW INDEX FROM {bench.names(table)}")
        ((_, definition),) = bench.sql(f"SHOW CREATE TABLE {bench.names(table)}")
        assert [key[2] for key in keys] == ["PRIMARY"]
        assert "ENGINE=InnoDB" in definition
        assert "FOREIGN KEY" not in definition
