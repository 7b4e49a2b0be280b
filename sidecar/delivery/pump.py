"""Claim, send, settle: the work loop of one domain.

The order of things is the promise.  An event is claimed and committed before it is sent, so that a
crash leaves a lease that runs out into *unknown*; it is settled in a transaction of its own
after the answer; no transaction spans the call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC

from sidecar.crash_point import passing
from sidecar.database import Database
from sidecar.delivery.breaker import Breaker
from sidecar.delivery.claim import Claim, Claimer
from sidecar.delivery.settle import Settler
from sidecar.delivery.throttle import Throttle
from sidecar.domain.errors import SidecarError
from sidecar.domain.event import Event, decode_payload, schema_urn
from sidecar.domain.outcome import (
    Accepted,
    Duplicate,
    Outcome,
    Partial,
    Rejected,
    Retry,
    Throttled,
    Unknown,
    describe,
    name_of,
)
from sidecar.domain.settlement import EventStatus, Settlement
from sidecar.ledger.accounts import AccountState
from sidecar.ledger.events import Claimed
from sidecar.ledger.journal import Attempt
from sidecar.ledger.store import LedgerStore
from sidecar.ports import Clock, Delivery, ErpAdapter, Exchange, Narrator, Result, Sleeper

#: A worker looks this often whether the daemon is stopping while the throttle makes it wait.
_LONGEST_WAIT = 1.0


@dataclass(frozen=True, slots=True)
class Lane:
    """The names of one domain's delivery: `source` is the shop's, for CloudEvents."""

    domain: str
    account: str
    owner: str
    source: str
    batch: int
    lease_seconds: float


@dataclass(frozen=True, slots=True)
class _Done:
    """What became of one claimed event; `kept` is False when it was certainly not sent."""

    claimed: Claimed
    payload: object
    settlement: Settlement | None
    attempt: Attempt | None


class Pump:
    """One domain's delivery; `run_once` is called by one thread at a time."""

    def __init__(
        self,
        database: Database,
        ledger: LedgerStore,
        adapter: ErpAdapter,
        claimer: Claimer,
        settler: Settler,
        throttle: Throttle,
        breaker: Breaker,
        lane: Lane,
        *,
        clock: Clock,
        sleeper: Sleeper,
        narrator: Narrator,
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._adapter = adapter
        self._claimer = claimer
        self._settler = settler
        self._throttle = throttle
        self._breaker = breaker
        self._lane = lane
        self._clock = clock
        self._sleeper = sleeper
        self._narrator = narrator
        self._workers = ThreadPoolExecutor(
            throttle.pace.concurrency, thread_name_prefix=f"deliver-{lane.domain}"
        )
        self._saved = AccountState()
        self._restore()

    def close(self) -> None:
        """Wait for calls that are on their way."""
        self._workers.shutdown(wait=True)

    def run_once(self) -> int:
        """One claim and its calls; gives how many events moved (0: nothing to do now)."""
        if not self._may_work():
            return 0
        self._expire()
        if self._breaker.is_open and not self._ask_again():
            return 0
        claim = self._claimer.claim(self._lane.batch * self._throttle.pace.concurrency)
        if not claim:
            return 0
        self._narrator.tell(
            "delivery.claimed",
            domain=self._lane.domain,
            pushes=len(claim.pushes),
            probes=len(claim.probes),
            folded=claim.folded,
        )
        passing("delivery.claimed")
        self._work(claim)
        self._remember()
        return len(claim.pushes) + len(claim.probes) + claim.folded

    def _may_work(self) -> bool:
        with self._database.transaction("reading the domain's control") as connection:
            control = self._ledger.control.read(connection, [self._lane.domain])
        return control[self._lane.domain].may_work

    def _expire(self) -> None:
        with self._database.transaction("looking for expired leases") as connection:
            expired = self._ledger.events.expire(connection, self._lane.domain)
            for claimed in expired:
                attempt = Attempt("recover", "unknown", "the lease ran out: its process died")
                self._ledger.journal.record(connection, claimed, self._lane.owner, attempt)
        for claimed in expired:
            self._tell("delivery.lease_expired", claimed)

    def _ask_again(self) -> bool:
        """The one question of an open breaker; True when the ERP answered and calls may go."""
        if not self._breaker.may_ask():
            return False
        ping = self._adapter.ping()
        if not ping.reachable:
            self._narrator.tell(
                "breaker.still_open", account=self._lane.account, message=ping.message
            )
            self._remember()
            return False
        self._breaker.answered()
        self._narrator.tell("breaker.closed", account=self._lane.account)
        self._remember()
        return True

    def _work(self, claim: Claim) -> None:
        size = max(1, self._adapter.capabilities(self._lane.domain).batch)
        calls: list[tuple[Callable[[], list[_Done]], Sequence[Claimed]]] = [
            (lambda part=part: self._push(part, claim), part)  # type: ignore[misc]
            for part in _parts(claim.pushes, size)
        ]
        calls += [
            (lambda part=part: self._probe(part, claim), part)  # type: ignore[misc]
            for part in _parts(claim.probes, size)
        ]
        pending: dict[Future[list[_Done]], Sequence[Claimed]] = {
            self._workers.submit(call): part for call, part in calls
        }
        while pending:
            finished, _ = wait(pending, self._lane.lease_seconds / 3, FIRST_COMPLETED)
            for future in finished:
                del pending[future]
            done = [one for future in finished for one in future.result()]
            self._settle(done)
            if pending:
                self._renew([claimed.id for part in pending.values() for claimed in part])

    def _renew(self, ids: list[int]) -> None:
        with self._database.transaction("renewing leases") as connection:
            self._ledger.events.renew(connection, ids, self._lane.owner, self._lane.lease_seconds)

    def _push(self, part: Sequence[Claimed], claim: Claim) -> list[_Done]:
        if not self._turn(claim):
            return [_Done(claimed, None, None, None) for claimed in part]
        deliveries = [self._delivery(claimed, claim) for claimed in part]
        passing("delivery.sending")
        results = self._adapter.push(deliveries)
        passing("delivery.answered")
        self._note_traffic(results)
        return [
            self._pushed(claimed, delivery, result)
            for claimed, delivery, result in zip(part, deliveries, results, strict=True)
        ]

    def _pushed(self, claimed: Claimed, delivery: Delivery, result: Result) -> _Done:
        outcome = result.outcome
        payload = delivery.event.data
        attempt = Attempt(
            "push",
            name_of(outcome),
            describe(outcome),
            _reference(outcome),
            outcome.code if isinstance(outcome, Rejected) else None,
            result.exchange,
        )
        return _Done(claimed, payload, self._settler.of_push(claimed, payload, outcome), attempt)

    def _probe(self, part: Sequence[Claimed], claim: Claim) -> list[_Done]:
        payloads = [decode_payload(claimed.type, claimed.payload) for claimed in part]
        if not self._adapter.capabilities(self._lane.domain).probe:
            return [
                self._unaskable(claimed, payload, claim)
                for claimed, payload in zip(part, payloads, strict=True)
            ]
        if not self._turn(claim):
            return [_Done(claimed, None, None, None) for claimed in part]
        started = self._clock.monotonic()
        try:
            found = self._adapter.probe(
                self._lane.domain, [claimed.increment_id for claimed in part]
            )
        except SidecarError as error:
            self._failed(error.message)
            return [
                _Done(
                    claimed,
                    payload,
                    self._settler.of_failed_probe(claimed, error.message),
                    Attempt("probe", "unknown", error.message),
                )
                for claimed, payload in zip(part, payloads, strict=True)
            ]
        self._answered()
        exchange = Exchange("probe", None, self._clock.monotonic() - started)
        done = []
        for claimed, payload in zip(part, payloads, strict=True):
            booked = tuple(found.get(claimed.increment_id, ()))
            linked = (claimed.kind, claimed.entity_id) in claim.links
            settlement = self._settler.of_probe(claimed, payload, booked, linked=linked)
            references = ", ".join(document.reference for document in booked)
            message = f"the ERP holds {references}" if booked else "the ERP does not hold it"
            attempt = Attempt(
                "probe", settlement.status.value, message, references[:100] or None, None, exchange
            )
            done.append(_Done(claimed, payload, settlement, attempt))
        return done

    def _unaskable(self, claimed: Claimed, payload: object, claim: Claim) -> _Done:
        link = claim.links.get((claimed.kind, claimed.entity_id))
        settlement = self._settler.of_unaskable(claimed, payload, link)
        attempt = Attempt("recover", settlement.status.value, "this ERP cannot be asked")
        return _Done(claimed, payload, settlement, attempt)

    def _turn(self, claim: Claim) -> bool:
        """Wait for the throttle; False when the claim must not be used any more."""
        while (delay := self._throttle.delay()) > 0:
            if self._clock.monotonic() + delay > claim.trusted_until:
                return False
            if self._sleeper.wait(min(delay, _LONGEST_WAIT)):
                return False
        # After a SIGSTOP past the lease somebody else may be sending this very event.
        return self._clock.monotonic() < claim.trusted_until

    def _delivery(self, claimed: Claimed, claim: Claim) -> Delivery:
        event = Event(
            id=claimed.event_id,
            type=claimed.type.value,
            source=self._lane.source,
            subject=f"{claimed.kind}/{claimed.increment_id}",
            time=claimed.occurred_at.replace(tzinfo=UTC),
            dataschema=schema_urn(claimed.type),
            data=decode_payload(claimed.type, claimed.payload),
            sequence=claimed.sequence,
        )
        link = claim.links.get((claimed.kind, claimed.entity_id))
        return Delivery(event, claimed.increment_id, link)

    def _settle(self, done: Sequence[_Done]) -> None:
        unsent = [one.claimed for one in done if one.settlement is None]
        settled: list[tuple[_Done, Settlement]] = []
        with self._database.transaction("settling attempts") as connection:
            for kind in {one.claimed.kind for one in done}:
                ids = [one.claimed.entity_id for one in done if one.claimed.kind == kind]
                self._ledger.entities.lock(connection, kind, ids)
            self._ledger.events.release(connection, unsent, self._lane.owner)
            for one in done:
                if one.settlement is None or one.attempt is None:
                    continue
                held = self._ledger.events.settle(
                    connection, one.claimed, self._lane.owner, one.settlement
                )
                if not held:
                    self._tell("delivery.fenced_off", one.claimed)
                    continue
                settled.append((one, one.settlement))
                self._ledger.journal.record(connection, one.claimed, self._lane.owner, one.attempt)
                if one.settlement.booked:
                    self._ledger.journal.link(connection, one.claimed, one.settlement.booked)
                if one.settlement.differences:
                    self._ledger.journal.differ(connection, one.claimed, one.settlement.differences)
                if one.settlement.verdict:
                    self._ledger.write_backs.add(connection, one.claimed, one.settlement.verdict)
                self._ledger.events.wake(connection, one.claimed.kind, [one.claimed.entity_id])
        passing("delivery.settled")
        for one, settlement in settled:
            self._report(one, settlement)

    def _report(self, one: _Done, settlement: Settlement) -> None:
        attempt = one.attempt
        self._tell(
            f"delivery.{settlement.status.value}",
            one.claimed,
            outcome=attempt.outcome if attempt else None,
            operation=attempt.operation if attempt else None,
            reference=settlement.booked.reference if settlement.booked else None,
            code=settlement.code,
            message=settlement.reason,
            due_in=round(settlement.due_in, 1) if settlement.due_in is not None else None,
            milliseconds=round(attempt.exchange.seconds * 1000)
            if attempt and attempt.exchange
            else None,
        )
        for difference in settlement.differences:
            self._tell(
                "delivery.difference",
                one.claimed,
                difference=difference.kind,
                ours=difference.ours,
                theirs=difference.theirs,
            )
        if settlement.code == "misconfigured" and settlement.status is EventStatus.PENDING:
            self._stop_domain(settlement.reason or "misconfigured")

    def _stop_domain(self, reason: str) -> None:
        with self._database.transaction("stopping the domain") as connection:
            self._ledger.control.stop(connection, self._lane.domain, reason)
        self._narrator.tell("domain.stopped", domain=self._lane.domain, message=reason)

    def _note_traffic(self, results: Sequence[Result]) -> None:
        for outcomes, answered in _calls(results):
            throttled = [one.after or 0 for one in outcomes if isinstance(one, Throttled)]
            if throttled:
                self._throttle.refused(max(throttled))
                self._narrator.tell(
                    "throttle.slower", account=self._lane.account, rate=self._throttle.rate
                )
            elif isinstance(outcomes[0], Retry | Unknown) and not answered:
                self._failed(outcomes[0].message)
            elif answered:
                self._answered()

    def _failed(self, message: str) -> None:
        if self._breaker.failed():
            self._narrator.tell("breaker.opened", account=self._lane.account, message=message)

    def _answered(self) -> None:
        self._throttle.answered()
        if self._breaker.answered():
            self._narrator.tell("breaker.closed", account=self._lane.account)

    def _restore(self) -> None:
        with self._database.transaction("reading the ERP account's state") as connection:
            state = self._ledger.accounts.read(connection, self._lane.account)
            # The gates may have been configured anew: what waits at one is looked at again.
            self._ledger.events.wake_domain(connection, self._lane.domain)
        self._breaker.restore(state.failures, state.open, state.ask_in)
        self._throttle.restore(state.rate, state.slow_for)

    def _remember(self) -> None:
        state = AccountState(
            failures=self._breaker.failures,
            open=self._breaker.is_open,
            ask_in=self._breaker.asks_in(),
            slow_for=self._throttle.slow_for(),
            rate=self._throttle.rate,
        )
        if state == self._saved:
            return
        with self._database.transaction("writing the ERP account's state") as connection:
            self._ledger.accounts.save(connection, self._lane.account, state)
        self._saved = state

    def _tell(self, name: str, claimed: Claimed, **fields: object) -> None:
        self._narrator.tell(
            name,
            domain=claimed.domain,
            order=claimed.increment_id,
            corr=claimed.event_id,
            type=claimed.type.value,
            attempt=claimed.attempts,
            **{key: value for key, value in fields.items() if value is not None},
        )


def _reference(outcome: Outcome) -> str | None:
    match outcome:
        case Accepted(booked=booked) | Partial(booked=booked):
            return booked.reference[:100]
        case Duplicate(reference=reference):
            return reference
        case _:
            return None


def _calls(results: Sequence[Result]) -> list[tuple[list[Outcome], bool]]:
    """What each call came to and whether it was answered; a batch's results share one exchange.

    Counted per event, one lost connection would open the breaker at once and one 429 would slow
    the account down to its floor.
    """
    calls: dict[int, tuple[list[Outcome], bool]] = {}
    for result in results:
        exchange = result.exchange
        answered = exchange is not None and exchange.status is not None
        calls.setdefault(id(exchange), ([], answered))[0].append(result.outcome)
    return list(calls.values())


def _parts(events: Sequence[Claimed], size: int) -> list[Sequence[Claimed]]:
    return [events[start : start + size] for start in range(0, len(events), size)]
