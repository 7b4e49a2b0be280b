"""The generic adapter: everything about the ERP stands in the file of calls (docs/mapping.md).

What a call and its answer look like on the wire is the protocol's business:
`adapters.calls.wire_call.WireCall`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from http import HTTPStatus
from itertools import count
from secrets import token_bytes
from types import SimpleNamespace
from typing import Any, Generic

import msgspec

from adapters.calls.fields import Fields
from adapters.calls.first import FirstCalls, not_sent
from adapters.calls.mapping import Calls, Inquiry, Push
from adapters.calls.sent_event import sent_event
from adapters.calls.wire_call import Call, read_answer
from adapters.http.transport import EXCERPT, NotSent, Request, Transport, Unanswered
from adapters.language.compiler import Values
from adapters.language.filters import ExpressionError, as_text, kind
from adapters.language.hidden import HiddenSecrets
from adapters.language.rounds import ROUNDS, Rounds
from sidecar.model.errors import ConfigurationError, NotUnderstood, SidecarError
from sidecar.model.outcome import (
    Booked,
    Misconfigured,
    Outcome,
    Retry,
    Unknown,
    Unmapped,
    reference_key,
)
from sidecar.ports import (
    Capabilities,
    Connection,
    Delivery,
    Exchange,
    Listed,
    Page,
    Ping,
    Preview,
    Result,
)

#: Asked for by a ping where the file has none; an external reference that no shop gives.
NO_REFERENCE = "erp-sidecar-ping"

Results = list[Result]

_LOGIN_REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


class GenericAdapter(Generic[Call]):
    """See `sidecar.ports.ErpAdapter`."""

    def __init__(
        self,
        calls: Calls[Call],
        transport: Transport,
        connection: Connection,
        harmless: Request,
    ) -> None:
        """`harmless` is sent by a ping where the file has nothing that asks."""
        self._calls = calls
        self._transport = transport
        self._shop = connection.shop
        self._renamed = connection.renamed
        self._payloads = {spec.name: spec.payload for spec in connection.domains}
        self._secret = secrets_of(connection)
        self._nonces = _Nonces()
        self._bare = harmless
        self._first = FirstCalls[Call](
            lambda call, values: transport.send(self._request(call, values)), transport.redact
        )
        self._pushes = {
            event: (domain, push)
            for domain, of_domain in calls.domains.items()
            for push in of_domain.pushes
            for event in push.events
        }

    def capabilities(self, domain: str) -> Capabilities:
        return self._calls.capabilities(domain)

    def push(self, batch: Sequence[Delivery]) -> Results:
        results: dict[int, Result] = {}
        groups: dict[tuple[str, str], list[int]] = {}
        for index, delivery in enumerate(batch):
            if delivery.event.type in self._pushes:
                domain, push = self._pushes[delivery.event.type]
                groups.setdefault((domain, push.name), []).append(index)
            else:
                results[index] = Result(self._no_call(delivery))
        for indexes in groups.values():
            domain, push = self._pushes[batch[indexes[0]].event.type]
            for part in _parts(indexes, push.batch or 1):
                events = [self._values(batch[index], domain) for index in part]
                results.update(zip(part, self._deliver(push, events), strict=True))
        return [results[index] for index in range(len(batch))]

    def probe(self, domain: str, refs: Sequence[str]) -> Mapping[str, tuple[Booked, ...]]:
        inquiry = self._declared(domain, "probe")
        found: dict[str, tuple[Booked, ...]] = {}
        for part in _parts(list(refs), inquiry.batch or 1):
            asked = {"refs": tuple(part)} if inquiry.batch else {"ref": part[0]}
            rows = self._rows(inquiry, self._ask(inquiry, asked))
            found |= self._sorted_out(inquiry, part, rows)
        return found

    def _sorted_out(
        self,
        inquiry: Inquiry[Call],
        part: Sequence[str],
        rows: Iterable[tuple[str | None, Booked]],
    ) -> dict[str, tuple[Booked, ...]]:
        """The documents of each reference that was asked for.

        A search may find more than was asked for, and pad it: where the file says which document
        is whose, ours are taken and the others are left.  But where ours is not among what was
        found, strangers say that the ERP filters by something else, or stopped before ours: that
        is not "no".
        """
        if "external" not in inquiry.each.leaves:
            return {part[0]: tuple(booked for _, booked in rows)}
        ours: dict[str, list[Booked]] = {ref: [] for ref in part}
        asked = {reference_key(ref): ref for ref in part}
        strangers: set[str] = set()
        for external, booked in rows:
            if ref := asked.get(reference_key(external or "")):
                ours[ref].append(booked)
            else:
                # Adopting it would tie the order to a stranger's document.
                strangers.add(external or "nobody")
        missing = [ref for ref, booked in ours.items() if not booked]
        if strangers and missing:
            raise NotUnderstood(
                f"{self._calls.name}: probe: asked for {', '.join(missing)}, the ERP answered with "
                f"a document of '{min(strangers)}', which was not asked for",
                "is the parameter of the call the one that this ERP filters by?",
            )
        return {ref: tuple(booked) for ref, booked in ours.items()}

    def list(self, domain: str, since: datetime, page: str | int | None = None) -> Page:
        inquiry = self._declared(domain, "list")
        values = self._ask(inquiry, {"since": since, "page": page})
        rows = tuple(
            Listed(external, booked)
            for external, booked in self._rows(inquiry, values)
            if external  # made by hand in the ERP: nobody's external reference
        )
        return Page(rows, self._next(inquiry, values, page))

    def preview(self, delivery: Delivery) -> Sequence[Preview]:
        """See `sidecar.ports.Previewing`."""
        if delivery.event.type not in self._pushes:
            return ()
        domain, push = self._pushes[delivery.event.type]
        values = self._values(delivery, domain)
        before = [self._shown(step.call, values) for step in push.first]
        return [*before, self._shown(push.call, self._call_values(push, [values]))]

    def warnings(self) -> Sequence[str]:
        """See `sidecar.ports.Advising`."""
        return (*self._calls.warnings, *self._unnamed())

    def _unnamed(self) -> Iterator[str]:
        """Calls whose documents no question finds: it asks for what they do not send."""
        for domain in self._renamed & self._calls.domains.keys():
            for push in self._calls.domains[domain].pushes:
                if push.unnamed:
                    yield (
                        f"{push.unnamed}: it sends no `ref`, and domains.{domain}.ref makes that "
                        "another one than Magento's number: a question would not find the "
                        f"document; send {'=event.ref' if push.batch else '=ref'}"
                    )

    def ping(self) -> Ping:
        inquiry, asked = self._harmless()
        values = {"shop": self._shop, **asked}
        try:
            request = self._question(inquiry.call, values) if inquiry else self._bare
            reply = self._transport.send(request)
        except NotSent as wrong:
            if wrong.exchange.status is not None:
                return Ping(reachable=True, authorised=True, message=wrong.message)
            return Ping(reachable=False, authorised=not wrong.lasting, message=wrong.message)
        except (Unanswered, ExpressionError) as wrong:
            return Ping(reachable=False, authorised=True, message=wrong.message)
        told = f"{request}: HTTP {reply.status}"
        try:
            well, refused = True, reply.status in _LOGIN_REFUSED
            if inquiry is not None:
                response, evidence = read_answer(inquiry.call, reply)
                refused = refused or isinstance(evidence.verdict, Misconfigured)
                well = inquiry.ok.holds({**values, "response": response})
        except ExpressionError as wrong:
            well, told = False, f"{told}: {wrong.message}"
        return Ping(reachable=True, authorised=not refused, message="" if well else told)

    def close(self) -> None:
        self._transport.close()

    def _harmless(self) -> tuple[Inquiry[Call] | None, Values]:
        """The file's ping, else a probe for what cannot exist, else none (a bare HEAD)."""
        if self._calls.ping:
            return self._calls.ping, {}
        for calls in self._calls.domains.values():
            if calls.probe:
                return calls.probe, {"refs": (NO_REFERENCE,), "ref": NO_REFERENCE}
        return None, {}

    def _no_call(self, delivery: Delivery) -> Outcome:
        return Misconfigured(
            message=f"{self._calls.name} has no call for {delivery.event.type}: nothing was sent"
        )

    def _values(self, delivery: Delivery, domain: str) -> Values:
        return {
            "shop": self._shop,
            "event": sent_event(delivery),
            self._payloads[domain]: delivery.event.data,
            "link": delivery.link,
            "ref": delivery.ref,
        }

    def _request(self, call: Call, values: Values) -> Request:
        """The call, filled in.  Raises ExpressionError.

        The nonce is new in each request: an ERP that checks it takes a repeated one for a replay.
        """
        once = {"nonce": self._nonces.next(), "now": datetime.now(UTC), "secret": self._secret}
        return self._filled(call, {**values, **once})

    def _question(self, call: Call, values: Values) -> Request:
        """As `_request`, for a call that changes nothing."""
        return dataclasses.replace(self._request(call, values), asks=True)

    def _shown(self, call: Call, values: Values) -> Preview:
        """The call as it would be made, with no secret in it."""
        once = {"nonce": self._nonces.next(), "now": datetime.now(UTC), "secret": HiddenSecrets()}
        request = call.disarmed(self._filled(call, {**values, **once}))
        return self._transport.preview(
            request, None if request.body is None else call.shown(request.body)
        )

    def _filled(self, call: Call, values: Values) -> Request:
        """The call with these values, whatever goes wrong in between.  Raises ExpressionError."""
        try:
            return call.request({**values, ROUNDS: Rounds()})
        except SidecarError:
            raise
        except Exception as wrong:
            # The class alone: a library's words may quote the order, or a secret.
            raise ExpressionError(
                f"{self._calls.name}: the call cannot be filled in ({type(wrong).__name__})"
            ) from wrong

    def _deliver(self, push: Push[Call], events: Sequence[Values]) -> Results:
        """The call, with those events for which what the file wants done `first` went well."""
        stopped = self._first.obstacles(push.first, events)
        sound = [one for one, result in zip(events, stopped, strict=True) if result is None]
        sent = iter(self._push(push, sound) if sound else ())
        return [one or dataclasses.replace(next(sent), before=len(push.first)) for one in stopped]

    def _push(self, push: Push[Call], events: Sequence[Values]) -> Results:
        """One call with one event, or with all of them where the operation takes batches."""
        values = self._call_values(push, events)
        try:
            request = self._request(push.call, values)
        except ExpressionError as wrong:
            if len(events) == 1:
                return [Result(Unmapped(message=wrong.message))]
            return self._push_the_sound(push, events)
        try:
            reply = self._transport.send(request)
        except NotSent as wrong:
            return [not_sent(wrong)] * len(events)
        except Unanswered as wrong:
            return [Result(Unknown(message=wrong.message), wrong.exchange)] * len(events)
        try:
            response, evidence = read_answer(push.call, reply)
            answered = {**values, "response": response}
            outcomes, note = push.answer.outcomes(answered, events, evidence)
        except ExpressionError as wrong:
            unread = Unknown(message=self._transport.redact(wrong.message))
            return [Result(unread, reply.exchange)] * len(events)
        if outcomes is None:
            # One bad event must not park all that were batched with it.
            half = len(events) // 2
            return [*self._push(push, events[:half]), *self._push(push, events[half:])]
        exchange = _noted(reply.exchange, note)
        if evidence.doubtful and self._asks(push):
            outcomes = [_asked_first(outcome) for outcome in outcomes]
        return [Result(self._redacted(outcome), exchange) for outcome in outcomes]

    def _call_values(self, push: Push[Call], events: Sequence[Values]) -> Values:
        if push.batch is None:
            return events[0]
        return {"shop": self._shop, "events": tuple(one["event"] for one in events)}

    def _push_the_sound(self, push: Push[Call], events: Sequence[Values]) -> Results:
        """Keep an event that cannot be mapped from stopping those that were batched with it."""
        broken: dict[int, Result] = {}
        for index, one in enumerate(events):
            try:
                self._request(push.call, self._call_values(push, [one]))
            except ExpressionError as wrong:
                broken[index] = Result(Unmapped(message=wrong.message))
        if not broken:
            # Too much for one call; each alone is not.
            half = len(events) // 2
            return [*self._push(push, events[:half]), *self._push(push, events[half:])]
        sound = [one for index, one in enumerate(events) if index not in broken]
        sent = iter(self._push(push, sound) if sound else ())
        return [broken.get(index) or next(sent) for index in range(len(events))]

    def _asks(self, push: Push[Call]) -> bool:
        """Whether the ERP tells, asked or sent the same again, what became of a document."""
        domain = next(self._pushes[event][0] for event in push.events)
        return self._calls.capabilities(domain).clears_doubt

    def _redacted(self, outcome: Outcome) -> Outcome:
        return msgspec.structs.replace(outcome, message=self._transport.redact(outcome.message))

    def _declared(self, domain: str, name: str) -> Inquiry[Call]:
        calls = self._calls.domains.get(domain)
        inquiry: Inquiry[Call] | None = getattr(calls, name, None)
        if inquiry is None:
            raise ConfigurationError(
                f"{self._calls.name} has no {domain}.{name}", "add that call (docs/mapping.md)"
            )
        return inquiry

    def _ask(self, inquiry: Inquiry[Call], asked: Values) -> Values:
        """The values of a believable answer.

        Raises NotUnderstood for one that is not, NotSent and Unanswered where there is none.
        """
        values = {"shop": self._shop, **asked}
        try:
            request = self._question(inquiry.call, values)
            reply = self._transport.send(request)
            values["response"], _ = read_answer(inquiry.call, reply)
            if not inquiry.ok.holds(values):
                raise NotUnderstood(
                    f"{request}: HTTP {reply.status}: {reply.exchange.answer[:200]}"
                )
        except ExpressionError as wrong:
            raise NotUnderstood(f"{self._calls.name}: {wrong.message}") from wrong
        return values

    def _rows(self, inquiry: Inquiry[Call], values: Values) -> Iterator[tuple[str | None, Booked]]:
        """Each document that was found, with its external reference where the file maps it.

        An answer that cannot be read raises NotUnderstood: read as "nothing found" it would have
        the order sent a second time.
        """
        try:
            for item in _found(inquiry, values):
                of_item = {**values, "item": item}
                booked = inquiry.each.booked(of_item)
                if booked is None:
                    raise NotUnderstood(
                        f"{self._calls.name}: a document without a reference was answered",
                        "has the ERP's schema changed?",
                    )
                yield _external(inquiry.each, of_item), booked
        except ExpressionError as wrong:
            raise NotUnderstood(
                f"{self._calls.name}: {wrong.message}", "has the ERP's schema changed?"
            ) from wrong

    def _next(
        self, inquiry: Inquiry[Call], values: Values, page: str | int | None
    ) -> str | int | None:
        try:
            following = None if inquiry.next is None else inquiry.next(values)
        except ExpressionError as wrong:
            # Taken for the last page, it would make every further document look lost.
            raise NotUnderstood(f"{self._calls.name}: list.next: {wrong.message}") from wrong
        if following in (None, "", False):
            return None
        if not isinstance(following, str | int) or following == page:
            raise NotUnderstood(f"{self._calls.name}: list.next: {kind(following)} leads nowhere")
        return following


