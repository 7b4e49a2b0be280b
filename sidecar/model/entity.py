"""What the ledger remembers of one Magento entity, and what a look at it finds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import msgspec

#: Stands for a fingerprint that no content has: the next look finds the entity changed.
FORGOTTEN = "forgotten"


@dataclass(frozen=True, slots=True)
class KnownEntity:
    """One row of the ledger's memory; `revision` grows with every change of it.

    `number` is for people and unique within a kind at most.  `fingerprint` is None for an entity
    that is known by the baseline only.  `facts` and `overwritten` are JSON of the domain's own:
    what its gate decides on, and how the entity stood before our write.  `our_number`: the ERP's
    number as our write put it there; `held_by_us`: it also put the entity on hold.
    """

    kind: str
    entity_id: int
    number: str
    store_id: int | None
    state: str
    status: str
    our_number: str | None
    held_by_us: bool
    overwritten: str | None
    amount: Decimal | None
    currency: str | None
    fingerprint: str | None
    facts: str | None
    sequence: int
    revision: int
    vanished: bool
    made_at: datetime | None
    looked_at: datetime | None
    as_is: bool = False
    parent: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class EntityRow:
    """What was seen at a look; `looked_at`: when its view was opened, by the database's clock."""

    kind: str
    entity_id: int
    number: str
    store_id: int | None
    state: str
    status: str
    held_by_us: bool
    amount: Decimal | None
    currency: str | None
    fingerprint: str | None
    mark: int | None
    facts: str | None
    sequence: int
    updated_at: datetime | None
    looked_at: datetime
    made_at: datetime | None = None
    vanished: bool = False
    parent: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class WrittenBack:
    """What our own write made of an entity; `our_number`: None where the ERP's is not there."""

    kind: str
    entity_id: int
    number: str
    state: str
    status: str
    our_number: str | None
    held_by_us: bool
    overwritten: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One entity as Magento has it at a moment; `payload` is what an event of it says.

    `made_at`: when Magento made it (UTC, whole seconds), which it never changes.  `mark`: a
    checksum of what moves no `updated_at`, for the sweep.  `on_hold`: somebody holds it in Magento.
    `parent`: the kind and id of the entity whose document must be in the ERP first.  `is_carried`:
    the configuration does not leave it out (`only`).
    """

    entity_id: int
    number: str
    payload: msgspec.Struct
    state: str = ""
    status: str = ""
    amount: Decimal | None = None
    currency: str | None = None
    store_id: int | None = None
    made_at: datetime | None = None
    updated_at: datetime | None = None
    mark: int | None = None
    facts: str | None = None
    on_hold: bool = False
    parent: tuple[str, int] | None = None
    is_carried: bool = True


@dataclass(frozen=True, slots=True)
class Comparison:
    """What one look came to: the types of the events that bring the ledger to what is, in order.

    `another`: this is another entity than the one that was known by this id (a dump was restored,
    and Magento counts from there again).  `undone`: Magento saved an entity that it had loaded
    before our write, with all its columns, and so took our write away (measured: magento-flows,
    lost update); it is to be written again.  `held_by_us`: the hold that it is on is ours.
    """

    events: tuple[str, ...]
    undone: bool = False
    another: bool = False
    held_by_us: bool = False


def is_changed(known: str | None, now: str) -> bool:
    """Whether a fingerprint says that the content is another.

    One of another generation (`generation:digest`) is replaced in silence: otherwise an upgrade of
    the sidecar would report every entity as changed.
    """
    if known is None:
        return False
    if known == FORGOTTEN:
        return True
    return known.partition(":")[0] == now.partition(":")[0] and known != now


def row_of(
    kind: str,
    snapshot: Snapshot,
    fingerprint: str,
    looked_at: datetime,
    *,
    sequence: int = 0,
    held_by_us: bool = False,
) -> EntityRow:
    """What the ledger is to remember of an entity as it was seen."""
    return EntityRow(
        kind=kind,
        entity_id=snapshot.entity_id,
        number=snapshot.number,
        store_id=snapshot.store_id,
        state=snapshot.state,
        status=snapshot.status,
        held_by_us=held_by_us,
        amount=snapshot.amount,
        currency=snapshot.currency,
        fingerprint=fingerprint,
        mark=snapshot.mark,
        facts=snapshot.facts,
        sequence=sequence,
        made_at=snapshot.made_at,
        updated_at=snapshot.updated_at,
        looked_at=looked_at,
        parent=snapshot.parent,
    )
