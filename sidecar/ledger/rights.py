"""Rights as the server shows them (SHOW GRANTS) against those that are wanted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_NAME = r"(?:\*|`(?:[^`]|``)*`)"
_GRANT = re.compile(
    rf"GRANT (?P<rights>.+?) ON (?:TABLE )?(?P<schema>{_NAME})\.(?P<table>{_NAME}) TO "
)
_RIGHT = re.compile(r"(?P<privilege>[A-Z_]+(?: [A-Z_]+)*)(?: ?\((?P<columns>[^)]*)\))?(?:, ?|$)")
ALL = "ALL PRIVILEGES"
EVERYWHERE = "*"


@dataclass(frozen=True, slots=True)
class Right:
    """A privilege at a place; `schema` is a pattern where `table` is `*`, as for the server."""

    privilege: str
    column: str
    schema: str
    table: str

    def __str__(self) -> str:
        column = f" ({self.column})" if self.column else ""
        return f"{self.privilege}{column} on {self.schema.replace(chr(92), '')}.{self.table}"

    def revoked_from(self, account: str) -> str:
        """The statement that takes it away from `account`, which is quoted already."""
        column = f" (`{self.column}`)" if self.column else ""
        place = ".".join(
            name if name == "*" else "`" + name.replace("`", "``") + "`"
            for name in (self.schema, self.table)
        )
        return f"REVOKE {self.privilege}{column} ON {place} FROM {account}"

    def covers(self, other: Right) -> bool:
        """Whether who has this has the other one too."""
        return (
            self.privilege in (ALL, other.privilege)
            and self.column in ("", other.column)
            and self._reaches(other)
        )

    def _reaches(self, other: Right) -> bool:
        if self.schema == EVERYWHERE:
            return True
        if self.table != "*":
            return (self.schema, self.table) == (other.schema, other.table)
        named = other.schema if other.table != "*" else other.schema.replace("\\", "")
        return _pattern(self.schema).fullmatch(named) is not None


def rights(grants: Iterable[str]) -> list[Right]:
    """What these GRANT statements give; a role's name gives nothing by itself."""
    return [right for grant in grants for right in _rights(grant)]


def missing(wanted: Iterable[str], held: Iterable[Right]) -> dict[str, list[Right]]:
    """The wanted GRANT statements that give something new, each with what that is."""
    held = list(held)
    lacking = {
        grant: [right for right in _rights(grant) if not any(one.covers(right) for one in held)]
        for grant in wanted
    }
    return {grant: lacks for grant, lacks in lacking.items() if lacks}


def _rights(grant: str) -> Iterator[Right]:
    match = _GRANT.match(grant)
    if match is None:
        return
    schema, table = (_plain(match[place]) for place in ("schema", "table"))
    for right in _RIGHT.finditer(match["rights"]):
        for column in (right["columns"] or "").split(","):
            yield Right(_privilege(right["privilege"]), _plain(column.strip()), schema, table)
    if grant.rstrip().endswith("WITH GRANT OPTION"):
        yield Right("GRANT OPTION", "", schema, table)


def _privilege(name: str) -> str:
    return ALL if name == "ALL" else name


def _plain(name: str) -> str:
    return name[1:-1].replace("``", "`") if name.startswith("`") else name


def _pattern(schema: str) -> re.Pattern[str]:
    """In GRANT … ON schema.* an underscore is any character, unless a backslash stands before."""
    parts = re.findall(r"\\.|.", schema, re.DOTALL)
    wild = {"_": ".", "%": ".*"}
    return re.compile("".join(wild.get(part, re.escape(part[-1])) for part in parts), re.DOTALL)
