"""What an operator names on the command line: a number, or a kind and a number."""

from __future__ import annotations

from collections.abc import Sequence

from sidecar.model.domain_spec import DomainSpec
from sidecar.model.errors import UsageError


def named(domains: Sequence[DomainSpec], name: str) -> tuple[DomainSpec, str]:
    """The domain and the number of `NUMBER`, of the first domain, or of `KIND/NUMBER`.

    Numbers are unique within a kind only: Magento counts invoices and credit memos each from
    000000001.  Raises UsageError for a kind that no enabled domain has.
    """
    kind, slash, number = name.partition("/")
    if not slash:
        return domains[0], name
    for spec in domains:
        if kind in (spec.kind, spec.noun):
            return spec, number
    known = ", ".join(spec.kind for spec in domains)
    raise UsageError(f"no enabled domain has the kind {kind!r}", f"there are {known}")
