"""The calls of one domain that are on their way."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from sidecar.delivery.courier import Parcel
from sidecar.ledger.claims import Claimed
from sidecar.ledger.settling import Ended
from sidecar.ports import Clock

#: Seconds for which a call that has ended waits for others, so that they are settled together: a
#: settlement costs two disk syncs and a dozen statements, for one event or for fifty.
TOGETHER = 0.03
#: Seconds over which it is counted how many calls land.
_OF_LATE = 1.0


class Flight:
    """Used by the pump's thread; the calls run in the pump's workers."""

    def __init__(self, clock: Clock) -> None:
        self.calls: dict[Future[list[Ended]], Parcel] = {}
        self._clock = clock
        self._landings: deque[tuple[float, int]] = deque()
        self._ended: list[Future[list[Ended]]] = []
        self._enough = 1
        self._changed = threading.Condition()

    def send(
        self,
        workers: ThreadPoolExecutor,
        carry: Callable[[Parcel], list[Ended]],
        parcel: Parcel,
    ) -> None:
        """Let a worker make the call."""
        call = workers.submit(carry, parcel)
        self.calls[call] = parcel
        call.add_done_callback(self._note)

    def events(self) -> list[Claimed]:
        """Everything that is on its way."""
        return [claimed for parcel in self.calls.values() for claimed in parcel.events]

    def cancel(self) -> None:
        """Call back what no worker has begun."""
        for call in list(self.calls):
            call.cancel()

    def landed(self, patience: float) -> list[tuple[Parcel, list[Ended]]]:
        """What has come of the calls that have ended; empty when none did within `patience`.

        Waits a moment for more, unless half of all has ended.  A call that was not made has come to
        nothing.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._ended, patience):
                return []
            self._enough = (len(self.calls) + 1) // 2
            self._changed.wait_for(lambda: len(self._ended) >= self._enough, TOGETHER)
            ended, self._ended, self._enough = self._ended, [], 1
        self._landings.append((self._clock.monotonic(), len(ended)))
        return [(self.calls.pop(call), [] if call.cancelled() else call.result()) for call in ended]

    def landed_of_late(self) -> int:
        """Calls that ended in the last second."""
        since = self._clock.monotonic() - _OF_LATE
        while self._landings and self._landings[0][0] < since:
            self._landings.popleft()
        return sum(count for _, count in self._landings)

    def _note(self, call: Future[list[Ended]]) -> None:
        with self._changed:
            self._ended.append(call)
            if len(self._ended) in (1, self._enough):
                self._changed.notify()
