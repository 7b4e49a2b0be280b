"""What is done after an event was accepted: what stands under `then` in the file of calls.

A draft is confirmed, a discount is set once there are lines.  The event is booked by then: whatever
becomes of a step, the event is not sent again.  What is not done is gone on with later, and asked
for before it is repeated (`unless`), with what the ERP tells of the document.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic

from msgspec import structs

from adapters.calls.asking import Asking, Held, held
from adapters.calls.conversation import Conversation
from adapters.calls.declared import Inquiry, ThenStep
from adapters.calls.outgoing import Outgoing, not_sent
from adapters.calls.wire_call import Call, read_answer
from adapters.http.transport import NotSent, Reply, Unanswered
from adapters.language.filters import ExpressionError
from adapters.language.scope import Values
from sidecar.model.errors import NotReached, Unavailable
from sidecar.model.exchange import AFTER
from sidecar.model.outcome import (
    Accepted,
    Booked,
    Conflict,
    Duplicate,
    Misconfigured,
    Outcome,
    Partial,
    Rejected,
    Retry,
    Taken,
    Throttled,
    Unfinished,
    Unknown,
    Unmapped,
    name_of,
    reference_key,
)
from sidecar.ports import Delivery, Exchange, Link, PushCall, Reading, Result

#: What a step may know of the document, beside what the file's `more` reads of it.
OF_LINK = ("reference", "key", "status", "currency", "total", "tax", "ref")


class _NotDone(Exception):
    """A step that is not done, and the call that said so."""

    def __init__(self, outcome: Outcome, exchange: Exchange | None = None) -> None:
        super().__init__()
        self.outcome = outcome
        self.exchange = exchange


@dataclass(frozen=True, slots=True)
class Finished:
    """What an accepted event came to after its steps, and the calls that were made for them."""

    outcome: Outcome
    exchanges: Sequence[Exchange]

    def calls(self, delivery: Delivery, accepted: Sequence[PushCall]) -> list[PushCall]:
        """All calls, the last of which has the event's result; `accepted`: those before."""
        made = [*accepted, *map(PushCall, self.exchanges)] or [PushCall(None)]
        *before, last = made
        # Without a step it is the answer to the event itself that is told.
        known = [result.reading for result in last.results]
        reading = known[0] if known else Reading(AFTER)
        result = Result(delivery, self.outcome, reading)
        return [*(PushCall(call.exchange) for call in before), PushCall(last.exchange, [result])]


class ThenCalls(Generic[Call]):
    """Used by several threads."""

    def __init__(self, conversation: Conversation[Call], asking: Asking[Call]) -> None:
        self._conversation = conversation
        self._asking = asking

    def finish(
        self, steps: Sequence[ThenStep[Call]], outgoing: Outgoing, document: Held
    ) -> Finished:
        """Do what is still to be done of a document that the ERP has taken."""
        booked = document.booked
        exchanges: list[Exchange] = []
        for step in steps:
            link = link_of(booked, document.more, outgoing.delivery)
            values = {**outgoing.values, "link": link}
            try:
                if not _is_due(step, values):
                    continue
                reply = self._sent(step, values)
                booked = self._done(step, values, reply, booked)
            except _NotDone as obstacle:
                if obstacle.exchange is not None:
                    exchanges.append(obstacle.exchange)
                return Finished(_left(step, booked, obstacle.outcome), exchanges)
            exchanges.append(reply.exchange)
        return Finished(Accepted(booked=booked), exchanges)

    def go_on(
        self,
        steps: Sequence[ThenStep[Call]],
        outgoing: Outgoing,
        inquiry: Inquiry[Call] | None,
    ) -> list[PushCall]:
        """As `finish`, for an event that was accepted before: the ERP is asked how far it is."""
        delivery, link = outgoing.delivery, outgoing.delivery.link
        if inquiry is None:
            return Finished(_unaskable(link), ()).calls(delivery, ())
        asked = {"refs": (delivery.ref,)} if inquiry.batch else {"ref": delivery.ref}
        try:
            answered = self._asking.answered(inquiry, asked)
            document = _ours(held(inquiry, answered), link)
        except Unavailable as error:
            exchanges = () if error.exchange is None else (error.exchange,)
            return Finished(_unasked(link, error), exchanges).calls(delivery, ())
        call = PushCall(answered.exchange)
        if document is None:
            message = "asked how far its steps are, the ERP does not show the document"
            return Finished(_waiting(link, message, "retry"), ()).calls(delivery, [call])
        return self.finish(steps, outgoing, document).calls(delivery, [call])

    def _sent(self, step: ThenStep[Call], values: Values) -> Reply:
        try:
            return self._conversation.send(step.call, values)
        except ExpressionError as error:
            raise _NotDone(Unmapped(message=error.message)) from error
        except NotSent as error:
            raise _NotDone(not_sent(error), error.exchange) from error
        except Unanswered as error:
            raise _NotDone(Unknown(message=error.message), error.exchange) from error

    def _done(self, step: ThenStep[Call], values: Values, reply: Reply, booked: Booked) -> Booked:
        """The document as it is after the step."""
        try:
            response, evidence = read_answer(step.call, reply)
        except ExpressionError as error:
            raise _NotDone(Unknown(message=error.message), reply.exchange) from error
        outcome = step.answer.outcome({**values, "response": response}, evidence)
        match outcome:
            case Accepted(booked=changed):
                return with_changes(booked, changed)
            case Duplicate():
                return booked
            case Retry(message=message) if evidence.doubtful:
                raise _NotDone(Unknown(message=message), reply.exchange)
            case _:
                raise _NotDone(outcome, reply.exchange)


