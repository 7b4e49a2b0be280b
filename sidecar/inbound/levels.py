"""The ERP's levels (quantities, prices): asked for, compared with Magento, written by difference.

Magento's own tables are the memory: what is equal is no news, and what a crash left unwritten is
found different at the next run.  A row that must not be written is parked under its own name, until
the ERP says something else of it; a run beyond its bounds waits whole for a person.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from sidecar.database.connection import Database
from sidecar.host.crash_point import passing
from sidecar.inbound.asking import Questions, Reached
from sidecar.inbound.numbers import fitted, number_of
from sidecar.inbound.unread import unread
from sidecar.ledger.incoming import RUN, Told
from sidecar.ledger.store import LedgerStore
from sidecar.magento.applier import LevelApplier, Plan, Refusal, Written
from sidecar.ports import Clock, Narrator

_RUN_REMEDY = (
    "look at what would change ('erp-sidecar {domain} diff'), then 'erp-sidecar incoming apply ID "
    "--reason' lets the next run change as much; or correct it in the ERP"
)
_ROW_REMEDY = (
    "correct it in the ERP, or the bounds in the configuration; it ends by itself when the ERP "
    "says something else"
)
_ENCODER = msgspec.json.Encoder(decimal_format="string")


class Levels:
    """One domain's levels; `run_once` is called by one thread at a time."""

    def __init__(
        self,
        applier: LevelApplier,
        account: str,
        questions: Questions,
        database: Database,
        ledger: LedgerStore,
        *,
        may_work: Callable[[sa.Connection], bool],
        whole: Callable[[float | None], bool],
        stopping: Callable[[], bool],
        clock: Clock,
        narrator: Narrator,
    ) -> None:
        """`whole`: whether everything is to be asked for, so many seconds after it last was."""
        self._applier = applier
        self._spec = applier.spec
        self._account = account
        self._questions = questions
        self._database = database
        self._ledger = ledger
        self._may_work = may_work
        self._whole = whole
        self._stopping = stopping
        self._clock = clock
        self._narrator = narrator

    def run_once(self) -> int:
        """Ask, compare, write; gives how many levels were written."""
        spec, account = self._spec, self._account
        with self._database.transaction("reading how far the ERP's news were read") as connection:
            if not self._may_work(connection):
                return 0
            cursor = self._ledger.cursors.read(connection, spec.name, account)
        whole = self._whole(cursor.full_ago)
        reached = Reached(self._questions, self._clock.now())
        rows: list[Any] = []
        wrong: list[tuple[Told, str, str]] = []

        def pulled() -> Iterator[Any]:
            for page in self._questions.pages(None if whole else self._questions.since(cursor)):
                for row in page.rows:
                    reached.see(row)
                    rows.append(row)
                    yield row
                wrong.extend(unread(page))

        plan = self._applier.plan(pulled(), whole=whole)
        if self._stopping():
            return 0
        self._park(rows, plan.refused, wrong)
        if plan.held is not None and not _approved(cursor.approved, plan):
            self._hold(plan)
            return 0
        passing("inbound.asking")
        written = self._write(plan)
        if written is None:
            return 0
        if written.left or self._stopping():
            # What is unwritten is different still; the cursor stays, so that it is asked for again.
            return written.rows
        with self._database.transaction("noting how far the ERP's news were read") as connection:
            self._ledger.incoming.outdated(connection, spec.name, account, [RUN])
            self._ledger.cursors.advance(
                connection, spec.name, account, reached.since(cursor.since), whole=whole
            )
        return written.rows

    def _write(self, plan: Plan) -> Written | None:
        with self._database.transaction("asking whether to write") as connection:
            if not self._may_work(connection):
                return None
        written = self._applier.write(plan, self._stopping)
        passing("inbound.applied")
        self._park([], written.refused, [])
        if written.rows or written.refused:
            self._narrator.tell(
                "inbound.levels_written",
                domain=self._spec.name,
                account=self._account,
                written=written.rows,
                equal=plan.equal,
                refused=len(plan.refused) + len(written.refused),
                left=written.left,
            )
        return written

    def _park(
        self,
        rows: Sequence[Any],
        refused: Sequence[Refusal],
        unreadable: Sequence[tuple[Told, str, str]],
    ) -> None:
        """Keep what must not be written; what was parked and is told otherwise now is history."""
        spec, account = self._spec, self._account
        said = {number_of(spec, row): row for row in rows}
        wrong = [
            (self._told(refusal, said.get(fitted(refusal.number))), refusal.reason, _ROW_REMEDY)
            for refusal in refused
        ]
        wrong += unreadable
        with self._database.transaction("keeping what is not written") as connection:
            parked = self._ledger.incoming.parked_numbers(connection, spec.name, account)
            bad = {fitted(refusal.number) for refusal in refused}
            self._ledger.incoming.outdated(
                connection, spec.name, account, sorted((parked & said.keys()) - bad)
            )
            new = self._ledger.incoming.refused(connection, spec.name, account, wrong)
        if new:
            self._narrator.tell(
                "inbound.levels_refused", domain=spec.name, account=account, refused=new
            )

    def _told(self, refusal: Refusal, row: Any) -> Told:
        if row is None:
            payload = json.dumps({"ours": refusal.ours, "theirs": refusal.theirs})
            return Told(fitted(refusal.number), payload)
        return Told(
            fitted(refusal.number), _ENCODER.encode(row).decode(), self._questions.moment(row)
        )

    def _hold(self, plan: Plan) -> None:
        """The run waits whole: a person says whether so much may change at once."""
        spec, account = self._spec, self._account
        figures = {"changed": len(plan.changes), "to_zero": plan.to_zero, "known": plan.known}
        told = Told(RUN, json.dumps(figures))
        remedy = _RUN_REMEDY.format(domain=spec.name)
        with self._database.transaction("keeping a run that waits") as connection:
            new = self._ledger.incoming.refused(
                connection, spec.name, account, [(told, plan.held or "", remedy)]
            )
        if new:
            self._narrator.tell(
                "inbound.run_held", domain=spec.name, account=account, changed=len(plan.changes)
            )


def _approved(approved: str | None, plan: Plan) -> bool:
    """Whether a person has let as much change as this run would; more needs another word."""
    if approved is None:
        return False
    try:
        allowed = json.loads(approved)
        return bool(len(plan.changes) <= allowed["changed"] and plan.to_zero <= allowed["to_zero"])
    except (ValueError, TypeError, KeyError):
        return False
