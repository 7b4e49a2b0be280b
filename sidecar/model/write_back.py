"""What is to be carried into Magento, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sidecar.model.entity import WrittenBack


class WriteBackState(StrEnum):
    """How far it came; `PARKED` waits for a person, `REFUSED` was not to be written."""

    PENDING = "pending"
    APPLIED = "applied"
    REFUSED = "refused"
    PARKED = "parked"


@dataclass(frozen=True, slots=True)
class WriteBack:
    """One thing to carry into Magento, as the ledger holds it.

    `reference`: what the ERP calls its document; `applied`: how often it was written before.
    """

    id: int
    kind: str
    entity_id: int
    event: int
    verdict: str
    status: str | None
    reference: str | None
    comment: str | None
    hold: bool
    tries: int
    applied: int

    @property
    def is_first(self) -> bool:
        """Whether it was never written before: it is repeated where Magento's own save undid it."""
        return self.applied == 0


@dataclass(frozen=True, slots=True)
class Applied:
    """A write-back that stands in Magento.

    `status` and `reference`: what was really written (None: left as it was); `note`: on what was
    meant and could not be; `memory`: what the ledger is to remember of the entity.
    """

    write_back: WriteBack
    status: str | None
    reference: str | None
    note: str
    memory: WrittenBack


@dataclass(frozen=True, slots=True)
class NotApplied:
    """A write-back that does not stand in Magento, and why; `again`: it is tried later."""

    write_back: WriteBack
    why: str
    again: bool
