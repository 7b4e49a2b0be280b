"""Claim, send, settle: the work loop of one domain.

The order of things is the promise.  An event is claimed and committed before it is sent, so that a
crash leaves a lease that runs out into *unknown*; it is settled in a transaction of its own
after the answer; no transaction spans a call.  Claiming, sending and settling overlap: while the
account's workers wait for the ERP, the loop settles what has ended and claims what is due.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, wait
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from sidecar.database.connection import Database
from sidecar.delivery.account import ErpAccount
from sidecar.delivery.claim import Claim, Claimer
from sidecar.delivery.courier import Courier
from sidecar.delivery.parcels import Trust, parcels_of
from sidecar.delivery.report import Report
from sidecar.delivery.turns import CHECK, Rank
from sidecar.delivery.under_way import UnderWay
from sidecar.delivery.workers import Workers
from sidecar.host.crash_point import passing
from sidecar.ledger.claims import DEADLY, Claimed
from sidecar.ledger.journal import Attempt
from sidecar.ledger.settling import Ended, unkept
from sidecar.ledger.store import LedgerStore
from sidecar.model.bulkhead import MOST_ALIKE, Bulkhead
from sidecar.model.errors import SidecarError, TryAgain, Unavailable, described
from sidecar.ports import Clock, Narrator, Sleeper

_T = TypeVar("_T")
#: One run claims no longer than this, so that its caller can look at the work lease in between.
_LONGEST_RUN = 1.0
#: An event that was being sent or asked about this many times when the process died, all but the
#: first time with nothing beside it, is put aside: it may be the cause.
MOST_CRASHES = 5
#: Seconds between tries to settle.
_SETTLE_AGAIN = (0.1, 0.3, 1.0, 2.0)
#: A lease is renewed when a third of it has passed.
_RENEW_SHARE = 3
#: One whose call lasts goes on claiming for so long, so that nothing waits for that call.
_LONGEST_LONG_RUN = 20.0
#: While calls are under way it is looked at least this often whether they get on.
_LOOK_SECONDS = 5.0
#: And so often for what has come meanwhile, where there is room for it.
_CLAIM_SECONDS = 0.25
#: Calls that a domain has claimed at the least while others go before it.
_FEWEST_CALLS = 2
#: Seconds that an end-to-end check waits until a call can be made for it.
_CHECK_PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class Lane:
    """The bounds of one domain's delivery.

    `rank`: where it stands among the domains of its ERP account; it has the domain's name.
    `batch` is the most that one call may carry, `probe_batch` the most that one may ask about;
    `answers_checks`: it asks the ERP for end-to-end checks, as one lane of an account does.
    """

    rank: Rank
    owner: str
    claim_size: int
    batch: int
    probe_batch: int
    lease_seconds: float
    answers_checks: bool = True

    @property
    def domain(self) -> str:
        """The domain's name."""
        return self.rank.name


