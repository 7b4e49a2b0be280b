"""The calls of one domain that are on their way."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from sidecar.delivery.courier import Parcel
from sidecar.ledger.claims import Claimed
from sidecar.ledger.settling import Ended

#: Seconds for which a call that has ended waits for others, so that they are settled together: a
#: settlement costs two disk syncs and a dozen statements, for one event or for fifty.
TOGETHER = 0.03


class Flight:
    """Used by the pump's thread; the calls run in the pump's workers."""

    def __init__(self, began: float) -> None:
        self.calls: dict[Future[list[Ended]], Parcel] = {}
        #: When the leases of what is on its way were last renewed (monotonic).
        self.renewed_at = began
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

    def landed(self, patience: float, low_water: int) -> list[tuple[Parcel, list[Ended]]]:
        """What has come of the calls that have ended; empty when none did within `patience`.

        Waits a moment for more, unless no more than `low_water` would be left on their way.  A call
        that was not made has come to nothing.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._ended, patience):
                return []
            self._enough = max(1, len(self.calls) - low_water)
            self._changed.wait_for(lambda: len(self._ended) >= self._enough, TOGETHER)
            ended, self._ended, self._enough = self._ended, [], 1
        return [(self.calls.pop(call), [] if call.cancelled() else call.result()) for call in ended]

    def _note(self, call: Future[list[Ended]]) -> None:
        with self._changed:
            self._ended.append(call)
            if len(self._ended) in (1, self._enough):
                self._changed.notify()
