"""Dump and restore of a schema onto another server, without a client program."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sidecar.testing.magento_db import PrivateServer

_DEFINER = re.compile(r"DEFINER=`[^`]*`@`[^`]*` ")


def copy_schemas(source: PrivateServer, target: PrivateServer, schemas: Sequence[str]) -> None:
    """All tables with their rows, then all triggers, as mysqldump brings them."""
    with (
        source.connect() as there,
        target.connect() as here,
        there.cursor() as read,
        here.cursor() as write,
    ):
        # One moment for all, as mysqldump --single-transaction has it: a daemon may be at work.
        read.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        read.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")
        write.execute("SET foreign_key_checks = 0, sql_mode = 'NO_AUTO_VALUE_ON_ZERO'")
        for schema in schemas:
            write.execute(f"DROP DATABASE IF EXISTS `{schema}`")
            write.execute(f"CREATE DATABASE `{schema}` CHARACTER SET utf8mb4")
            write.execute(f"USE `{schema}`")
            _copy_tables(read, write, schema)
        for schema in schemas:
            write.execute(f"USE `{schema}`")
            _copy_triggers(read, write, schema)


def _copy_tables(read: Any, write: Any, schema: str) -> None:
    read.execute(f"SHOW FULL TABLES FROM `{schema}` WHERE Table_type = 'BASE TABLE'")
    for table, _ in read.fetchall():
        read.execute(f"SHOW CREATE TABLE `{schema}`.`{table}`")
        write.execute(read.fetchall()[0][1])
        read.execute(f"SELECT * FROM `{schema}`.`{table}`")
        rows = read.fetchall()
        if rows:
            marks = ", ".join(["%s"] * len(rows[0]))
            write.executemany(f"INSERT INTO `{table}` VALUES ({marks})", rows)


def _copy_triggers(read: Any, write: Any, schema: str) -> None:
    read.execute(f"SHOW TRIGGERS FROM `{schema}`")
    for name in [row[0] for row in read.fetchall()]:
        read.execute(f"SHOW CREATE TRIGGER `{schema}`.`{name}`")
        write.execute(_DEFINER.sub("", read.fetchall()[0][2]))
