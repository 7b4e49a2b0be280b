"""The domains of this installation: those that are shipped and those of other packages."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.metadata import entry_points

from sidecar.domains import DOMAINS
from sidecar.magento.domain import RegisteredDomain
from sidecar.model.domain_spec import DomainSpec
from sidecar.model.errors import ConfigurationError
from sidecar.settings.domains import Domains

#: Entry-point group of other packages' domains: each names a
#: `sidecar.magento.domain.RegisteredDomain`.
GROUP = "erp_sidecar.domains"


@cache
def installed() -> tuple[RegisteredDomain, ...]:
    """All domains there are.  Raises ConfigurationError where two claim one name or kind."""
    others = [entry.load() for entry in sorted(entry_points(group=GROUP), key=lambda e: e.name)]
    domains = (*DOMAINS, *others)
    refuse_collisions([domain.spec for domain in domains])
    return domains


def specs() -> tuple[DomainSpec, ...]:
    """The specifications of all domains there are."""
    return tuple(domain.spec for domain in installed())


def enabled(configured: Domains) -> tuple[RegisteredDomain, ...]:
    """The domains that a configuration carries.

    Raises ConfigurationError for one that no package has.
    """
    known = {domain.spec.name for domain in installed()}
    unknown = sorted(configured.carried().keys() - known)
    if unknown:
        raise ConfigurationError(
            f"domains.further.{unknown[0]}: no installed package has such a domain",
            f"install the package that has it (entry points {GROUP}), or correct the name; there "
            f"are {', '.join(sorted(known))}",
        )
    carried = configured.carried()
    domains = tuple(domain for domain in installed() if domain.spec.name in carried)
    kinds = {domain.spec.kind for domain in domains}
    for domain in domains:
        if domain.spec.parent and domain.spec.parent not in kinds:
            raise ConfigurationError(
                f"domains.{domain.spec.name} needs the domain of its {domain.spec.parent}s: each "
                f"{domain.spec.noun} waits for the document that it belongs to",
                f"enable that domain too, or write domains.{domain.spec.name}.enabled: false",
            )
    return domains


def refuse_collisions(domains: Sequence[DomainSpec]) -> None:
    """Raise ConfigurationError for two domains of one name, kind, event or watch."""
    claims: dict[tuple[str, str], str] = {}
    for spec in domains:
        mine = [("name", spec.name), ("kind", spec.kind)]
        mine += [("event", type_) for type_ in spec.types]
        mine += [("trigger", f"{one.table} after {one.event}") for one in spec.watches]
        for what, value in mine:
            other = claims.setdefault((what, value), spec.name)
            if other != spec.name or mine.count((what, value)) > 1:
                raise ConfigurationError(
                    f"the domains {other} and {spec.name} both claim the {what} {value!r}",
                    f"one of them comes from another package (entry points {GROUP}): remove one",
                )
