"""The calls that send events: which go together, what is done before, what the answers come to."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Generic

from adapters.calls.answer import Judged
from adapters.calls.asking import Asking, Held
from adapters.calls.bundles import Bundles
from adapters.calls.conversation import Conversation
from adapters.calls.declared import Calls, Push
from adapters.calls.first import FirstCalls
from adapters.calls.known_values import KnownValues
from adapters.calls.names import Names
from adapters.calls.outgoing import Outgoing, alike, not_sent, unfillable
from adapters.calls.parts import parts
from adapters.calls.sent_event import sent_event
from adapters.calls.then import ThenCalls
from adapters.calls.wire_call import Call, read_answer
from adapters.http.transport import EXCERPT, NotSent, Reply, Unanswered
from adapters.language.filters import ExpressionError
from adapters.language.scope import Values
from sidecar.model.exchange import NONE_FITS
from sidecar.model.outcome import Accepted, Misconfigured, Outcome, Rejected, Retry, Unknown
from sidecar.ports import Delivery, Exchange, PushCall, Reading, Result


class Pushing(Generic[Call]):
    """Used by several threads."""

    def __init__(
        self,
        calls: Calls[Call],
        conversation: Conversation[Call],
        asking: Asking[Call],
        known: KnownValues,
        names: Mapping[str, Names],
    ) -> None:
        """`names`: domain → what its payloads are called in expressions."""
        self._calls = calls
        self._conversation = conversation
        self.first = FirstCalls[Call](conversation, asking, known)
        self._then = ThenCalls[Call](conversation, asking)
        self._bundles = Bundles[Call](conversation)
        self._names = names
        self._pushes = {
            event: (domain, push)
            for domain, of_domain in calls.domains.items()
            for push in of_domain.pushes
            for event in push.events
        }

    def push(self, batch: Sequence[Delivery]) -> list[PushCall]:
        """See `sidecar.ports.ErpAdapter.push`."""
        calls: list[PushCall] = []
        groups: dict[tuple[str, str], list[Delivery]] = {}
        for delivery in batch:
            if delivery.event.type in self._pushes:
                domain, push = self._pushes[delivery.event.type]
                groups.setdefault((domain, push.name), []).append(delivery)
            else:
                calls.append(PushCall(None, [Result(delivery, self._no_call(delivery))]))
        for deliveries in groups.values():
            domain, push = self._pushes[deliveries[0].event.type]
            for part in parts(deliveries, push.batch or 1):
                calls += self._deliver(
                    push, [Outgoing(sent, self.values(sent, domain)) for sent in part]
                )
        return calls

    def declared(self, type_: str) -> tuple[str, Push[Call]] | None:
        """The domain and the call that carries events of this type."""
        return self._pushes.get(type_)

    def _no_call(self, delivery: Delivery) -> Outcome:
        return Misconfigured(
            message=f"{self._calls.name} has no call for {delivery.event.type}: nothing was sent"
        )

    def values(self, delivery: Delivery, domain: str) -> Values:
        """What an expression about one event may name."""
        event = sent_event(delivery)
        return {
            "shop": self._conversation.shop,
            "event": event,
            self._names[domain].payload: delivery.event.data,
            **self._of_parent(delivery, domain),
            "link": delivery.link,
            "ref": delivery.ref,
            "posting_date": event.posting_date,
        }

    def _of_parent(self, delivery: Delivery, domain: str) -> Values:
        parent = self._names[domain].parent
        if parent is None:
            return {}
        above = delivery.parent
        return {
            parent: above.payload if above else None,
            f"{parent}_link": above.link if above else None,
        }

    def _deliver(self, push: Push[Call], part: Sequence[Outgoing]) -> list[PushCall]:
        """The call, with those for which what the file wants done `first` went well."""
        begun = [outgoing for outgoing in part if outgoing.delivery.unfinished]
        new = [outgoing for outgoing in part if not outgoing.delivery.unfinished]
        gone_on = [call for outgoing in begun for call in self._gone_on(push, outgoing)]
        before, sound = self.first.made(push.first, new)
        pushed = self._push(push, sound)
        if push.then:
            pushed = [made for call in pushed for made in self._finished(push, call, sound)]
        self._forget_refused(push, pushed, sound)
        return [*gone_on, *before, *pushed]

    def _gone_on(self, push: Push[Call], outgoing: Outgoing) -> list[PushCall]:
        domain = self._pushes[outgoing.delivery.event.type][0]
        return self._then.go_on(push.then, outgoing, self._calls.domains[domain].probe)

    def _finished(
        self, push: Push[Call], call: PushCall, part: Sequence[Outgoing]
    ) -> list[PushCall]:
        """The calls of the steps that follow an acceptance; a call with steps carries one event."""
        match call.results:
            case [Result(delivery=delivery, outcome=Accepted(booked=booked))]:
                outgoing = next(one for one in part if one.delivery is delivery)
                document = Held(booked, self._unread(delivery))
                finished = self._then.finish(push.then, outgoing, document)
                return finished.calls(delivery, [call])
        return [call]

    def _unread(self, delivery: Delivery) -> dict[str, None]:
        """What only a question tells of a document: of a new one nothing is known yet."""
        probe = self._calls.domains[self._pushes[delivery.event.type][0]].probe
        return {} if probe is None else dict.fromkeys(probe.more.leaves)

    def _forget_refused(
        self, push: Push[Call], calls: Sequence[PushCall], part: Sequence[Outgoing]
    ) -> None:
        if not push.first:
            return
        refused = {
            id(result.delivery)
            for call in calls
            for result in call.results
            if isinstance(result.outcome, Rejected)
        }
        for outgoing in part:
            if id(outgoing.delivery) in refused:
                self.first.refused(outgoing)

    def _push(self, push: Push[Call], part: Sequence[Outgoing]) -> list[PushCall]:
        """One call with one event, or with all of them where the operation takes batches."""
        if not part:
            return []
        if push.envelope is not None and len(part) > 1:
            return self._bundles.pushed(
                push, push.envelope, part, lambda fewer: self._push(push, fewer)
            )
        try:
            reply = self._conversation.send(push.call, self.call_values(push, part))
        except ExpressionError as error:
            if len(part) == 1:
                return [alike(part, unfillable(error, part[0].absent), None)]
            return self._push_the_sound(push, part)
        except NotSent as error:
            return [alike(part, not_sent(error), error.exchange)]
        except Unanswered as error:
            return [alike(part, Unknown(message=error.message), error.exchange)]
        try:
            call = self._answered(push, part, reply)
        except ExpressionError as error:
            unreadable = Reading(NONE_FITS, error.message)
            return [alike(part, Unknown(message=error.message), reply.exchange, unreadable)]
        # One bad event must not park all that were batched with it.
        return [call] if call.results else [call, *self._push_halves(push, part)]

    def _answered(self, push: Push[Call], part: Sequence[Outgoing], reply: Reply) -> PushCall:
        """The call with its results; none where it was refused whole and is to be divided.

        Raises ExpressionError for an answer that cannot be read.
        """
        response, evidence = read_answer(push.call, reply)
        answered = {**self.call_values(push, part), "response": response}
        judged, note = push.answer.judged(
            answered, [outgoing.values for outgoing in part], evidence
        )
        if judged is None:
            return PushCall(reply.exchange)
        if evidence.doubtful and self._asks(push):
            judged = [_asked_first(one) for one in judged]
        told = zip(part, judged, strict=True)
        results = [Result(outgoing.delivery, one.outcome, one.reading) for outgoing, one in told]
        return PushCall(_noted(reply.exchange, note), results)

    def call_values(self, push: Push[Call], part: Sequence[Outgoing]) -> Values:
        """What a call with these may name."""
        if push.batch is None or push.envelope is not None:
            return part[0].values
        return {
            "shop": self._conversation.shop,
            "events": tuple(outgoing.values["event"] for outgoing in part),
        }

    def _push_the_sound(self, push: Push[Call], part: Sequence[Outgoing]) -> list[PushCall]:
        """Keep an event that cannot be mapped from stopping those that were batched with it."""
        broken: list[Result] = []
        sound: list[Outgoing] = []
        for outgoing in part:
            try:
                self._conversation.tried(push.call, self.call_values(push, [outgoing]))
            except ExpressionError as error:
                broken.append(Result(outgoing.delivery, unfillable(error, outgoing.absent)))
            else:
                sound.append(outgoing)
        if not broken:
            # Too much for one call; each alone is not.
            return self._push_halves(push, part)
        return [PushCall(None, broken), *self._push(push, sound)]

    def _push_halves(self, push: Push[Call], part: Sequence[Outgoing]) -> list[PushCall]:
        half = len(part) // 2
        return [*self._push(push, part[:half]), *self._push(push, part[half:])]

    def _asks(self, push: Push[Call]) -> bool:
        """Whether the ERP tells, asked or sent the same again, what became of a document."""
        domain = next(self._pushes[event][0] for event in push.events)
        return self._calls.capabilities(domain).clears_doubt


def _asked_first(judged: Judged) -> Judged:
    outcome = judged.outcome
    if not isinstance(outcome, Retry):
        return judged
    reading = Reading(judged.reading.predicate, "a server's fault may come after the booking")
    return Judged(Unknown(message=outcome.message), reading)


def _noted(exchange: Exchange, note: str) -> Exchange:
    if not note:
        return exchange
    return dataclasses.replace(exchange, answer=f"[{note}] {exchange.answer}"[:EXCERPT])
