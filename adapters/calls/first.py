"""What is done before an order is sent: the calls under `first` in the file of calls.

An order names what must be there already, its customer above all.  Each of these calls may be
repeated without harm (the file of calls promises that), so whatever becomes of one, the order
itself was not sent and nothing of it is in doubt.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic

import msgspec

from adapters.calls.declared import Step
from adapters.calls.outgoing import Outgoing, alike, not_sent
from adapters.calls.wire_call import Call, read_answer
from adapters.http.transport import NotSent, Reply, Unanswered
from adapters.language.compiler import Values
from adapters.language.filters import ExpressionError
from sidecar.model.outcome import (
    Accepted,
    Conflict,
    Duplicate,
    Misconfigured,
    Outcome,
    Partial,
    Retry,
    Throttled,
    Unknown,
    Unmapped,
)
from sidecar.ports import Exchange, PushCall


class FirstCalls(Generic[Call]):
    """`send` fills a call in and makes it."""

    def __init__(self, send: Callable[[Call, Values], Reply]) -> None:
        self._send = send

    def made(
        self, steps: Sequence[Step[Call]], part: Sequence[Outgoing]
    ) -> tuple[list[PushCall], list[Outgoing]]:
        """The calls that were made, and those deliveries that nothing keeps from being sent."""
        calls: list[PushCall] = []
        sound: list[Outgoing] = []
        for index, outgoing in enumerate(part):
            obstacle = None
            for step in steps:
                exchange, obstacle = self._held_up(step, outgoing.values)
                if isinstance(obstacle, Throttled | Misconfigured):
                    # An ERP that has had enough, or knows us no more, is not asked for the others.
                    return [*calls, alike(part[index:], obstacle, exchange)], sound
                if obstacle:
                    calls.append(alike([outgoing], obstacle, exchange))
                    break
                calls.append(PushCall(exchange))
            if obstacle is None:
                sound.append(outgoing)
        return calls, sound

    def _held_up(self, step: Step[Call], values: Values) -> tuple[Exchange | None, Outcome | None]:
        """The call, and what keeps the order from being sent after it, if anything does."""
        try:
            reply = self._send(step.call, values)
        except ExpressionError as error:
            return None, Unmapped(message=error.message)
        except NotSent as error:
            return error.exchange, not_sent(error)
        except Unanswered as error:
            return error.exchange, Retry(message=f"first, {error.message}")
        return reply.exchange, self._obstacle(step, values, reply)

    def _obstacle(self, step: Step[Call], values: Values, reply: Reply) -> Outcome | None:
        """What the answer has against the order."""
        try:
            response, evidence = read_answer(step.call, reply)
        except ExpressionError as error:
            return Retry(message=f"first, {error.message}")
        outcome = step.answer.outcome({**values, "response": response}, evidence)
        # What was saved in part is there all the same, and that is what the order needs.
        if isinstance(outcome, Accepted | Duplicate | Partial):
            return None
        told = f"first, {reply.request}: {outcome.message}"
        if isinstance(outcome, Unknown | Conflict):
            return Retry(message=told)
        return msgspec.structs.replace(outcome, message=told)
