"""Which Magento document a word of the ERP is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sidecar.ledger.store import LedgerStore
from sidecar.model.domain_spec import DomainSpec


@dataclass(frozen=True, slots=True)
class Owner:
    """The document, or why none is known; `ambiguous`: several have this name."""

    entity_id: int | None
    name: str
    ambiguous: bool = False


def owner_of(connection: sa.Connection, ledger: LedgerStore, spec: DomainSpec, row: Any) -> Owner:
    """The document that a row names: by our external reference, else by the ERP's number.

    Both are names that the ledger knows: the reference that a document was sent under, and what
    the ERP called it when it took it.
    """
    if spec.tells is None or spec.tells.of is None:
        raise TypeError(f"what the ERP tells of {spec.name} belongs to no document")
    kind, external, reference = spec.tells.of
    ours, theirs = getattr(row, external), getattr(row, reference)
    if ours:
        ids = ledger.journal.entity_of_ref(connection, kind, ours)
        if ids:
            return _one(ids, str(ours))
    if theirs:
        return _one(ledger.journal.entity_of(connection, kind, reference=theirs), str(theirs))
    return Owner(None, str(ours or ""))


def _one(ids: list[int], name: str) -> Owner:
    return Owner(ids[0] if len(ids) == 1 else None, name, ambiguous=len(ids) > 1)
