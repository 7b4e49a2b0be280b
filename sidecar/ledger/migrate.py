"""Numbered, forward-only migrations of the ledger, out of `sql/NNNN_name.sql`."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from importlib import resources

import sqlalchemy as sa

from sidecar.database.connection import Database
from sidecar.ledger.tables import TABLES, LedgerNames
from sidecar.model.errors import ConfigurationError

_FILE = re.compile(r"(?P<version>\d{4})_(?P<name>[a-z0-9_]+)\.sql")
_PLACE = re.compile(r"\{([a-z_]+)\}")
_CREATED = re.compile(r"CREATE TABLE (\S+)")
_COMMENT = re.compile(r"^\s*--.*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of `sql/`; `statements` name the tables of this ledger."""

    version: int
    name: str
    checksum: str
    statements: tuple[str, ...]


def available(names: LedgerNames) -> list[Migration]:
    """All migrations that this version of the sidecar ships, oldest first."""
    migrations = []
    for file in sorted(resources.files("sql").iterdir(), key=lambda entry: entry.name):
        if match := _FILE.fullmatch(file.name):
            text = file.read_text(encoding="utf-8")
            body = _PLACE.sub(lambda place: names(place[1]), _COMMENT.sub("", text))
            statements = tuple(part.strip() for part in body.split(";\n") if part.strip())
            checksum = hashlib.sha256(text.encode()).hexdigest()[:16]
            migrations.append(Migration(int(match["version"]), match["name"], checksum, statements))
    return migrations


