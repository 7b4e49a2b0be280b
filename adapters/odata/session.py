"""What an OData service wants before it lets anything be changed: a token, and the newest version.

SAP's gateway gives a token against cross-site request forgery to who asks for it by a header, and
takes it only together with the cookies of that answer.  A changed document has another ETag; who
does not name the present one is refused (428, or 412 for an older one), so that nobody overwrites
what he has not seen.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from http import HTTPStatus

from adapters.http.transport import NotSent, Reply, Request, Transport, Unanswered
from adapters.odata.answer import etag_of
from adapters.odata.service import ODataRequest, Service, addressed
from sidecar.ports import AdapterSettings, Script

TOKEN = "X-CSRF-Token"  # noqa: S105 -- the header's name
FETCH, REQUIRED = "Fetch", "required"

#: Several Set-Cookie headers come as one: a comma followed by a name and "=" begins another cookie,
#: one followed by anything else stands in a date.
_NEXT_COOKIE = re.compile(r",\s*(?=[^;,=\s]+=)")
#: A shorter value of a cookie says something (`sap-client=100`) and proves nothing.
_SHORTEST_SECRET = 16
#: Answers to what is asked before a call that are the call's answer, too: the file says what they
#: mean.  Of a document that is not there; of a service that is not, a person must hear.
_OF_TOKEN = (HTTPStatus.TOO_MANY_REQUESTS,)
_OF_VERSION = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.NOT_FOUND)
_LASTING = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)

Ask = Callable[[ODataRequest], Reply]


@dataclass(frozen=True, slots=True)
class Pass:
    """What lets us in: empty where the service asks for none."""

    token: str = ""
    cookies: str = ""

    @classmethod
    def of(cls, reply: Reply) -> Pass:
        """Out of an answer to who asked for a token."""
        token = reply.headers.get(TOKEN, "")
        if not token or token.lower() in (FETCH.lower(), REQUIRED):
            return cls()
        pairs = (
            cookie.partition(";")[0].strip()
            for cookie in _NEXT_COOKIE.split(reply.headers.get("Set-Cookie", ""))
        )
        return cls(token, "; ".join(filter(None, pairs)))

    def on(self, request: ODataRequest) -> ODataRequest:
        """The request with it."""
        headers = {TOKEN: self.token} if self.token else {}
        cookies = {"Cookie": self.cookies} if self.cookies else {}
        return replace(request, headers={**request.headers, **headers, **cookies})

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must be struck out of everything that is kept."""
        values = (pair.partition("=")[2] for pair in self.cookies.split("; "))
        return tuple(one for one in (self.token, *values) if len(one) >= _SHORTEST_SECRET)


class Passes:
    """One pass for each service and all threads, fetched when there is none."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._passes: dict[Service, Pass] = {}
        #: Another thread's answer may still repeat the one that was renewed meanwhile.
        self._former: dict[Service, Pass] = {}

    def known(self, service: Service) -> bool:
        """Whether there is one."""
        return service in self._passes

    def picked_up(self, service: Service, reply: Reply) -> None:
        """A question was answered that asked for a token by the way."""
        found = Pass.of(reply)
        with self._lock:
            if found.token and service not in self._passes:
                self._passes[service] = found

    def of(self, request: ODataRequest) -> Pass:
        """The service's.  Raises NotSent for want of one, and Answered."""
        with self._lock:
            if request.service not in self._passes:
                self._passes[request.service] = Pass.of(self._fetched(request))
            return self._passes[request.service]

    def refused(self, service: Service, used: Pass) -> None:
        """The service does not take it any more: the next call fetches another."""
        with self._lock:
            # Another thread may have renewed it meanwhile: one refused token, one renewal.
            if self._passes.get(service) == used:
                self._former[service] = self._passes.pop(service)

    def secrets(self) -> tuple[str, ...]:
        """What must be struck out of everything that is kept."""
        held = (*self._passes.values(), *self._former.values())
        return tuple(secret for one in held for secret in one.secrets)

    def _fetched(self, request: ODataRequest) -> Reply:
        service = request.service
        question = ODataRequest(
            "GET",
            addressed(f"{service.path}/", service.parameters),
            headers={**service.headers, TOKEN: FETCH},
            name=f"GET {service.path}/",
            asks=True,
            service=service,
        )
        return asked_before(request, question, self._ask, _OF_TOKEN, "no CSRF token")


