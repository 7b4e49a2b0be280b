"""What an operator names on the command line: a number, or a kind and a number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sidecar.model.domain_spec import DomainSpec
from sidecar.model.errors import UsageError


@dataclass(frozen=True, slots=True)
class Document:
    """A document of the shop's; `name` is what an operator writes for it."""

    kind: str
    number: str
    name: str


def document(domains: Sequence[DomainSpec], kind: str, number: str) -> Document:
    """One with its name."""
    return Document(kind, number, name_of(domains, kind, number))


def name_of(domains: Sequence[DomainSpec], kind: str, number: str) -> str:
    """What an operator writes for it: as `named` reads it.

    A kind whose domain is not enabled any more may still stand in the ledger.
    """
    spec = next((spec for spec in domains if spec.kind == kind), None)
    return spec.name_of(number) if spec else f"{kind}/{number}"


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
