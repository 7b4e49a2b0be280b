"""What the write-back asks of a domain: to carry the ERP's answers onto its Magento entities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import sqlalchemy as sa

from sidecar.model.domain_spec import DomainSpec
from sidecar.model.entity import KnownEntity
from sidecar.model.write_back import Applied, NotApplied, WriteBack


class Acknowledger(Protocol):
    """Writes into Magento's tables, in the caller's transaction, and nowhere else."""

    spec: DomainSpec

    def write(
        self,
        connection: sa.Connection,
        due: Sequence[WriteBack],
        known: Mapping[int, KnownEntity],
    ) -> tuple[list[Applied], list[NotApplied]]:
        """Carry these out, all of one kind, one for each entity; `known`: the ledger's memory.

        A row that somebody else holds comes first: such a write-back is tried again.
        """

    def rehearse(self, connection: sa.Connection) -> None:
        """The same statements at an entity that is none, for an end-to-end check."""
