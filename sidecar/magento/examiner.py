"""What the stations ask of a domain about its Magento entities.

A domain implements these in its folder; the stations are handed them and know no domain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec
import sqlalchemy as sa

from sidecar.model.domain_spec import DomainSpec
from sidecar.model.entity import Comparison, KnownEntity, Snapshot


class Examiner(Protocol):
    """Reads a domain's entities and says what changed.  Used by several threads."""

    spec: DomainSpec

    def read(self, view: sa.Connection, ids: Sequence[int]) -> Mapping[int, Snapshot]:
        """The entities with these ids; one that Magento does not have is not in the result."""

    def outline(self, connection: sa.Connection, entity_id: int) -> Snapshot | None:
        """The little of an entity that can be read whatever else is wrong with it."""

    def compare(
        self, known: KnownEntity | None, snapshot: Snapshot, broken: Sequence[str]
    ) -> Comparison:
        """What a look comes to; `broken`: why the entity must not go as it is."""

    def fingerprint(self, snapshot: Snapshot, broken: Sequence[str]) -> str:
        """`generation:digest` of everything an ERP must be told of when it changes."""

    def problems(self, snapshot: Snapshot, *, as_is: bool) -> list[str]:
        """Why it must not go; `as_is`: a person lets it go whatever its amounts are."""

    def tolerated(self, snapshot: Snapshot) -> list[str]:
        """What is off in it, and so little that it goes all the same."""

    def vanished(self, known: KnownEntity) -> tuple[str, msgspec.Struct] | None:
        """The event of an entity that is gone, and its payload; None where that is no news."""

    def ids_of(self, connection: sa.Connection, number: str) -> list[int]:
        """The entities with this number: one per store that uses it."""

    def payload_of(self, type_: str, snapshot: Snapshot) -> msgspec.Struct:
        """What an event of this type says of the entity as it is."""

    def describe(self, snapshot: Snapshot) -> Mapping[str, object]:
        """The few fields by which a person knows it, by Magento's names for them."""

    def of_unread(self, known: KnownEntity | None, outline: Snapshot) -> str:
        """The type of event that stands for an entity of which only an outline can be read."""


class Search(Protocol):
    """The sweep's questions: which entities no hint announced, or which changed without one.

    An answer means "look at it again", no more, so one too many does no harm.
    """

    spec: DomainSpec

    def span(self, connection: sa.Connection) -> tuple[int, int]:
        """Lowest and highest id over Magento and the ledger; (0, 0) when both are empty."""

    def new_or_changed(self, connection: sa.Connection, after: int, upto: int) -> list[int]:
        """Ids in (after, upto] that the ledger does not know or that are not as it knows them."""

    def vanished(self, connection: sa.Connection, after: int, upto: int) -> list[int]:
        """Ids in (after, upto] that the ledger knows and Magento has no more, not yet noted."""

    def baseline(self, connection: sa.Connection, after: int, upto: int) -> int:
        """Record those in (after, upto] as known, without events; gives how many were new."""
