"""Carry what the ERP says into Magento, in short transactions over a few entities of one kind.

Magento's entity and the ledger's memory of it change in the same transaction (they live on one
server), so that intake can never see our write without knowing that it is ours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from sidecar.database.connection import Database
from sidecar.host.crash_point import passing
from sidecar.ledger.store import LedgerStore
from sidecar.magento.acknowledger import Acknowledger
from sidecar.model.bulkhead import MOST_ALIKE, Bulkhead
from sidecar.model.errors import (
    SidecarError,
    TryAgain,
    Unavailable,
    described,
    is_of_one,
)
from sidecar.model.write_back import Applied, WriteBack
from sidecar.ports import Narrator

_BATCH = 100
_MOST_TRIES = 20
_FIRST_WAIT = 0.2
_LONGEST_WAIT = 60.0


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What one transaction came to; `told`: (log event, write-back, message) of what was not."""

    written: list[Applied]
    told: list[tuple[str, WriteBack, str]]


class WriteBackStation:
    """The one room that writes to Magento's documents.

    `together`: how many entities share a transaction.  Their rows are held for a few milliseconds,
    and one that somebody else holds is skipped, not waited for (docs/decisions/0009).
    `may_write` is asked on the connection that writes (`sidecar.identity.clone_guard`).
    """

    def __init__(
        self,
        database: Database,
        ledger: LedgerStore,
        acknowledgers: Sequence[Acknowledger],
        narrator: Narrator,
        *,
        together: int,
        may_write: Callable[[sa.Connection], bool],
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._acknowledgers = {one.spec.kind: one for one in acknowledgers}
        self._narrator = narrator
        self._together = together
        self._may_write = may_write
        self._bulkhead = Bulkhead()

    def run_once(self) -> int:
        """Apply what is due; gives how many were tried."""
        with self._database.transaction("reading write-backs") as connection:
            if not self._may_write(connection):
                return 0
            due = self._ledger.write_backs.due(connection, _BATCH, list(self._acknowledgers))
            checks = self._ledger.check_runs.unwritten(connection)
        self._rehearse(checks)
        for outcome in self._bulkhead.apart(
            self._parts(due), self._apply, self._fail, key=_entity, divides=_divides
        ):
            self._report(outcome)
        return len(due)

    def _parts(self, due: Sequence[WriteBack]) -> list[Sequence[WriteBack]]:
        """What shares a transaction: a few, of one kind."""
        of_kinds = [
            [write_back for write_back in due if write_back.kind == kind]
            for kind in self._acknowledgers
        ]
        return [
            of_kind[start : start + self._together]
            for of_kind in of_kinds
            for start in range(0, len(of_kind), self._together)
        ]

    def _rehearse(self, checks: Sequence[int]) -> None:
        """Walk the way back of end-to-end checks: the same statements, at none."""
        runs = self._ledger.check_runs
        for check in checks:
            try:
                with self._database.transaction("rehearsing a write-back") as connection:
                    for acknowledger in self._acknowledgers.values():
                        acknowledger.rehearse(connection)
                    runs.reached(connection, [check], "written_at")
            except Exception as error:  # noqa: BLE001 - the check ends, the write-backs go on
                remedy = error.remedy if isinstance(error, SidecarError) else ""
                with self._database.transaction("ending a check") as connection:
                    runs.failed(connection, check, described(error), remedy)

    def _apply(self, due: Sequence[WriteBack]) -> _Outcome:
        with self._database.transaction("writing to Magento") as connection:
            if not self._may_write(connection):
                raise Unavailable("another database server answers now", "it is looked at")
            outcome = self._write(connection, due)
            passing("write_back.written")
        passing("write_back.committed")
        return outcome

    def _fail(self, write_back: WriteBack, error: Exception, alike: int) -> _Outcome:
        """Put off what somebody holds, a checkout or an admin: they come first; park the rest."""
        if alike >= MOST_ALIKE:
            # Everybody's: the answers wait, as they do for a database that is away.
            raise error
        message = described(error)
        with self._database.transaction("noting a write-back that failed") as connection:
            if isinstance(error, TryAgain):
                return _Outcome([], [self._put_off(connection, write_back, message)])
            self._ledger.write_backs.parked(connection, write_back, message)
        return _Outcome([], [("write_back.parked", write_back, message)])

    def _report(self, outcome: _Outcome) -> None:
        for applied in outcome.written:
            write_back = applied.write_back
            self._narrator.tell(
                "write_back.applied" if write_back.is_first else "write_back.applied_again",
                domain=self._acknowledgers[write_back.kind].spec.name,
                kind=write_back.kind,
                number=applied.memory.number,
                action=write_back.action,
                reference=write_back.detail.reference,
                **({"message": applied.note} if applied.note else {}),
            )
        for event, write_back, message in outcome.told:
            self._narrator.tell(
                event,
                domain=self._acknowledgers[write_back.kind].spec.name,
                entity=f"{write_back.kind} {write_back.entity_id}",
                message=message,
            )

    def _write(self, connection: sa.Connection, due: Sequence[WriteBack]) -> _Outcome:
        """Write what shares a transaction, and remember it: all of one kind."""
        kind = due[0].kind
        ids = sorted({write_back.entity_id for write_back in due})
        known = self._ledger.entities.read(connection, kind, ids, locked=True)
        written, refused = self._acknowledgers[kind].write(connection, due, known)
        told: list[tuple[str, WriteBack, str]] = []
        for one in refused:
            if one.again:
                told.append(self._put_off(connection, one.write_back, one.why))
            else:
                self._ledger.write_backs.refused(connection, one.write_back, one.why)
                told.append(("write_back.refused", one.write_back, one.why))
        if written:
            if not self._ledger.write_backs.applied(connection, written):
                raise TryAgain("another process wrote one of these answers")
            self._ledger.entities.written_back(connection, [one.memory for one in written])
        return _Outcome(written, told)

    def _put_off(
        self, connection: sa.Connection, write_back: WriteBack, message: str
    ) -> tuple[str, WriteBack, str]:
        if write_back.tries >= _MOST_TRIES:
            self._ledger.write_backs.refused(connection, write_back, message)
            return "write_back.refused", write_back, message
        self._ledger.write_backs.later(connection, write_back, _wait(write_back), message)
        return "write_back.put_off", write_back, message


def _divides(error: Exception) -> bool:
    """A row that somebody holds costs the others no more than one that cannot be written."""
    return isinstance(error, TryAgain) or is_of_one(error)


def _entity(write_back: WriteBack) -> tuple[str, int]:
    return write_back.kind, write_back.entity_id


def _wait(write_back: WriteBack) -> float:
    return float(min(_LONGEST_WAIT, _FIRST_WAIT * 2**write_back.tries))
