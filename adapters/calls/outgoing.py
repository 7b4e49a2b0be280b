"""A delivery on its way through the generic adapter, and calls that came to one and the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from adapters.http.transport import NotSent
from adapters.language.compiler import Values
from sidecar.model.outcome import Misconfigured, Outcome, Retry
from sidecar.ports import Delivery, Exchange, PushCall, Reading, Result


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A delivery with what an expression may know of it."""

    delivery: Delivery
    values: Values


def alike(
    part: Sequence[Outgoing],
    outcome: Outcome,
    exchange: Exchange | None,
    reading: Reading | None = None,
) -> PushCall:
    """A call that came to the same for all that it was about."""
    return PushCall(exchange, [Result(outgoing.delivery, outcome, reading) for outgoing in part])


def not_sent(error: NotSent) -> Outcome:
    """The outcome of an order of which nothing reached the ERP."""
    if error.lasting:
        return Misconfigured(message=error.message)
    return Retry(message=error.message, sent=False)
