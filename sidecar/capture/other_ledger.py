"""Triggers of ours that write into another ledger than the configuration names.

Whoever misspells `ledger.schema` is told to install, and an install makes the triggers those of its
own ledger: the daemon of the other one would hear of nothing any more (docs/decisions/0054).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import sqlalchemy as sa

from sidecar.capture.trigger_plan import OURS, LiveSchema, LiveTrigger, Names, quoted
from sidecar.model.errors import ConfigurationError

_INTO = re.compile(r"INSERT INTO (?:`((?:[^`]|``)+)`\.)?`((?:erp_sidecar_)?)outbox` ")


def outbox_of(body: str, database: str) -> tuple[str, str] | None:
    """Schema and table prefix of the ledger that a trigger in `database` writes into."""
    target = _INTO.search(body)
    if target is None:
        return None
    return (target[1] or database).replace("``", "`"), target[2]


def require_none(connection: sa.Connection, live: LiveSchema, names: Names) -> None:
    """Raise ConfigurationError where this shop's triggers write into another ledger of this shop.

    One that is gone, or that is another shop's (a dump was imported on its server), keeps nobody.
    """
    own = _place(names("outbox"))
    for schema, prefix in _written(live, live.triggers):
        other = f"{quoted(schema)}.{quoted(f'{prefix}outbox')}"
        if _place(other) == own or not _is_there(connection, schema, f"{prefix}outbox"):
            continue
        if _belongs_elsewhere(connection, f"{quoted(schema)}.{quoted(f'{prefix}identity')}", live):
            continue
        raise ConfigurationError(
            f"the triggers in {live.database} write into the ledger in {schema}, and the "
            f"configuration names the one in {own[0]}: nothing was changed",
            f"correct ledger.schema, if {own[0]} is misspelt; if the ledger in {schema} is given "
            "up, stop its daemon, then 'erp-sidecar triggers remove' and install again",
        )


def _written(live: LiveSchema, triggers: Iterable[LiveTrigger]) -> set[tuple[str, str]]:
    ours = (trigger for trigger in triggers if trigger.name.startswith(OURS))
    places = (outbox_of(trigger.body, live.database) for trigger in ours)
    return {place for place in places if place is not None}


def _place(table: str) -> tuple[str, str]:
    schema, _, name = table.strip("`").partition("`.`")
    return schema, name


def _is_there(connection: sa.Connection, schema: str, table: str) -> bool:
    rows = connection.exec_driver_sql(
        "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s",
        (schema, table),
    )
    return rows.first() is not None


def _belongs_elsewhere(connection: sa.Connection, identity: str, live: LiveSchema) -> bool:
    try:
        schema = connection.exec_driver_sql(f"SELECT magento_schema FROM {identity}").scalar()
    except sa.exc.DBAPIError:
        # It may not be read by this user: better asked for once too often.
        return False
    return schema is not None and schema != live.database
