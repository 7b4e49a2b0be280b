"""How many calls to an ERP account are on their way at once, over all domains.

No more than configured, and fewer while the ERP is slow: what it does in parallel beyond its
strength only makes each call slower.  A call is slow when it takes much longer than calls of its
kind usually do; the number is then cut, once per round of calls, and grows back by one per round.
"""

from __future__ import annotations

import threading

from sidecar.ports import Clock

_CUT = 0.7
#: Weight of the newest call in how slow calls are at present.
_NEWEST = 0.2
#: What is usual follows faster calls quickly and slower ones at a snail's pace: an ERP that stays
#: slow is the usual one after some thousand calls.
_FASTER, _SLOWER = 0.1, 1.0005
#: Nobody minds that much (seconds), whatever is usual.
_NEGLIGIBLE = 0.1
#: Slower than that share of `slow_at` is no time to grow.
_WELL = 0.6


class Slots:
    """Thread-safe.  `limit` is the present number, `most` the configured one.

    `slow_at`: a call that takes so many times as long as usual is slow.
    """

    def __init__(self, most: int, slow_at: float, clock: Clock) -> None:
        self.most = most
        self._limit = float(most)
        self._slow_at = slow_at
        self._clock = clock
        self._free = threading.Condition()
        self._taken = 0
        self._usual: dict[str, float] = {}
        self._slowness = 1.0
        self._cut_at = 0.0
        self._since_cut = 0

    @property
    def limit(self) -> int:
        """How many calls may be on their way."""
        return max(1, int(self._limit))

    def take(self, patience: float) -> bool:
        """Take a slot; False when none came free within `patience` seconds."""
        with self._free:
            if not self._free.wait_for(lambda: self._taken < self.limit, patience):
                return False
            self._taken += 1
            return True

    def give(self) -> None:
        """Give the slot back."""
        with self._free:
            self._taken -= 1
            self._free.notify()

    def restore(self, limit: int) -> None:
        """Take up what the ledger remembers from before a restart."""
        with self._free:
            self._limit = float(min(self.most, max(1, limit)))

    def refused(self, took: float = 0.0) -> None:
        """The ERP said, `took` seconds after the call was sent, that we ask too much."""
        with self._free:
            if self._clock.monotonic() - took >= self._cut_at:
                self._cut(0.5)

    def answered(self, kind: str, took: float) -> None:
        """A call of this kind was answered after `took` seconds."""
        with self._free:
            usual = self._learnt(kind, took)
            slow = took - usual > _NEGLIGIBLE
            self._slowness += _NEWEST * ((took / usual if slow else 1.0) - self._slowness)
            self._since_cut += 1
            if self._slowness > self._slow_at:
                if self._since_cut >= self.limit:
                    self._cut(_CUT)
            elif self._slowness < max(1.5, self._slow_at * _WELL) and self._limit < self.most:
                self._limit = min(float(self.most), self._limit + 1 / self._limit)
                self._free.notify()

    def _learnt(self, kind: str, took: float) -> float:
        known = self._usual.get(kind)
        if known is None:
            usual = took
        elif took < known:
            usual = known + _FASTER * (took - known)
        else:
            usual = min(took, known * _SLOWER)
        self._usual[kind] = max(usual, 1e-6)
        return self._usual[kind]

    def _cut(self, share: float) -> None:
        self._limit = max(1.0, self._limit * share)
        self._cut_at = self._clock.monotonic()
        self._since_cut = 0