class Answered(Exception):
    """What had to be asked before a call was answered in a way that is the call's answer, too."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply.request))
        self.reply = reply


def asked_before(
    request: ODataRequest,
    question: ODataRequest,
    ask: Ask,
    telling: Collection[int],
    lacking: str,
) -> Reply:
    """The answer to a question that a call needs; `lacking` is what there is not without it.

    Raises Answered for a status that is `telling`, NotSent for every other that is no answer:
    nothing of the call itself was sent.
    """
    try:
        reply = ask(question)
    except (NotSent, Unanswered) as error:
        lasting = isinstance(error, NotSent) and error.lasting
        message = f"{request}: not sent: {lacking}: {error.message}"
        raise NotSent(message, error.exchange, lasting=lasting) from error
    if reply.status in telling:
        raise Answered(reply)
    if reply.status != HTTPStatus.OK or reply.is_page:
        what = "a page of HTML" if reply.is_page else f"HTTP {reply.status}"
        message = f"{request}: not sent: {lacking}: {question} answers with {what}"
        lasting = reply.status in _LASTING
        raise NotSent(message, reply.exchange, lasting=lasting)
    return reply


class ODataTransport(Transport):
    """Calls to one ERP account: those that change something with their token and their version."""

    def __init__(self, settings: AdapterSettings) -> None:
        # A token is worth nothing without the cookies of its own answer, so no others are sent.
        super().__init__(replace(settings, cookies=False))
        self._passes = Passes(super().send)
        self._asks_before = True

    def rehearsing(self, script: Script) -> Transport:
        """See `Transport.rehearsing`; no token and no version is asked for, as nobody gives one."""
        played = super().rehearsing(script)
        if isinstance(played, ODataTransport):
            played._asks_before = False
        return played

    def send(self, request: Request) -> Reply:
        """One call.  Raises NotSent or Unanswered."""
        if not self._asks_before or not isinstance(request, ODataRequest):
            return super().send(request)
        try:
            return self._modify(request) if request.modifies else self._read(request)
        except Answered as answered:
            return answered.reply

    def _read(self, request: ODataRequest) -> Reply:
        if self._passes.known(request.service):
            return super().send(request)
        asking = replace(request, headers={**request.headers, TOKEN: FETCH})
        reply = super().send(asking)
        self._passes.picked_up(request.service, reply)
        return reply

    def _modify(self, request: ODataRequest) -> Reply:
        if request.names_no_version:
            request = self._versioned(request)
        used = self._passes.of(request)
        reply = super().send(used.on(request))
        if _wants_token(reply):
            # 403 means that nothing was done, so sending again books nothing twice.
            self._passes.refused(request.service, used)
            reply = super().send(self._passes.of(request).on(request))
        return reply

    def _versioned(self, request: ODataRequest) -> ODataRequest:
        """With the version that the document has now, where it has one."""
        question = ODataRequest(
            "GET",
            request.path,
            headers=request.service.headers,
            name=f"GET {request.path.partition('?')[0]}",
            asks=True,
            service=request.service,
        )
        lacking = "the document's present version is not known"
        reply = asked_before(request, question, self._read, _OF_VERSION, lacking)
        etag = etag_of(reply)
        if etag is None:
            return request
        return replace(request, headers={**request.headers, "If-Match": etag})

    def _known_secrets(self) -> tuple[str, ...]:
        return (*super()._known_secrets(), *self._passes.secrets())


def _wants_token(reply: Reply) -> bool:
    required = reply.headers.get(TOKEN, "").lower() == REQUIRED
    return reply.status == HTTPStatus.FORBIDDEN and required
