"""What Magento's schema has: asked once at start, so that a wrong database is one clear error.

Table names carry the installation's prefix here and nowhere else.  Which release of Magento wrote
the schema cannot be told from the database reliably (the release lives in composer.lock; the rows
of `setup_module` are the modules' own numbers, and modules with declarative schema need none), so
nothing here depends on it: what is used is looked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from sidecar.database.connection import Database
from sidecar.model.domain_spec import DomainSpec, Needs
from sidecar.model.errors import ConfigurationError, PermissionDenied

#: What we read of every shop, whatever its domains.
SHOP: Mapping[str, tuple[str, ...]] = {
    "core_config_data": ("path", "value"),
    "store": ("store_id", "code", "website_id"),
    "store_website": ("website_id", "code"),
}

_RIGHT_MISSING = 1142
_LANDMARKS = frozenset({"sales_order", "sales_order_item", "sales_order_grid", "quote"})


#: Which characters a column's charset holds; of one that is not here, plain ASCII is sure.
_HOLDS: dict[str, Callable[[str], bool]] = {
    "utf8mb4": lambda _: True,
    "utf8mb3": lambda character: character <= "\uffff",
    "utf8": lambda character: character <= "\uffff",
}


@dataclass(frozen=True, slots=True)
class TextColumn:
    """What a column of text can hold: so many characters, of this character set."""

    length: int
    charset: str

    def holds(self, text: str) -> bool:
        """Whether the text fits as it is."""
        return len(text) <= self.length and self.fitted(text) == text

    def fitted(self, text: str) -> str:
        """The text with U+FFFD, or "?", for what the character set does not have."""
        holds = _HOLDS.get(self.charset, str.isascii)
        stand_in = "\ufffd" if holds("\ufffd") else "?"
        return "".join(character if holds(character) else stand_in for character in text)


@dataclass(frozen=True, slots=True)
class MagentoSchema:
    """Magento's schema as it was found; names go in without prefix."""

    database: str
    prefix: str
    columns: dict[str, frozenset[str]]
    #: (table, column) → its measure, of those that hold text.
    texts: dict[tuple[str, str], TextColumn] = field(default_factory=dict)
    #: The columns of each table that hold amounts.
    amounts: Mapping[str, frozenset[str]] = field(default_factory=dict)
    #: Optional tables of the domains that were asked for → the column by which each is seen.
    optional: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def table(self, name: str) -> str:
        """A table's full name, quoted, with the prefix."""
        return f"{_quoted(self.database)}.{_quoted(self.prefix + name)}"

    def has_table(self, name: str) -> bool:
        """Whether the schema has this table."""
        return name in self.columns

    def has_column(self, table: str, column: str) -> bool:
        """Whether the schema has this table with this column."""
        return column in self.columns.get(table, frozenset())

    @property
    def optional_tables(self) -> list[str]:
        """The optional tables that this shop has, whether we may read them or not."""
        return [
            table
            for table, hint in self.optional.items()
            if self.has_table(table) or self.has_column(*hint)
        ]

    @property
    def has_multi_source_inventory(self) -> bool:
        """Whether Magento's MSI modules are installed (many shops remove them)."""
        return self.has_table("inventory_source_item") and self.has_table("inventory_reservation")