class Pump:
    """One domain's delivery; `run_once` is called by one thread at a time."""

    def __init__(
        self,
        database: Database,
        ledger: LedgerStore,
        claimer: Claimer,
        courier: Courier,
        account: ErpAccount,
        workers: Workers,
        lane: Lane,
        *,
        clock: Clock,
        sleeper: Sleeper,
        narrator: Narrator,
        progress: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._claimer = claimer
        self._courier = courier
        self._account = account
        self._workers = workers
        self._lane = lane
        self._clock = clock
        self._sleeper = sleeper
        self._narrator = narrator
        self._progress = progress
        self._under_way = UnderWay(clock)
        self._report = Report(database, ledger, narrator, lane.domain)
        self._bulkhead = Bulkhead()
        self._renewed_at = 0.0
        with self._database.transaction("waking what waits at a gate") as connection:
            # The gates may have been configured anew: what waits at one is looked at again.  And
            # the file of calls was just read: what it could not express is tried again.
            self._ledger.events.wake_domain(connection, self._lane.domain)
            self._ledger.events.revive_unmapped(connection, self._lane.domain)

    @property
    def domain(self) -> str:
        """The domain that it delivers."""
        return self._lane.domain

    @property
    def workers(self) -> Workers:
        """The threads that make its calls, and those of the other domains of its account."""
        return self._workers

    def run_once(self) -> int:
        """Deliver what is due; gives how many events moved.

        Claims for a second at the most, or for as long as a call lasts.
        """
        suspects_are_due, checks = self._expire()
        self._renewed_at = began = self._clock.monotonic()
        until = began + _LONGEST_RUN
        moved = self._answer(checks)
        try:
            if suspects_are_due:
                moved += self._suspects(until)
            while True:
                if self._clock.monotonic() < until or self._goes_on(began):
                    moved += self._fill()
                if not self._under_way.calls:
                    break
                self._settle_ended(_CLAIM_SECONDS if self._room() else _LOOK_SECONDS)
        except Exception:
            self._finish()
            raise
        self._account.remember()
        return moved

    def _goes_on(self, began: float) -> bool:
        """Whether a run claims for longer: a call lasts, and what has come meanwhile may go.

        Only with the work lease in hand, and while nothing waits for the beginning of a run.
        """
        if self._courier.longest_call() < _LONGEST_RUN:
            return False
        if self._clock.monotonic() - began > _LONGEST_LONG_RUN:
            return False
        answers_checks = self._lane.answers_checks
        with self._database.transaction("looking whether to go on claiming") as connection:
            return (
                self._ledger.work_lease.holder(connection) == self._lane.owner
                and not self._ledger.events.suspects(connection, self._lane.domain)
                and not (answers_checks and self._ledger.check_runs.unanswered(connection))
            )

    def _finish(self) -> None:
        """The loop broke off: what is under way is still settled, or left to its lease."""
        while self._under_way.calls:
            try:
                self._settle_ended()
            except Exception as error:  # noqa: BLE001 - what broke the loop off is raised already
                self._narrator.tell("delivery.left_to_lease", message=described(error))

    def _fill(self) -> int:
        """Claim while there is room; gives how many events moved."""
        moved = 0
        while (room := self._room()) > 0 and self._may_go():
            claim = self._claimer.claim(room)
            self._judge_odd(claim)
            if not claim:
                break
            moved += claim.moved
            if claim.moved:
                self._narrator.tell(
                    "delivery.claimed",
                    domain=self._lane.domain,
                    pushes=len(claim.pushes),
                    probes=len(claim.probes),
                    folded=claim.folded,
                )
            passing("delivery.claimed")
            self._send(claim)
        return moved

    def _judge_odd(self, claim: Claim) -> None:
        for odd in claim.odd:
            if odd.alike >= MOST_ALIKE:
                self._report.stop_for_defect(odd.message)
                return
            self._narrator.tell("delivery.unclaimable", entity=odd.entity, message=odd.message)

    def _room(self) -> int:
        """How many events to claim now: with what is under way, about a second's work.

        What is claimed early is sent on after a pause, asked about after a crash, and old by the
        time that a slow ERP gets it; so a domain that others go before claims no more than was made
        of late.  Nothing until half has ended, so that claims are large.
        """
        crowded = self._workers.must_wait(self._lane.rank)
        fewest = _FEWEST_CALLS if crowded else 2 * self._account.slots.limit
        calls = min(max(fewest, self._under_way.ended_of_late()), 2 * self._lane.claim_size)
        under_way = len(self._under_way.calls)
        if 2 * under_way > calls:
            return 0
        return min(self._lane.claim_size, (calls - under_way) * self._lane.batch)

    def _may_go(self) -> bool:
        if self._sleeper.wait(0) or self._account.is_quiet():
            return False
        with self._database.transaction("reading the domain's control") as connection:
            if not self._claimer.may_send(connection):
                return False
            control = self._ledger.control.read(connection, [self._lane.domain])
        return control[self._lane.domain].may_work and self._account.may_call()

    def _send(self, claim: Claim) -> None:
        for parcel in parcels_of(claim, self._lane.batch, self._lane.probe_batch):
            carry = partial(self._courier.carry, parcel)
            call = self._workers.submit(self._lane.rank, parcel.trust, carry)
            self._under_way.add(call, parcel)

    def _suspects(self, until: float) -> int:
        """Send what processes died of, one by one, before anything else is under way."""
        moved = 0
        while self._clock.monotonic() < until and self._may_go():
            claim = self._claimer.claim_suspect()
            self._judge_odd(claim)
            if not claim:
                break
            moved += claim.moved
            passing("delivery.claimed")
            self._send(claim)
            while self._under_way.calls:
                self._settle_ended()
        return moved

    def _settle_ended(self, look: float = _LOOK_SECONDS) -> None:
        """Wait `look` seconds for calls to end, settle them, keep the leases of the others."""
        if self._sleeper.wait(0):
            self._under_way.cancel()
        patience = min(look, self._lane.lease_seconds / _RENEW_SHARE)
        calls = self._under_way.ended(patience)
        # The configuration sees to it that a claim holds for longer than a call may take.
        if calls or self._courier.longest_call() < self._lane.lease_seconds:
            self._progress()
        unsent: list[Claimed] = []
        done: list[Ended] = []
        for parcel, results in calls:
            done += results
            ended = {one.claimed.id for one in results}
            unsent += [claimed for claimed in parcel.events if claimed.id not in ended]
        self._settle(done, unsent)
        self._renew()

    def _settle(self, done: Sequence[Ended], unsent: Sequence[Claimed]) -> None:
        if not done and not unsent:
            return
        settled = self._write_down(done, unsent)
        passing("delivery.settled")
        for one in settled:
            self._report.ended(one)
        held = {one.claimed.id for one in settled}
        for one in done:
            if one.claimed.id not in held:
                self._report.tell("delivery.fenced_off", one.claimed)

    def _write_down(self, done: Sequence[Ended], unsent: Sequence[Claimed]) -> list[Ended]:
        """Settle in one transaction, or in several where one answer cannot be kept."""
        everybodys: list[str] = []

        def settle_odd(one: Ended, error: Exception, alike: int) -> list[Ended]:
            if alike >= MOST_ALIKE:
                everybodys.append(described(error))
            return self._settle_odd(one, error)

        parts = self._bulkhead.apart([done], self._settle_all, settle_odd, key=_entity)
        settled = [one for part in parts for one in part]
        if unsent:
            owner = self._lane.owner
            self._patiently(partial(self._ledger.events.release, claimed=unsent, owner=owner))
        if everybodys:
            self._report.stop_for_defect(everybodys[0])
        return settled

    def _settle_all(self, done: Sequence[Ended]) -> list[Ended]:
        owner = self._lane.owner
        return self._patiently(partial(self._ledger.settling.settle, owner=owner, ended=done))

    def _settle_odd(self, one: Ended, error: Exception) -> list[Ended]:
        """Park an event whose answer the ledger cannot keep: the ERP may have booked it."""
        self._report.tell("delivery.unkept", one.claimed, message=described(error))
        return self._settle_all([unkept(one, described(error))])

    def _patiently(self, write: Callable[..., _T]) -> _T:
        """A lock or a short outage must not cost what the ERP said."""
        for wait_for in (*_SETTLE_AGAIN, None):
            try:
                with self._database.transaction("settling attempts") as connection:
                    return write(connection)
            except (TryAgain, Unavailable) as error:
                if wait_for is None:
                    raise
                self._narrator.tell("delivery.settling_again", message=error.message)
                self._sleeper.wait(wait_for)
        raise AssertionError("the loop above returns or raises")

    def _renew(self) -> None:
        """Renew what a third of its lease has passed of.

        What was renewed before and nobody has begun is handed back: while others went before it,
        somebody may have paused the domain, and what was claimed may have become history.
        """
        now = self._clock.monotonic()
        if (
            not self._under_way.calls
            or now - self._renewed_at < self._lane.lease_seconds / _RENEW_SHARE
        ):
            return
        self._under_way.cancel(lambda parcel: parcel.trust.was_renewed)
        ids = [claimed.id for claimed in self._under_way.events()]
        with self._database.transaction("renewing leases") as connection:
            kept = self._ledger.events.renew(
                connection, ids, self._lane.owner, self._lane.lease_seconds
            )
        self._renewed_at = now
        if kept == len(ids):
            for parcel in self._under_way.calls.values():
                parcel.trust.renew(self._claimer.trusted_until(now))

    def _answer(self, checks: Sequence[int]) -> int:
        """Ask the ERP for end-to-end checks, while nothing else of the domain is under way."""
        runs = self._ledger.check_runs
        for check in checks:
            if not self._may_go():
                return 0
            with self._database.transaction("taking a check") as connection:
                runs.reached(connection, [check], "taken_at")
            try:
                said = self._ask_for_check()
            except SidecarError as error:
                with self._database.transaction("ending a check") as connection:
                    runs.failed(connection, check, error.message, error.remedy)
            else:
                with self._database.transaction("answering a check") as connection:
                    runs.answered(connection, check, said)
        return len(checks)

    def _ask_for_check(self) -> str:
        trust = Trust(self._clock.monotonic() + _CHECK_PATIENCE)
        call = self._workers.submit(CHECK, trust, self._courier.ask_for_check)
        wait([call], _CHECK_PATIENCE)
        # One that has begun goes on.
        call.cancel()
        try:
            return call.result()
        except CancelledError:
            raise TryAgain(
                f"no call to the ERP could be made for the check within {_CHECK_PATIENCE:.0f} s",
                "'erp-sidecar status' shows the rate and whether the ERP asked to wait",
            ) from None

    def _expire(self) -> tuple[bool, list[int]]:
        """Take note of leases that ran out.

        Gives whether a suspect waits to be sent alone, and the end-to-end checks that wait.
        """
        with self._database.transaction("looking for expired leases") as connection:
            expired = self._ledger.events.expire(connection, self._lane.domain, MOST_CRASHES)
            attempt = Attempt("recover", "unknown", "the lease ran out: its process died")
            self._ledger.journal.record(
                connection, self._lane.owner, [(claimed, attempt) for claimed in expired]
            )
            suspects = self._ledger.events.suspects(connection, self._lane.domain)
            runs = self._ledger.check_runs
            checks = runs.unanswered(connection) if self._lane.answers_checks else []
        for claimed in expired:
            crashes = claimed.crashes + 1
            self._report.tell("delivery.lease_expired", claimed, crashes=crashes)
            if crashes >= MOST_CRASHES:
                # Who watches for what waits for a person must see this one too.
                self._report.tell("delivery.parked", claimed, code="deadly", message=DEADLY)
        return bool(suspects), checks


def _entity(one: Ended) -> tuple[str, int]:
    return one.claimed.kind, one.claimed.entity_id
