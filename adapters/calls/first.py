"""What is done before an event is sent: what stands under `first` in the file of calls.

An order names what must be there already: its customer, its products by the ERP's own ids.  Each is
found, or else made, and its value handed to the order's call.  Whatever becomes of one, the order
itself was not sent and nothing of it is in doubt; what is perhaps made is looked for again when a
search must show it, and never made a second time before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic

import msgspec

from adapters.calls.asking import Answered, Asking, found_list
from adapters.calls.conversation import Conversation
from adapters.calls.declared import Find, FirstStep, Make
from adapters.calls.known_values import Identity, KnownValues
from adapters.calls.outgoing import Outgoing, alike, not_sent, unfillable
from adapters.calls.wire_call import Call, read_answer
from adapters.http.transport import NotSent, Reply, Unanswered
from adapters.language.filters import ExpressionError, as_text
from adapters.language.scope import Values
from adapters.language.template import NOTHING
from sidecar.model.errors import NotReached, Unavailable
from sidecar.model.exchange import BEFORE
from sidecar.model.outcome import (
    Accepted,
    Conflict,
    Duplicate,
    Misconfigured,
    Outcome,
    Partial,
    Retry,
    Taken,
    Throttled,
    Unknown,
    Unmapped,
)
from sidecar.ports import Exchange, PushCall, Reading

_TOO_MANY = 429

_OBSTACLE = Reading(BEFORE)


class HeldUp(Exception):
    """What keeps an event from being sent, with the call that said so."""

    def __init__(self, outcome: Outcome, exchange: Exchange | None = None) -> None:
        super().__init__()
        self.outcome = outcome
        self.exchange = exchange


@dataclass(slots=True)
class _Ready:
    """One event while it is made ready: what was called for it, and what has come of that."""

    values: dict[str, Any]
    first: dict[str, Any] = field(default_factory=dict)
    exchanges: list[Exchange] = field(default_factory=list)
    known: list[Identity] = field(default_factory=list)
    absent: dict[str, list[str]] = field(default_factory=dict)


class FirstCalls(Generic[Call]):
    """Used by several threads."""

    def __init__(
        self, conversation: Conversation[Call], asking: Asking[Call], known: KnownValues
    ) -> None:
        self._conversation = conversation
        self._asking = asking
        self._known = known

    def made(
        self, steps: Sequence[FirstStep[Call]], part: Sequence[Outgoing]
    ) -> tuple[list[PushCall], list[Outgoing]]:
        """The calls that were made, and those deliveries that nothing keeps from being sent."""
        if not steps:
            return [], list(part)
        calls: list[PushCall] = []
        sound: list[Outgoing] = []
        for index, outgoing in enumerate(part):
            ready = _Ready({**outgoing.values})
            try:
                for step in steps:
                    self._take(step, ready)
            except HeldUp as obstacle:
                calls += map(PushCall, ready.exchanges)
                if isinstance(obstacle.outcome, Throttled | Misconfigured):
                    # An ERP that has had enough, or knows us no more, is not asked for the others.
                    rest = alike(part[index:], obstacle.outcome, obstacle.exchange, _OBSTACLE)
                    return [*calls, rest], sound
                calls.append(alike([outgoing], obstacle.outcome, obstacle.exchange, _OBSTACLE))
            else:
                calls += map(PushCall, ready.exchanges)
                values = {**outgoing.values, "first": ready.first}
                sound.append(
                    replace(outgoing, values=values, known=tuple(ready.known), absent=ready.absent)
                )
        return calls, sound

    def refused(self, outgoing: Outgoing) -> None:
        """The ERP refused the event: what was remembered for it may be why."""
        self._known.forget(outgoing.known)

    def _take(self, step: FirstStep[Call], ready: _Ready) -> None:
        """One step, in all its rounds."""
        try:
            values = {**ready.values, "first": ready.first}
            if step.when is not None and not step.when(values):
                return
            by_key = {
                key: value
                for key, told, of_round in rounds(step, values)
                if (value := self._value(step, of_round, ready, told)) is not NOTHING
            }
            if step.name and step.loop is not None:
                ready.first[step.name] = by_key
            elif step.name and by_key:
                (ready.first[step.name],) = by_key.values()
        except ExpressionError as error:
            raise HeldUp(unfillable(error, ready.absent)) from error

    def _value(self, step: FirstStep[Call], values: Values, ready: _Ready, told: str) -> Any:
        """What the step comes to; NOTHING where the ERP has none and none is made."""
        if step.find is None:
            # Nobody asked whether it is there, so that it is no other event's and no other round's,
            # however alike the requests: a draft, or a line, that two share is one too few.
            return self._made(step, step.make, values, ready, None) if step.make else NOTHING
        identity = (step.place, self._conversation.identity(step.find.inquiry.call, values))
        with self._known.alone(identity):
            known = self._known.get(identity)
            if known is not None:
                ready.known.append(identity)
                return known[0]
            value, exchange = self._found(step, step.find, values)
            ready.exchanges.append(exchange)
            if value is not NOTHING:
                self._known.found(identity, value, step.keep)
                ready.known.append(identity)
                return value
            if step.make is None:
                ready.absent.setdefault(step.name, []).append(told)
                return NOTHING
            if wait := self._known.wait(identity):
                raise HeldUp(
                    Retry(message=_not_yet(step), after=wait, sent=True), ready.exchanges.pop()
                )
            return self._made(step, step.make, values, ready, identity)

    # --- asked ------------------------------------------------------------------------------

    def asked(self, step: FirstStep[Call], values: Values) -> Any:
        """What the ERP is found to have, and nothing is made; NOTHING where it has none.

        Raises HeldUp.
        """
        return NOTHING if step.find is None else self._found(step, step.find, values)[0]

    def _found(
        self, step: FirstStep[Call], find: Find[Call], values: Values
    ) -> tuple[Any, Exchange]:
        """The value and the call that told it.  Raises HeldUp."""
        try:
            answered = self._asking.answered(find.inquiry, values)
            documents = found_list(find.inquiry, answered)
        except Unavailable as error:
            raise HeldUp(_unasked(step, error), error.exchange) from error
        if not documents:
            return NOTHING, answered.exchange
        told = [self._read(step, find, answered, item) for item in documents]
        if any(value != told[0] for value in told):
            raise HeldUp(
                Unmapped(
                    message=f"{step.place}: the ERP has {len(told)} that fit, and which of them is "
                    "meant it does not say: let `found` choose one, or take the others out of "
                    "the ERP"
                ),
                answered.exchange,
            )
        return told[0], answered.exchange

    def _read(
        self, step: FirstStep[Call], find: Find[Call], answered: Answered, item: object
    ) -> Any:
        if find.value is None:
            return True
        try:
            return _there(find.value({**answered.values, "item": item}), find.value.source)
        except ExpressionError as error:
            unread = answered.unusable(error.message, find.value)
            raise HeldUp(_unasked(step, unread), answered.exchange) from error

    # --- made -------------------------------------------------------------------------------

    def _made(
        self,
        step: FirstStep[Call],
        make: Make[Call],
        values: Values,
        ready: _Ready,
        identity: Identity | None,
    ) -> Any:
        """What is made; under an identity it is remembered, and found when its answer is lost."""
        try:
            reply = self._conversation.send(make.call, values)
        except NotSent as error:
            raise HeldUp(not_sent(error), error.exchange) from error
        except Unanswered as error:
            raise HeldUp(self._doubted(step, identity, error.message), error.exchange) from error
        try:
            value = self._value_of(step, make, values, reply)
        except ExpressionError as error:
            raise HeldUp(self._doubted(step, identity, error.message), reply.exchange) from error
        except HeldUp as obstacle:
            if isinstance(obstacle.outcome, Unknown | Conflict | Taken):
                message = obstacle.outcome.message
                obstacle = HeldUp(self._doubted(step, identity, message), reply.exchange)
            raise obstacle from None
        ready.exchanges.append(reply.exchange)
        if identity is not None:
            self._known.was_made(identity, value, step.keep)
            ready.known.append(identity)
        return value

    def _value_of(
        self, step: FirstStep[Call], make: Make[Call], values: Values, reply: Reply
    ) -> Any:
        """Raises ExpressionError where what was made cannot be named, HeldUp where it was not."""
        response, evidence = read_answer(make.call, reply)
        answered = {**values, "response": response}
        outcome = make.answer.outcome(answered, evidence)
        if isinstance(outcome, Retry) and evidence.doubtful:
            outcome = Unknown(message=outcome.message)
        # What was saved in part is there all the same, and that is what the order needs.
        if isinstance(outcome, Accepted | Duplicate | Partial):
            if make.value is None:
                return True
            return _there(make.value(answered), make.value.source)
        told = f"first{_named(step)}, {reply.request}: {outcome.message}"
        raise HeldUp(msgspec.structs.replace(outcome, message=told), reply.exchange)

    def _doubted(self, step: FirstStep[Call], identity: Identity | None, message: str) -> Retry:
        """It is found at the next attempt, or made when its absence may be believed.

        A call without a question says of itself that it may be repeated.
        """
        after = None if identity is None else self._known.doubt(identity)
        told = message if message.startswith("first") else f"first{_named(step)}, {message}"
        return Retry(message=told, after=after)


def rounds(step: FirstStep[Call], values: Values) -> Iterator[tuple[str, str, Values]]:
    """Each key once, with what its round is called in a message and the round's values.

    What is found is the same for the same key; what is only made needs a key for each, or one of
    them would be left out unseen.  A step that is not repeated has one round, without a key.
    Raises ExpressionError.
    """
    if step.loop is None or step.key is None:
        yield "", f"first{_named(step)}", values
        return
    seen: set[str] = set()
    for of_round in step.loop(values):
        key = as_text(step.key(of_round))
        told = f"first{_named(step)}['{key}']"
        if key not in seen:
            seen.add(key)
            yield key, told, of_round
        elif step.find is None:
            raise ExpressionError(
                f"{told} ({step.place}): two rounds have this key, and without `find` each needs "
                "one of its own, such as item.item_id"
            )


def _there(value: Any, told: str) -> Any:
    """A value that names something.  Raises ExpressionError for none and for empty text."""
    if value is None or (isinstance(value, str) and not value.strip()):
        raise ExpressionError(f"{told} is empty")
    return value


def _named(step: FirstStep[Call]) -> str:
    return f".{step.name}" if step.name else ""


def _not_yet(step: FirstStep[Call]) -> str:
    return (
        f"first{_named(step)}: the ERP shows none, and one may just have been made: it is asked "
        "again before one is made"
    )


def _unasked(step: FirstStep[Call], error: Unavailable) -> Outcome:
    message = f"first{_named(step)}, {error.message}"
    if isinstance(error, NotReached) and error.lasting:
        return Misconfigured(message=message)
    if error.exchange is not None and error.exchange.status == _TOO_MANY:
        return Throttled(message=message)
    return Retry(message=message, sent=not isinstance(error, NotReached))
