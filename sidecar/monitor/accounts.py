"""How the ERP accounts stand: breaker, pace and the wait that an ERP asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from sidecar.ledger.accounts import Accounts


@dataclass(frozen=True, slots=True)
class AccountLimits:
    """As configured: the ERP's address, calls at the same time, seconds of the longest wait.

    `domains`: the names of those that go there.
    """

    address: str
    most_slots: int
    longest_wait: float
    domains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AccountVitals:
    """`rate`: share of the configured one; `slots`, `most_slots`: calls at the same time.

    `asks_in`: seconds until an open breaker asks again; `quiet_for`: seconds that are left of the
    wait that the ERP asked for, which was `asked_wait`; `wait_cut`: that is longer than configured.
    """

    address: str
    breaker_open: bool
    failures: int
    asks_in: float
    rate: float
    slots: int
    most_slots: int
    quiet_for: float
    asked_wait: float
    wait_cut: bool
    domains: tuple[str, ...] = ()


def read_accounts(
    connection: sa.Connection, accounts: Accounts, limits: Mapping[str, AccountLimits]
) -> dict[str, AccountVitals]:
    """Each account by its name."""
    return {name: _read(connection, accounts, name, one) for name, one in limits.items()}


def _read(
    connection: sa.Connection, accounts: Accounts, name: str, limits: AccountLimits
) -> AccountVitals:
    state = accounts.read(connection, name)
    return AccountVitals(
        address=limits.address,
        breaker_open=state.open,
        failures=state.failures,
        asks_in=state.ask_in,
        rate=state.rate,
        slots=limits.most_slots if state.slots is None else state.slots,
        most_slots=limits.most_slots,
        quiet_for=state.slow_for,
        asked_wait=state.asked_wait,
        wait_cut=state.asked_wait > limits.longest_wait,
        domains=limits.domains,
    )