class Ledger:
    """The ledger's schema as a whole: what is applied, what is missing."""

    def __init__(self, database: Database, names: LedgerNames) -> None:
        self._database = database
        self._names = names

    def applied(self) -> dict[int, str]:
        """Version → checksum of the migrations that ran; empty when there is no ledger yet."""
        with self._database.transaction("reading the ledger's version") as connection:
            table = connection.execute(
                sa.text(
                    "SELECT COUNT(*) FROM information_schema.tables "
                    "WHERE table_schema = :schema AND table_name = :table"
                ),
                {"schema": self._names.schema, "table": f"{self._names.prefix}migration"},
            ).scalar_one()
            if not table:
                return {}
            rows = connection.execute(
                sa.text(f"SELECT version, checksum FROM {self._names('migration')}")
            )
            return {row.version: row.checksum for row in rows}

    def pending(self) -> list[Migration]:
        """What `migrate` would run; raises ConfigurationError when the ledger is newer than us."""
        shipped = available(self._names)
        applied = self.applied()
        newest = max((migration.version for migration in shipped), default=0)
        if applied and max(applied) > newest:
            raise ConfigurationError(
                f"the ledger {self._names.schema} is at version {max(applied)}, this sidecar knows "
                f"{newest}: it was written by a newer sidecar",
                "install the newer version again: 'apt install --upgrade magento-erp-sidecar' or "
                "'pip install --upgrade magento-erp-sidecar'",
            )
        for migration in shipped:
            if applied.get(migration.version, migration.checksum) != migration.checksum:
                raise ConfigurationError(
                    f"migration {migration.version:04d}_{migration.name} differs from the one that "
                    "made this ledger: the installation was changed by hand",
                    "reinstall the sidecar's own files",
                )
        return [migration for migration in shipped if migration.version not in applied]

    def require_current(self) -> None:
        """Raise ConfigurationError unless every migration ran."""
        missing = self.pending()
        if missing and not self.applied():
            raise ConfigurationError(
                f"there is no ledger in {self._names.schema}: not installed yet, or ledger.schema "
                "names another",
                "correct ledger.schema, or run 'erp-sidecar install' (its plan: 'erp-sidecar "
                "install --dry-run')",
            )
        if missing:
            raise ConfigurationError(
                f"the ledger {self._names.schema} lacks {len(missing)} migration(s), first "
                f"{missing[0].version:04d}_{missing[0].name}",
                "run 'erp-sidecar install' (its plan: 'erp-sidecar install --dry-run')",
            )

    def statements(self) -> list[str]:
        """The statements that `migrate` would run, in order."""
        statements = [] if self.applied() else [*self._foundation()]
        for migration in self.pending():
            statements += [f"DROP TABLE {table}" for table in self._left_over(migration)]
            statements += migration.statements
        return statements

    def migrate(self) -> list[Migration]:
        """Run what is pending; DDL cannot be rolled back, so each migration is noted at its end.

        One that was cut off, by a kill or a lost connection, is run again from its beginning: the
        tables that it had made are empty, nobody has written to a ledger that is not noted.
        """
        todo = self.pending()
        fresh = not self.applied()
        done: list[Migration] = []
        with self._database.definition("migrating the ledger") as connection:
            for statement in self._foundation() if fresh else ():
                connection.exec_driver_sql(statement)
            try:
                for migration in todo:
                    self._run(connection, migration)
                    done.append(migration)
            except BaseException:
                if fresh and not done:
                    connection.exec_driver_sql(f"DROP TABLE IF EXISTS {self._names('migration')}")
                raise
        return done

    def _left_over(self, migration: Migration) -> list[str]:
        """Tables of a pending migration that are there already, the last one first.

        Raises ConfigurationError where one of them has rows: that is a ledger whose note is gone.
        """
        made = [
            match[1] for statement in migration.statements if (match := _CREATED.match(statement))
        ]
        with self._database.transaction("looking for a migration that was cut off") as connection:
            rows = connection.exec_driver_sql(
                "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s",
                (self._names.schema,),
            )
            there = {f"`{self._names.schema}`.`{row[0]}`" for row in rows}
            left = [table for table in reversed(made) if table in there]
            for table in left:
                if connection.exec_driver_sql(f"SELECT 1 FROM {table} LIMIT 1").first():
                    raise ConfigurationError(
                        f"{table} has rows, and the ledger's table of migrations says that it was "
                        "never made: half a restore, or an 'uninstall --drop-ledger' that was cut "
                        "off",
                        "restore the ledger whole; or, if its memory is not wanted any more, "
                        "'erp-sidecar uninstall --drop-ledger' and install again",
                    )
        return left

    def drop(self) -> None:
        """Drop the ledger's tables, and its schema when it is one of its own and then empty."""
        with self._database.definition("dropping the ledger") as connection:
            # First the one without which nobody takes what is left for a ledger.
            for table in sorted(TABLES, key=lambda table: table != "migration"):
                connection.exec_driver_sql(f"DROP TABLE IF EXISTS {self._names(table)}")
            if not self._names.prefix and self._is_empty(connection):
                connection.exec_driver_sql(f"DROP SCHEMA IF EXISTS `{self._names.schema}`")

    def _is_empty(self, connection: sa.Connection) -> bool:
        """Whether nobody else keeps tables in the ledger's schema."""
        count = connection.exec_driver_sql(
            "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = %s",
            (self._names.schema,),
        ).scalar_one()
        return int(count) == 0

    def _run(self, connection: sa.Connection, migration: Migration) -> None:
        made: list[str] = []
        for table in self._left_over(migration):
            connection.exec_driver_sql(f"DROP TABLE {table}")
        try:
            for statement in migration.statements:
                connection.exec_driver_sql(statement.replace("%", "%%"))
                if created := _CREATED.match(statement):
                    made.append(created[1])
        except BaseException:
            for table in reversed(made):
                connection.exec_driver_sql(f"DROP TABLE IF EXISTS {table}")
            raise
        connection.execute(
            sa.text(
                f"INSERT INTO {self._names('migration')} (version, name, checksum, applied_at) "
                "VALUES (:version, :name, :checksum, UTC_TIMESTAMP(3))"
            ),
            {
                "version": migration.version,
                "name": migration.name,
                "checksum": migration.checksum,
            },
        )

    def _foundation(self) -> list[str]:
        create_schema = f"CREATE SCHEMA IF NOT EXISTS `{self._names.schema}` CHARACTER SET utf8mb4"
        create_table = (
            f"CREATE TABLE IF NOT EXISTS {self._names('migration')} ("
            "version int unsigned NOT NULL, name varchar(64) NOT NULL, "
            "checksum char(16) NOT NULL, applied_at datetime(3) NOT NULL, PRIMARY KEY (version)"
            ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4"
        )
        return [create_table] if self._names.prefix else [create_schema, create_table]
