"""Search Magento's own tables for what no hint announced.

It runs always, and where no trigger may be created it is the only capture.  It finds entities that
the ledger does not know, that changed since they were looked at, and that are gone; what it
finds it hands to intake as hints.  So it does with what was parked because it breaks an invariant:
an importer may write the lines, the totals or the address later, which moves nothing
that the search sees.  No high-water mark: ids and updated_at lose late commits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from sidecar.capture.outbox import Outbox
from sidecar.database.connection import Database
from sidecar.magento.examiner import Search
from sidecar.model.bulkhead import apart
from sidecar.model.errors import described
from sidecar.ports import Narrator

#: What such a hint says of where it came from.
SWEEP = "sweep"
#: The same, where the sweep finds no change but lets an order be looked at again.
AGAIN = "again"
CHUNK = 5_000
#: A recent sweep covers this many of the newest ids; older ones wait for the full one.
RECENT = 20_000


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep found; `stopped` when it was cut short."""

    changed: int
    vanished: int
    stopped: bool = False

    @property
    def found(self) -> int:
        """Hints written."""
        return self.changed + self.vanished


class Sweep:
    """One chunk of ids at a time, each in a short read of its own."""

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        search: Search,
        *,
        narrator: Narrator,
        stopping: Callable[[], bool],
        progress: Callable[[], None] = lambda: None,
        broken: Callable[[sa.Connection], Sequence[int]] = lambda _: (),
    ) -> None:
        """`broken`: what was parked as bad data and wants another look."""
        self._database = database
        self._outbox = outbox
        self._broken = broken
        self._search = search
        self._kind = search.spec.kind
        self._stride = search.spec.stride
        self._narrator = narrator
        self._stopping = stopping
        self._progress = progress

    def recent(self) -> Swept:
        """The newest only."""
        first, last = self._span()
        return self._sweep("recent", max(first - 1, last - RECENT * self._stride), last)

    def full(self) -> Swept:
        """Everything that Magento or the ledger knows."""
        first, last = self._span()
        return self._sweep("full", first - 1, last)

    def _span(self) -> tuple[int, int]:
        with self._database.transaction(
            f"looking at the range of {self._search.spec.name}"
        ) as connection:
            return self._search.span(connection)

    def _sweep(self, scope: str, after: int, last: int) -> Swept:
        self._look_again()
        changed = vanished = 0
        while after < last:
            if self._stopping():
                return Swept(changed, vanished, stopped=True)
            upto = min(after + CHUNK * self._stride, last)
            for counts in apart(range(after + 1, upto + 1), self._chunk, self._odd):
                changed += counts[0]
                vanished += counts[1]
            after = upto
            self._progress()
        if changed or vanished:
            self._narrator.tell(
                "sweep.found",
                domain=self._search.spec.name,
                scope=scope,
                changed=changed,
                vanished=vanished,
            )
        return Swept(changed, vanished)

    def _look_again(self) -> None:
        with self._database.transaction("looking for what was parked as bad data") as connection:
            broken = self._broken(connection)
            if broken:
                self._outbox.add(connection, self._kind, broken, AGAIN)

    def _chunk(self, ids: Sequence[int]) -> tuple[int, int]:
        """How many of these ids changed and how many vanished; hints for them are written."""
        after, upto = ids[0] - 1, ids[-1]
        with self._database.transaction(f"sweeping {self._search.spec.name}") as connection:
            changed = self._search.new_or_changed(connection, after, upto)
            vanished = self._search.vanished(connection, after, upto)
            if changed or vanished:
                self._outbox.add(connection, self._kind, [*changed, *vanished], SWEEP)
        return len(changed), len(vanished)

    def _odd(self, entity_id: int, error: Exception) -> tuple[int, int]:
        """One that cannot be compared is looked at: intake knows what to do with it."""
        self._narrator.tell(
            "sweep.odd", entity=f"{self._kind} {entity_id}", message=described(error)
        )
        with self._database.transaction("pointing at an entity") as connection:
            self._outbox.add(connection, self._kind, [entity_id], SWEEP)
        return 1, 0
