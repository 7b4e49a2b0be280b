"""What was found or made before an event was sent, as long as it may be believed.

A search may lag behind what was made a moment ago, by us or by the daemon that died before this
one: whoever believes its "none" makes a second customer.  So what was made is remembered for as
long as absence is not believed, and nothing is made within that time after a call of which it is
not known what became, nor after the first call of this process.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

#: Values that are remembered; the oldest are forgotten first.
MOST = 20_000

Identity = tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class _Known:
    """`made`: by us, so that a search may not show it before `until`."""

    value: Any
    until: float
    made: bool


class KnownValues:
    """Used by several threads; an identity is the place of a step and what it asks for."""

    def __init__(self, clock: Callable[[], float], trust_absence_after: float) -> None:
        """`clock`: monotonic seconds; `trust_absence_after`: seconds."""
        self._clock = clock
        self._trust_absence_after = trust_absence_after
        self._lock = threading.Lock()
        self._known: OrderedDict[Identity, _Known] = OrderedDict()
        self._doubted: dict[Identity, float] = {}
        self._taken: dict[Identity, tuple[threading.Lock, int]] = {}
        self._began: float | None = None

    @contextmanager
    def alone(self, identity: Identity) -> Iterator[None]:
        """One at a time asks for, and makes, the same: two would make it twice."""
        with self._lock:
            self._began = self._clock() if self._began is None else self._began
            lock, users = self._taken.get(identity, (threading.Lock(), 0))
            self._taken[identity] = (lock, users + 1)
        try:
            with lock:
                yield
        finally:
            with self._lock:
                lock, users = self._taken.pop(identity)
                if users > 1:
                    self._taken[identity] = (lock, users - 1)

    def get(self, identity: Identity) -> tuple[Any] | None:
        """The value alone in a tuple; None where none is known any more."""
        with self._lock:
            known = self._known.get(identity)
            if known is None:
                return None
            if known.until <= self._clock():
                del self._known[identity]
                return None
            return (known.value,)

    def found(self, identity: Identity, value: Any, keep: float) -> None:
        """Remember it for so many seconds."""
        with self._lock:
            self._doubted.pop(identity, None)
            if keep > 0:
                self._remember(identity, _Known(value, self._clock() + keep, made=False))

    def was_made(self, identity: Identity, value: Any, keep: float) -> None:
        """Remember it at least until a search must show it."""
        with self._lock:
            self._doubted.pop(identity, None)
            until = self._clock() + max(keep, self._trust_absence_after)
            self._remember(identity, _Known(value, until, made=True))

    def doubt(self, identity: Identity) -> float:
        """It was perhaps made; seconds until its absence may be believed."""
        with self._lock:
            now = self._clock()
            self._doubted = {one: until for one, until in self._doubted.items() if until > now}
            self._doubted[identity] = now + self._trust_absence_after
            return self._trust_absence_after

    def wait(self, identity: Identity) -> float:
        """Seconds until a search that finds none may be believed; 0: now."""
        with self._lock:
            now = self._clock()
            began = now if self._began is None else self._began
            until = max(self._doubted.get(identity, 0.0), began + self._trust_absence_after)
            return max(0.0, until - now)

    def forget(self, identities: Iterable[Identity]) -> None:
        """What was found may be wrong: ask again.  What was just made is not asked for yet."""
        with self._lock:
            for identity in identities:
                known = self._known.get(identity)
                if known is not None and not known.made:
                    del self._known[identity]

    def _remember(self, identity: Identity, known: _Known) -> None:
        self._known[identity] = known
        self._known.move_to_end(identity)
        while len(self._known) > MOST:
            self._known.popitem(last=False)
