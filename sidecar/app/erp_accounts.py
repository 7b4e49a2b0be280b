"""The ERP accounts of a configuration: each with its adapter, and its pace in the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial

from sidecar.app.erp_adapters import adapter_settings_of, load_adapter
from sidecar.app.renewing import RenewingAdapter
from sidecar.app.rules import pace_of
from sidecar.blueprint.ownership import require_one_owner
from sidecar.database.connection import Database
from sidecar.delivery.account import ErpAccount
from sidecar.delivery.breaker import Breaker
from sidecar.delivery.slots import Slots
from sidecar.delivery.throttle import Throttle
from sidecar.delivery.workers import Workers
from sidecar.ledger.store import LedgerStore
from sidecar.model.domain_spec import DomainSpec
from sidecar.monitor.accounts import AccountLimits
from sidecar.ports import AdapterSettings, Clock, ErpAdapter, Narrator
from sidecar.settings.origin import Origin
from sidecar.settings.schema import Settings


@dataclass(frozen=True, slots=True)
class Line:
    """An ERP account at work: its adapter, its pace, and the threads that all its domains share."""

    name: str
    adapter: ErpAdapter
    account: ErpAccount
    workers: Workers


class ErpAccounts:
    """Made of the files alone; an adapter is loaded when the first is asked for."""

    def __init__(self, settings: Settings, origin: Origin, narrator: Narrator) -> None:
        self._settings = settings
        self._origin = origin
        self._narrator = narrator

    @cached_property
    def adapters(self) -> Mapping[str, ErpAdapter]:
        """The adapter of each account, its file of calls checked.

        Raises ConfigurationError, also where two would write one field.
        """
        require_one_owner(self._settings, self._origin)
        return {
            account: load_adapter(self._settings, account, settings, origin=self._origin)
            for account, settings in self._adapter_settings.items()
        }

    @cached_property
    def _adapter_settings(self) -> Mapping[str, AdapterSettings]:
        return {
            account: adapter_settings_of(self._settings, account, origin=self._origin)
            for account in self._settings.accounts
        }

    def adapter_of(self, domain: str) -> ErpAdapter:
        """The adapter of the account that an enabled domain goes to."""
        return self.adapters[self._settings.account_of(domain)]

    def renewing(self, account: str) -> RenewingAdapter:
        """Its adapter for work that goes on while somebody changes a secret."""
        return RenewingAdapter(
            self.adapters[account],
            self._adapter_settings[account],
            partial(adapter_settings_of, self._settings, account, origin=self._origin),
            partial(load_adapter, self._settings, account, origin=self._origin),
            self._narrator,
        )

    def restored(
        self, name: str, adapter: ErpAdapter, database: Database, store: LedgerStore, clock: Clock
    ) -> ErpAccount:
        """An account with throttle, slots and breaker as the ledger remembers them."""
        erp = self._settings.accounts[name]
        pace = pace_of(erp.throttle)
        account = ErpAccount(
            name,
            Throttle(pace, clock),
            Slots(pace.concurrency, float(erp.throttle.slow_at), clock),
            Breaker(erp.breaker.after, erp.breaker.probe_every.total_seconds(), clock),
            adapter,
            database,
            store,
            self._narrator,
            address=erp.address,
            longest_wait=erp.throttle.longest_wait.total_seconds(),
        )
        account.restore()
        return account

    @property
    def limits(self) -> dict[str, AccountLimits]:
        """What is configured of each account."""
        return {
            name: AccountLimits(
                erp.address,
                erp.throttle.concurrency,
                erp.throttle.longest_wait.total_seconds(),
                self._settings.domains_of(name),
            )
            for name, erp in self._settings.accounts.items()
        }

    def kinds(self, specs: tuple[DomainSpec, ...]) -> dict[str, tuple[str, ...]]:
        """Of which kinds documents go to each account; `specs`: of the enabled domains."""
        return {
            account: tuple(
                spec.kind for spec in specs if self._settings.account_of(spec.name) == account
            )
            for account in self._settings.accounts
        }

    def close(self) -> None:
        """Give back the connections of the adapters that were loaded."""
        for adapter in self.__dict__.get("adapters", {}).values():
            adapter.close()
