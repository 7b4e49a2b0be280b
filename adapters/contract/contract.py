"""An interface description as the sidecar asks for it (`sidecar.ports.Contract`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from adapters.calls.overlay import read_overlaid
from adapters.contract.check import check_calls
from adapters.contract.compare import compared
from adapters.contract.field import Description, Operation
from adapters.contract.sent import Sent, sent_by
from adapters.contract.skeleton import skeleton
from adapters.contract.tree import described, takes
from adapters.language.shape import suggest
from sidecar.model.domain_spec import DomainSpec
from sidecar.model.errors import UsageError
from sidecar.ports import Contract, ContractDifference, ContractFinding, Described


class DescribedContract:
    """See `sidecar.ports.Contract`; `source` is what messages call the document."""

    def __init__(self, description: Description, source: str) -> None:
        self._description = description
        self._source = source

    def operations(self) -> Mapping[str, str]:
        return {name: takes(operation) for name, operation in self._description.operations.items()}

    def describe(self, operation: str, types: Sequence[str], depth: int) -> Described:
        return described(self._named(operation), types, depth)

    def skeleton(self, operation: str, types: Sequence[str], news: DomainSpec | None = None) -> str:
        return skeleton(self._named(operation), self._source, types, news)

    def check(
        self, calls: Path, domains: Sequence[DomainSpec], below: Sequence[Path] = ()
    ) -> list[ContractFinding]:
        document = read_overlaid((*below, calls))
        return check_calls(self._description, document, calls.name, domains)

    def compare(
        self, other: Contract, calls: Sequence[Path], domains: Sequence[DomainSpec]
    ) -> list[ContractDifference]:
        if not isinstance(other, DescribedContract):
            raise UsageError(
                f"{self._source} cannot be compared with a document that another package reads",
                "name two documents of one kind: WSDL, OpenAPI or EDMX",
            )
        ours, theirs = self._description, other._description
        if ours.operations.keys().isdisjoint(theirs.operations):
            raise UsageError(
                f"{self._source} and {other._source} have no operation in common",
                "are they of the same interface? 'erp-sidecar adapter describe' lists each one's",
            )
        sent = Sent()
        if calls:
            sent = sent_by(ours, read_overlaid(calls), calls[-1].name, domains)
        return compared(ours, theirs, sent)

    def _named(self, name: str) -> Operation:
        operations = self._description.operations
        if name not in operations:
            raise UsageError(
                f"{self._source} has no operation '{name}'{suggest(name, operations)}",
                "without an operation, 'erp-sidecar adapter describe' lists them all",
            )
        return operations[name]
