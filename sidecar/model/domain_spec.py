"""What a domain is, as data: the stations know a domain's specification, and never a domain."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Any, Literal, TypeAlias

import msgspec

from sidecar.model.errors import BadData
from sidecar.model.news import NewsSpec
from sidecar.model.outcome import Booked
from sidecar.model.settlement import Difference, Tolerances

#: The shape of an event's data.
Payload: TypeAlias = type[msgspec.Struct]


class Role(Enum):
    """What an event means to delivery."""

    OPENS = "opens"
    CHANGES = "changes"
    ENDS = "ends"
    #: Only the newest of an entity counts; the others are superseded.
    STATE = "state"


@dataclass(frozen=True, slots=True)
class EventSpec:
    """One type of event: what the configuration and the command line write, and what it means.

    `payload`: the shape of its data; `version`: its major version.  `replaces`: it carries the
    whole newest state, so an older one that was not sent is history, and where the ERP holds
    nothing of an entity that lives it opens a document.  `revives`: what was refused before is
    tried again after it.  `announced`: a trigger points at it, where triggers are on.  `numbered`:
    the ERP gives what it makes of it a number of its own; where it does not, our reference is the
    only name that there is.  `decoder` reads its data.
    """

    type: str
    role: Role
    payload: Payload
    version: int = 1
    replaces: bool = False
    revives: bool = False
    announced: bool = True
    numbered: bool = True
    decoder: msgspec.json.Decoder[msgspec.Struct] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Made here, in the one thread that imports: msgspec 0.22 ends the process (SIGSEGV) where
        # two threads need a type for the first time at once (test_decoders_are_made_early.py).
        object.__setattr__(self, "decoder", msgspec.json.Decoder(self.payload))


#: What of the figures that the ERP answered does not agree with a payload; those that it did not
#: answer are not compared.
Verify: TypeAlias = Callable[[Any, Booked, Tolerances], tuple[Difference, ...]]
#: A payload's total and its currency; None for a payload that has none.
Worth: TypeAlias = Callable[[Any], tuple[Decimal | None, str | None] | None]


@dataclass(frozen=True, slots=True)
class Watch:
    """A change of a Magento table that is worth a hint: `entity` is the column with the id.

    `compare`: an update counts only when a content column differs.  Off where Magento writes a
    table in every save and that write, mostly with equal values, is the signal.  `names`: what kind
    of thing that id is of, where it is none of the domain's own entities; `Parts.behind` says which
    of these are meant.
    """

    table: str
    event: Literal["INSERT", "UPDATE"]
    entity: str
    compare: bool = False
    names: str | None = None


@dataclass(frozen=True, slots=True)
class Needs:
    """What a domain needs of Magento's schema, asked for only where the domain is enabled.

    `tables`: table → columns that must be there.  `optional`: what is read where a shop has it →
    the column by which that is seen, of another table where one tells it also to an account that
    may not read this one.  `writes`: the rights to write, as `PRIVILEGE (columns) ON table`;
    `unread`: those of `tables` that are written only, for which no right to read is asked;
    `by_column`: those that hold secrets beside, of which the named columns alone may be read.
    """

    tables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    optional: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    writes: tuple[tuple[str, str], ...] = ()
    unread: frozenset[str] = frozenset()
    by_column: frozenset[str] = frozenset()

    @property
    def reads(self) -> frozenset[str]:
        """Of which tables rows are read."""
        return frozenset(self.tables) - self.unread


@dataclass(frozen=True, slots=True)
class DomainSpec:
    """One domain.

    `kind`: Magento's name of the entity that it is about; `noun`: what people call one of it;
    `payload`: what its data is called in expressions.  `verify` is None where an acceptance has no
    figures to compare.  `problems`: why a payload must not go, by its arithmetic; `identity`: the
    fields of a payload that say which entity it is.  `sent_again_by`: what a person does in Magento
    that sends a refused one again, in brackets, or nothing.  `watches`: from which triggers are
    planned; `parent`: the kind whose document must be in the ERP first; `finished`: Magento's
    states in which nothing changes any more; `plain_numbers`: operators name one by its number
    alone; `sentence`: a template over what its examiner describes; `priority`: whose calls go first
    where several domains wait for one ERP account, the smallest number's.  `tells`: what the ERP
    tells of it by itself, where it may own it; `inbound`: what is needed of Magento's schema then.
    `stride`: how far apart the ids of two neighbours may lie, where they are made of two numbers.

    `may_need`: kinds of which an entity of it may name one that must be in the ERP first, where the
    configuration says so; `told_when_needed`: a new document that names one of this domain points
    at it, and it is told even where it was in the shop before the sidecar; `is_person`: its
    entities are people, who can be erased.  As configured (`sidecar.app.domains`):
    `lacks_parents`, some of its entities have no parent and wait for none; `withheld`, fields of
    the payload that may not leave Magento.
    """

    name: str
    kind: str
    noun: str
    payload: str
    events: tuple[EventSpec, ...]
    verify: Verify | None = None
    worth: Worth = lambda _: None
    problems: Callable[[Any], Sequence[str]] = lambda _: ()
    identity: tuple[str, ...] = ("entity_id", "increment_id")
    sent_again_by: str = ""
    watches: tuple[Watch, ...] = ()
    needs: Needs = Needs()
    parent: str | None = None
    finished: tuple[str, ...] = ()
    plain_numbers: bool = False
    sentence: str = ""
    priority: int = 5
    tells: NewsSpec | None = None
    inbound: Needs = Needs()
    may_need: tuple[str, ...] = ()
    told_when_needed: bool = False
    is_person: bool = False
    lacks_parents: bool = False
    withheld: frozenset[str] = frozenset()
    stride: int = 1

    def name_of(self, number: str) -> str:
        """What an operator writes for an entity: KIND/NUMBER, or the number alone."""
        return number if self.plain_numbers else f"{self.kind}/{number}"

    @property
    def types(self) -> tuple[str, ...]:
        """The types of its events."""
        return tuple(event.type for event in self.events)

    @property
    def opening(self) -> str | None:
        """The type of the event that opens a document, or of the state that makes one known.

        None where there is neither.
        """
        types = {event.role: event.type for event in reversed(self.events)}
        return types.get(Role.OPENS) or types.get(Role.STATE)

    @property
    def is_state(self) -> bool:
        """Whether it has no documents but states, of which only the newest counts."""
        return self.opening is not None and self.role(self.opening) is Role.STATE

    def event(self, type_: str) -> EventSpec:
        """The specification of a type.  Raises BadData for one that this domain does not have."""
        for event in self.events:
            if event.type == type_:
                return event
        raise BadData(
            f"an event is of the type {type_!r}, which this version does not know",
            "a newer version wrote it, or somebody changed the ledger by hand: install that "
            "version, or correct the column `type`",
        )

    def role(self, type_: str) -> Role:
        """What a type means to delivery; as `event`."""
        return self.event(type_).role
