"""A connection that behaves as Magento's database adapter does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pymysql
from pymysql.cursors import DictCursor

Row = dict[str, Any]

# What a statement or a connection fails with.
DatabaseError = pymysql.MySQLError

# Called after each statement with its name: "INSERT sales_order", "COMMIT".
Between = Callable[[str], None]


class Session:
    """Statements by verb and table, each reported to `between` once the server has run it.

    `between` may do what it likes on other connections: it is how a test looks into, waits in or
    interleaves with a transaction that is open.
    """

    def __init__(
        self, connection: pymysql.Connection[Any], prefix: str, between: Between | None
    ) -> None:
        self._connection = connection
        self._prefix = prefix
        self.between = between
        with connection.cursor() as cursor:
            cursor.execute("SET NAMES utf8mb4")
            cursor.execute("SET SESSION sql_mode = '', time_zone = '+00:00'")

    def close(self) -> None:
        self._connection.close()

    def table(self, name: str) -> str:
        return f"`{self._prefix}{name}`"

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """START TRANSACTION … COMMIT; an error rolls back and goes on its way."""
        self.execute("START TRANSACTION", "START TRANSACTION")
        try:
            yield
        except BaseException:
            self.execute("ROLLBACK", "ROLLBACK")
            raise
        self.execute("COMMIT", "COMMIT")

    def execute(self, name: str, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run one statement; returns the auto-increment id that it made (0: none)."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql, tuple(parameters) or None)
            made = int(cursor.lastrowid or 0)
        if self.between is not None:
            self.between(name)
        return made

    def select(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Rows of a plain read, which nobody waits for and which is not reported."""
        with self._connection.cursor(DictCursor) as cursor:
            cursor.execute(sql, tuple(parameters) or None)
            return list(cursor.fetchall())

    def insert(self, table: str, *rows: Mapping[str, Any]) -> int:
        """One INSERT of one or more rows of the same columns; returns the (first) new id."""
        columns = ", ".join(f"`{column}`" for column in rows[0])
        values = ", ".join("(" + ", ".join(["%s"] * len(row)) + ")" for row in rows)
        return self.execute(
            f"INSERT {table}",
            f"INSERT INTO {self.table(table)} ({columns}) VALUES {values}",
            [value for row in rows for value in row.values()],
        )

    def update(self, table: str, row: Mapping[str, Any], **key: Any) -> None:
        """UPDATE with every column of `row` in its SET list, changed or not."""
        assignments = ", ".join(f"`{column}` = %s" for column in row)
        where = " AND ".join(f"`{column}` = %s" for column in key)
        self.execute(
            f"UPDATE {table}",
            f"UPDATE {self.table(table)} SET {assignments} WHERE {where}",
            [*row.values(), *key.values()],
        )

    def delete(self, table: str, **key: Any) -> None:
        where = " AND ".join(f"`{column}` = %s" for column in key)
        self.execute(
            f"DELETE {table}", f"DELETE FROM {self.table(table)} WHERE {where}", list(key.values())
        )

    def lock_order(self, entity_id: int) -> None:
        """The service classes take the order's row lock before they work on it."""
        self.execute(
            "SELECT sales_order",
            f"SELECT entity_id FROM {self.table('sales_order')} WHERE entity_id = %s FOR UPDATE",
            [entity_id],
        )
