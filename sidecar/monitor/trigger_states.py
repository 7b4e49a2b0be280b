"""How the triggers stand, looked at no more often than the server bears."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sidecar.capture.triggers import State, Triggers
from sidecar.ports import Clock


@dataclass(frozen=True, slots=True)
class TriggerStates:
    """Trigger → how it stands; `suspended`: why an operator took them off, None where none did."""

    states: Mapping[str, State]
    suspended: str | None

    @property
    def amiss(self) -> tuple[str, ...]:
        """Those that are not as planned and should be: while suspended, none should be there."""
        if self.suspended is not None:
            return ()
        return tuple(name for name, state in self.states.items() if state is not State.OK)


def read_triggers(triggers: Triggers) -> TriggerStates:
    """Look now: the plan is made from the whole live schema."""
    suspension = triggers.suspension()
    states = {one.name: one.state for one in triggers.status()}
    return TriggerStates(states, suspension.why if suspension else None)


class TriggerWatch:
    """Remembers what it saw for `every` seconds: information_schema is slow where tables abound."""

    def __init__(self, triggers: Triggers, clock: Clock, every: float) -> None:
        self._triggers = triggers
        self._clock = clock
        self._every = every
        self._seen: TriggerStates | None = None
        self._at = 0.0

    def look(self) -> TriggerStates:
        """As they stand, or stood a moment ago."""
        now = self._clock.monotonic()
        if self._seen is None or now - self._at >= self._every:
            self._seen, self._at = read_triggers(self._triggers), now
        return self._seen
