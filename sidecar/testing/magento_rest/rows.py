"""Reading what a handler needs out of Magento's tables."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sidecar.testing.magento_db.session import Row, Session
from sidecar.testing.magento_rest.refusals import no_entity


def one(session: Session, table: str, key: str, value: object) -> Row:
    """The row with this key; 404 when there is none."""
    found = of_parents(session, table, key, [value])
    if not found:
        raise no_entity()
    return found[0]


def of_parents(
    session: Session, table: str, key: str, values: Collection[object], order: str = ""
) -> list[Row]:
    """The rows whose `key` is among the values."""
    if not values:
        return []
    places = ", ".join(["%s"] * len(values))
    return session.select(
        f"SELECT * FROM {session.table(table)} WHERE `{key}` IN ({places}) "
        f"ORDER BY `{order or key}`",
        list(values),
    )


def by_parent(rows: Sequence[Row], key: str) -> dict[object, list[Row]]:
    """Rows by the value of a column."""
    grouped: dict[object, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row[key], []).append(row)
    return grouped
