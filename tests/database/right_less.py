"""Grants without one of their rights, for what must fail then."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence


def one_right_less(
    chosen: Sequence[str], statements: Sequence[str]
) -> Iterator[tuple[str, str, list[str]]]:
    """Each right of the chosen ones, and each column of one: table, name, what is granted still."""
    for statement in chosen:
        rest = [one for one in statements if one != statement]
        match = re.fullmatch(r"GRANT (\w+)(?: \((.*?)\))? ON (\S+) TO (.+)", statement)
        assert match, statement
        privilege, columns, place, account = match.groups()
        table = place.split("`")[-2]
        if not columns:
            yield table, privilege, rest
            continue
        for column in columns.split(", "):
            others = ", ".join(one for one in columns.split(", ") if one != column)
            yield table, column, [*rest, f"GRANT {privilege} ({others}) ON {place} TO {account}"]
