"""What is in the shop already when the sidecar comes: noted as known, and no event."""

from __future__ import annotations

from collections.abc import Sequence

from sidecar.database.connection import Database
from sidecar.ledger.store import LedgerStore
from sidecar.magento.domain import Parts
from sidecar.model.bulkhead import apart
from sidecar.model.entity import row_of

_CHUNK = 5_000
_SEEDED = 200
_NOTE = "baseline"


class Baseline:
    """Of one domain."""

    def __init__(self, database: Database, store: LedgerStore, parts: Parts) -> None:
        self._database = database
        self._store = store
        self._search = parts.search
        self._examiner = parts.examiner
        self._totals = parts.totals
        self._spec = parts.examiner.spec

    def is_there(self) -> bool:
        """Whether it was taken before: what came since is news."""
        with self._database.transaction("looking for the baseline") as connection:
            return self._spec.name in self._store.installed.of(connection, _NOTE)

    def take(self) -> int:
        """Note all that is there; gives how many."""
        count = 0
        with self._database.transaction(f"looking at the range of {self._spec.name}") as connection:
            first, last = self._search.span(connection)
        chunk = _CHUNK * self._spec.stride
        for after in range(first - 1, last, chunk):
            with self._database.transaction(f"noting known {self._spec.name}") as connection:
                count += self._search.baseline(connection, after, min(after + chunk, last))
        self._seed()
        self._note_totals()
        note = {"known": count, "last": last}
        with self._database.transaction("noting the baseline") as connection:
            self._store.installed.note(connection, _NOTE, self._spec.name, note)
        return count

    def _note_totals(self) -> None:
        """What is told as sums begins with what is there."""
        if self._totals is None:
            return
        with self._database.transaction(f"noting totals of {self._spec.name}") as connection:
            if self._store.sums.lock(connection, self._spec.kind) is None:
                at = connection.exec_driver_sql("SELECT UTC_TIMESTAMP(3)").scalar_one()
                totals = self._totals.read(connection)
                self._store.sums.note(connection, self._spec.kind, totals, at)

    def _seed(self) -> None:
        """Take the fingerprints of what still changes, so that a change of it is seen."""
        after = 0
        while ids := self._unseeded(after):
            # One that cannot be read stays as the baseline knows it.
            for _ in apart(ids, self._seed_part, lambda _id, _error: None):
                pass
            after = ids[-1]

    def _seed_part(self, ids: Sequence[int]) -> None:
        with self._database.snapshot(f"reading {self._spec.name}") as view:
            at = view.exec_driver_sql("SELECT UTC_TIMESTAMP(3)").scalar_one()
            there = self._examiner.read(view, ids)
        rows = [
            row_of(self._spec.kind, snapshot, self._examiner.fingerprint(snapshot, ()), at)
            for snapshot in there.values()
        ]
        with self._database.transaction(f"noting {self._spec.name}") as connection:
            self._store.entities.save(connection, rows)

    def _unseeded(self, after: int) -> list[int]:
        with self._database.transaction(f"looking for {self._spec.name}") as connection:
            return self._store.entities.unseeded(
                connection, self._spec.kind, after, self._spec.finished, _SEEDED
            )
