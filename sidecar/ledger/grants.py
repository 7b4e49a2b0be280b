"""The rights of the accounts, out of `sql/grants.sql` and `sql/grants-installer.sql`."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import resources

from sidecar.ledger.tables import TABLES, LedgerNames

_COMMENT = re.compile(r"^\s*--.*$", re.MULTILINE)
_TABLE = re.compile(r"\{table:([a-z_]+)\}")


def grants(
    account: str,
    magento_schema: str,
    table: Callable[[str], str],
    names: LedgerNames,
    *,
    file: str = "grants.sql",
) -> list[str]:
    """The statements for `account` (`user@host`); `table` gives a Magento table's full name."""
    text = _COMMENT.sub("", resources.files("sql").joinpath(file).read_text("utf-8"))
    text = _TABLE.sub(lambda match: table(match[1]), text)
    statements: list[str] = []
    for template in (part.strip() for part in text.split(";\n")):
        if template:
            statement = template.replace("{magento}", whole_schema(magento_schema)).replace(
                "{account}", _quoted(account)
            )
            statements += [
                statement.replace("{ledger}", place) for place in _places(statement, names)
            ]
    return [re.sub(r"\s+", " ", statement) for statement in statements]


def _places(statement: str, names: LedgerNames) -> list[str]:
    if "{ledger}" not in statement:
        return [""]
    if names.prefix:
        # Inside Magento's schema the rights are given table by table.
        return [names(table) for table in TABLES]
    return [f"{whole_schema(names.schema)}.*"]


def whole_schema(name: str) -> str:
    """A schema's name as it stands before `.*`."""
    # In GRANT … ON schema.* an underscore stands for any character: shop_1 would be shopX1 too.
    return "`" + name.replace("_", r"\_") + "`"


def _quoted(account: str) -> str:
    user, _, host = account.rpartition("@")
    return f"'{user}'@'{host}'"
