"""The threads of an ERP account, and the calls that wait for them, domain by domain.

Which call is made is decided at the last moment: one thread waits until the account bears a call (a
slot, then a place in the throttle's window) and takes the one whose turn it is *then*.  So nothing
holds a slot or a place while it waits, and what comes late and is urgent overtakes all that waits.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from sidecar.delivery.account import ErpAccount
from sidecar.delivery.parcels import Trust
from sidecar.delivery.turns import Rank, Turns
from sidecar.ports import Clock, Sleeper

_T = TypeVar("_T")
#: Seconds between two looks whether what waits may still be sent.
_LOOK_EVERY = 1.0


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A call that nobody has begun; `trust` says until when it may be begun."""

    call: Callable[[], Any]
    trust: Trust
    future: Future[Any]


class Workers:
    """Shared by the pumps of one account; `threads`: the most calls at a time."""

    def __init__(
        self, account: ErpAccount, threads: int, *, clock: Clock, sleeper: Sleeper
    ) -> None:
        self._account = account
        self._clock = clock
        self._sleeper = sleeper
        self._threads = ThreadPoolExecutor(threads, "call")
        #: Held by the one thread that waits for slot and place.
        self._door = threading.Lock()
        self._lock = threading.Lock()
        self._queues: dict[Rank, deque[_Waiting]] = {}
        self._turns = Turns()
        self._defect: Exception | None = None

    def submit(self, rank: Rank, trust: Trust, call: Callable[[], _T]) -> Future[_T]:
        """Make the call when it is `rank`'s turn; the future is cancelled where it may not go.

        With a slot and a place in the throttle's window taken; the place is the call's to give back
        (`Throttle.ended`).  Not made is what `trust` has run out for, and, when the daemon stops or
        the ERP asks to be left alone, whatever waits.
        """
        if self._defect is not None:
            defect, self._defect = self._defect, None
            raise defect
        future: Future[_T] = Future()
        with self._lock:
            self._queues.setdefault(rank, deque()).append(_Waiting(call, trust, future))
        # One turn of a thread for each call that waits: it makes whichever is next by then.
        self._threads.submit(self._work)
        return future

    def must_wait(self, rank: Rank) -> bool:
        """Whether a domain that is as urgent, or more so, has calls waiting."""
        with self._lock:
            return any(
                queue and other != rank and other.priority <= rank.priority
                for other, queue in self._queues.items()
            )

    def close(self) -> None:
        """Wait for the calls that are under way or wait."""
        self._threads.shutdown(wait=True)

    def _work(self) -> None:
        try:
            waiting = self._next()
        except Exception as error:  # noqa: BLE001 - nobody asks this thread: see `submit`
            self._defect = error
            self._hand_back()
            return
        if waiting is None:
            return
        try:
            said = self._make(waiting)
        except BaseException as error:  # noqa: BLE001 - raised to whoever asks for the result
            waiting.future.set_exception(error)
        else:
            waiting.future.set_result(said)

    def _make(self, waiting: _Waiting) -> Any:
        try:
            return waiting.call()
        finally:
            self._account.slots.give()

    def _next(self) -> _Waiting | None:
        """Wait for slot and place, and begin whatever is next then; None where nothing is left."""
        with self._door:
            if not self._takes_slot():
                return None
            waiting = None
            try:
                if self._takes_place():
                    waiting = self._begin()
                    if waiting is None:
                        self._account.throttle.ended(0)
            finally:
                if waiting is None:
                    self._account.slots.give()
            return waiting

    def _takes_slot(self) -> bool:
        while self._is_wanted():
            if self._account.slots.take(_LOOK_EVERY):
                return True
        return False

    def _takes_place(self) -> bool:
        while self._is_wanted():
            delay = self._account.delay()
            if delay <= 0:
                return True
            if self._account.is_quiet():
                # It may be for an hour, and 'run --once' would stand still as long.
                self._hand_back()
            else:
                self._sleeper.wait(min(delay, _LOOK_EVERY))
        return False

    def _is_wanted(self) -> bool:
        """Whether a call waits that may be made."""
        if self._sleeper.wait(0):
            self._hand_back()
        with self._lock:
            return bool(self._ready())

    def _ready(self) -> list[Rank]:
        """Who has a call that may be made; what may not be made any more is handed back."""
        now = self._clock.monotonic()
        for queue in self._queues.values():
            # The oldest is the first whose trust runs out.
            while queue and (queue[0].future.cancelled() or now >= queue[0].trust.until):
                queue.popleft().future.cancel()
        return [rank for rank, queue in self._queues.items() if queue]

    def _begin(self) -> _Waiting | None:
        with self._lock:
            while ready := self._ready():
                rank = self._turns.next(ready)
                waiting = self._queues[rank].popleft()
                if waiting.future.set_running_or_notify_cancel():
                    self._turns.made(rank, ready)
                    return waiting
        return None

    def _hand_back(self) -> None:
        """Nothing of what waits is made."""
        with self._lock:
            for queue in self._queues.values():
                while queue:
                    queue.popleft().future.cancel()
