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

from adapters.calls.fields import Fields
from adapters.calls.mapping import Calls, Inquiry
from adapters.calls.pushing import Pushing, parts
from adapters.calls.redaction import Redaction
from adapters.calls.wire_call import Call, read_answer
from adapters.http.transport import NotSent, Request, Transport, Unanswered
from adapters.language.compiler import Values
from adapters.language.filters import ExpressionError, as_text, kind
from adapters.language.hidden import HiddenSecrets
from adapters.language.rounds import ROUNDS, Rounds
from sidecar.model.errors import ConfigurationError, NotUnderstood, SidecarError
from sidecar.model.outcome import Booked, Misconfigured, reference_key
from sidecar.ports import (
    Capabilities,
    Connection,
    Delivery,
    Listed,
    Page,
    Ping,
    Preview,
    PushCall,
)

#: Asked for by a ping where the file has none; an external reference that no shop gives.
NO_REFERENCE = "erp-sidecar-ping"

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
        self._secret = secrets_of(connection)
        self._nonces = _Nonces()
        self._bare = harmless
        self._redaction = Redaction(transport.redact)
        self._pushing = Pushing[Call](calls, transport, connection.shop, self._request)

    def capabilities(self, domain: str) -> Capabilities:
        return self._calls.capabilities(domain)

    def push(self, batch: Sequence[Delivery]) -> Sequence[PushCall]:
        with self._redaction.of_errors():
            return [self._redaction.of_call(call) for call in self._pushing.push(batch)]

    def probe(self, domain: str, refs: Sequence[str]) -> Mapping[str, tuple[Booked, ...]]:
        with self._redaction.of_errors():
            return {
                ref: tuple(map(self._redaction.of_document, documents))
                for ref, documents in self._probed(domain, refs).items()
            }

    def _probed(self, domain: str, refs: Sequence[str]) -> Mapping[str, tuple[Booked, ...]]:
        inquiry = self._declared(domain, "probe")
        found: dict[str, tuple[Booked, ...]] = {}
        for part in parts(refs, inquiry.batch or 1):
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

    def list(self, domain: str, since: datetime, page: str | int | None = None) -> Page[Listed]:
        inquiry = self._declared(domain, "list")
        with self._redaction.of_errors():
            values = self._ask(inquiry, {"since": since, "page": page})
            rows = tuple(
                Listed(self._redaction.of(external), self._redaction.of_document(booked))
                for external, booked in self._rows(inquiry, values)
                if external  # made by hand in the ERP: nobody's external reference
            )
            # The next page's name comes back to be asked for as it is.
            return Page(rows, self._next(inquiry, values, page))

    def preview(self, delivery: Delivery) -> Sequence[Preview]:
        """See `sidecar.ports.Previewing`."""
        with self._redaction.of_errors():
            return [self._shown(call, values) for call, values in self._pushing.calls(delivery)]

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
        with self._redaction.of_errors():
            return self._redaction.of(self._pinged())

    def _pinged(self) -> Ping:
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
