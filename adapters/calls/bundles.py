"""Several events in one request, each as if it had been sent alone: `batch` in OData.

Where a protocol has an envelope for whole requests, the file says of one event's call and answer
what it would say without `batch`: each event's own request is put into the envelope, and each finds
its own answer in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Generic

from adapters.calls.answer import Judged
from adapters.calls.conversation import Conversation
from adapters.calls.declared import Envelope, Part, Push
from adapters.calls.outgoing import Outgoing, alike, not_sent, unfillable
from adapters.calls.wire_call import Call, read_answer
from adapters.http.transport import NotSent, Reply, Unanswered
from adapters.language.filters import ExpressionError
from sidecar.model.exchange import NONE_FITS, Reading
from sidecar.model.outcome import Rejected, Unknown
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
                broken.append(Result(outgoing.delivery, unfillable(error, outgoing.absent)))
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
            return [alike(part, unfillable(error, part[0].absent), None)]
        except NotSent as error:
            return [alike(part, not_sent(error), error.exchange)]
        except Unanswered as error:
            return [alike(part, Unknown(message=error.message), error.exchange)]
        try:
            answers = envelope.opened(push.call, reply)
        except ExpressionError as error:
            unusable = Unknown(message=f"the batch's answer is unusable: {error.message}")
            return [alike(part, unusable, reply.exchange, Reading(NONE_FITS, error.message))]
        if answers is None:
            return self._refused(push, part, reply, send)
        judged = [
            self._of_part(push, outgoing, answer, reply)
            for outgoing, answer in zip(part, answers, strict=True)
        ]
        return [_told(reply, part, judged)]

    def _refused(
        self, push: Push[Call], part: Sequence[Outgoing], reply: Reply, send: Send
    ) -> list[PushCall]:
        """The envelope was not opened: its answer is that of each."""
        judged = [self._judged(push, outgoing, reply) for outgoing in part]
        if any(isinstance(one.outcome, Rejected) for one in judged):
            # One of them may be to blame; none of the others shall be parked for it.
            half = len(part) // 2
            return [PushCall(reply.exchange), *send(part[:half]), *send(part[half:])]
        return [_told(reply, part, judged)]

    def _of_part(self, push: Push[Call], sent: Outgoing, part: Part | None, whole: Reply) -> Judged:
        if part is None:
            return _unread(f"the batch's answer says nothing of it; HTTP {whole.status}")
        shown = self._conversation.redact(part.content.decode(errors="replace"))
        told = replace(whole.exchange, status=part.status, answer=shown)
        reply = Reply(part.status, part.headers, part.content, told, whole.request)
        return self._judged(push, sent, reply)

    def _judged(self, push: Push[Call], outgoing: Outgoing, reply: Reply) -> Judged:
        try:
            response, evidence = read_answer(push.call, reply)
        except ExpressionError as error:
            return _unread(error.message)
        values = {**outgoing.values, "response": response}
        judged, _ = push.answer.judged(values, [outgoing.values], evidence)
        return judged[0] if judged else _unread("its answer cannot be told from the others'")


def _told(reply: Reply, part: Sequence[Outgoing], judged: Sequence[Judged]) -> PushCall:
    results = [
        Result(outgoing.delivery, one.outcome, one.reading)
        for outgoing, one in zip(part, judged, strict=True)
    ]
    return PushCall(reply.exchange, results)


def _unread(why: str) -> Judged:
    return Judged(Unknown(message=why), Reading(NONE_FITS, why))
