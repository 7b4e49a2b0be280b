"""The generic adapter: everything about the ERP stands in the file of calls (docs/mapping.md).

What a call and its answer look like on the wire is the protocol's business:
`adapters.calls.wire_call.WireCall`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from itertools import count
from secrets import token_bytes
from types import SimpleNamespace
from typing import Generic

import msgspec

from adapters.calls.asking import LOGIN_REFUSED, Asking, Refused
from adapters.calls.condition import read_condition
from adapters.calls.declared import Calls, Inquiry, Telling
from adapters.calls.names import names_of
from adapters.calls.news import News
from adapters.calls.pushing import Pushing
from adapters.calls.redaction import Redaction
from adapters.calls.wire_call import Call
from adapters.http.transport import Request, Transport
from adapters.language.compiler import Values
from adapters.language.filters import ExpressionError
from adapters.language.hidden import HiddenSecrets
from adapters.language.rounds import ROUNDS, Rounds
from sidecar.model.errors import ConfigurationError, NotReached, SidecarError, Unavailable
from sidecar.model.outcome import Booked
from sidecar.ports import (
    AdapterSettings,
    Capabilities,
    Delivery,
    Listed,
    Page,
    Ping,
    Preview,
    PushCall,
)

#: Asked for by a ping where the file has none; an external reference that no shop gives.
NO_REFERENCE = "erp-sidecar-ping"


class GenericAdapter(Generic[Call]):
    """See `sidecar.ports.ErpAdapter`."""

    def __init__(
        self,
        calls: Calls[Call],
        transport: Transport,
        settings: AdapterSettings,
        harmless: Request,
    ) -> None:
        """`harmless` is sent by a ping where the file has nothing that asks."""
        self._calls = calls
        self._transport = transport
        self._shop = settings.shop
        self._domains = settings.domains
        self._renamed = settings.renamed
        self._secret = secrets_of(settings)
        self._nonces = _Nonces()
        self._bare = harmless
        self._redaction = Redaction(transport.redact)
        self._pushing = Pushing[Call](
            calls, transport, settings.shop, self._request, names_of(settings.domains)
        )
        self._asking = Asking[Call](calls.name, transport, settings.shop, self._request)
        self._news = News[Call](self._asking)

    def capabilities(self, domain: str) -> Capabilities:
        return self._calls.capabilities(domain)

    def push(self, batch: Sequence[Delivery]) -> Sequence[PushCall]:
        with self._redaction.of_errors():
            return [self._redaction.of_call(call) for call in self._pushing.push(batch)]

    def probe(self, domain: str, refs: Sequence[str]) -> Mapping[str, tuple[Booked, ...]]:
        inquiry = self._declared(domain, "probe")
        with self._redaction.of_errors():
            by_reference = self._asking.probe(inquiry, refs)
            return {
                ref: tuple(map(self._redaction.of_document, documents))
                for ref, documents in by_reference.items()
            }

    def list(self, domain: str, since: datetime, page: str | int | None = None) -> Page[Listed]:
        inquiry = self._declared(domain, "list")
        with self._redaction.of_errors():
            told = self._asking.page(inquiry, since, page)
            rows = [
                Listed(self._redaction.of(row.external), self._redaction.of_document(row.booked))
                for row in told.rows
            ]
            # The next page's name comes back to be asked for as it is.
            return Page(tuple(rows), told.next)

    def changes(
        self, domain: str, since: datetime | None, page: str | int | None = None
    ) -> Page[msgspec.Struct]:
        """See `sidecar.ports.Telling`."""
        telling = self._told(domain, since)
        with self._redaction.of_errors():
            return self._redaction.of_news(self._news.page(telling, since, page), telling.form.news)

    def preview(self, delivery: Delivery) -> Sequence[Preview]:
        """See `sidecar.ports.Previewing`."""
        with self._redaction.of_errors():
            return [self._shown(call, values) for call, values in self._pushing.calls(delivery)]

    def condition(self, domain: str, when: str) -> Callable[[Delivery], bool]:
        """See `sidecar.ports.Conditional`."""
        values = partial(self._pushing.values, domain=domain)
        return read_condition(when, domain, self._domains, values)

    def preview_changes(self, domain: str, since: datetime | None) -> Preview:
        """See `sidecar.ports.PreviewingNews`."""
        call = self._told(domain, since).inquiry.call
        with self._redaction.of_errors():
            return self._shown(call, {"shop": self._shop, "since": since, "page": None})

    def warnings(self) -> Sequence[str]:
        """See `sidecar.ports.Advising`."""
        return (*self._calls.warnings, *self._unnamed())

    def _unnamed(self) -> Iterator[str]:
        """Calls whose documents no question finds: it asks for what they do not send."""
        for domain in self._renamed & self._calls.domains.keys():
            for push in self._calls.domains[domain].pushes:
                if push.unnamed:
                    ref = "=event.ref" if push.batch and not push.envelope else "=ref"
                    yield (
                        f"{push.unnamed}: it sends no `ref`, and domains.{domain}.ref makes that "
                        "another one than Magento's number: a question would not find the "
                        f"document; send {ref}"
                    )

    def ping(self) -> Ping:
        with self._redaction.of_errors():
            return self._redaction.of(self._pinged())

    def _pinged(self) -> Ping:
        try:
            inquiry, asked = self._harmless()
            if inquiry is None:
                return self._touched()
            self._asking.try_out(inquiry, asked)
        except Unavailable as error:
            is_answered = error.exchange is not None and error.exchange.status is not None
            in_vain = isinstance(error, NotReached) and error.lasting and not is_answered
            is_refused = isinstance(error, Refused) or in_vain
            return Ping(is_answered, not is_refused, error.message)
        return Ping(reachable=True, authorised=True)

    def _touched(self) -> Ping:
        """For an ERP that the file has no question for."""
        reply = self._transport.send(self._bare)
        is_refused = reply.status in LOGIN_REFUSED
        told = f"{reply.request}: HTTP {reply.status}" if is_refused else ""
        return Ping(reachable=True, authorised=not is_refused, message=told)

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
        except Exception as error:
            # The class alone: a library's words may quote the order, or a secret.
            raise ExpressionError(
                f"{self._calls.name}: the call cannot be filled in ({type(error).__name__})"
            ) from error

    def _declared(self, domain: str, name: str) -> Inquiry[Call]:
        calls = self._calls.domains.get(domain)
        inquiry: Inquiry[Call] | None = getattr(calls, name, None)
        if inquiry is None:
            raise self._undeclared(domain, name)
        return inquiry

    def _told(self, domain: str, since: datetime | None) -> Telling[Call]:
        calls = self._calls.domains.get(domain)
        telling = None
        if calls is not None:
            telling = calls.whole if since is None else calls.changes
        if telling is None:
            raise self._undeclared(domain, "list of news" if since is None else "changes")
        return telling

    def _undeclared(self, domain: str, name: str) -> ConfigurationError:
        return ConfigurationError(
            f"{self._calls.name} has no {domain}.{name}", "add that call (docs/mapping.md)"
        )


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


def secrets_of(settings: AdapterSettings) -> SimpleNamespace:
    """`secret` in an expression: what stands under `erp.secrets`."""
    return SimpleNamespace(**{name: secret.reveal() for name, secret in settings.secrets.items()})
