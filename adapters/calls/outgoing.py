"""A delivery on its way through the generic adapter, and calls that came to one and the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from adapters.calls.known_values import Identity
from adapters.http.transport import NotSent
from adapters.language.filters import ExpressionError
from adapters.language.scope import Values
from sidecar.model.outcome import Misconfigured, Outcome, Rejected, Retry, Unmapped
from sidecar.ports import Delivery, Exchange, PushCall, Reading, Result


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A delivery with what an expression may know of it.

    `known`: what was found or made for it; `absent`: steps of `first` that found nothing, each with
    what it did not find.
    """

    delivery: Delivery
    values: Values
    known: tuple[Identity, ...] = ()
    absent: Mapping[str, Sequence[str]] = field(default_factory=dict)


def unfillable(error: ExpressionError, absent: Mapping[str, Sequence[str]]) -> Outcome:
    """A call cannot be filled in: a fault of ours, or the ERP lacks what the call needs.

    `absent`: see `Outgoing`.
    """
    lacking = [
        one
        for name, told in absent.items()
        for one in told
        if f"first.{name} has" in error.message or f"first has no '{name}'" in error.message
    ]
    if lacking:
        return Rejected(message=f"the ERP has nothing for {', '.join(lacking)}", code="not_found")
    return Unmapped(message=error.message)


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
