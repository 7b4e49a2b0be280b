"""Magento 2.4's tables as far as the sidecar touches them, in a schema of a private server.

The tables stand in `tables/*.sql`: same columns, types, defaults, keys and foreign keys as
Magento's (a foreign key is kept where both its tables are described).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pymysql
from pymysql.constants import CLIENT

from sidecar.testing.magento_db import mview as views
from sidecar.testing.magento_db import reference
from sidecar.testing.magento_db.server import PrivateServer, connect_to

_TABLE = re.compile(r"^CREATE TABLE (\w+) \((.*?)^\);", re.MULTILINE | re.DOTALL)
_COLUMN = re.compile(r"^  `?([a-z]\w*)`? ", re.MULTILINE)
_NAMED = re.compile(r"(CREATE TABLE|REFERENCES) (\w+)")

# Magento's connection: lenient, in UTC; identifiers 0 (admin store, no customer) are real rows.
_SESSION = "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO', time_zone = '+00:00'"


@dataclass(frozen=True)
class MagentoDatabase:
    """A schema with Magento's tables.  `prefix` stands before every table name."""

    server: PrivateServer
    name: str
    prefix: str = ""

    def connect(self, **kw: Any) -> pymysql.Connection[Any]:
        """A new connection to this schema; `kw` as in `PrivateServer.connect`."""
        return self.server.connect(self.name, **kw)

    def table(self, name: str) -> str:
        """Magento's table name with the prefix."""
        return f"{self.prefix}{name}"

    def drop(self) -> None:
        """Remove the schema with everything in it."""
        with self.server.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS `{self.name}`")


@dataclass(frozen=True)
class RunningMagento:
    """The same in a server that somebody else has started, reached as root by its socket."""

    socket: Path
    name: str = "magento"
    prefix: str = ""

    def connect(self, **kw: Any) -> pymysql.Connection[Any]:
        """A new connection to this schema; `kw` as in `PrivateServer.connect`."""
        return connect_to(self.socket, self.name, **kw)


def create_magento(
    server: PrivateServer, name: str = "magento", prefix: str = "", mview: bool = True
) -> MagentoDatabase:
    """A fresh schema with tables, reference rows and (`mview`) Magento's own triggers.

    `mview=False` is a shop whose indexers update on save: no triggers, changelogs unused.
    """
    database = MagentoDatabase(server, name, prefix)
    with (
        server.connect(client_flag=CLIENT.MULTI_STATEMENTS) as connection,
        connection.cursor() as cursor,
    ):
        # One round trip: about 200 statements, most of the time of which is the server's.
        cursor.execute(";\n".join(_statements(cursor, database, mview)))
        while cursor.nextset():
            pass
    return database


def tables() -> Mapping[str, Sequence[str]]:
    """The described tables of the data files and their columns."""
    return {name: _COLUMN.findall(body) for name, body in _TABLE.findall(_definitions())}


def _statements(
    cursor: pymysql.cursors.Cursor, database: MagentoDatabase, scheduled: bool
) -> Iterator[str]:
    prefix = database.prefix
    yield f"CREATE DATABASE `{database.name}` CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci"
    yield f"USE `{database.name}`"
    yield _SESSION
    yield "SET SESSION foreign_key_checks = 0"
    yield _NAMED.sub(rf"\1 {prefix}\2", _definitions()).strip().rstrip(";")
    for kind in reference.SEQUENCES:
        for store_id in reference.store_ids():
            yield (
                f"CREATE TABLE {prefix}sequence_{kind}_{store_id} (sequence_value int unsigned "
                "NOT NULL AUTO_INCREMENT, PRIMARY KEY (sequence_value)) CHARSET utf8mb4"
            )
    yield from views.changelog_tables(prefix)
    yield "START TRANSACTION"
    for table, rows in reference.rows(scheduled, prefix):
        yield _insert(cursor, f"{prefix}{table}", rows)
    yield "COMMIT"
    if scheduled:
        yield from views.triggers(prefix, tables())


def _insert(cursor: pymysql.cursors.Cursor, table: str, rows: Sequence[Mapping[str, Any]]) -> str:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    tuples = ", ".join(
        cursor.mogrify(
            "(" + ", ".join("%s" if column in row else "DEFAULT" for column in columns) + ")",
            [row[column] for column in columns if column in row],
        )
        for row in rows
    )
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {tuples}"


@cache
def _definitions() -> str:
    folder = files(__package__) / "tables"
    parts = sorted(
        (part for part in folder.iterdir() if part.name.endswith(".sql")), key=lambda p: p.name
    )
    return "\n".join(part.read_text(encoding="utf-8") for part in parts)
