"""What installed packages add by entry points: domains, adapters, readers of interfaces.

A package that cannot be imported, or that claims what another has, is named with its entry point,
the cause and the remedy.  It ends what needs it and nothing else: `doctor` has to be able to tell.
"""

from __future__ import annotations

from collections import Counter
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from sidecar.model.errors import ConfigurationError

#: Each names a `sidecar.magento.domain.RegisteredDomain`.
DOMAINS = "erp_sidecar.domains"
#: Each names what makes a `sidecar.ports.ErpAdapter`.
ADAPTERS = "erp_sidecar.adapters"
#: Each names what opens a `sidecar.ports.Contract`.
CONTRACTS = "erp_sidecar.contracts"
#: Each names what makes a `sidecar.ports.Contract` of a request and its answer.
SAMPLES = "erp_sidecar.samples"

_OURS = "magento-erp-sidecar"


def offered(group: str) -> list[EntryPoint]:
    """The entry points of a group, by name."""
    return sorted(entry_points(group=group), key=lambda entry: (entry.name, entry.value))


def named(group: str, what: str) -> dict[str, EntryPoint]:
    """The entry points of a group by their names, each of which says `what` there is.

    Raises ConfigurationError where two packages give one name: which of them is meant nobody knows.
    """
    found: dict[str, EntryPoint] = {}
    for entry in offered(group):
        if entry.name in found:
            raise refusal(entry, f"names {what} that {whose(found[entry.name])} names too")
        found[entry.name] = entry
    return found


def load(entry: EntryPoint) -> Any:
    """What an entry point names; raises ConfigurationError where its package cannot be used."""
    try:
        return entry.load()
    # Whatever a package does while it is imported (SystemExit, too), it is not this program's end.
    except (Exception, SystemExit) as error:
        # Its own words are needed here, and nothing of a customer is known yet.
        raise refusal(entry, f"cannot be loaded: {type(error).__name__}: {error}") from error


def whose(entry: EntryPoint) -> str:
    """The package that an entry point came with, for people."""
    dist = entry.dist
    return f"the package {dist.name} {dist.version}" if dist else "a package without a name"


def refusal(entry: EntryPoint, why: str) -> ConfigurationError:
    """What is said of an entry point that cannot be used: whose it is, why, and what to do."""
    name = entry.dist.name if entry.dist else None
    if name == _OURS:
        remedy = f"install {_OURS} anew, with the packages that it needs"
    else:
        remedy = f"correct or update {name or 'it'}, or remove it: pip uninstall {name or 'NAME'}"
    return ConfigurationError(
        f"the entry point '{entry.name} = {entry.value}' ({entry.group}) of {whose(entry)} {why}",
        remedy,
    )


def unusable(group: str) -> list[ConfigurationError]:
    """What is wrong with the entry points of a group: each that does not load, each name twice."""
    entries = offered(group)
    names = Counter(entry.name for entry in entries)
    found = []
    for entry in entries:
        if names[entry.name] > 1:
            found.append(refusal(entry, "has a name that another package's entry point has too"))
        try:
            load(entry)
        except ConfigurationError as error:
            found.append(error)
    return found
