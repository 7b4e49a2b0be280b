"""Load a mysqldump file and replay recorded statements, without a database client program."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymysql

from sidecar.model.errors import BadData
from sidecar.testing.magento_db.server import PrivateServer

# What a statement is made of, as far as its end is concerned: a quoted text (which may hold the
# delimiter), a comment to skip, a DELIMITER line of the client language, anything else.
# `/*!` and `/*M!` open no comment but text that the server executes.
_TOKEN = re.compile(
    r"""(?P<quoted>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]*`)
      | (?P<comment>^--[ ][^\n]*\n? | /\*(?!M?!).*?\*/)
      | (?P<delimiter>^DELIMITER[ ]+(?P<mark>\S+)[ ]*\n)
      | (?P<text>[^'"`;/\-D\n]+ | .)""",
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
# A dump's triggers name the account that made them.  It seldom exists where the dump is loaded,
# and then every firing fails with error 1449, which nothing can catch.
_DEFINER = re.compile(r"DEFINER\s*=\s*(`[^`]*`|'[^']*'|\S+?)@(`[^`]*`|'[^']*'|[^\s*]+)")

# The session that Magento's PHP opens.
_SESSION = "SET SESSION sql_mode = '', time_zone = '+00:00'"


def statements(path: Path) -> Iterator[str]:
    """The SQL statements of a `.sql` or `.sql.gz` file, in order, without delimiter and comments.

    Knows quoted text, `DELIMITER` lines and the executable comments of mysqldump.
    """
    text = _read(path)
    delimiter, position = ";", 0
    parts: list[str] = []
    while position < len(text):
        if text.startswith(delimiter, position):
            yield from _complete(parts)
            parts = []
            position += len(delimiter)
            continue
        token = _TOKEN.match(text, position)
        if token is None:
            raise BadData(f"{path}: the text at offset {position} cannot be read as SQL.")
        position = token.end()
        if token["delimiter"]:
            delimiter = token["mark"]
        elif not token["comment"]:
            parts.append(token.group())
    yield from _complete(parts)


def _complete(parts: list[str]) -> Iterator[str]:
    statement = "".join(parts).strip()
    if statement:
        yield statement


def _read(path: Path) -> str:
    if path.suffix == ".gz":
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            return file.read()
    return path.read_text(encoding="utf-8")


def load_dump(server: PrivateServer, path: Path, database: str) -> None:
    """Create schema `database` and load a mysqldump file into it (definers become root)."""
    with server.connect() as connection, connection.cursor() as cursor:
        name = database.replace("`", "``")
        cursor.execute(f"CREATE DATABASE IF NOT EXISTS `{name}`")
        connection.select_db(database)
        for statement in statements(path):
            cursor.execute(_DEFINER.sub("", statement) if "TRIGGER" in statement else statement)


def replay(connection: pymysql.Connection[Any], path: Path) -> None:
    """Run the statements of a recorded flow on `connection`, transaction borders included.

    Sets the session's sql_mode and time_zone as Magento does.  The first failing statement
    raises its pymysql error.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SESSION)
        for statement in statements(path):
            cursor.execute(statement)
