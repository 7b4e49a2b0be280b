"""Our own order statuses in Magento's registry: put there at install, taken out at uninstall.

Magento shows a status rightly only when it stands in sales_order_status and is assigned to the
order's state in sales_order_status_state (facts: magento-flows, writing back).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from sidecar.magento.live_schema import MagentoSchema
from sidecar.model.errors import ConfigurationError

CODE_LENGTH = 32
LABEL_LENGTH = 128


@dataclass(frozen=True, slots=True)
class OwnStatus:
    """A status of ours and the states in which orders may carry it."""

    code: str
    label: str
    states: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unregistered:
    """`removed` codes, and those left because orders carry them: code → number of orders."""

    removed: list[str]
    still_used: dict[str, int]


def missing(
    connection: sa.Connection, schema: MagentoSchema, statuses: Sequence[OwnStatus]
) -> list[str]:
    """What `register` would add: `code` for a status, `code/state` for an assignment.

    Raises ConfigurationError for a code or label that Magento's columns cannot hold.
    """
    _require_fitting(statuses)
    codes = _codes(connection, schema)
    assigned = {
        f"{row[0]}/{row[1]}"
        for row in connection.exec_driver_sql(
            f"SELECT status, state FROM {schema.table('sales_order_status_state')}"
        )
    }
    wanted = [
        name
        for status in statuses
        for name in (status.code, *(f"{status.code}/{state}" for state in status.states))
    ]
    return [name for name in wanted if name not in codes and name not in assigned]


def registered(
    connection: sa.Connection, schema: MagentoSchema, statuses: Sequence[OwnStatus]
) -> list[str]:
    """Codes of ours that Magento knows already."""
    present = _codes(connection, schema)
    return [status.code for status in statuses if status.code in present]


def register(
    connection: sa.Connection, schema: MagentoSchema, statuses: Sequence[OwnStatus]
) -> list[str]:
    """Add what is missing and say what was added, as `missing` names it.

    A status that exists keeps its label: a shop may have renamed it.
    """
    added = missing(connection, schema, statuses)
    for status in statuses:
        if status.code in added:
            connection.exec_driver_sql(
                f"INSERT INTO {schema.table('sales_order_status')} (status, label) VALUES (%s, %s)",
                (status.code, status.label),
            )
        for state in status.states:
            if f"{status.code}/{state}" in added:
                _assign(connection, schema, status.code, state)
    return added


def unregister(
    connection: sa.Connection, schema: MagentoSchema, codes: Sequence[str]
) -> Unregistered:
    """Remove the statuses that no order carries, not even one on hold that would return to it."""
    present = _codes(connection, schema)
    removed, still_used = [], {}
    for code in codes:
        orders = _orders_with(connection, schema, code)
        if orders:
            still_used[code] = orders
        elif code in present:
            for table in ("sales_order_status_state", "sales_order_status"):
                connection.exec_driver_sql(
                    f"DELETE FROM {schema.table(table)} WHERE status = %s", (code,)
                )
            removed.append(code)
    return Unregistered(removed, still_used)


def _assign(connection: sa.Connection, schema: MagentoSchema, code: str, state: str) -> None:
    # Magento leaves an order out of the customer's "My Orders" when its status is not visible on
    # front, so ours is seen where the state's own default status is.
    table = schema.table("sales_order_status_state")
    connection.exec_driver_sql(
        f"INSERT INTO {table} (status, state, is_default, visible_on_front) "
        f"SELECT %(code)s, %(state)s, 0, COALESCE(MAX(visible_on_front), 1) FROM {table} "
        "WHERE state = %(state)s AND is_default = 1",
        {"code": code, "state": state},
    )


def _codes(connection: sa.Connection, schema: MagentoSchema) -> set[str]:
    rows = connection.exec_driver_sql(f"SELECT status FROM {schema.table('sales_order_status')}")
    return {str(row[0]) for row in rows}


def _orders_with(connection: sa.Connection, schema: MagentoSchema, code: str) -> int:
    orders = schema.table("sales_order")
    count = connection.exec_driver_sql(
        f"SELECT (SELECT COUNT(*) FROM {orders} WHERE status = %(code)s) + "
        f"(SELECT COUNT(*) FROM {orders} WHERE state = 'holded' AND status <> %(code)s "
        "AND hold_before_status = %(code)s)",
        {"code": code},
    ).scalar_one()
    return int(count)


def _require_fitting(statuses: Sequence[OwnStatus]) -> None:
    for status in statuses:
        for what, text, longest in (
            ("code", status.code, CODE_LENGTH),
            ("label", status.label, LABEL_LENGTH),
        ):
            if not 0 < len(text) <= longest:
                raise ConfigurationError(
                    f"order status {status.code!r}: its {what} has {len(text)} characters, "
                    f"Magento's column holds 1 to {longest}",
                    f"choose a {what} of at most {longest} characters",
                )
