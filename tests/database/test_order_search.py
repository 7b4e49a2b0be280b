"""The sweep's search: what it finds, what it leaves in peace, and what it costs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa

from sidecar.database.connection import Database
from sidecar.domains import SPECS
from sidecar.domains.orders.reader import OrderReader
from sidecar.domains.orders.search import OrderSearch
from sidecar.ledger.migrate import Ledger
from sidecar.ledger.tables import LedgerNames
from sidecar.magento.live_schema import read_schema
from sidecar.testing.magento_db import MagentoDatabase, PrivateServer, create_magento
from tests.database.capture_bench import login

EVERYTHING = (0, 1_000_000)


@dataclass
class Sweep:
    """A shop with orders of an hour ago, and the search over it."""

    magento: MagentoDatabase
    database: Database
    search: OrderSearch
    reader: OrderReader
    entity: str

    def run(self, statement: str) -> None:
        """One statement in the shop's schema; `{entity}` is the ledger's table."""
        with self.database.transaction() as connection:
            connection.exec_driver_sql(statement.format(entity=self.entity))

    def order(self, *ids: int, state: str = "'new'") -> None:
        """Orders as they are an hour after their last change."""
        for entity_id in ids:
            self.run(
                "INSERT INTO sales_order (entity_id, increment_id, state, status, updated_at) "
                f"VALUES ({entity_id}, 'N{entity_id}', {state}, 'pending', "
                "NOW() - INTERVAL 1 HOUR)"
            )
            self.run(
                "INSERT INTO sales_order_address (parent_id, address_type, city, street) VALUES "
                f"({entity_id}, 'billing', 'Ulm', NULL), ({entity_id}, 'shipping', 'Ulm', '')"
            )

    def known(self, *ids: int, **kw: str) -> None:
        """Orders that the ledger has looked at just now."""
        self.order(*ids, **kw)
        with self.database.transaction() as connection:
            self.search.baseline(connection, *EVERYTHING)

    def changed(self, after: int = 0, upto: int = 1_000_000) -> list[int]:
        with self.database.transaction() as connection:
            return self.search.new_or_changed(connection, after, upto)

    def vanished(self) -> list[int]:
        with self.database.transaction() as connection:
            return self.search.vanished(connection, *EVERYTHING)

    def ask(self, statement: str, **parameters: Any) -> list[Any]:
        with self.database.transaction() as connection:
            return list(connection.exec_driver_sql(statement, parameters or None).mappings())


@pytest.fixture(scope="module")
def swept_shop(server: PrivateServer) -> Iterator[Sweep]:
    magento = create_magento(server, "swept")
    database = Database(login(magento))
    names = LedgerNames.placed(None, magento.name)
    Ledger(database, names).migrate()
    schema = read_schema(database, SPECS)
    yield Sweep(
        magento,
        database,
        OrderSearch(schema, names("entity")),
        OrderReader(schema),
        names("entity"),
    )
    database.close()
    magento.drop()


@pytest.fixture
def sweep(swept_shop: Sweep) -> Sweep:
    """Without orders, and without memory of any."""
    swept_shop.run("DELETE FROM sales_order")
    swept_shop.run("DELETE FROM {entity}")
    return swept_shop


def test_an_order_that_the_ledger_does_not_know_is_found(sweep: Sweep) -> None:
    sweep.known(1, 2)
    sweep.order(3)

    assert sweep.changed() == [3]


def test_orders_that_are_as_the_ledger_knows_them_are_left_in_peace(sweep: Sweep) -> None:
    sweep.known(1, 2, 3)

    assert sweep.changed() == []
    assert sweep.vanished() == []


@pytest.mark.parametrize(
    "change",
    [
        "state = 'processing'",
        "status = 'Pending'",
        "status = NULL",
        "state = NULL",
        "total_paid = 1",
    ],
)
def test_a_changed_order_is_found(sweep: Sweep, change: str) -> None:
    sweep.known(1, 2)

    # Magento sets updated_at itself; in all cases but the last the sweep must see it without.
    keep = "" if "total_paid" in change else ", updated_at = updated_at"
    sweep.run(f"UPDATE sales_order SET {change}{keep} WHERE entity_id = 2")

    assert sweep.changed() == [2]


def test_an_order_without_state_is_compared_like_any_other(sweep: Sweep) -> None:
    sweep.known(1, state="NULL")
    assert sweep.changed() == []

    sweep.run("UPDATE sales_order SET state = 'new', updated_at = updated_at")
    assert sweep.changed() == [1]


def test_a_change_within_the_second_of_the_last_look_is_looked_at_again(sweep: Sweep) -> None:
    sweep.known(1)
    second = "'2026-11-23 12:00:07'"
    sweep.run(f"UPDATE sales_order SET updated_at = {second}")
    sweep.run(f"UPDATE {{entity}} SET updated_at = {second}, looked_at = '2026-11-23 12:00:07.4'")
    assert sweep.changed() == [1]

    sweep.run("UPDATE {entity} SET looked_at = '2026-11-23 12:00:09.1'")
    assert sweep.changed() == []


@pytest.mark.parametrize(
    "edit",
    [
        "city = 'Neu-Ulm' WHERE parent_id = 2 AND address_type = 'shipping'",
        "city = 'Bonn' WHERE parent_id = 2",  # the same edit in both addresses
        "street = '' WHERE parent_id = 2 AND address_type = 'billing'",  # NULL before
        "city = NULL, region = 'Ulm' WHERE parent_id = 2 AND address_type = 'billing'",
        "vat_id = 'DE1' WHERE parent_id = 2 AND address_type = 'billing'",
    ],
)
def test_an_address_change_is_found_although_the_order_does_not_move(
    sweep: Sweep, edit: str
) -> None:
    sweep.known(1, 2, 3)

    sweep.run(f"UPDATE sales_order_address SET {edit}")

    assert sweep.changed() == [2]


def test_an_address_that_is_deleted_is_a_change(sweep: Sweep) -> None:
    sweep.known(1, 2)

    sweep.run("DELETE FROM sales_order_address WHERE parent_id = 2")

    assert sweep.changed() == [2]


def test_the_sweep_and_the_reader_compute_one_mark(sweep: Sweep) -> None:
    sweep.known(1, 2)
    sweep.run("DELETE FROM sales_order_address WHERE parent_id = 2")
    with sweep.database.transaction() as connection:
        marks = sweep.reader.address_marks(connection, [1, 2])
    for entity_id, mark in marks.items():
        sweep.run(f"UPDATE {{entity}} SET mark = {mark} WHERE entity_id = {entity_id}")

    assert marks[1] != 0
    assert marks[2] == 0
    assert sweep.changed() == []


def test_addresses_are_not_compared_where_the_ledger_has_no_mark(sweep: Sweep) -> None:
    sweep.known(1, state="'complete'")

    sweep.run("UPDATE sales_order_address SET city = 'Bonn'")

    assert sweep.changed() == []


def test_an_order_that_is_gone_is_found_until_it_is_noted(sweep: Sweep) -> None:
    sweep.known(1, 2, 3)
    sweep.run("DELETE FROM sales_order WHERE entity_id = 2")
    assert sweep.vanished() == [2]
    assert sweep.changed() == []

    sweep.run("UPDATE {entity} SET vanished_at = UTC_TIMESTAMP(3) WHERE entity_id = 2")
    assert sweep.vanished() == []


def test_the_range_is_open_below_and_closed_above(sweep: Sweep) -> None:
    sweep.order(1, 2, 3, 4)

    assert sweep.changed(1, 3) == [2, 3]


def test_the_span_covers_both_sides(sweep: Sweep) -> None:
    def span() -> tuple[int, int]:
        with sweep.database.transaction() as connection:
            return sweep.search.span(connection)

    assert span() == (0, 0)
    sweep.known(5, 9)
    sweep.order(12)
    sweep.run("DELETE FROM sales_order WHERE entity_id = 5")
    sweep.run(
        "INSERT INTO {entity} (kind, entity_id, number, state, status) "
        "VALUES ('invoice', 99, 'I99', '', '')"
    )
    assert span() == (5, 12)


def test_the_baseline_records_each_order_once_and_without_fingerprint(sweep: Sweep) -> None:
    sweep.order(1, 2)
    sweep.order(3, state="'closed'")
    sweep.run(
        "INSERT INTO {entity} (kind, entity_id, number, state, status, fingerprint) "
        "VALUES ('order', 2, 'N2', 'new', 'pending', '1:seen')"
    )

    with sweep.database.transaction() as connection:
        assert sweep.search.baseline(connection, 0, 2) == 1
        assert sweep.search.baseline(connection, 0, 3) == 1
        assert sweep.search.baseline(connection, 0, 3) == 0

    rows = sweep.ask(
        f"SELECT entity_id, number, fingerprint, mark IS NOT NULL AS marked, "
        f"looked_at IS NOT NULL AS looked FROM {sweep.entity} ORDER BY entity_id"
    )
    assert [tuple(row.values()) for row in rows] == [
        (1, "N1", None, 1, 1),
        (2, "N2", "1:seen", 0, 0),
        (3, "N3", None, 0, 1),
    ]


def test_the_baseline_neither_waits_for_a_checkout_nor_makes_one_wait(sweep: Sweep) -> None:
    sweep.order(1, 2)
    impatient = "SET SESSION innodb_lock_wait_timeout = 1"
    with sweep.magento.connect(autocommit=False, init_command=impatient) as shop:
        cursor = shop.cursor()
        cursor.execute("UPDATE sales_order SET state = 'processing' WHERE entity_id = 1")
        with sweep.database.transaction() as connection:
            assert sweep.search.baseline(connection, *EVERYTHING) == 2
            cursor.execute("UPDATE sales_order SET state = 'processing' WHERE entity_id = 2")
            cursor.execute("INSERT INTO sales_order (entity_id, state) VALUES (3, 'new')")
        shop.commit()

    assert sweep.changed() == [1, 2, 3]


def test_every_question_reads_its_range_of_the_primary_key_and_no_more(sweep: Sweep) -> None:
    for start in range(1, 400, 100):
        numbers = ", ".join(
            f"({number}, 'N{number}', 'new', 'pending')" for number in range(start, start + 100)
        )
        sweep.run(
            f"INSERT INTO sales_order (entity_id, increment_id, state, status) VALUES {numbers}"
        )
    sweep.run("INSERT INTO sales_order_address (parent_id) SELECT entity_id FROM sales_order")
    with sweep.database.transaction() as connection:
        sweep.search.baseline(connection, 0, 380)

    for question in (sweep.search.new_or_changed, sweep.search.vanished):
        plan = explained(sweep, question)
        ranges = [row for row in plan if row["type"] == "range"]
        assert [row["key"] for row in ranges] == ["PRIMARY"]
        assert int(ranges[0]["rows"]) <= 20
        assert {row["type"] for row in plan} <= {"range", "eq_ref", "ref"}


def explained(sweep: Sweep, question: Any) -> list[Any]:
    """The plan of the statement that a question puts for the range (100, 110]."""
    seen: list[tuple[str, Any]] = []

    def remember(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        seen.append((statement, parameters))

    with sweep.database.transaction() as connection:
        sa.event.listen(connection, "before_cursor_execute", remember)
        question(connection, 100, 110)
    statement, parameters = seen[-1]
    return sweep.ask(f"EXPLAIN FORMAT=TRADITIONAL {statement}", **parameters)
