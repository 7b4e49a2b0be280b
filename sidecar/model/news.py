"""What the ERP tells of by itself: what a row of it is, and what applying one comes to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias

import msgspec


@dataclass(frozen=True, slots=True)
class NewsSpec:
    """What the ERP tells of one domain.

    `row`: the shape of one row, which the file of calls fills in (`each` of `changes` and `list`).
    `number`: the fields of a row that say which thing it is about, by the ERP's name; `at`: the
    field with the moment of the ERP's change, where a row has one.  `of`: the kind of the Magento
    document that it belongs to, with the fields that name it: our external reference, and the
    ERP's number; None for what stands alone.  `levels`: a row is the state of a thing, of which
    there are very many (a quantity, a price): what is equal is nothing new, and Magento's own
    tables are the memory; else each row is a document of its own, kept in `incoming`.
    """

    row: type[msgspec.Struct]
    number: tuple[str, ...]
    at: str | None = "at"
    of: tuple[str, str, str] | None = None
    levels: bool = False
    decoder: msgspec.json.Decoder[msgspec.Struct] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Made while modules are imported; why: `sidecar.model.domain_spec.EventSpec`.
        object.__setattr__(self, "decoder", msgspec.json.Decoder(self.row))


@dataclass(frozen=True, slots=True)
class News:
    """One row on its way into Magento.

    `entity_id`: of the Magento document that it belongs to; `account`: of the ERP account that said
    it.  `asked_ago`: seconds since a call that may have written it, None where none was made;
    `present`: the state in which the ERP's last word left that document, and
    whether it has entered it by a news (`has_entered`), or was accepted in it;
    `memory`: what `apply` wrote down before that call; `as_is`: a person lets it through whatever
    rule of the configuration is against it.
    """

    id: int
    number: str
    row: Any
    account: str
    entity_id: int | None = None
    asked_ago: float | None = None
    memory: str | None = None
    told_at: datetime | None = None
    as_is: bool = False
    present: str | None = None
    has_entered: bool = True


@dataclass(frozen=True, slots=True)
class Applied:
    """It stands in Magento.  `what` says in words what was done; `document`: its id there.

    `status`, `comment`, `hold`: what is to be carried onto the Magento document that it belongs to,
    as a write-back.  `reached`: the state that the document has in the ERP now, for the memory of
    its lifecycle; `differences`: what an operator must see of it all the same.
    """

    what: str
    document: int | None = None
    status: str | None = None
    comment: str | None = None
    hold: bool = False
    reached: str | None = None
    differences: tuple[Differs, ...] = ()


@dataclass(frozen=True, slots=True)
class Waits:
    """Not yet; it is tried again after so many seconds, by itself."""

    reason: str
    seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class InDoubt:
    """A call that may have written it was not answered: it is asked about before it is repeated."""

    reason: str


@dataclass(frozen=True, slots=True)
class NeedsPerson:
    """It is parked, with the remedy."""

    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Differs:
    """What the ERP says cannot be true here: a difference of a class, and no write."""

    class_: str
    ours: str
    theirs: str
    reason: str


@dataclass(frozen=True, slots=True)
class Superseded:
    """The ERP has said something newer of the same thing, or says what is so already."""

    reason: str


Application: TypeAlias = Applied | Waits | InDoubt | NeedsPerson | Differs | Superseded

#: What becomes of a row of `incoming`.
IncomingStatus = Literal[
    "waiting", "asked", "applied", "differs", "parked", "superseded", "dropped"
]