def read_schema(
    database: Database,
    domains: Iterable[DomainSpec],
    prefix: str = "",
    *,
    inbound: Iterable[Needs] = (),
) -> MagentoSchema:
    """Look at the database that the login names, for what these domains need of it.

    `inbound`: what those need that the ERP owns.

    Raises ConfigurationError, which names all that is missing, when it cannot be Magento 2's;
    PermissionDenied where it may be that the user does not see it.
    """
    name = database.login.database
    required, optional = _needed([*(domain.needs for domain in domains), *inbound])
    with database.transaction("looking at Magento's schema") as connection:
        rows = connection.exec_driver_sql(
            "SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, CHARACTER_MAXIMUM_LENGTH, "
            "CHARACTER_SET_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s",
            (name,),
        )
        tables: dict[str, set[str]] = {}
        amounts: dict[str, set[str]] = {}
        texts: dict[tuple[str, str], TextColumn] = {}
        for table, column, kind, length, charset in rows:
            tables.setdefault(str(table), set()).add(str(column))
            if str(kind) == "decimal":
                amounts.setdefault(str(table), set()).add(str(column))
            if charset is not None and str(table).startswith(prefix):
                key = str(table).removeprefix(prefix), str(column)
                texts[key] = TextColumn(int(length), str(charset))
        columns = _of_prefix(tables, prefix)
        missing = _missing(columns, required)
        # An optional one too, where the shop has it: its contents would be missing in silence.
        there = [table for table, (at, column) in optional.items() if column in columns.get(at, ())]
        unseen = [
            table
            for table in (*required, *there)
            if table not in columns and _is_hidden(connection, name, prefix + table)
        ]
        if unseen:
            raise PermissionDenied(
                f"{database.login.user} may not read "
                f"{', '.join(prefix + table for table in unseen)} in database {name!r}, or there "
                "is no such table",
                "grant what 'erp-sidecar grants print' prints, with its notes; if it is granted, "
                "check shop.database.name and table_prefix against Magento's app/etc/env.php",
            )
        if missing:
            raise ConfigurationError(
                f"database {name!r} is not Magento's as configured; with table prefix {prefix!r} "
                f"it has no {', no '.join(missing)}",
                _remedy(prefix, tables),
            )
    return MagentoSchema(name, prefix, columns, texts, _of_prefix(amounts, prefix), optional)


def _is_hidden(connection: sa.Connection, schema: str, table: str) -> bool:
    """Whether the server refuses to say if there is such a table."""
    try:
        connection.exec_driver_sql(f"SELECT 1 FROM {_quoted(schema)}.{_quoted(table)} LIMIT 0")
    except DBAPIError as error:
        return getattr(error.orig, "args", (0,))[0] == _RIGHT_MISSING
    return False


def _of_prefix(tables: Mapping[str, set[str]], prefix: str) -> dict[str, frozenset[str]]:
    return {
        table.removeprefix(prefix): frozenset(names)
        for table, names in tables.items()
        if table.startswith(prefix)
    }


def _needed(
    needs: Iterable[Needs],
) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, str]]]:
    """Tables with the columns that they must have, and optional tables."""
    required = dict(SHOP)
    optional: dict[str, tuple[str, str]] = {}
    for one in needs:
        for table, columns in one.tables.items():
            there = required.get(table, ())
            required[table] = (*there, *(column for column in columns if column not in there))
        optional |= one.optional
    return required, optional


def _missing(
    columns: Mapping[str, frozenset[str]], required: Mapping[str, tuple[str, ...]]
) -> list[str]:
    missing = []
    for table, needed in required.items():
        if table not in columns:
            missing.append(f"table {table}")
            continue
        missing += [f"column {table}.{name}" for name in needed if name not in columns[table]]
    return missing


def _remedy(prefix: str, tables: dict[str, set[str]]) -> str:
    others = sorted(
        start
        for start in {table.removesuffix("sales_order") for table in tables}
        if start != prefix and all(start + landmark in tables for landmark in _LANDMARKS)
    )
    if others:
        wanted = " or ".join(repr(start) for start in others)
        return f"set table_prefix to {wanted} (env.php: db/table_prefix): such tables are there"
    if any(prefix + landmark in tables for landmark in _LANDMARKS):
        return (
            "Magento's tables are there but incomplete: finish its setup:upgrade; Magento 2.3 or "
            "later is needed, Magento 1 and OpenMage are not supported"
        )
    return (
        "check shop.database.name and table_prefix against Magento's app/etc/env.php; this "
        "database holds no Magento 2 shop"
    )


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