def with_changes(booked: Booked, changed: Booked) -> Booked:
    """What an answer says of the document, and where it is silent what was known before."""
    told = {
        name: value
        for name, value in structs.asdict(changed).items()
        if value is not None and name != "unread"
    }
    unread = "; ".join(filter(None, (booked.unread, changed.unread)))
    return structs.replace(booked, **told, unread=unread)


def link_of(booked: Booked, more: Mapping[str, Any], delivery: Delivery) -> dict[str, Any]:
    """`link` in the expressions of a step."""
    told = {name: getattr(booked, name) for name in OF_LINK if name != "ref"}
    return {**more, **told, "ref": delivery.ref}


def _is_due(step: ThenStep[Call], values: Values) -> bool:
    try:
        if step.when is not None and not step.when(values):
            return False
        return not step.unless.holds(values)
    except ExpressionError as error:
        raise _NotDone(Unmapped(message=error.message)) from error


def _left(step: ThenStep[Any], booked: Booked, outcome: Outcome) -> Outcome:
    """What an event comes to that was accepted and of which this step is not done."""
    message = f"then.{step.name}: {getattr(outcome, 'message', '')}"
    match outcome:
        case Rejected(message=told, code=code):
            named = f"{code}: " if code else ""
            return Partial(booked=booked, what=f"then.{step.name} was refused: {named}{told}")
        case Partial(what=what):
            return Partial(booked=booked, what=f"then.{step.name}: {what}")
        case Unmapped():
            return Partial(booked=booked, what=message)
        case Retry(after=after) | Throttled(after=after):
            return Unfinished(booked=booked, message=message, cause=name_of(outcome), after=after)
        case Conflict() | Misconfigured() | Taken() | Unknown():
            return Unfinished(booked=booked, message=message, cause=name_of(outcome))
        case _:
            raise ValueError(name_of(outcome))


def _ours(documents: Sequence[Held], link: Link | None) -> Held | None:
    """The linked document; where no other one is there, the only one."""
    if link is not None:
        key = reference_key(link.reference)
        for document in documents:
            if reference_key(document.booked.reference) == key:
                return document
    return documents[0] if len(documents) == 1 else None


def _unasked(link: Link | None, error: Unavailable) -> Outcome:
    lasting = isinstance(error, NotReached) and error.lasting
    cause = "misconfigured" if lasting else "retry"
    return _waiting(link, f"asked how far its steps are: {error.message}", cause)


def _waiting(link: Link | None, message: str, cause: str) -> Outcome:
    if link is None:
        return Unknown(message=message)
    booked = Booked(reference=link.reference, key=link.key)
    return Unfinished(booked=booked, message=message, cause=cause)


def _unaskable(link: Link | None) -> Outcome:
    """The file has no question any more, and so no step either."""
    if link is None:
        return Unknown(message="the file of calls has no probe any more: nothing was asked")
    return Accepted(booked=Booked(reference=link.reference, key=link.key, status=link.status))
