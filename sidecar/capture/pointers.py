"""Hints that name something else than an entity: what they mean is looked up, and pointed at.

A trigger may sit only where none of Magento's own does, so it may know an entity's neighbour and
not the entity (facts: magento-triggers 1).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from sidecar.capture.outbox import Outbox
from sidecar.database.connection import Database
from sidecar.magento.domain import Behind, Parts


@dataclass(frozen=True, slots=True)
class _Meant:
    kind: str
    behind: Behind


class Pointers:
    """`outbox`: a reader of its own, as it remembers where its queue began."""

    def __init__(self, database: Database, outbox: Outbox, meant: Mapping[str, _Meant]) -> None:
        self._database = database
        self._outbox = outbox
        self._meant = meant

    @classmethod
    def of(cls, database: Database, outbox: Outbox, domains: Mapping[str, Parts]) -> Pointers:
        """Of all domains whose watches name something else."""
        return cls(
            database,
            outbox,
            {
                watch.names: _Meant(parts.examiner.spec.kind, parts.behind)
                for parts in domains.values()
                for watch in parts.examiner.spec.watches
                if watch.names is not None and parts.behind is not None
            },
        )

    def follow(self, most: int) -> int:
        """Replace the oldest such hints by hints on what they mean; gives how many there were.

        Read after the hints were seen, so what was committed with them is found.
        """
        if not self._meant:
            return 0
        with self._database.transaction("following hints") as connection:
            hints = self._outbox.peek(connection, most, list(self._meant))
            named: dict[tuple[str, str], set[int]] = defaultdict(set)
            for hint in hints:
                named[hint.kind, hint.pointed].add(hint.entity_id)
            for (kind, pointed), ids in named.items():
                meant = self._meant[kind]
                entities = meant.behind(connection, sorted(ids))
                self._outbox.add(connection, meant.kind, entities, pointed)
            self._outbox.discard(connection, [hint.id for hint in hints])
        return len(hints)
