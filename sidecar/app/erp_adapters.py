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
from sidecar.app.domains import specs
from sidecar.documents import read_document
from sidecar.model.errors import ConfigurationError, UsageError
from sidecar.model.reference import NUMBER
from sidecar.model.secret import Secret
from sidecar.ports import Advising, Connection, Contract, ErpAdapter, ShopContext
from sidecar.settings.fields import SecretRef, closest
from sidecar.settings.origin import NOWHERE, Origin, named_by, place_of, require_files
from sidecar.settings.schema import Settings
from sidecar.settings.secrets import resolve, with_secrets

OpenContract = Callable[[str, Connection | None], Contract | None]


@dataclass(frozen=True, slots=True)
class Installed:
    """An adapter as it is installed: its name for `erp.adapter`, and the package it came with."""

    name: str
    factory: str
    package: str
    version: str


def installed() -> list[Installed]:
    """All adapters."""
    return [
        Installed(
            entry.name,
            entry.value,
            entry.dist.name if entry.dist else "",
            entry.dist.version if entry.dist else "",
        )
        for entry in packages.offered(packages.ADAPTERS)
    ]


def load_adapter(
    settings: Settings, connection: Connection | None = None, *, origin: Origin = NOWHERE
) -> ErpAdapter:
    """The adapter that `erp.adapter` names; raises ConfigurationError.

    `connection`: what it is told, where that was read already; `origin`: where the settings were
    written.
    """
    entries, name = packages.named(packages.ADAPTERS, "an adapter"), settings.erp.adapter
    if name not in entries:
        raise ConfigurationError(
            f"{place_of('erp.adapter', origin)}: there is no adapter {name!r}"
            f"{closest(name, entries)}",
            f"installed are: {', '.join(sorted(entries)) or 'none'}",
        )
    require_files(settings.erp, "erp", origin)
    connection = connection or connection_of(settings, origin=origin)
    adapter: ErpAdapter = packages.load(entries[name])(connection)
    return adapter


class Checked(NamedTuple):
    """`warnings`: what is most likely not meant; `notes`: what files alone do not say."""

    warnings: list[str]
    notes: list[str]


def check_adapter(settings: Settings, *, origin: Origin = NOWHERE) -> Checked:
    """Whether the adapter takes its configuration, as far as files alone say it.

    Raises ConfigurationError.
    """
    erp = settings.erp
    if erp.wsdl is None or not str(erp.wsdl).startswith(("http://", "https://")):
        adapter = load_adapter(settings, origin=origin)
        warnings = list(adapter.warnings()) if isinstance(adapter, Advising) else []
        adapter.close()
        return Checked(warnings, [])
    connection_of(settings, origin=origin)
    require_files(erp, "erp", origin)
    if erp.calls is not None:
        read_document(erp.calls)
    note = (
        f"erp.wsdl is an address, {erp.wsdl}: it is not fetched here, so that the mapping is not "
        "compared with it; 'erp-sidecar adapter check' does that"
    )
    return Checked([], [note])


def connection_of(settings: Settings, *, origin: Origin = NOWHERE) -> Connection:
    """What an adapter is told of the configuration, its secrets resolved."""
    erp = settings.erp
    auth, _warnings = with_secrets(erp.auth, at="erp.auth", origin=origin)
    secrets = {name: _secret(name, ref, origin) for name, ref in erp.secrets.items()}
    tls: Mapping[str, str] = {
        key: str(value) for key, value in erp.tls.model_dump().items() if value is not None
    }
    return Connection(
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
        domains=specs(),
    )


def open_contract(source: str, connection: Connection | None = None) -> Contract:
    """An interface description, by the first reader that knows its kind.

    Raises UsageError where none can, ConfigurationError for a document that is broken.
    """
    refusals: list[ConfigurationError] = []
    for entry in packages.offered(packages.CONTRACTS):
        try:
            opener: OpenContract = packages.load(entry)
            contract = opener(source, connection)
        except ConfigurationError as wrong:
            # Another reader may be able to read it all the same: an address, say.  One that cannot
            # be loaded must not keep the others from reading.
            refusals.append(wrong)
            continue
        if contract is not None:
            return contract
    if refusals:
        raise refusals[0]
    raise UsageError(
        f"{source}: nothing that is installed reads such a document",
        "a WSDL (file or address) or the file of an OpenAPI or an OData $metadata is wanted",
    )


def _secret(name: str, reference: SecretRef, origin: Origin) -> Secret:
    with named_by(f"erp.secrets.{name}", origin):
        return resolve(reference).secret
