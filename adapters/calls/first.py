"""What is done before an order is sent: the calls under `first` in the file of calls.

An order names what must be there already, its customer above all.  Each of these calls may be
repeated without harm (the file of calls promises that), so whatever becomes of one, the order
itself was not sent and nothing of it is in doubt.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Generic

import msgspec

from adapters.calls.mapping import Step
from adapters.calls.wire_call import Call, read_answer
from adapters.http.transport import NotSent, Reply, Unanswered
from adapters.language.compiler import Values
from adapters.language.filters import ExpressionError
from sidecar.model.outcome import (
    Accepted,
    Conflict,
    Duplicate,
    Misconfigured,
    Partial,
    Retry,
    Throttled,
    Unknown,
    Unmapped,
)
from sidecar.ports import Result


class FirstCalls(Generic[Call]):
    """`send` fills a call in and makes it; `redact` strikes our secrets out of the ERP's words."""

    def __init__(self, send: Callable[[Call, Values], Reply], redact: Callable[[str], str]) -> None:
        self._send = send
        self._redact = redact

    def obstacles(
        self, steps: Sequence[Step[Call]], events: Sequence[Values]
    ) -> list[Result | None]:
        """For each event what keeps it from being sent, None where nothing does."""
        stopped: list[Result | None] = []
        for one in events:
            # An ERP that has had enough, or knows us no more, is not asked again for each of them.
            stopped.append(_same_for_all(stopped) or self._obstacle(steps, one))
        return stopped

    def _obstacle(self, steps: Sequence[Step[Call]], values: Values) -> Result | None:
        for number, step in enumerate(steps):
            if result := self._held_up(step, values):
                return replace(result, before=number)
        return None

    def _held_up(self, step: Step[Call], values: Values) -> Result | None:
        try:
            reply = self._send(step.call, values)
        except ExpressionError as wrong:
            return Result(Unmapped(message=wrong.message))
        except NotSent as wrong:
            return not_sent(wrong)
        except Unanswered as wrong:
            return Result(Retry(message=f"first, {wrong.message}"), wrong.exchange)
        try:
            response, evidence = read_answer(step.call, reply)
        except ExpressionError as wrong:
            return Result(Retry(message=self._redact(f"first, {wrong.message}")), reply.exchange)
        outcome = step.answer.outcome({**values, "response": response}, evidence)
        # What was saved in part is there all the same, and that is what the order needs.
        if isinstance(outcome, Accepted | Duplicate | Partial):
            return None
        told = self._redact(f"first, {reply.request}: {outcome.message}")
        if isinstance(outcome, Unknown | Conflict):
            return Result(Retry(message=told), reply.exchange)
        return Result(msgspec.structs.replace(outcome, message=told), reply.exchange)


def not_sent(wrong: NotSent) -> Result:
    """The result of an order of which nothing reached the ERP."""
    if wrong.lasting:
        return Result(Misconfigured(message=wrong.message), wrong.exchange)
    return Result(Retry(message=wrong.message, sent=False), wrong.exchange)


def _same_for_all(results: Sequence[Result | None]) -> Result | None:
    """The last result, where it says nothing of its event but of all calls."""
    last = results[-1] if results else None
    return last if last and isinstance(last.outcome, Throttled | Misconfigured) else None
