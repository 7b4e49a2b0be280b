"""A shop with a ledger beside it, for the tests of capture."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pymysql
from pymysql.cursors import Cursor

from sidecar.capture.trigger_plan import Definer
from sidecar.capture.triggers import Triggers
from sidecar.database.connection import Database, Login
from sidecar.ledger.migrate import Ledger
from sidecar.ledger.tables import LedgerNames
from sidecar.model.secret import Secret
from sidecar.testing.magento_db import MagentoDatabase
from tests.sample_domains import named


class NoPause:
    """A sleeper that does not sleep: counts the pauses, and runs `then` in the first of them."""

    def __init__(self) -> None:
        self.pauses: list[float] = []
        self.then: Callable[[], object] = list

    def wait(self, seconds: float) -> bool:
        self.pauses.append(seconds)
        if len(self.pauses) == 1:
            self.then()
        return False


@dataclass(frozen=True)
class Bench:
    """`database` is logged in to the shop's schema as root."""

    magento: MagentoDatabase
    names: LedgerNames
    database: Database
    sleeper: NoPause

    def triggers(self, *domains: str, account: str | None = None) -> Triggers:
        return self.triggers_as(self.database, *domains, account=account)

    def triggers_as(
        self, database: Database, *domains: str, account: str | None = None
    ) -> Triggers:
        return Triggers(
            database,
            self.names,
            named(*(domains or ("orders",))),
            self.sleeper,
            prefix=self.magento.prefix,
            definer=Definer(account) if account else None,
        )

    @contextmanager
    def logged_in_as(self, user: str, password: str = "") -> Iterator[Database]:
        database = Database(login(self.magento, user, password))
        try:
            yield database
        finally:
            database.close()

    def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run as root in the shop's schema; the rows of the last statement."""
        with self.magento.connect() as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    def checkout(self, **session: Any) -> pymysql.Connection[Any]:
        """A connection as Magento's PHP has it, with the shortest patience the server allows."""
        return self.magento.connect(
            init_command=(
                "SET SESSION sql_mode = '', innodb_lock_wait_timeout = 1, lock_wait_timeout = 1"
            ),
            **session,
        )

    def place_order(self) -> int:
        """The rows of an order that matter to triggers, in one transaction; the order's id."""
        with self.checkout() as connection, connection.cursor() as cursor:
            return self.place_order_on(cursor)

    def place_order_on(self, cursor: Cursor) -> int:
        """As `place_order`, on a connection of the caller's."""
        table = self.magento.table
        cursor.execute("START TRANSACTION")
        cursor.execute(f"INSERT INTO {table('sales_order')} (state) VALUES ('new')")
        order_id = int(cursor.lastrowid)
        cursor.execute(
            f"INSERT INTO {table('sales_order_payment')} (parent_id, method) "
            f"VALUES ({order_id}, 'checkmo')"
        )
        cursor.execute(
            f"INSERT INTO {table('sales_order_address')} (parent_id, lastname, city) "
            f"VALUES ({order_id}, 'Muller', NULL)"
        )
        cursor.execute("COMMIT")
        return order_id

    @contextmanager
    def open_checkout(self) -> Iterator[Cursor]:
        """A shop's transaction that wrote its hint and is still open; closed without commit."""
        with self.checkout(autocommit=False) as connection, connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {self.magento.table('sales_order')} (state) VALUES ('new')"
            )
            cursor.execute(
                f"INSERT INTO {self.magento.table('sales_order_payment')} (parent_id) "
                f"VALUES ({cursor.lastrowid})"
            )
            yield cursor

    def hints(self) -> list[tuple[str, int, str]]:
        return [
            (kind, entity_id, pointed)
            for kind, entity_id, pointed in self.sql(
                f"SELECT kind, entity_id, pointed FROM {self.names('outbox')} ORDER BY id"
            )
        ]

    def breadcrumbs(self) -> list[tuple[str, int, int]]:
        """(kind, entity id, errno)."""
        return [
            (kind, entity_id, errno)
            for kind, entity_id, errno in self.sql(
                f"SELECT kind, entity_id, errno FROM {self.names('outbox_fault')} ORDER BY id"
            )
        ]

    def triggers_there(self) -> set[str]:
        """Names of the triggers of ours that the server has."""
        return {
            name
            for (name,) in self.sql(
                "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = "
                f"'{self.magento.name}' AND TRIGGER_NAME LIKE 'erp\\_sidecar\\_%'"
            )
        }


def login(magento: MagentoDatabase, user: str = "root", password: str = "") -> Login:
    return Login(user, Secret(password), magento.name, socket=str(magento.server.socket))


@contextmanager
def bench_beside(magento: MagentoDatabase, *, inside: bool = False) -> Iterator[Bench]:
    """A migrated ledger for `magento`, in a schema of its own or `inside` Magento's.

    Afterwards ledger, orders and our triggers are gone, so that the next test may use the shop.
    """
    names = LedgerNames.placed(None if inside else f"{magento.name}_ledger", magento.name)
    database = Database(login(magento))
    bench = Bench(magento, names, database, NoPause())
    try:
        Ledger(database, names).migrate()
        yield bench
        bench.triggers().remove()
        bench.sql(f"DELETE FROM {magento.table('sales_order')}")
    finally:
        Ledger(database, names).drop()
        bench.sql(f"DROP DATABASE IF EXISTS `{magento.name}_ledger`")
        database.close()
