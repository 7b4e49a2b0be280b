"""Several events in one request, each as if it had been sent alone: `batch` in OData.

Where a protocol has an envelope for whole requests, the file says of one event's call and answer
what it would say without `batch`: each event's own request is put into the envelope, and each finds
its own answer in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Generic

from adapters.calls.conversation import Conversation
from adapters.calls.declared import Envelope, Part, Push
from adapters.calls.outgoing import Outgoing, alike, not_sent
from adapters.calls.wire_call import Call, read_answer
from adapters.http.transport import NotSent, Reply, Unanswered
from adapters.language.filters import ExpressionError
from sidecar.model.outcome import Outcome, Rejected, Unknown
from sidecar.ports import PushCall, Result

#: Sends events that no envelope is needed for, or each half of those that one was refused with.
Send = Callable[[Sequence[Outgoing]], list[PushCall]]


class Bundles(Generic[Call]):
    """Used by several threads."""

    def __init__(self, conversation: Conversation[Call]) -> None:
        self._conversation = conversation

    def pushed(
        self, push: Push[Call], envelope: Envelope[Call], part: Sequence[Outgoing], send: Send
    ) -> list[PushCall]:
        """One envelope with all that can be filled in."""
        broken: list[Result] = []
        sound: list[Outgoing] = []
        for outgoing in part:
            try:
                self._conversation.tried(push.call, outgoing.values)
            except ExpressionError as error:
                broken.append(Result(outgoing.delivery, outgoing.unfillable(error)))
            else:
                sound.append(outgoing)
        unsent = [PushCall(None, broken)] if broken else []
        if len(sound) < 2:
            return [*unsent, *send(sound)]
        return [*unsent, *self._sent(push, envelope, sound, send)]

    def _sent(
        self, push: Push[Call], envelope: Envelope[Call], part: Sequence[Outgoing], send: Send
    ) -> list[PushCall]:
        try:
            reply = self._conversation.send_together(
                push.call,
                [outgoing.values for outgoing in part],
                lambda requests: envelope.sealed(push.call, requests),
            )
        except ExpressionError as error:
            return [alike(part, part[0].unfillable(error), None)]
        except NotSent as error:
            return [alike(part, not_sent(error), error.exchange)]
        except Unanswered as error:
            return [alike(part, Unknown(message=error.message), error.exchange)]
        try:
            answers = envelope.opened(push.call, reply)
        except ExpressionError as error:
            unusable = Unknown(message=f"the batch's answer is unusable: {error.message}")
            return [alike(part, unusable, reply.exchange)]
        if answers is None:
            return self._refused(push, part, reply, send)
        results = [
            Result(outgoing.delivery, self._of_part(push, outgoing, answer, reply))
            for outgoing, answer in zip(part, answers, strict=True)
        ]
        return [PushCall(reply.exchange, results)]

    def _refused(
        self, push: Push[Call], part: Sequence[Outgoing], reply: Reply, send: Send
    ) -> list[PushCall]:
        """The envelope was not opened: its answer is that of each."""
        outcomes = [self._outcome(push, outgoing, reply) for outgoing in part]
        if any(isinstance(outcome, Rejected) for outcome in outcomes):
            # One of them may be to blame; none of the others shall be parked for it.
            half = len(part) // 2
            return [PushCall(reply.exchange), *send(part[:half]), *send(part[half:])]
        told = zip(part, outcomes, strict=True)
        return [PushCall(reply.exchange, [Result(one.delivery, outcome) for one, outcome in told])]

    def _of_part(
        self, push: Push[Call], sent: Outgoing, part: Part | None, whole: Reply
    ) -> Outcome:
        if part is None:
            return Unknown(message=f"the batch's answer says nothing of it; HTTP {whole.status}")
        shown = self._conversation.redact(part.content.decode(errors="replace"))
        told = replace(whole.exchange, status=part.status, answer=shown)
        reply = Reply(part.status, part.headers, part.content, told, whole.request)
        return self._outcome(push, sent, reply)

    def _outcome(self, push: Push[Call], outgoing: Outgoing, reply: Reply) -> Outcome:
        try:
            response, evidence = read_answer(push.call, reply)
        except ExpressionError as error:
            return Unknown(message=error.message)
        values = {**outgoing.values, "response": response}
        outcomes, _ = push.answer.outcomes(values, [outgoing.values], evidence)
        return (
            outcomes[0] if outcomes else Unknown(message="its answer cannot be told from others'")
        )
