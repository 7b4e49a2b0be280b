"""The ERP's adapters and interface descriptions, found by entry points.

An adapter is a factory under a name.  Readers of interface descriptions have a group of their own:
the daemon, which needs none, does not load them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sidecar.app import packages
from sidecar.app.domains import specs_as_configured
from sidecar.documents import read_document
from sidecar.model.errors import ConfigurationError, UsageError
from sidecar.model.reference import NUMBER
from sidecar.model.secret import Secret
from sidecar.ports import AdapterSettings, Advising, Contract, ErpAdapter, ShopContext
from sidecar.settings.fields import SecretRef, closest
from sidecar.settings.origin import NOWHERE, Origin, named_by, place_of, require_files
from sidecar.settings.schema import Settings
from sidecar.settings.secrets import resolve, with_secrets

OpenContract = Callable[[str, AdapterSettings | None], Contract | None]


@dataclass(frozen=True, slots=True)
class InstalledAdapter:
    """An adapter as it is installed: its name for `erp.adapter`, and the package it came with."""

    name: str
    factory: str
    package: str
    version: str


def installed() -> list[InstalledAdapter]:
    """All adapters."""
    return [
        InstalledAdapter(
            entry.name,
            entry.value,
            entry.dist.name if entry.dist else "",
            entry.dist.version if entry.dist else "",
        )
        for entry in packages.offered(packages.ADAPTERS)
    ]


def load_adapter(
    settings: Settings,
    account: str,
    adapter_settings: AdapterSettings | None = None,
    *,
    origin: Origin = NOWHERE,
) -> ErpAdapter:
    """The adapter of an ERP account.

    Raises ConfigurationError, also for a domain that goes to this account and that its file of
    calls has no call for.  `adapter_settings`: where they were made already; `origin`:
    where the settings were written.
    """
    erp, key = settings.accounts[account], settings.key_of(account)
    entries, name = packages.named(packages.ADAPTERS, "an adapter"), erp.adapter
    if name not in entries:
        raise ConfigurationError(
            f"{place_of(f'{key}.adapter', origin)}: there is no adapter {name!r}"
            f"{closest(name, entries)}",
            f"installed are: {', '.join(sorted(entries)) or 'none'}",
        )
    require_files(erp, key, origin)
    adapter_settings = adapter_settings or adapter_settings_of(settings, account, origin=origin)
    adapter: ErpAdapter = packages.load(entries[name])(adapter_settings)
    try:
        _require_calls(settings, account, adapter, origin)
    except ConfigurationError:
        adapter.close()
        raise
    return adapter


def _require_calls(settings: Settings, account: str, adapter: ErpAdapter, origin: Origin) -> None:
    """Every domain that goes there has calls: without, its events would wait for ever, unseen."""
    for domain in settings.domains_of(account):
        if not adapter.capabilities(domain).subscriptions:
            key = ".".join(settings.domains.path(domain))
            erp = settings.accounts[account]
            calls = f"{erp.calls} has no call" if erp.calls else f"{erp.adapter} carries none"
            raise ConfigurationError(
                f"{place_of(key, origin)}: {calls} for {domain}: nothing of them would be sent",
                f"write {domain}: push: … into the file of calls (docs/mapping.md), let {key}.erp "
                f"name another account, or write {key}.enabled: false",
            )


class Checked(NamedTuple):
    """`warnings`: what is most likely not meant; `notes`: what files alone do not say."""

    warnings: list[str]
    notes: list[str]


def check_adapters(settings: Settings, *, origin: Origin = NOWHERE) -> Checked:
    """Whether each account's adapter takes its configuration, as far as files alone say it.

    Raises ConfigurationError.
    """
    checked = Checked([], [])
    for account in settings.accounts:
        warnings, notes = _check_adapter(settings, account, origin)
        checked.warnings.extend(warnings)
        checked.notes.extend(notes)
    return checked


def _check_adapter(settings: Settings, account: str, origin: Origin) -> Checked:
    erp, key = settings.accounts[account], settings.key_of(account)
    if erp.wsdl is None or not str(erp.wsdl).startswith(("http://", "https://")):
        adapter = load_adapter(settings, account, origin=origin)
        warnings = list(adapter.warnings()) if isinstance(adapter, Advising) else []
        adapter.close()
        return Checked(warnings, [])
    adapter_settings_of(settings, account, origin=origin)
    require_files(erp, key, origin)
    if erp.calls is not None:
        read_document(erp.calls)
    note = (
        f"{key}.wsdl is an address, {erp.wsdl}: it is not fetched here, so that the mapping is not "
        "compared with it; 'erp-sidecar adapter check' does that"
    )
    return Checked([], [note])


def adapter_settings_of(
    settings: Settings, account: str, *, origin: Origin = NOWHERE
) -> AdapterSettings:
    """What the adapter of an ERP account is told of the configuration, its secrets resolved."""
    erp, key = settings.accounts[account], settings.key_of(account)
    auth, _warnings = with_secrets(erp.auth, at=f"{key}.auth", origin=origin)
    secrets = {
        name: _secret(f"{key}.secrets.{name}", reference, origin)
        for name, reference in erp.secrets.items()
    }
    tls: Mapping[str, str] = {
        key: str(value) for key, value in erp.tls.model_dump().items() if value is not None
    }
    return AdapterSettings(
        url=erp.url or erp.endpoint or "",
        wsdl=None if erp.wsdl is None else str(erp.wsdl),
        connect_timeout=erp.timeout.connect.total_seconds(),
        read_timeout=erp.timeout.read.total_seconds(),
        shop=ShopContext(settings.shop.name, ZoneInfo(settings.shop.timezone)),
        calls=erp.calls,
        auth=auth,
        secrets=secrets,
        tls=tls,
        concurrency=erp.throttle.concurrency,
        cookies=erp.cookies,
        renamed=frozenset({"orders"} if settings.domains.orders.ref != NUMBER else ()),
        insecure=erp.insecure,
        domains=specs_as_configured(settings.domains, origin),
    )


def open_contract(source: str, adapter_settings: AdapterSettings | None = None) -> Contract:
    """An interface description, by the first reader that knows its kind.

    Raises UsageError where none can, ConfigurationError for a document that is broken.
    """
    refusals: list[ConfigurationError] = []
    for entry in packages.offered(packages.CONTRACTS):
        try:
            opener: OpenContract = packages.load(entry)
            contract = opener(source, adapter_settings)
        except ConfigurationError as error:
            # Another reader may be able to read it all the same: an address, say.  One that cannot
            # be loaded must not keep the others from reading.
            refusals.append(error)
            continue
        if contract is not None:
            return contract
    if refusals:
        raise refusals[0]
    raise UsageError(
        f"{source}: nothing that is installed reads such a document",
        "a WSDL (file or address) or the file of an OpenAPI or an OData $metadata is wanted",
    )


def _secret(key: str, reference: SecretRef, origin: Origin) -> Secret:
    with named_by(key, origin):
        return resolve(reference).secret