class _Nonces:
    """Texts that nobody can foresee and that never come twice, for every call one.

    Out of one secret and a count: to ask the system for each hands the interpreter to another
    thread, which costs more than the rest of the request.
    """

    def __init__(self) -> None:
        self._seed = token_bytes(32)
        self._count = count()

    def next(self) -> str:
        """32 hexadecimal digits."""
        return sha256(self._seed + next(self._count).to_bytes(8, "big")).hexdigest()[:32]


def secrets_of(connection: Connection) -> SimpleNamespace:
    """`secret` in an expression: what stands under `erp.secrets`."""
    return SimpleNamespace(**{name: one.reveal() for name, one in connection.secrets.items()})


def _asked_first(outcome: Outcome) -> Outcome:
    return Unknown(message=outcome.message) if isinstance(outcome, Retry) else outcome


def _found(inquiry: Inquiry[Call], values: Values) -> Sequence[Any]:
    """What was found as a list: one document is one; none is nothing only where a file's protocol
    writes nothing for an empty list."""
    found = None if inquiry.found is None else inquiry.found(values)
    match found:
        case None if inquiry.none_is_nothing:
            return ()
        case list() | tuple():
            return found
        case Mapping():
            return (found,)
        case _:
            raise ExpressionError(f"{inquiry.found}: {kind(found)} is no list of documents")


def _external(each: Fields, values: Values) -> str | None:
    """The row's external reference; None where the file does not map it or the ERP has none.

    Raises ExpressionError when the field is not there.
    """
    external = each.get("external", values)
    return None if external is None else as_text(external)


def _noted(exchange: Exchange, note: str) -> Exchange:
    if not note:
        return exchange
    return dataclasses.replace(exchange, answer=f"[{note}] {exchange.answer}"[:EXCERPT])


def _parts(whole: list[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(whole), size):
        yield whole[start : start + size]
