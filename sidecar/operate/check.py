"""A marked record through the whole path and back, moved by the daemon that runs.

The check writes a hint of a kind of its own into the outbox, as a trigger does, and from there on
only watches: intake takes the hint and marks the check's row, delivery asks the ERP for a number
that no order has, the write-back runs its statements at an order that is none.  No order, event,
link or document comes of it; the hint and the row are removed at the end, and what a killed check
left is removed by the next one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sidecar.capture.outbox import Outbox
from sidecar.database.connection import Database
from sidecar.host.owner import living
from sidecar.identity.clone_guard import CloneGuard
from sidecar.ledger.check_runs import CHECK, CheckRun
from sidecar.ledger.store import LedgerStore
from sidecar.model.errors import TryAgain, Unavailable
from sidecar.ports import Clock, Sleeper

#: The stages in their order, with the moment in the check's row at which each has ended.
STAGES = (
    ("intake", "looked_at"),
    ("delivery", "taken_at"),
    ("erp", "answered_at"),
    ("magento", "written_at"),
)
#: Whose work each stage is.
_STATIONS = {
    "intake": "intake",
    "delivery": "deliver {domain}",
    "erp": "deliver {domain}",
    "magento": "write back",
}
_LOOK_EVERY = 0.05
#: A stage that takes longer is asked what is in its way.
_PATIENCE = 1.0
_FINDING = 2


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage and how long it took."""

    name: str
    milliseconds: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Stuck:
    """Where it did not go on, why, and what to do; `exit_code` as docs/exit-codes.md has it."""

    stage: str
    why: str
    remedy: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class Checked:
    """How far the record came."""

    stages: tuple[Stage, ...]
    milliseconds: int
    stuck: Stuck | None = None

    @property
    def exit_code(self) -> int:
        """0 when it came back."""
        return self.stuck.exit_code if self.stuck else 0


