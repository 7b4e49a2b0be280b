"""The domains of this installation: those that are shipped and those of other packages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from sidecar.app import packages
from sidecar.domains import DOMAINS
from sidecar.magento.domain import RegisteredDomain
from sidecar.model.domain_spec import DomainSpec
from sidecar.model.errors import ConfigurationError
from sidecar.settings.domain import Carried, Domain
from sidecar.settings.domains import Domains
from sidecar.settings.master_data import Customers
from sidecar.settings.origin import NOWHERE, Origin, place_of


@dataclass(frozen=True, slots=True)
class Found:
    """`usable`: the domains that can be had; `refused`: why those of some packages cannot."""

    usable: tuple[RegisteredDomain, ...]
    refused: tuple[ConfigurationError, ...]


@cache
def found() -> Found:
    """What there is of domains.  Raises nothing: help and `doctor` are there without them, too."""
    usable, refused = list(DOMAINS), []
    for entry in packages.offered(packages.DOMAINS):
        try:
            domain = packages.load(entry)
            if why := _unfit(domain, [one.spec for one in usable]):
                raise packages.refusal(entry, why)
        except ConfigurationError as wrong:
            refused.append(wrong)
        else:
            usable.append(domain)
    return Found(tuple(usable), tuple(refused))


def installed() -> tuple[RegisteredDomain, ...]:
    """All domains there are.

    Raises ConfigurationError where a package's cannot be had: what it carried would be left behind
    without a word.
    """
    for wrong in found().refused:
        raise wrong
    return found().usable


def specs() -> tuple[DomainSpec, ...]:
    """The specifications of all domains there are; raises as `installed` does."""
    return tuple(domain.spec for domain in installed())


def specs_as_configured(configured: Domains, origin: Origin = NOWHERE) -> tuple[DomainSpec, ...]:
    """The specifications of all domains there are, each as its section wants it.

    Raises as `enabled` does.
    """
    as_wanted = {domain.spec.name: domain.spec for domain in enabled(configured, origin)}
    return tuple(as_wanted.get(spec.name, spec) for spec in specs())


def enabled(configured: Domains, origin: Origin = NOWHERE) -> tuple[RegisteredDomain, ...]:
    """The domains that a configuration carries, their specifications as their sections want them.

    Raises ConfigurationError for one that no package has, and for what waits for what is not
    carried, cannot be waited for, or waits for itself; `origin`: where the settings were written.
    """
    known = {domain.spec.name for domain in installed()}
    unknown = sorted(configured.enabled().keys() - known)
    if unknown:
        raise ConfigurationError(
            f"domains.further.{unknown[0]}: no installed package has such a domain",
            f"install the package that has it (entry points {packages.DOMAINS}), or correct the "
            f"name; there are {', '.join(sorted(known))}",
        )
    carried = configured.carried()
    domains = tuple(domain for domain in installed() if domain.spec.name in carried)
    for domain in domains:
        if domain.open is None:
            raise ConfigurationError(
                f"domains.{domain.spec.name}.owner: magento: nothing of it can go to the ERP",
                f"write domains.{domain.spec.name}.owner: erp",
            )
    domains = tuple(
        replace(domain, spec=_as_configured(domain.spec, carried[domain.spec.name], origin))
        for domain in domains
    )
    _refuse_cycles([domain.spec for domain in domains], origin)
    kinds = {domain.spec.kind for domain in domains}
    for domain in domains:
        if domain.spec.parent and domain.spec.parent not in kinds:
            raise ConfigurationError(
                f"domains.{domain.spec.name} needs the domain of its {domain.spec.parent}s: each "
                f"{domain.spec.noun} waits for the document that it belongs to",
                f"enable that domain too, or write domains.{domain.spec.name}.enabled: false",
            )
    return domains


def _as_configured(spec: DomainSpec, section: Carried, origin: Origin) -> DomainSpec:
    if isinstance(section, Customers):
        spec = replace(spec, withheld=section.withheld)
    needs = section.needs if isinstance(section, Domain) else ()
    for kind in needs:
        if kind not in spec.may_need:
            may = ", ".join(spec.may_need) or "nothing"
            raise ConfigurationError(
                f"{place_of(f'domains.{spec.name}.needs', origin)}: {spec.noun}s cannot wait for "
                f"their {kind}",
                f"of {spec.name} there may stand: {may}",
            )
    # A document names one that it needs; what that one needs in its turn, it waits for itself.
    return replace(spec, parent=needs[0], lacks_parents=True) if needs else spec


def _refuse_cycles(domains: Sequence[DomainSpec], origin: Origin) -> None:
    by_kind = {spec.kind: spec for spec in domains}
    for first in domains:
        way, spec = [first.kind], first
        while spec.parent in by_kind:
            spec = by_kind[spec.parent]
            way.append(spec.kind)
            if spec is first:
                raise ConfigurationError(
                    f"{place_of(f'domains.{first.name}.needs', origin)}: {' waits for '.join(way)}:"
                    " none of them would ever go",
                    "take one of them out",
                )
            if way.count(spec.kind) > 1:
                break  # a circle that this one only leads into: it is named by those in it


def _unfit(domain: object, others: Sequence[DomainSpec]) -> str | None:
    """Why this cannot be a domain beside those, None where it can."""
    if not isinstance(domain, RegisteredDomain):
        return f"names no domain, but a {type(domain).__name__}"
    taken = {claim: spec.name for spec in others for claim in _claims(spec)}
    mine: set[tuple[str, str]] = set()
    for claim in _claims(domain.spec):
        what, value = claim
        if claim in taken:
            return f"claims the {what} {value!r}, which the domain {taken[claim]} has"
        if claim in mine:
            return f"claims the {what} {value!r} twice"
        mine.add(claim)
    return None


def _claims(domain: DomainSpec) -> Iterator[tuple[str, str]]:
    """What only one domain may have: an operator, the ledger or the database goes by it."""
    yield "name", domain.name
    yield "kind", domain.kind
    yield "noun", domain.noun
    for type_ in domain.types:
        yield "event", type_
    for one in domain.watches:
        yield "trigger", f"{one.table} after {one.event}"
