"""What has no documents but a state, of which the ERP is told the newest: a level, a price.

Only the fingerprint decides whether that is another one: Magento writes such rows in every save.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

import msgspec
import sqlalchemy as sa

from sidecar.model.digest import digest
from sidecar.model.domain_spec import DomainSpec
from sidecar.model.entity import Comparison, KnownEntity, Snapshot, is_changed

#: Bumped when payloads change: a fingerprint of another generation is replaced in silence.
_GENERATION = "1"


def fingerprint_of(payload: msgspec.Struct, no_content: frozenset[str]) -> str:
    """`generation:digest` of a payload without the fields that say nothing of its content."""
    # A list of values, encoded as they are: a sweep does this for every price of the shop.
    content = [
        getattr(payload, name) for name in payload.__struct_fields__ if name not in no_content
    ]
    return f"{_GENERATION}:{digest(content)}"


class StateExaminer(ABC):
    """`state`: the type of event that says it; `no_content`: fields that no ERP need hear of."""

    spec: DomainSpec
    state: ClassVar[str]
    no_content: ClassVar[frozenset[str]]

    @abstractmethod
    def read(self, view: sa.Connection, ids: Sequence[int]) -> Mapping[int, Snapshot]:
        """See `Examiner`."""

    @abstractmethod
    def ids_of(self, connection: sa.Connection, number: str) -> list[int]:
        """See `Examiner`."""

    @abstractmethod
    def vanished(self, known: KnownEntity) -> tuple[str, msgspec.Struct] | None:
        """See `Examiner`."""

    @abstractmethod
    def describe(self, snapshot: Snapshot) -> Mapping[str, object]:
        """See `Examiner`."""

    def outline(self, connection: sa.Connection, entity_id: int) -> Snapshot | None:
        """See `Examiner`: there is nothing in it that can be read for itself."""
        return self.read(connection, [entity_id]).get(entity_id)

    def compare(
        self, known: KnownEntity | None, snapshot: Snapshot, broken: Sequence[str]
    ) -> Comparison:
        """See `Examiner`."""
        if known is None or known.vanished:
            return Comparison((self.state,))
        changed = is_changed(known.fingerprint, self.fingerprint(snapshot, broken))
        return Comparison((self.state,) if changed else ())

    def fingerprint(self, snapshot: Snapshot, broken: Sequence[str]) -> str:  # noqa: ARG002
        """See `Examiner`."""
        return fingerprint_of(snapshot.payload, self.no_content)

    def problems(self, _snapshot: Snapshot, *, as_is: bool) -> list[str]:  # noqa: ARG002
        """See `Examiner`: a state has no sums."""
        return []

    def tolerated(self, _snapshot: Snapshot) -> list[str]:
        """See `Examiner`: a state has no sums."""
        return []

    def payload_of(self, _type: str, snapshot: Snapshot) -> msgspec.Struct:
        """See `Examiner`."""
        return snapshot.payload

    def of_unread(self, _known: KnownEntity | None, _outline: Snapshot) -> str:
        """See `Examiner`."""
        return self.state