class EndToEnd:
    """`account`: the name under which the ledger keeps the ERP account's breaker."""

    def __init__(
        self,
        database: Database,
        ledger: LedgerStore,
        outbox: Outbox,
        guard: CloneGuard,
        *,
        domain: str,
        account: str,
        clock: Clock,
        sleeper: Sleeper,
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._outbox = outbox
        self._guard = guard
        self._domain = domain
        self._account = account
        self._clock = clock
        self._sleeper = sleeper

    def run(self, who: str, wait: float) -> Checked:
        """One check; no stage may take longer than `wait` seconds."""
        self._sweep()
        began = self._clock.monotonic()
        with self._database.transaction("beginning a check") as connection:
            run = self._ledger.check_runs.begin(connection, who, (len(STAGES) + 1) * wait)
            hint = self._outbox.point(connection, CHECK, run, CHECK)
            self._ledger.check_runs.note_hint(connection, run, hint)
        try:
            found, stuck = self._follow(run, wait)
        finally:
            self._remove(run)
        took = round((self._clock.monotonic() - began) * 1000)
        return Checked(_stages(found, took), took, stuck)

    def _follow(self, run: int, wait: float) -> tuple[CheckRun, Stuck | None]:
        stage, since = "", self._clock.monotonic()
        asked_at = since
        while True:
            found = self._read(run)
            now = self._clock.monotonic()
            at = _stage(found)
            if at is None:
                return found, None
            if at != stage:
                stage, since = at, now
                asked_at = now
            if found.failure is not None:
                return found, _failed(stage, found)
            is_over = now - since >= wait
            if is_over or now - asked_at >= _PATIENCE:
                asked_at = now
                if stuck := self._obstacle(stage, round(wait), is_over=is_over):
                    return found, stuck
            if self._sleeper.wait(_LOOK_EVERY):
                raise TryAgain("the check was stopped")

    def _read(self, run: int) -> CheckRun:
        with self._database.transaction("looking how far the check has come") as connection:
            found = self._ledger.check_runs.read(connection, run)
        if found is None:
            raise TryAgain("somebody removed the check from the ledger", "check again")
        return found

    def _obstacle(self, stage: str, wait: int, *, is_over: bool) -> Stuck | None:
        """What is in the way; before the time is over only what will not go by itself."""
        if stuck := self._fails(stage):
            return stuck
        if stage == "intake":
            return self._nobody_looks(wait) if is_over else None
        if stuck := self._not_allowed(stage):
            return stuck
        if not is_over:
            return None
        if stage == "erp":
            return Stuck(
                stage,
                f"the ERP has not answered for {wait} s",
                "is it up, and erp.url right? erp.timeout.read is when the daemon gives up",
                Unavailable.exit_code,
            )
        return Stuck(
            stage,
            f"the station was busy for {wait} s",
            "look for station.failed in the log; else try again with a longer --wait",
            TryAgain.exit_code,
        )

    def _fails(self, stage: str) -> Stuck | None:
        with self._database.transaction("asking which stations fail") as connection:
            failing = self._ledger.stations.failing(connection)
        for one in failing:
            if one.name == _STATIONS[stage].format(domain=self._domain):
                why = f"the station {one.name} fails, {one.failures} time(s) by now: {one.message}"
                return Stuck(stage, why, one.remedy or "station.failed in the log", _FINDING)
        return None

    def _nobody_looks(self, wait: int) -> Stuck:
        with self._database.transaction("asking who works") as connection:
            holder = living(self._ledger.work_lease.holder(connection))
            depth = self._outbox.depth(connection)
        if holder is None:
            return Stuck(
                "intake",
                "no daemon works on this ledger",
                "systemctl start erp-sidecar; journalctl -u erp-sidecar says why it ended",
                _FINDING,
            )
        return Stuck(
            "intake",
            f"daemon {holder} holds the work lease and has not taken the hint for {wait} s; "
            f"{depth.count} hint(s) wait",
            "look for station.failed in its log; if it died a moment ago, try again when "
            "ledger.work_lease is over",
            TryAgain.exit_code,
        )

    def _not_allowed(self, stage: str) -> Stuck | None:
        with self._database.transaction("asking which system this is") as connection:
            judgement = self._guard.judgement(connection)
        if not judgement.may_send:
            why = f"nothing is sent from here: {judgement.why}"
            return Stuck(stage, why, judgement.remedy, _FINDING)
        with self._database.transaction("reading the domain's control") as connection:
            control = self._ledger.control.read(connection, [self._domain])[self._domain]
            account = self._ledger.accounts.read(connection, self._account)
        resume = f"erp-sidecar domain resume {self._domain}"
        if control.stopped_at is not None:
            why = f"{self._domain} are stopped: {control.stopped_reason}"
            return Stuck(stage, why, f"correct the cause, then {resume}", _FINDING)
        if control.paused:
            reason = control.paused_reason or "no reason given"
            why = f"{self._domain} are paused by {control.paused_by}: {reason}"
            return Stuck(stage, why, resume, TryAgain.exit_code)
        if account.open and stage == "delivery":
            return Stuck(
                stage,
                f"the ERP does not answer: the breaker is open after {account.failures} failures",
                f"is it up? It is asked again in {account.ask_in:.0f} s",
                Unavailable.exit_code,
            )
        return None

    def _sweep(self) -> None:
        """Remove what killed checks left."""
        with self._database.transaction("looking for old checks") as connection:
            left = self._ledger.check_runs.left_over(connection)
        for run in left:
            self._remove(run)

    def _remove(self, run: int) -> None:
        with self._database.transaction("removing a check") as connection:
            hint = self._ledger.check_runs.end(connection, run)
            if hint is not None:
                self._outbox.discard(connection, [hint])


def plain(checked: Checked) -> dict[str, Any]:
    """As a document: stable keys."""
    stuck = checked.stuck
    return {
        "result": "stuck" if stuck else "ok",
        "milliseconds": checked.milliseconds,
        "stages": [
            {"stage": stage.name, "milliseconds": stage.milliseconds, "note": stage.note or None}
            for stage in checked.stages
        ],
        "stuck": {"stage": stuck.stage, "why": stuck.why, "remedy": stuck.remedy}
        if stuck
        else None,
    }


def _stage(run: CheckRun) -> str | None:
    """The first stage that has not ended."""
    return next((name for name, moment in STAGES if getattr(run, moment) is None), None)


def _failed(stage: str, run: CheckRun) -> Stuck:
    code = Unavailable.exit_code if stage == "erp" else _FINDING
    return Stuck(stage, run.failure or "", run.remedy or "see the daemon's log", code)


def _stages(run: CheckRun, took: int) -> tuple[Stage, ...]:
    stages: list[Stage] = []
    before = run.asked_at
    for name, moment in STAGES:
        ended: datetime | None = getattr(run, moment)
        if ended is None:
            return tuple(stages)
        note = (run.answer or "") if name == "erp" else ""
        stages.append(Stage(name, _milliseconds(before, ended), note))
        before = ended
    # The way back to whoever asked, by his own clock.
    seen = took - _milliseconds(run.asked_at, before)
    return (*stages, Stage("back", max(0, seen)))


def _milliseconds(begin: datetime, end: datetime) -> int:
    return round((end - begin).total_seconds() * 1000)
