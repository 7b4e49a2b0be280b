"""The ERP's adapters and interface descriptions, found by entry points.

An adapter is a factory under a name.  Readers of interface descriptions have a group of their own:
the daemon, which needs none, does not load them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from sidecar.app import packages
from sidecar.app.domains import specs, specs_as_configured
from sidecar.app.excepting import ExceptingAdapter, Exceptional
from sidecar.blueprint.answering import told_of
from sidecar.blueprint.ownership import owners_doubtful, require_one_owner
from sidecar.documents import read_document
from sidecar.model.domain_spec import Role
from sidecar.model.errors import ConfigurationError, SidecarError, Unavailable, UsageError
from sidecar.model.reference import NUMBER
from sidecar.model.secret import Secret
from sidecar.ports import (
    AdapterSettings,
    Advising,
    Capabilities,
    Conditional,
    Contract,
    ErpAdapter,
    Pack,
    ShopContext,
)
from sidecar.settings.fields import SecretRef, closest
from sidecar.settings.origin import NOWHERE, Origin, named_by, place_of, require_files
from sidecar.settings.ownership import SpecialCase
from sidecar.settings.schema import Settings
from sidecar.settings.secrets import resolve, with_secrets

OpenContract = Callable[[str, AdapterSettings | None], Contract | None]
OpenSample = Callable[[str, str], Contract | None]
MakeAdapter = Callable[[AdapterSettings], ErpAdapter]

_PORTS = {"http": 80, "https": 443}
#: How long before the last day of an exception it is told.
NOTICE = timedelta(days=14)


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
    """The adapter of an ERP account, with its exceptions.

    Raises ConfigurationError, also for a domain of this account that no file of calls has a call
    for, or that is of high risk and cannot be verified.  `adapter_settings`: where they were made
    already; `origin`: where the settings were written.
    """
    make = _factory(settings, account, origin)
    require_files(settings.accounts[account], settings.key_of(account), origin)
    adapter_settings = adapter_settings or adapter_settings_of(settings, account, origin=origin)
    with ExitStack() as made:
        adapter = make(adapter_settings)
        made.callback(adapter.close)
        exceptions = []
        for number, case in settings.exceptions_of(account).items():
            exceptions.append(_exceptional(number, case, make, adapter_settings, origin))
            made.callback(exceptions[-1].adapter.close)
        if exceptions:
            zone = adapter_settings.shop.timezone
            adapter = ExceptingAdapter(
                adapter, exceptions, adapter_settings.domains, lambda: datetime.now(zone)
            )
        _require_calls(settings, account, adapter, origin)
        made.pop_all()
    return adapter


def _factory(settings: Settings, account: str, origin: Origin = NOWHERE) -> MakeAdapter:
    """What makes the adapter of an ERP account; a `Pack` where it comes with its files."""
    entries, name = (
        packages.named(packages.ADAPTERS, "an adapter"),
        settings.accounts[account].adapter,
    )
    if name not in entries:
        key = f"{settings.key_of(account)}.adapter"
        raise ConfigurationError(
            f"{place_of(key, origin)}: there is no adapter {name!r}{closest(name, entries)}",
            f"installed are: {', '.join(sorted(entries)) or 'none'}",
        )
    make: MakeAdapter = packages.load(entries[name])
    return make


def files_of_calls(settings: Settings, account: str) -> tuple[Path, ...]:
    """Of an ERP account, lowest first: its pack's own, and the one that the configuration names.

    Raises ConfigurationError for an adapter that is not installed.
    """
    make, own = _factory(settings, account), settings.accounts[account].calls
    below = make.files_of_calls if isinstance(make, Pack) else ()
    return (*below, *((own,) if own is not None else ()))


def pack_named(name: str) -> Pack:
    """The pack of an ERP.  Raises UsageError where there is none of that name."""
    entries = packages.named(packages.ADAPTERS, "an adapter")
    if name in entries and isinstance(pack := packages.load(entries[name]), Pack):
        return pack
    packs = [one for one in entries if isinstance(packages.load(entries[one]), Pack)]
    raise UsageError(
        f"there is no pack for the ERP {name!r}{closest(name, packs)}",
        f"there are: {', '.join(sorted(packs)) or 'none'}",
    )


def _exceptional(
    number: int,
    case: SpecialCase,
    make: MakeAdapter,
    adapter_settings: AdapterSettings,
    origin: Origin,
) -> Exceptional:
    """Raises ConfigurationError for a file or an expression that cannot be read."""
    at = f"exceptions.{number}"
    require_files(case, at, origin)
    # A pack's file holds for its special cases too, with what the configuration lays over it.
    below = adapter_settings.files_of_calls if isinstance(make, Pack) else ()
    adapter = make(replace(adapter_settings, calls=case.calls, calls_below=below))
    with ExitStack() as made:
        made.callback(adapter.close)
        if not isinstance(adapter, Conditional):
            raise ConfigurationError(
                f"{place_of(at, origin)}: this adapter has no language for `when`",
                "an exception needs an adapter with a file of calls",
            )
        with named_by(f"{at}.when", origin):
            applies = adapter.condition(case.domain, case.when)
        if not adapter.capabilities(case.domain).subscriptions:
            raise ConfigurationError(
                f"{place_of(f'{at}.calls', origin)}: {case.calls} has no call for {case.domain}",
                f"write {case.domain}: push: … into it (docs/mapping.md)",
            )
        made.pop_all()
    name = f"the exception '{case.reason}' ({place_of(at, origin)})"
    return Exceptional(case.domain, name, str(case.calls), case.expires, adapter, applies)


def _require_calls(settings: Settings, account: str, adapter: ErpAdapter, origin: Origin) -> None:
    """Every domain of the account has what it needs: without, it would do nothing, unseen."""
    erp, told = settings.accounts[account], settings.domains.told()
    for domain in settings.domains_of(account):
        able = adapter.capabilities(domain)
        key = ".".join(settings.domains.path(domain))
        calls = f"{erp.calls} has no call" if erp.calls else f"{erp.adapter} carries none"
        instead = f"let {key}.erp name another account, or write {key}.enabled: false"
        if domain in told and not (able.tells_changes or able.tells_all):
            raise ConfigurationError(
                f"{place_of(key, origin)}: {calls} that asks for {domain}, which the ERP owns: "
                "nothing of them would come",
                f"write {domain}: changes: … into the file of calls (docs/mapping.md), {instead}",
            )
        if domain not in told and not able.subscriptions:
            raise ConfigurationError(
                f"{place_of(key, origin)}: {calls} for {domain}: nothing of them would be sent",
                f"write {domain}: push: … into the file of calls (docs/mapping.md), {instead}",
            )
        for lack in _unproven(settings, domain, able):
            raise ConfigurationError(
                f"{place_of(f'{key}.risk', origin)}: the risk of {domain} is high, and {lack}",
                f"write it into the file of calls (docs/blueprint.md), or {key}.risk: normal",
            )


def _unproven(settings: Settings, domain: str, able: Capabilities) -> Iterator[str]:
    """What is missing of the proof that a domain of high risk needs, as far as files tell it."""
    if settings.domains.enabled()[domain].risk != "high":
        return
    if domain in settings.domains.told():
        if not able.tells_all:
            yield "the file of calls has no `list`: what the ERP told once cannot be compared again"
        return
    spec = next(one for one in specs() if one.name == domain)
    if spec.verify is not None and not able.tells_total:
        yield (
            "no answer has a `total`, nor does `probe`: what the ERP took cannot be compared with "
            "what was sent"
        )
    if not able.lists:
        yield "the file of calls has no `list`: the ERP's own books cannot be compared"


class Checked(NamedTuple):
    """`warnings`: what is most likely not meant; `notes`: what files alone do not say."""

    warnings: list[str]
    notes: list[str]


def check_adapters(settings: Settings, *, origin: Origin = NOWHERE) -> Checked:
    """Whether each account's adapter takes its configuration, as far as files alone say it.

    Raises ConfigurationError.
    """
    require_one_owner(settings, origin)
    checked = Checked([*owners_doubtful(settings, origin)], [])
    for account in settings.accounts:
        warnings, notes = _check_adapter(settings, account, origin)
        checked.warnings.extend(warnings)
        checked.notes.extend(notes)
    checked.warnings.extend(ending_exceptions(settings, origin))
    return checked


def ending_exceptions(settings: Settings, origin: Origin = NOWHERE) -> Iterator[str]:
    """Those of which the last day is near, or over."""
    today = datetime.now(ZoneInfo(settings.shop.timezone)).date()
    for number, case in enumerate(settings.exceptions):
        left = case.expires - today
        place = place_of(f"exceptions.{number}.expires", origin)
        owner = told_of(settings.owners[case.owner])
        if left < timedelta(0):
            yield (
                f"{place}: the exception '{case.reason}' was good until {case.expires}: what it "
                f"would take of {case.domain} is parked [{owner}]"
            )
        elif left <= NOTICE:
            yield f"{place}: the exception '{case.reason}' ends on {case.expires} [{owner}]"


def _check_adapter(settings: Settings, account: str, origin: Origin) -> Checked:
    erp, key = settings.accounts[account], settings.key_of(account)
    if erp.wsdl is None or not str(erp.wsdl).startswith(("http://", "https://")):
        adapter = load_adapter(settings, account, origin=origin)
        warnings = list(adapter.warnings()) if isinstance(adapter, Advising) else []
        warnings += _untold_ends(settings, account, adapter)
        adapter.close()
        return Checked(warnings, [])
    adapter_settings_of(settings, account, origin=origin)
    require_files(erp, key, origin)
    cases = settings.exceptions_of(account).values()
    for calls in (erp.calls, *(case.calls for case in cases)):
        if calls is not None:
            read_document(calls)
    note = (
        f"{key}.wsdl is an address, {erp.wsdl}: it is not fetched here, so that the mapping is not "
        "compared with it; 'erp-sidecar adapter check' does that"
    )
    return Checked([], [note])


def _untold_ends(settings: Settings, account: str, adapter: ErpAdapter) -> Iterator[str]:
    """Domains whose documents begin in the ERP, and whose end nobody tells it."""
    carried = settings.domains_of(account)
    for spec in specs():
        if spec.name not in carried or spec.parent is not None:
            continue
        taken = adapter.capabilities(spec.name).subscriptions
        for event in spec.events if spec.opening in taken else ():
            if event.role is Role.ENDS and event.announced and event.type not in taken:
                yield (
                    f"{settings.key_of(account)}: no call of {spec.name} takes {event.type}: the "
                    "ERP will not learn of it, and goes on with the document"
                )


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
        trust_absence_after=max(
            (
                domain.unknown.trust_absence_after.total_seconds()
                for name, domain in settings.domains.carried().items()
                if settings.account_of(name) == account
            ),
            default=0.0,
        ),
        domains=specs_as_configured(settings.domains, origin),
    )


def open_contract(source: str, adapter_settings: AdapterSettings | None = None) -> Contract:
    """An interface description, by the first reader that knows its kind.

    Raises UsageError where none can, ConfigurationError for a document that is broken.
    """
    refusals: list[SidecarError] = []
    for entry in packages.offered(packages.CONTRACTS):
        try:
            opener: OpenContract = packages.load(entry)
            contract = opener(source, adapter_settings)
        except (ConfigurationError, Unavailable) as error:
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
        "a WSDL, an OpenAPI or an OData $metadata is wanted, as a file or at an address",
    )


def open_sample(request: str, answer: str) -> Contract:
    """A request and its answer as an interface description.

    Raises UsageError where no reader knows their form, ConfigurationError for what is broken.
    """
    for entry in packages.offered(packages.SAMPLES):
        opener: OpenSample = packages.load(entry)
        if (contract := opener(request, answer)) is not None:
            return contract
    raise UsageError(
        f"{request}: nothing that is installed reads such a request",
        "JSON or a SOAP envelope is wanted, each in a file of its own",
    )


def connection_to(
    settings: Settings, source: str, *, origin: Origin = NOWHERE
) -> AdapterSettings | None:
    """How the ERP account that stands at an address is reached; None where none does.

    By scheme, host and port: an account's login goes to its own ERP and nowhere else.
    """
    for account, erp in settings.accounts.items():
        known = (erp.url, erp.endpoint, None if erp.wsdl is None else str(erp.wsdl))
        if any(at and _host(at) == _host(source) for at in known):
            return adapter_settings_of(settings, account, origin=origin)
    return None


def _host(address: str) -> tuple[str, str | None, int | None] | None:
    """Scheme, host and port; None for what is no address of the web, each unlike any other."""
    parts = urlsplit(address)
    if parts.scheme not in _PORTS:
        return None
    return parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme]


def _secret(key: str, reference: SecretRef, origin: Origin) -> Secret:
    with named_by(key, origin):
        return resolve(reference).secret
