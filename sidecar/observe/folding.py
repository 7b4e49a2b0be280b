"""The same trouble, told a thousand times, becomes one line at once and then one a minute.

Only events that name no order are folded: a line about an order is a fact of its own, and a monitor
that counts lines must see each.  A folded line is the last of those it stands for, with `repeated`:
their number.  So whoever adds up `repeated`, and counts 1 for a line without it, has them all.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from sidecar.observe.log_file import Line

WINDOW_SECONDS = 60.0
FOLDED = frozenset({
    "breaker.still_open", "capture.trigger_fault", "delivery.left_to_lease",
    "delivery.settling_again", "library", "station.failed", "station.unnoted", "adapter.failed",
    "adapter.not_renewed",
    "throttle.slower", "throttle.wait_cut",
})  # fmt: skip
#: Event → the beginning of those whose trouble it ends: after it, the same is news again.
_ENDS = {
    "breaker.closed": "breaker.",
    "station.recovered": "station.",
    "throttle.recovered": "throttle.",
}
#: After these nothing more is held back.
_LAST = frozenset({"daemon.failed", "daemon.stopped"})
#: Whose trouble it is: that of another station or ERP account goes on.
_OWNERS = ("station", "account")
#: What differs between two lines that say the same.
_VARYING = frozenset({"ts", "rate", "slots", "asked", "waits"})

_Key = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class _Run:
    """Lines that say the same: since when, the last one that was held back, how many were."""

    since: float
    last: Line
    held: int = 0


class Folding:
    """Holds back what was said less than a minute ago."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._runs: dict[_Key, _Run] = {}

    def take(self, line: Line) -> list[Line]:
        """The lines to write now that `line` has come."""
        if line["event"] in _LAST:
            return [*self.rest(), line]
        if line["event"] in _ENDS:
            return [*self._ended_by(line), line]
        if line["event"] not in FOLDED:
            return [line]
        written = self.due()
        run = self._runs.get(key := _key(line))
        if run is None:
            self._runs[key] = _Run(self._monotonic(), line)
            return [*written, line]
        run.last = line
        run.held += 1
        return written

    def due(self) -> list[Line]:
        """What was held back for a minute; trouble that goes on is held back for another."""
        now = self._monotonic()
        written = []
        for key, run in list(self._runs.items()):
            if now - run.since < WINDOW_SECONDS:
                continue
            if run.held:
                written.append(_folded(run))
                self._runs[key] = _Run(now, run.last)
            else:
                del self._runs[key]
        return written

    def _ended_by(self, end: Line) -> list[Line]:
        """What was held back of the trouble that is over.

        Whatever fails and recovers by turns must not make the others' trouble new again.
        """
        ended = {key: run for key, run in self._runs.items() if _ends(end, run.last)}
        self._runs = {key: run for key, run in self._runs.items() if key not in ended}
        return [_folded(run) for run in ended.values() if run.held]

    def rest(self) -> list[Line]:
        """All that is still held back: the end of it, or of the log."""
        written = [_folded(run) for run in self._runs.values() if run.held]
        self._runs.clear()
        return written


def _ends(end: Line, trouble: Line) -> bool:
    return trouble["event"].startswith(_ENDS[end["event"]]) and all(
        trouble.get(owner) == end[owner] for owner in _OWNERS if owner in end
    )


def _folded(run: _Run) -> Line:
    return {**run.last, "repeated": run.held}


def _key(line: Line) -> _Key:
    # Numbers in a message (a port, a thread of the database) do not make it another trouble.
    return tuple(
        (name, re.sub(r"\d+", "#", str(value)) if name == "message" else str(value))
        for name, value in sorted(line.items())
        if name not in _VARYING
    )
