"""The ERP account's breaker and throttle, remembered over a restart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.mysql import insert

from sidecar.ledger import fit
from sidecar.ledger.tables import NOW, Tables, in_seconds


@dataclass(frozen=True, slots=True)
class AccountState:
    """`ask_in`, `slow_for`: seconds from now by the database's clock.

    `asked_wait`: seconds that the ERP asked for, of which `slow_for` are left within the bound that
    is configured; `wait_ended_at`: when an operator last ended such a wait.  `used`: requests of
    the window before this was written down, `slots`: how many calls may be on their way (None: as
    configured).  `address`: where the account was when this was learnt.
    """

    address: str = ""
    failures: int = 0
    open: bool = False
    ask_in: float = 0.0
    slow_for: float = 0.0
    asked_wait: float = 0.0
    rate: float = 1.0
    used: int = 0
    slots: int | None = None
    wait_ended_at: datetime | None = None


class Accounts:
    """Table `erp_account`."""

    def __init__(self, tables: Tables) -> None:
        self._table = tables.erp_account
        self._names = tables.names

    def read(self, connection: sa.Connection, name: str) -> AccountState:
        """What is remembered of an account; a fresh state when nothing is."""
        c = self._table.c
        row = connection.execute(
            sa.select(
                c.address,
                c.failures,
                c.opened_at,
                _seconds_until(c.ask_at).label("ask_in"),
                _seconds_until(c.slow_until).label("slow_for"),
                c.asked_wait,
                c.wait_ended_at,
                c.rate,
                c.used,
                c.slots,
            ).where(c.name == name)
        ).first()
        if row is None:
            return AccountState()
        slow_for = max(0.0, float(row.slow_for or 0))
        return AccountState(
            address=row.address,
            failures=row.failures,
            open=row.opened_at is not None,
            ask_in=max(0.0, float(row.ask_in or 0)),
            slow_for=slow_for,
            asked_wait=float(row.asked_wait or 0) if slow_for else 0.0,
            rate=row.rate if row.rate is not None else 1.0,
            used=row.used,
            slots=row.slots,
            wait_ended_at=row.wait_ended_at,
        )

    def wait_ended_at(self, connection: sa.Connection, name: str) -> datetime | None:
        """When an operator last ended a wait that the ERP had asked for."""
        c = self._table.c
        return connection.execute(
            sa.select(c.wait_ended_at).where(c.name == name)
        ).scalar_one_or_none()

    def end_wait(self, connection: sa.Connection, name: str) -> None:
        """End the wait that the ERP asked for; a daemon at work sees it within seconds."""
        c = self._table.c
        connection.execute(
            sa.update(self._table)
            .where(c.name == name)
            .values(slow_until=None, asked_wait=None, wait_ended_at=NOW)
        )

    def save(self, connection: sa.Connection, name: str, state: AccountState) -> None:
        """Write the present state; the moment a breaker opened is kept while it stays open."""
        values = {
            "address": fit.text("erp_account", "address", state.address),
            "failures": state.failures,
            "ask_at": in_seconds(state.ask_in) if state.open else None,
            "slow_until": in_seconds(state.slow_for) if state.slow_for > 0 else None,
            "asked_wait": state.asked_wait if state.slow_for > 0 else None,
            "rate": state.rate,
            "used": state.used,
            "slots": state.slots,
            "updated_at": NOW,
        }
        opened_at = NOW if state.open else None
        still_open = sa.func.coalesce(self._table.c.opened_at, NOW) if state.open else None
        # One statement: INSERT IGNORE, then UPDATE, by two domains at once would be a deadlock.
        connection.execute(
            insert(self._table)
            .values(name=name, opened_at=opened_at, **values)
            .on_duplicate_key_update(opened_at=still_open, **values)
        )


def _seconds_until(moment: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    micro = sa.func.timestampdiff(sa.literal_column("MICROSECOND"), NOW, moment)
    return micro / 1_000_000
