"""The generic REST adapter: everything about the ERP stands in the file of calls.

Entry point `rest.generic`; the file is described in docs/mapping.md.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any

import msgspec

from adapters.compiler import Values
from adapters.fields import Fields
from adapters.filters import ExpressionError, as_text, kind
from adapters.mapping import PAYLOADS, Calls, Inquiry, Push, read_calls
from adapters.rest.call import RESPONSE, HttpCall, Response, read_http_call
from adapters.rest.transport import EXCERPT, NotSent, Request, Transport, Unanswered
from sidecar.documents import read_document
from sidecar.domain.errors import ConfigurationError, Unavailable
from sidecar.domain.outcome import Booked, Misconfigured, Outcome, Rejected, Retry, Unknown
from sidecar.ports import (
    Capabilities,
    Connection,
    Delivery,
    ErpAdapter,
    Exchange,
    Listed,
    Page,
    Ping,
    Result,
    ShopContext,
)

#: Asked for by a ping where the file has none; an external reference that no shop gives.
NO_REFERENCE = "erp-sidecar-ping"

Results = list[Result]

_LOGIN_REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


def create(connection: Connection) -> ErpAdapter:
    """The adapter for one ERP account.

    Raises ConfigurationError with every problem of the file of calls, each with its line.
    """
    if connection.calls is None:
        raise ConfigurationError("erp.calls is missing", "name the file of calls under erp.calls")
    document = read_document(connection.calls)
    calls = read_calls(document, connection.calls.name, read_http_call, RESPONSE)
    return GenericRest(calls, Transport(connection), connection.shop)


class GenericRest:
    """See `sidecar.ports.ErpAdapter`."""

    def __init__(self, calls: Calls[HttpCall], transport: Transport, shop: ShopContext) -> None:
        self._calls = calls
        self._transport = transport
        self._shop = shop
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
                results.update(zip(part, self._push(push, events), strict=True))
        return [results[index] for index in range(len(batch))]

    def probe(self, domain: str, refs: Sequence[str]) -> Mapping[str, tuple[Booked, ...]]:
        inquiry = self._declared(domain, "probe")
        found: dict[str, tuple[Booked, ...]] = {}
        for part in _parts(list(refs), inquiry.batch or 1):
            asked = {"refs": tuple(part)} if inquiry.batch else {"ref": part[0]}
            rows: dict[str, list[Booked]] = {ref: [] for ref in part}
            for external, booked in self._rows(inquiry, self._ask(inquiry, asked)):
                ref = external if "external" in inquiry.each.leaves else part[0]
                if ref not in rows:
                    # Adopting it would tie the order to a stranger's document.
                    raise Unavailable(
                        f"{self._calls.name}: probe: the ERP answered with a document of "
                        f"'{ref or 'nobody'}', which was not asked for",
                        "is the parameter of the call the one that this ERP filters by?",
                    )
                rows[ref].append(booked)
            found.update((ref, tuple(booked)) for ref, booked in rows.items())
        return found

    def list(self, domain: str, since: datetime, page: str | int | None = None) -> Page:
        inquiry = self._declared(domain, "list")
        values = self._ask(inquiry, {"since": since, "page": page})
        rows = tuple(
            Listed(external, booked)
            for external, booked in self._rows(inquiry, values)
            if external  # made by hand in the ERP: nobody's external reference
        )
        return Page(rows, self._next(inquiry, values, page))

    def ping(self) -> Ping:
        inquiry, asked = self._harmless()
        values = {"shop": self._shop, **asked}
        try:
            request = inquiry.call.request(values) if inquiry else Request("HEAD", "")
            reply = self._transport.send(request)
        except NotSent as wrong:
            return Ping(reachable=False, authorised=not wrong.lasting, message=wrong.message)
        except (Unanswered, ExpressionError) as wrong:
            return Ping(reachable=False, authorised=True, message=wrong.message)
        told = f"{request}: HTTP {reply.status}"
        try:
            well = inquiry is None or inquiry.ok.holds({**values, "response": Response(reply)})
        except ExpressionError as wrong:
            well, told = False, f"{told}: {wrong.message}"
        return Ping(
            reachable=True,
            authorised=reply.status not in _LOGIN_REFUSED,
            message="" if well else told,
        )

    def close(self) -> None:
        self._transport.close()

    def _harmless(self) -> tuple[Inquiry[HttpCall] | None, Values]:
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
            "event": delivery.event,
            PAYLOADS[domain]: delivery.event.data,
            "link": delivery.link,
            "ref": delivery.ref,
        }

    def _push(self, push: Push[HttpCall], events: Sequence[Values]) -> Results:
        """One call with one event, or with all of them where the operation takes batches."""
        values = self._call_values(push, events)
        try:
            request = push.call.request(values)
        except ExpressionError as wrong:
            if len(events) == 1:
                return [Result(Rejected(message=wrong.message, code="mapping"))]
            return self._push_the_sound(push, events)
        try:
            reply = self._transport.send(request)
        except NotSent as wrong:
            verdict = Misconfigured if wrong.lasting else Retry
            return [Result(verdict(message=wrong.message), wrong.exchange)] * len(events)
        except Unanswered as wrong:
            return [Result(Unknown(message=wrong.message), wrong.exchange)] * len(events)
        response = Response(reply)
        outcomes, note = push.answer.outcomes(
            {**values, "response": response}, events, response.evidence(reply)
        )
        if outcomes is None:
            # One bad event must not park all that were batched with it.
            half = len(events) // 2
            return [*self._push(push, events[:half]), *self._push(push, events[half:])]
        exchange = _noted(reply.exchange, note)
        return [Result(self._redacted(outcome), exchange) for outcome in outcomes]

    def _call_values(self, push: Push[HttpCall], events: Sequence[Values]) -> Values:
        if push.batch is None:
            return events[0]
        return {"shop": self._shop, "events": tuple(one["event"] for one in events)}

    def _push_the_sound(self, push: Push[HttpCall], events: Sequence[Values]) -> Results:
        """Keep an event that cannot be mapped from stopping those that were batched with it."""
        broken: dict[int, Result] = {}
        for index, one in enumerate(events):
            try:
                push.call.request(self._call_values(push, [one]))
            except ExpressionError as wrong:
                broken[index] = Result(Rejected(message=wrong.message, code="mapping"))
        if not broken:
            raise ConfigurationError(
                f"{self._calls.name}: {push.name}: fails only for several events together"
            )
        sound = [one for index, one in enumerate(events) if index not in broken]
        sent = iter(self._push(push, sound) if sound else ())
        return [broken.get(index) or next(sent) for index in range(len(events))]

    def _redacted(self, outcome: Outcome) -> Outcome:
        return msgspec.structs.replace(outcome, message=self._transport.redact(outcome.message))

    def _declared(self, domain: str, name: str) -> Inquiry[HttpCall]:
        calls = self._calls.domains.get(domain)
        inquiry: Inquiry[HttpCall] | None = getattr(calls, name, None)
        if inquiry is None:
            raise ConfigurationError(
                f"{self._calls.name} has no {domain}.{name}", "add that call (docs/mapping.md)"
            )
        return inquiry

    def _ask(self, inquiry: Inquiry[HttpCall], asked: Values) -> Values:
        """The values of a believable answer.  Raises Unavailable."""
        values = {"shop": self._shop, **asked}
        try:
            request = inquiry.call.request(values)
            reply = self._transport.send(request)
            values["response"] = Response(reply)
            if not inquiry.ok.holds(values):
                raise Unavailable(f"{request}: HTTP {reply.status}: {reply.exchange.answer[:200]}")
        except ExpressionError as wrong:
            raise Unavailable(f"{self._calls.name}: {wrong.message}") from wrong
        return values

    def _rows(
        self, inquiry: Inquiry[HttpCall], values: Values
    ) -> Iterator[tuple[str | None, Booked]]:
        """Each document that was found, with its external reference where the file maps it.

        An answer that cannot be read raises Unavailable: read as "nothing found" it would have
        the order sent a second time.
        """
        try:
            for item in _found(inquiry, values):
                of_item = {**values, "item": item}
                booked = inquiry.each.booked(of_item)
                if booked is None:
                    raise Unavailable(
                        f"{self._calls.name}: a document without a reference was answered",
                        "has the ERP's schema changed?",
                    )
                yield _external(inquiry.each, of_item), booked
        except ExpressionError as wrong:
            raise Unavailable(
                f"{self._calls.name}: {wrong.message}", "has the ERP's schema changed?"
            ) from wrong

    def _next(
        self, inquiry: Inquiry[HttpCall], values: Values, page: str | int | None
    ) -> str | int | None:
        try:
            following = None if inquiry.next is None else inquiry.next(values)
        except ExpressionError as wrong:
            # Taken for the last page, it would make every further document look lost.
            raise Unavailable(f"{self._calls.name}: list.next: {wrong.message}") from wrong
        if following in (None, "", False):
            return None
        if not isinstance(following, str | int) or following == page:
            raise Unavailable(f"{self._calls.name}: list.next: {kind(following)} leads nowhere")
        return following


def _found(inquiry: Inquiry[HttpCall], values: Values) -> Sequence[Any]:
    """What was found as a list: an empty value is none, one document is one."""
    found = None if inquiry.found is None else inquiry.found(values)
    match found:
        case None:
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
