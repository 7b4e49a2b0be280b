"""What the calls of a push say of each event: one outcome, or the adapter has failed.

An adapter may be anybody's.  An event of which its calls say nothing was perhaps sent, and of two
outcomes one is not true: both are in doubt, as after an answer that was lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sidecar.model.errors import BadData
from sidecar.model.outcome import Outcome
from sidecar.ports import Exchange, PushCall, Reading


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome of one delivery, and what was seen of the call that had it.

    `reading`: what of a file of calls took the answer; `events`: how many the call decided about.
    """

    outcome: Outcome
    exchange: Exchange | None
    reading: Reading | None = None
    events: int = 1


def answers(calls: Iterable[PushCall]) -> dict[str, list[Answer]]:
    """Everything that is said of each event, by its id."""
    said: dict[str, list[Answer]] = {}
    for call in calls:
        for result in call.results:
            answer = Answer(result.outcome, call.exchange, result.reading, len(call.results))
            said.setdefault(result.delivery.event.id, []).append(answer)
    return said


def only(said: Sequence[Answer]) -> Answer:
    """The one answer that an event has.  Raises BadData where it has none, or several."""
    if len(said) != 1:
        raise BadData(f"it gave {len(said) or 'no'} outcomes for one event")
    return said[0]
