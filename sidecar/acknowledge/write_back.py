"""Carry the ERP's verdicts into Magento, in short transactions over a few orders.

Magento's order and the ledger's memory of it change in the same transaction (they live on one
server), so that intake can never see our write without knowing that it is ours.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from sidecar.acknowledge.standing import (
    HOLDED,
    after_acceptance,
    after_refusal,
    released_status,
)
from sidecar.database.connection import Database
from sidecar.host.crash_point import passing
from sidecar.ledger.entities import KnownEntity, WrittenBack
from sidecar.ledger.journal import Applied, WriteBack
from sidecar.ledger.store import LedgerStore
from sidecar.magento.order_writer import OrderWriter, Standing
from sidecar.model.bulkhead import MOST_ALIKE, Bulkhead
from sidecar.model.errors import (
    BadData,
    SidecarError,
    TryAgain,
    Unavailable,
    described,
    is_of_one,
)
from sidecar.model.in_page import in_page
from sidecar.model.kinds import domain_of
from sidecar.model.lifecycle import Overwritten
from sidecar.ports import Narrator

_BATCH = 100
_MOST_TRIES = 20
_FIRST_WAIT = 0.2
_LONGEST_WAIT = 60.0
#: Magento counts its orders from 1.
_NO_ORDER = Standing(0, "", "", "", None, None, None)


@dataclass(frozen=True, slots=True)
class Rules:
    """What the configuration says of writing: where the ERP's number goes, what *Unhold* gives.

    `numbers`: into the order's own column, where that is free; else the comment alone has them.
    """

    numbers: bool = True
    released: str | None = None


@dataclass(frozen=True, slots=True)
class _Written:
    """One write-back that goes through, with how the order stood before and stands after."""

    write_back: WriteBack
    before: Standing
    after: Standing
    known: KnownEntity
    notes: tuple[str, ...]

    @property
    def is_first(self) -> bool:
        return self.write_back.applied == 0

    @property
    def message(self) -> str:
        return "; ".join(self.notes)

    @property
    def number(self) -> str | None:
        """The ERP's number where it stands in the order's own column."""
        number = self.write_back.number or self.known.ext_order_id
        return number if number and number == self.after.ext_order_id else None

    @property
    def status(self) -> str | None:
        """Our status where the order carries it, or *Unhold* will give it."""
        wanted = self.write_back.status
        return wanted if wanted in (self.after.status, self.after.hold_before_status) else None

    @property
    def comment(self) -> str | None:
        """The comment; a number that stands nowhere else goes in whole."""
        comment, number = self.write_back.comment, self.write_back.number
        if number is None or self.number is not None or in_page(number) in (comment or ""):
            return comment
        return f"{comment or ''} ({in_page(number)})".strip()


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What one transaction came to; `told`: (log event, write-back, message) of what was not."""

    written: list[_Written]
    told: list[tuple[str, WriteBack, str]]


