"""One ERP account: throttle, slots and breaker together, told of each call, kept by the ledger."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from msgspec import structs

from sidecar.database.connection import Database
from sidecar.delivery.breaker import Breaker
from sidecar.delivery.slots import Slots
from sidecar.delivery.throttle import Throttle
from sidecar.ledger.accounts import AccountState
from sidecar.ledger.store import LedgerStore
from sidecar.model.errors import (
    NotReached,
    NotUnderstood,
    SidecarError,
    Unavailable,
    described,
    frames,
)
from sidecar.model.outcome import Accepted, Outcome, Retry, Throttled, Unfinished, Unknown
from sidecar.ports import ErpAdapter, Narrator, Ping, PushCall, Result

_T = TypeVar("_T")
#: A longer wait is not told to the second (ten years).
_BEYOND_MEASURE = 3.2e8
#: Seconds between two looks whether an operator has ended a wait.
_LOOK_EVERY = 2.0
#: Seconds that a claim waits where the ERP asked for them; for longer it is given back.
_SHORT_QUIET = 5.0


class ErpAccount:
    """Shared by all domains that talk to this account."""

    def __init__(
        self,
        name: str,
        throttle: Throttle,
        slots: Slots,
        breaker: Breaker,
        adapter: ErpAdapter,
        database: Database,
        ledger: LedgerStore,
        narrator: Narrator,
        *,
        address: str = "",
        longest_wait: float = math.inf,
    ) -> None:
        """`address`: where it is: what was learnt of another address counts for nothing here.

        `longest_wait`: seconds for which the ERP is left alone at the most when it asks to.
        """
        self._address = address
        self.throttle = throttle
        self.slots = slots
        self._name = name
        self._breaker = breaker
        self._adapter = adapter
        self._database = database
        self._ledger = ledger
        self._narrator = narrator
        self._saved = AccountState()
        self._is_slow = False
        self._longest_wait = longest_wait
        self._asked_wait = 0.0
        self._wait_ended_at: datetime | None = None
        self._looking = threading.Lock()
        self._looked_at = -math.inf

    def restore(self) -> None:
        """Take up what the ledger remembers."""
        with self._database.transaction("reading the ERP account's state") as connection:
            state = self._ledger.accounts.read(connection, self._name)
        if state.address != self._address:
            state = AccountState(address=self._address)
        self._breaker.restore(state.failures, state.open, state.ask_in)
        self.throttle.restore(state.rate, min(state.slow_for, self._longest_wait), state.used)
        self._asked_wait = state.asked_wait
        self._wait_ended_at = state.wait_ended_at
        if state.slots is not None:
            self.slots.restore(state.slots)
        self._is_slow = self.throttle.rate < 1.0 or self.slots.limit < self.slots.most
        self._saved = state

    def delay(self) -> float:
        """As `Throttle.delay`; an operator may end a wait that the ERP asked for."""
        delay = self.throttle.delay()
        return self.throttle.delay() if delay > 0 and self._wait_is_over() else delay

    def is_quiet(self) -> bool:
        """Whether the ERP asked to be left alone for longer than a claim should be kept waiting."""
        return self.throttle.slow_for() > _SHORT_QUIET

    def _wait_is_over(self) -> bool:
        """Whether the ERP asked for a wait and an operator has just ended it."""
        if self.throttle.slow_for() <= 0 or not self._was_ended():
            return False
        self.throttle.end_wait()
        self._narrator.tell("throttle.wait_ended", account=self._name)
        return True

    def _was_ended(self) -> bool:
        """Asked of the ledger once in a while."""
        with self._looking:
            now = self.throttle.clock.monotonic()
            if now - self._looked_at < _LOOK_EVERY:
                return False
            self._looked_at = now
            try:
                with self._database.transaction("reading the ERP account's wait") as connection:
                    ended = self._ledger.accounts.wait_ended_at(connection, self._name)
            except SidecarError:
                # No call fails of it; the next to claim or settle hears of the database.
                return False
            was_ended = ended != self._wait_ended_at
            self._wait_ended_at = ended
            return was_ended

    def remember(self) -> None:
        """Write the present state down when it has changed."""
        self._wait_is_over()
        slow_for = self.throttle.slow_for()
        state = AccountState(
            address=self._address,
            failures=self._breaker.failures,
            open=self._breaker.is_open,
            ask_in=self._breaker.asks_in(),
            slow_for=slow_for,
            asked_wait=self._asked_wait if slow_for > 0 else 0.0,
            rate=round(self.throttle.rate, 2),
            used=self.throttle.used(),
            slots=self.slots.limit,
            wait_ended_at=self._saved.wait_ended_at,
        )
        if state == self._saved:
            return
        with self._database.transaction("writing the ERP account's state") as connection:
            self._ledger.accounts.save(connection, self._name, state)
        self._saved = state

    def may_call(self) -> bool:
        """Whether calls may go.  An open breaker lets one question through per interval."""
        if not self._breaker.is_open:
            return True
        if not self._breaker.may_ask():
            return False
        try:
            ping = self._adapter.ping()
        except Exception as error:  # noqa: BLE001 - an adapter may be anybody's
            ping = Ping(reachable=False, authorised=False, message=self.broke(error))
        if not ping.reachable:
            self._narrator.tell("breaker.still_open", account=self._name, message=ping.message)
            return False
        self.answered()
        return True

    def asked(self, question: Callable[[], _T]) -> _T:
        """Put a question, with a place in the throttle's window taken; what was answered.

        Raises SidecarError, whatever the adapter raises.
        """
        try:
            said = question()
        except NotUnderstood:
            self.answered()
            raise
        except SidecarError as error:
            if not (isinstance(error, NotReached) and error.lasting):
                self.failed(error.message)
            raise
        except Exception as error:  # noqa: BLE001 - an adapter may be anybody's
            raise Unavailable(self.broke(error), "see adapter.failed in the log") from None
        finally:
            self.throttle.ended()
        self.answered()
        return said

    def note(self, calls: Sequence[PushCall]) -> list[PushCall]:
        """Learn from the calls of one push; the same calls with their waits within bounds.

        Call by call: counted by event, one lost connection would open the breaker at once and one
        429 would slow the account down to its floor.
        """
        for call in calls:
            self._note(call)
        return [
            replace(call, results=[self._bounded_waits(result) for result in call.results])
            for call in calls
        ]

    def _note(self, call: PushCall) -> None:
        outcomes = [result.outcome for result in call.results]
        took = call.exchange.seconds if call.exchange else 0.0
        if waits := [_wait_of(one) for one in outcomes if _asks_to_slow_down(one)]:
            self._slow_down(max(waits), took)
        elif call.exchange and call.exchange.status is not None:
            self.answered()
            if outcomes and all(isinstance(one, Accepted) for one in outcomes):
                # Refusals are quick, and would make a booking look slow.
                self._learn(_kind(call), took)
        elif lost := [one for one in outcomes if isinstance(one, Retry | Unfinished | Unknown)]:
            self.failed(lost[0].message)

    def probed(self, count: int, took: float) -> None:
        """A question about so many orders was answered."""
        self.answered()
        self._learn(f"probe {count}", took)

    def _bounded_waits(self, result: Result) -> Result:
        match result.outcome:
            case Retry(after=after) | Throttled(after=after) | Unfinished(after=after) if (
                after is not None
            ):
                bounded = structs.replace(result.outcome, after=self._bounded(after))
                return replace(result, outcome=bounded)
        return result

    def _bounded(self, after: float) -> float:
        """Seconds that are really waited of those that the ERP asked for."""
        # An adapter of others may hand on what is no number: that is no wait.
        return 0.0 if math.isnan(after) else min(max(0.0, after), self._longest_wait)

    def _slow_down(self, after: float, took: float) -> None:
        wait = self._bounded(after)
        asked = max(wait, min(after, _BEYOND_MEASURE))
        if asked > wait:
            self._narrator.tell(
                "throttle.wait_cut", account=self._name, asked=round(asked), waits=round(wait)
            )
        if wait >= self.throttle.slow_for():
            self._asked_wait = asked
        self.throttle.refused(wait, took)
        self.slots.refused(took)
        self._tell_pace()

    def _learn(self, kind: str, took: float) -> None:
        before = self.slots.limit
        self.slots.answered(kind, took)
        if self.slots.limit < before:
            self._tell_pace()

    def _tell_pace(self) -> None:
        self._is_slow = True
        self._narrator.tell(
            "throttle.slower",
            account=self._name,
            rate=round(self.throttle.rate, 3),
            slots=self.slots.limit,
        )

    def broke(self, error: Exception) -> str:
        """The adapter raised what it must not; gives what is to be written down of it.

        Its class and its place only: its words may be anybody's.
        """
        self._narrator.tell(
            "adapter.failed",
            account=self._name,
            message=described(error),
            **({} if isinstance(error, SidecarError) else {"at": frames(error)}),
        )
        return f"the adapter failed: {described(error)}"

    def failed(self, message: str) -> None:
        """The ERP gave no answer."""
        if self._breaker.failed():
            self._narrator.tell("breaker.opened", account=self._name, message=message)

    def answered(self) -> None:
        """The ERP gave an answer, whatever it said."""
        self.throttle.answered()
        if self._is_slow and self.throttle.rate >= 1.0 and self.slots.limit == self.slots.most:
            self._is_slow = False
            self._narrator.tell("throttle.recovered", account=self._name)
        if self._breaker.answered():
            self._narrator.tell("breaker.closed", account=self._name)


def _asks_to_slow_down(outcome: Outcome) -> bool:
    return isinstance(outcome, Throttled) or (
        isinstance(outcome, Unfinished) and outcome.cause == "throttled"
    )


def _wait_of(outcome: Outcome) -> float:
    return (outcome.after or 0.0) if isinstance(outcome, Throttled | Unfinished) else 0.0


def _kind(call: PushCall) -> str:
    """Calls that may be expected to take about as long as one another."""
    types = sorted({result.delivery.event.type for result in call.results})
    return f"push {' '.join(types)} {len(call.results)}"
