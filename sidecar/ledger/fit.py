"""Every value that comes from outside is made to fit its column here, before it is written.

One that did not fit would cost the transaction, and with it the neighbours.  How much a column
holds is read from `sql/`, where a DBA reads it.  A number or a reference is never cut into another
one: what does not fit is no value, and whoever gives it says so (`sidecar.delivery.within`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib import resources

#: Nobody reads more of a message, and its column holds as much in any alphabet.
LONGEST_MESSAGE = 2_000
_TABLE = re.compile(r"CREATE TABLE \{(\w+)\} \((.*?)\n\)", re.DOTALL)
_COLUMN = re.compile(
    r"^  (?P<name>\w+) +(?P<type>[a-z]+)(?:\((?P<size>[\d,]+)\))?(?P<unsigned> unsigned)?"
    r"(?P<ascii> +CHARACTER SET ascii)?",
    re.MULTILINE,
)
#: What the driver cannot encode, and what a terminal or a C library takes for an end.
_UNWRITABLE = re.compile("[\x00\ud800-\udfff]")
_MOST_DIGITS = 64
_BITS = {"tinyint": 8, "smallint": 16, "int": 32, "bigint": 64}


@dataclass(frozen=True, slots=True)
class Column:
    """What one column holds: `characters` of text, or a number from `lowest` to `highest`."""

    characters: int | None
    is_ascii: bool
    lowest: Decimal
    highest: Decimal


@cache
def columns(table: str) -> dict[str, Column]:
    """The columns of a table of the ledger."""
    statements = [file for file in resources.files("sql").iterdir() if file.name.endswith(".sql")]
    for file in sorted(statements, key=lambda entry: entry.name):
        for name, body in _TABLE.findall(file.read_text("utf-8")):
            if name == table:
                return {found["name"]: _column(found) for found in _COLUMN.finditer(body)}
    raise LookupError(f"sql/ makes no table {table}")


def text(table: str, column: str, value: str | None) -> str | None:
    """A text as the column can hold it; where something is missing, it ends in a mark."""
    if value is None:
        return None
    found = columns(table)[column]
    fitting = _UNWRITABLE.sub("\ufffd", value)
    if found.is_ascii:
        fitting = fitting.encode("ascii", "replace").decode("ascii")
    most, mark = found.characters or LONGEST_MESSAGE, "..." if found.is_ascii else "…"
    return fitting if len(fitting) <= most else fitting[: most - len(mark)] + mark


def number(table: str, column: str, value: Decimal | int | None) -> Decimal | int | None:
    """A number, or None for one that the column does not hold."""
    if value is None:
        return None
    found, exponent = columns(table)[column], Decimal(value).as_tuple().exponent
    # No exponent: no number.  One beyond measure would be written out in as many digits.
    if not isinstance(exponent, int) or abs(exponent) > _MOST_DIGITS:
        return None
    return value if found.lowest <= value <= found.highest else None


def whole_text(table: str, column: str, value: str) -> bool:
    """Whether the column holds this text as it is: a reference must not become another one."""
    return text(table, column, value) == value


def _column(found: re.Match[str]) -> Column:
    kind, sizes = found["type"], [int(size) for size in (found["size"] or "").split(",") if size]
    lowest = highest = Decimal(0)
    if kind == "decimal":
        highest = Decimal(10) ** (sizes[0] - sizes[1]) - Decimal(10) ** -sizes[1]
        lowest = -highest
    elif kind in _BITS:
        bits = _BITS[kind]
        highest = Decimal(2) ** (bits if found["unsigned"] else bits - 1) - 1
        lowest = Decimal(0) if found["unsigned"] else -highest - 1
    characters = sizes[0] if kind in ("varchar", "char") else None
    return Column(characters, bool(found["ascii"]), lowest, highest)