class WriteBackStation:
    """The one room that writes to Magento.

    `together`: how many orders share a transaction.  Their rows are held for a few milliseconds,
    and one that somebody else holds is skipped, not waited for (docs/decisions/0009).
    `may_write` is asked on the connection that writes (`sidecar.identity.clone_guard`).
    """

    def __init__(
        self,
        database: Database,
        ledger: LedgerStore,
        writer: OrderWriter,
        narrator: Narrator,
        *,
        together: int,
        may_write: Callable[[sa.Connection], bool],
        rules: Rules = Rules(),
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._writer = writer
        self._narrator = narrator
        self._together = together
        self._may_write = may_write
        self._rules = rules
        self._bulkhead = Bulkhead()

    def run_once(self) -> int:
        """Apply what is due; gives how many were tried."""
        with self._database.transaction("reading write-backs") as connection:
            if not self._may_write(connection):
                return 0
            due = self._ledger.write_backs.due(connection, _BATCH)
            checks = self._ledger.check_runs.unwritten(connection)
        self._rehearse(checks)
        starts = range(0, len(due), self._together)
        parts = [due[start : start + self._together] for start in starts]
        for outcome in self._bulkhead.apart(
            parts, self._apply, self._fail, key=_order, divides=_divides
        ):
            self._report(outcome)
        return len(due)

    def _rehearse(self, checks: Sequence[int]) -> None:
        """Walk the way back of end-to-end checks: the same statements, at an order that is none."""
        runs = self._ledger.check_runs
        for check in checks:
            try:
                with self._database.transaction("rehearsing a write-back") as connection:
                    self._writer.lock(connection, [_NO_ORDER.entity_id])
                    self._writer.write(connection, [_NO_ORDER])
                    runs.reached(connection, [check], "written_at")
            except Exception as error:  # noqa: BLE001 - the check ends, the write-backs go on
                remedy = error.remedy if isinstance(error, SidecarError) else ""
                with self._database.transaction("ending a check") as connection:
                    runs.failed(connection, check, described(error), remedy)

    def _apply(self, due: Sequence[WriteBack]) -> _Outcome:
        with self._database.transaction("writing to Magento's orders") as connection:
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
        for one in outcome.written:
            self._narrator.tell(
                "write_back.applied" if one.is_first else "write_back.applied_again",
                domain=domain_of(one.write_back.kind),
                order=one.before.increment_id,
                verdict=one.write_back.verdict,
                reference=one.write_back.number,
                **({"message": one.message} if one.message else {}),
            )
        for event, write_back, message in outcome.told:
            self._narrator.tell(
                event,
                domain=domain_of(write_back.kind),
                entity=write_back.entity_id,
                message=message,
            )

    def _write(self, connection: sa.Connection, due: Sequence[WriteBack]) -> _Outcome:
        ids = sorted({write_back.entity_id for write_back in due})
        kind = due[0].kind
        known = self._ledger.entities.read(connection, kind, ids, locked=True)
        standings = self._writer.lock(connection, ids)
        busy = self._writer.existing(connection, [one for one in ids if one not in standings])
        statuses = {one.status for one in due} | {self._rules.released}
        assigned = self._writer.assigned(connection, {one for one in statuses if one})
        written: list[_Written] = []
        told: list[tuple[str, WriteBack, str]] = []
        for write_back in due:
            before = standings.get(write_back.entity_id)
            memory = known.get(write_back.entity_id)
            if before is not None and memory is not None:
                after, notes = self._target(write_back, before, memory, assigned)
                written.append(_Written(write_back, before, after, memory, notes))
            elif write_back.entity_id in busy:
                told.append(self._put_off(connection, write_back, "the order is being saved"))
            else:
                gone = "the order is gone from Magento"
                self._ledger.write_backs.refused(connection, write_back, gone)
                told.append(("write_back.refused", write_back, gone))
        self._carry_out(connection, written)
        return _Outcome(written, told)

    def _carry_out(self, connection: sa.Connection, written: Sequence[_Written]) -> None:
        if not written:
            return
        self._writer.write(connection, [one.after for one in written])
        self._writer.comment(
            connection,
            [
                (one.after.entity_id, one.after.status, one.comment)
                for one in written
                if one.comment and one.is_first
            ],
        )
        noted = [Applied(one.write_back, one.status, one.number, one.message) for one in written]
        if not self._ledger.write_backs.applied(connection, noted):
            raise TryAgain("another process wrote one of these answers")
        self._ledger.entities.written_back(connection, [_memory(one) for one in written])

    def _target(
        self,
        write_back: WriteBack,
        before: Standing,
        known: KnownEntity,
        assigned: Container[tuple[str, str]],
    ) -> tuple[Standing, tuple[str, ...]]:
        """Where the order goes, and a note on each thing that was meant and cannot be."""
        # A verdict on a change brings no number: where a stale save took ours away, it returns.
        number, why_not = self._number(write_back.number or known.ext_order_id, before, known)
        if write_back.verdict == "rejected":
            if "overwritten" in known.odd:
                raise BadData(
                    f"what the ledger remembers of order {known.increment_id} cannot be read "
                    "(entity.overwritten)",
                    "somebody changed the ledger by hand: set the column to NULL",
                )
            released = released_status(before, self._rules.released, known.overwritten, assigned)
            after = after_refusal(
                before, write_back.status, number, hold=write_back.hold, released=released
            )
        else:
            after = after_acceptance(before, write_back.status, number, held_by_us=known.held_by_us)
        after, unassigned = _with_assigned_status(write_back, before, after, assigned)
        notes = (why_not, unassigned or _status_left(write_back, after))
        return after, tuple(note for note in notes if note)

    def _number(
        self, number: str | None, before: Standing, known: KnownEntity
    ) -> tuple[str | None, str]:
        """The number to write into the order's column, or None and why it stays out of it."""
        if number is None or not self._rules.numbers or number == before.ext_order_id:
            return (number if self._rules.numbers else None), ""
        if before.ext_order_id and before.ext_order_id != known.ext_order_id:
            return None, "ext_order_id holds another system's number and is left alone"
        if not self._writer.number.holds(number):
            return None, (
                f"the ERP's number has {len(number)} characters and does not fit into "
                f"ext_order_id ({self._writer.number.length}, {self._writer.number.charset})"
            )
        return number, ""

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


def _with_assigned_status(
    write_back: WriteBack, before: Standing, after: Standing, assigned: Container[tuple[str, str]]
) -> tuple[Standing, str]:
    ours = after.status == write_back.status and after.status != before.status
    if not ours or (after.status, after.state) in assigned:
        return after, ""
    own = before.hold_before_status if before.state == HOLDED else before.status
    fallback = HOLDED if after.state == HOLDED else own or before.status
    return replace(after, status=fallback), (
        f"status {after.status} is not assigned to state {after.state}: run "
        "'erp-sidecar install' again"
    )


def _status_left(write_back: WriteBack, after: Standing) -> str:
    if write_back.status in (None, after.status, after.hold_before_status):
        return ""
    return f"the order is {after.state} and keeps its status"


def _memory(one: _Written) -> WrittenBack:
    return WrittenBack(
        kind=one.write_back.kind,
        entity_id=one.after.entity_id,
        increment_id=one.after.increment_id,
        state=_remembered_state(one.before, one.after, one.known),
        status=one.after.status,
        ext_order_id=one.number,
        held_by_us=_held_by_us(one.before, one.after, one.known),
        overwritten=_overwritten(one),
    )


def _order(write_back: WriteBack) -> tuple[str, int]:
    return write_back.kind, write_back.entity_id


def _overwritten(one: _Written) -> Overwritten | None:
    """What a stale save would bring back, where nothing else looks like it."""
    before, after = one.before, one.after
    if before == after:
        return one.known.overwritten
    # Unhold gives back state and status from before the hold: where it gives the same, it cannot be
    # told from a stale save, and is taken for what a person did.
    unhold = (after.hold_before_state, after.hold_before_status)
    if after.state == HOLDED and unhold == (before.state, before.status):
        return None
    return Overwritten(
        before.state,
        before.status,
        before.ext_order_id,
        held_by_us=before.state == HOLDED and one.known.held_by_us,
    )


def _held_by_us(before: Standing, after: Standing, known: KnownEntity) -> bool:
    if after.state != HOLDED:
        return False
    return known.held_by_us if before.state == HOLDED else True


def _remembered_state(before: Standing, after: Standing, known: KnownEntity) -> str:
    """The state that the ledger may call known.

    A change by Magento that intake has not looked at yet (a cancel, say) must stay news to it.
    """
    seen = before.state == known.state
    ours = after.state != before.state
    return after.state if seen or ours else known.state


def _wait(write_back: WriteBack) -> float:
    return float(min(_LONGEST_WAIT, _FIRST_WAIT * 2**write_back.tries))
