"""The rights of the users, out of `sql/grants.sql` and `sql/grants-installer.sql`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from importlib import resources

from sidecar.ledger.tables import TABLES, LedgerNames

_COMMENT = re.compile(r"^\s*--.*$", re.MULTILINE)
_TABLE = re.compile(r"\{table:([a-z_]+)\}")


def grants(
    user: str,
    file: str,
    names: LedgerNames,
    table: Callable[[str], str],
    *,
    magento_schema: str = "",
    each: Mapping[str, Sequence[str]] | None = None,
) -> list[str]:
    """The statements of `file` for `user` (`user@host`).

    `table` gives a Magento table's full name; a statement with {NAME} of `each` stands once for
    each of those places.
    """
    text = _COMMENT.sub("", resources.files("sql").joinpath(file).read_text("utf-8"))
    text = _TABLE.sub(lambda match: table(match[1]), text)
    places = {"ledger": _places(names), **(each or {})}
    if magento_schema:
        places["magento"] = [f"{whole_schema(magento_schema)}.*"]
    statements: list[str] = []
    for template in (part.strip() for part in text.split(";\n")):
        if template:
            statement = template.replace("{user}", _quoted(user))
            statements += _for_each(statement, places)
    return [re.sub(r"\s+", " ", statement) for statement in statements]


def _for_each(statement: str, places: Mapping[str, Sequence[str]]) -> list[str]:
    for name, named in places.items():
        if f"{{{name}}}" in statement:
            return [statement.replace(f"{{{name}}}", place) for place in named]
    return [statement]


def _places(names: LedgerNames) -> list[str]:
    if names.prefix:
        # Inside Magento's schema the rights are given table by table.
        return [names(table) for table in TABLES]
    return [f"{whole_schema(names.schema)}.*"]


def whole_schema(name: str) -> str:
    """A schema's name as it stands before `.*`."""
    # In GRANT … ON schema.* an underscore stands for any character: shop_1 would be shopX1 too.
    return "`" + name.replace("_", r"\_") + "`"


def _quoted(user: str) -> str:
    name, _, host = user.rpartition("@")
    return f"'{name}'@'{host}'"
