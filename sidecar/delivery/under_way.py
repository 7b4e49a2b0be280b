"""The calls of one domain that are under way, or wait for their turn."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future

from sidecar.delivery.parcels import Parcel
from sidecar.ledger.claims import Claimed
from sidecar.ledger.settling import Ended
from sidecar.ports import Clock

#: Seconds for which a call that has ended waits for others, so that they are settled together: a
#: settlement costs two disk syncs and a dozen statements, for one event or for fifty.
TOGETHER = 0.03
#: Seconds over which it is counted how many calls end.
_OF_LATE = 1.0


class UnderWay:
    """Used by the pump's thread; the calls are made in the account's workers."""

    def __init__(self, clock: Clock) -> None:
        self.calls: dict[Future[list[Ended]], Parcel] = {}
        self._clock = clock
        self._counted: deque[tuple[float, int]] = deque()
        self._over: list[Future[list[Ended]]] = []
        self._enough = 1
        self._changed = threading.Condition()

    def add(self, call: Future[list[Ended]], parcel: Parcel) -> None:
        """A call that a worker will make."""
        self.calls[call] = parcel
        call.add_done_callback(self._note)

    def events(self) -> list[Claimed]:
        """Everything that is under way."""
        return [claimed for parcel in self.calls.values() for claimed in parcel.events]

    def cancel(self, which: Callable[[Parcel], bool] = lambda _: True) -> None:
        """Call back what no worker has begun."""
        for call, parcel in list(self.calls.items()):
            if which(parcel):
                call.cancel()

    def ended(self, patience: float) -> list[tuple[Parcel, list[Ended]]]:
        """What has come of the calls that have ended; empty when none did within `patience`.

        Waits a moment for more, unless half of all has ended.  A call that was not made has come to
        nothing.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._over, patience):
                return []
            self._enough = (len(self.calls) + 1) // 2
            self._changed.wait_for(lambda: len(self._over) >= self._enough, TOGETHER)
            over, self._over, self._enough = self._over, [], 1
        made = sum(not call.cancelled() for call in over)
        self._counted.append((self._clock.monotonic(), made))
        return [(self.calls.pop(call), [] if call.cancelled() else call.result()) for call in over]

    def ended_of_late(self) -> int:
        """Calls that were made and ended in the last second."""
        since = self._clock.monotonic() - _OF_LATE
        while self._counted and self._counted[0][0] < since:
            self._counted.popleft()
        return sum(count for _, count in self._counted)

    def _note(self, call: Future[list[Ended]]) -> None:
        with self._changed:
            self._over.append(call)
            if len(self._over) in (1, self._enough):
                self._changed.notify()
