"""The generic adapter: everything about the ERP stands in the file of calls (docs/mapping.md).

What a call and its answer look like on the wire is the protocol's business:
`adapters.calls.wire_call.WireCall`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Generic

import msgspec

from adapters.calls.asking import Asking, Refused
from adapters.calls.condition import read_condition
from adapters.calls.conversation import Conversation
from adapters.calls.declared import Calls, Inquiry, Telling
from adapters.calls.known_values import KnownValues
from adapters.calls.names import names_of
from adapters.calls.news import News
from adapters.calls.push_preview import PushPreview
from adapters.calls.pushing import Pushing
from adapters.calls.redaction import Redaction
from adapters.calls.session import LOGIN_REFUSED, LoginRefused
from adapters.calls.wire_call import Call
from adapters.http.transport import Request, Transport
from adapters.language.scope import Values
from sidecar.model.errors import ConfigurationError, NotReached, Unavailable
from sidecar.model.outcome import Booked, Outcome
from sidecar.ports import (
    AdapterSettings,
    Capabilities,
    Delivery,
    Listed,
    Page,
    Ping,
    Preview,
    PushCall,
    Script,
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
        rehearsed_at: datetime | None = None,
    ) -> None:
        """`harmless` is sent by a ping where the file has nothing that asks.

        `rehearsed_at`: all calls are of that moment, and without a secret (`rehearse`).
        """
        self._calls = calls
        self._settings = settings
        self._transport = transport
        self._shop = settings.shop
        self._domains = settings.domains
        self._renamed = settings.renamed
        self._bare = harmless
        self._redaction = Redaction(transport.redact)
        self._conversation = Conversation[Call](
            calls.name, calls.login, transport, settings, rehearsed_at
        )
        self._asking = Asking[Call](self._conversation)
        self._pushing = Pushing[Call](
            calls,
            self._conversation,
            self._asking,
            KnownValues(time.monotonic, settings.trust_absence_after),
            names_of(settings.domains),
        )
        self._previewing = PushPreview[Call](calls, self._conversation, self._pushing)
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

    def preview(self, delivery: Delivery, *, ask: bool = False) -> Sequence[Preview]:
        """See `sidecar.ports.Previewing`."""
        with self._redaction.of_errors():
            return self._previewing.calls(delivery, ask=ask)

    def rehearse(self, delivery: Delivery, script: Script, now: datetime) -> Outcome:
        """See `sidecar.ports.Rehearsing`."""
        # An adapter of its own: it has no session, and remembers nothing of another rehearsal.
        played = GenericAdapter[Call](
            self._calls, self._transport.rehearsing(script), self._settings, self._bare, now
        )
        [outcome] = [one.outcome for call in played.push([delivery]) for one in call.results]
        return outcome

    def condition(self, domain: str, when: str) -> Callable[[Delivery], bool]:
        """See `sidecar.ports.Conditional`."""
        values = partial(self._pushing.values, domain=domain)
        return read_condition(when, domain, self._domains, values)

    def preview_changes(self, domain: str, since: datetime | None) -> Preview:
        """See `sidecar.ports.PreviewingNews`."""
        call = self._told(domain, since).inquiry.call
        with self._redaction.of_errors():
            values = {"shop": self._shop, "since": since, "page": None}
            return self._conversation.shown(call, values)

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
            is_refused = isinstance(error, Refused | LoginRefused) or in_vain
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
