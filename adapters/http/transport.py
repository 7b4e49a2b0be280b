"""One HTTP call to the ERP: sent once, answered whole and in time, or not believed.

What matters to the caller is not which exception it was but what the ERP may have done:
`NotSent`, nothing left this machine; `Unanswered`, it may have been booked.
"""

from __future__ import annotations

import http.client
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

import requests
from requests.structures import CaseInsensitiveDict
from requests.utils import DEFAULT_ACCEPT_ENCODING
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from adapters.http.auth import (
    Auth,
    Fetch,
    FetchAt,
    FixedHeader,
    auth_of,
    certificate_of,
    ntlm_of,
)
from adapters.http.body import Malformed, decode_json
from adapters.http.connection_pool import ConnectionPool, TooLarge
from adapters.http.played import PlayedConnections
from adapters.http.redirection import ADDRESS, NOTHING_DONE, redirection_of, remedy
from adapters.http.secrecy import beginning, excerpt, struck_out
from adapters.http.waits import wait_of
from adapters.http.wire import SENT
from adapters.language.numbers import BeyondMeasure, read_number
from sidecar.model.errors import ConfigurationError, NotReached, Unavailable
from sidecar.model.secret import is_open, is_printable
from sidecar.ports import AdapterSettings, Exchange, Preview, Script

EXCERPT = 2_000

#: Answers that are read at the same time may take so much memory together.
_ANSWERS_IN_ALL = 64 * 1024 * 1024
_SMALLEST_BOUND = 1024 * 1024
LARGEST_ANSWER = 16 * 1024 * 1024
#: Characters of an address that an answer sends us on to.
_LONGEST_PLACE = 200
#: Tokens of sessions that are over and still struck out.
_TOKENS_BEFORE = 3
#: Seconds that a token is believed to live at the most (a day).
_LONGEST_LIFETIME = 86_400.0
#: What a token endpoint may say is wrong (RFC 6749, section 5.2).
_OAUTH_ERRORS = (
    "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client",
    "unsupported_grant_type", "invalid_scope",
)  # fmt: skip
#: Makes the way to log in of `erp.auth` and of what fetches tokens.
AuthOf = Callable[[Mapping[str, Any], FetchAt], Auth]
_HEADERS = {
    "User-Agent": "magento-erp-sidecar",
    "Accept": "application/json, */*;q=0.8",
    "Accept-Encoding": DEFAULT_ACCEPT_ENCODING,
    "Connection": "keep-alive",
}


@dataclass(frozen=True, slots=True)
class Request:
    """A call: `path` is added to the ERP's address, or is an address itself.

    `name` is what messages call it where many calls share one address; `asks`: it changes nothing
    in the ERP, whatever its method.  `address_key` is where a person finds the address.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    name: str = ""
    asks: bool = False
    address_key: str = ADDRESS

    def __str__(self) -> str:
        return self.name or f"{self.method} {self.path or '/'}"


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete answer of any status, and what it answers."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    exchange: Exchange
    request: Request

    @property
    def is_page(self) -> bool:
        """Whether it is a page for people (one for signing in), whatever its status."""
        content_type = self.headers.get("Content-Type", "").strip().lower()
        start = self.content[:200].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
        return start.startswith((b"<!doctype html", b"<html")) or (
            content_type.startswith("text/html") and start.startswith(b"<")
        )


class NotSent(NotReached):
    """See `NotReached`, with what was seen of the call."""

    def __init__(self, message: str, exchange: Exchange, *, lasting: bool = False) -> None:
        super().__init__(message, exchange=exchange, lasting=lasting)
        self.exchange: Exchange = exchange


class Unanswered(Unavailable):
    """The request may have reached the ERP, and no complete answer came back."""

    def __init__(self, message: str, exchange: Exchange) -> None:
        super().__init__(message, exchange=exchange)
        self.exchange: Exchange = exchange


class _NotConnected(NotSent):
    """Refused, or no such host: worth a second try at once."""


_TRIES = Retrying(
    retry=retry_if_exception_type(_NotConnected),
    stop=stop_after_attempt(3),
    wait=wait_random_exponential(multiplier=0.1, max=0.5),
    reraise=True,
)


class Transport:
    """Calls to one ERP account, from any number of threads."""

    def __init__(self, settings: AdapterSettings, auth: AuthOf = auth_of) -> None:
        self._url = settings.url.rstrip("/")
        self._timeout = (settings.connect_timeout, settings.read_timeout)
        tls = {**settings.tls, **certificate_of(settings.auth)}
        most = max(_SMALLEST_BOUND, _ANSWERS_IN_ALL // max(1, settings.concurrency))
        self._connections: ConnectionPool | PlayedConnections = ConnectionPool(
            tls,
            ntlm_of(settings.auth),
            largest=min(LARGEST_ANSWER, most),
            keeps_cookies=settings.cookies,
        )
        self._auth = auth(settings.auth, self._token_fetcher)
        self._secrets = tuple(secret.reveal() for secret in settings.secrets.values())
        self._tokens: tuple[str, ...] = ()
        #: Whoever listens on the way must not learn what a call logs in with.
        self._guarded = bool(settings.auth or settings.secrets) and not settings.insecure
        if self._guarded and self._url and is_open(self._url):
            raise ConfigurationError(*_OPEN_LOGIN)

    def send(self, request: Request) -> Reply:
        """One call.  Raises NotSent or Unanswered."""
        header = self._authorise(request)
        reply = self._send(request, header)
        # 401 means that the ERP did nothing, so sending again books nothing twice.
        if reply.status == http.HTTPStatus.UNAUTHORIZED and self._auth.refused(header):
            reply = self._send(request, self._authorise(request))
        return reply

    def preview(self, request: Request, shown: str | None) -> Preview:
        """What `send` would send, `shown` being its body for a person; nothing is asked or sent."""
        prepared = self._prepared(request, self._auth.shown())
        body = None if request.body is None else request.body.decode("utf-8", errors="replace")

        def hiding(text: str) -> str:
            # Of what is shown to a person, a secret of two letters too.
            return struck_out(text, self._known_secrets(), shortest=1)

        return Preview(
            request=hiding(f"{prepared.method} {prepared.url}"),
            headers={name: hiding(value) for name, value in prepared.headers.items()},
            body=None if body is None else hiding(body),
            shown=None if shown is None else hiding(shown),
        )

    def rehearsing(self, script: Script) -> Transport:
        """The same without a login, whose calls a script answers: nothing goes over the network."""
        played = copy(self)
        played._auth = FixedHeader({})
        played._connections = PlayedConnections(script, self._url, _HEADERS)
        return played

    def redact(self, text: str) -> str:
        """The text without our own secrets, should the ERP have echoed them, within its bounds."""
        return beginning(text, self._known_secrets(), EXCERPT)

    def _known_secrets(self) -> tuple[str, ...]:
        return (*self._auth.secrets(), *self._secrets, *self._tokens)

    def guard(self, token: str) -> None:
        """Strike a session's token out of all that is kept and shown."""
        # Of the sessions before it an answer that is on its way may still speak.
        self._tokens = (*self._tokens[-_TOKENS_BEFORE:], token)

    def close(self) -> None:
        """Close idle connections; one that is in use closes when its call ends."""
        self._connections.close()

    def _authorise(self, request: Request) -> Mapping[str, str]:
        try:
            return self._auth.header(request.method, self._whole(request))
        except requests.RequestException as error:
            SENT.flag = False
            raise self._failure(error, request, 0.0) from error
        except (NotSent, Unanswered) as error:
            # Whatever became of the token's call, this one was not sent.
            lasting = isinstance(error, NotSent) and error.lasting
            told = Exchange(str(request), None, error.exchange.seconds)
            raise NotSent(f"no access token: {error.message}", told, lasting=lasting) from error

    def _send(self, request: Request, header: Mapping[str, str]) -> Reply:
        return _TRIES(self._send_once, request, header)

    def _send_once(self, request: Request, header: Mapping[str, str]) -> Reply:
        started = time.monotonic()
        SENT.flag = False
        try:
            prepared = self._prepared(request, header)
            with self._connections.borrowed() as connection:
                status, headers, content = connection.exchange(prepared, self._timeout)
        except NotSent:
            raise
        except Exception as error:
            # Whatever a library raises at what came over the wire: it was sent, or it was not.
            raise self._failure(error, request, time.monotonic() - started) from error
        content_type = headers.get("Content-Type", "")
        shown = excerpt(content, content_type, self._known_secrets(), EXCERPT)
        seconds = time.monotonic() - started
        place = redirection_of(status, headers, str(prepared.url))
        sent_on = beginning(place, self._known_secrets(), _LONGEST_PLACE)
        if sent_on:
            shown = f"[redirects to {sent_on}] {shown}"[:EXCERPT]
        told = Exchange(str(request), status, seconds, shown)
        if sent_on and (status in NOTHING_DONE or request.asks):
            message = f"{request}: HTTP {status} redirects to {sent_on}, which is not followed"
            raise NotSent(f"{message}; {remedy(request.address_key)}", told, lasting=True)
        return Reply(status, headers, content, told, request)

    def _prepared(self, request: Request, header: Mapping[str, str]) -> requests.PreparedRequest:
        """What `requests` sends, without what a Session would ask the environment for."""
        prepared = requests.PreparedRequest()
        prepared.method = request.method
        prepared.url = self._whole(request)
        prepared.headers = CaseInsensitiveDict({**_HEADERS, **request.headers, **header})
        if self._guarded and is_open(str(prepared.url)):
            told = Exchange(str(request), None, 0.0)
            raise NotSent(f"{request}: not sent: {'; '.join(_OPEN_LOGIN)}", told, lasting=True)
        prepared.body = request.body
        if request.body is not None:
            # Without it `requests` would send the body in chunks.
            prepared.headers["Content-Length"] = str(len(request.body))
        return prepared

    def _whole(self, request: Request) -> str:
        """The address with its query, as it goes over the wire.

        Raises requests.RequestException.
        """
        absolute = request.path.startswith(("http://", "https://"))
        return _address(request.path if absolute else self._url + request.path, request.query)

    def _failure(self, error: Exception, request: Request, seconds: float) -> Unavailable:
        told = Exchange(str(request), None, seconds, timed_out=_is_timeout(error))
        if SENT.flag:
            return Unanswered(f"{request}: {_lost(error, self._timeout[1])}", told)
        message = f"{request}: not sent: {_obstacle(error)}"
        if isinstance(error, requests.ConnectionError) and not isinstance(
            error, requests.Timeout | requests.exceptions.SSLError
        ):
            return _NotConnected(message, told)
        untrusted = any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _chain(error))
        lasting = untrusted or not isinstance(error, requests.ConnectionError | requests.Timeout)
        return NotSent(message, told, lasting=lasting)

    def _token_fetcher(self, url: str, key: str) -> Fetch:
        def fetch(form: Mapping[str, str]) -> tuple[str, float | None]:
            request = Request(
                "POST",
                url,
                headers={"Content-Type": "application/x-www-form-urlencoded"},
                body=urlencode(form).encode(),
                asks=True,
                address_key=key,
            )
            return _token(self._send(request, {}), key)

        return fetch


@lru_cache(maxsize=256)
def _address(url: str, query: tuple[tuple[str, str], ...]) -> str:
    prepared = requests.PreparedRequest()
    prepared.prepare_url(url, query)
    return str(prepared.url)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that `Retry-After` asks to wait; None where it says nothing to be understood."""
    return wait_of(headers.get("Retry-After", ""))


def _is_timeout(error: Exception) -> bool:
    return any(isinstance(cause, TimeoutError | requests.Timeout) for cause in _chain(error))


def _lost(error: Exception, seconds: float) -> str:
    if _is_timeout(error):
        return f"no complete answer within {seconds:g} s"
    if isinstance(error, TooLarge):
        return str(error)
    return f"the connection broke before the answer was complete ({_innermost(error)})"


def _obstacle(error: Exception) -> str:
    if isinstance(error, requests.Timeout):
        return "the connection was not made in time"
    return _innermost(error)


def _innermost(error: BaseException) -> str:
    """The system's own words, else the class alone.

    A library's words may hold what it choked on: a header, and in it the login.
    """
    *_, last = _chain(error)
    if isinstance(last, OSError) and not isinstance(last, requests.RequestException):
        return f"{type(last).__name__}: {last}"[:200]
    return type(last).__name__


def _chain(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__ or current.__context__


def _token(reply: Reply, key: str) -> tuple[str, float | None]:
    try:
        answer: Any = decode_json(reply.content)
    except Malformed:
        answer = None
    token = answer.get("access_token") if isinstance(answer, dict) else None
    if reply.status == http.HTTPStatus.OK and isinstance(token, str) and token:
        if not is_printable(token):
            message = "the token endpoint answered with a token that no header can carry"
            raise NotSent(message, reply.exchange, lasting=True)
        return token, _lifetime(answer.get("expires_in"))
    lasting = reply.status < 500 and reply.status != http.HTTPStatus.TOO_MANY_REQUESTS
    message = f"the token endpoint answered {reply.status} {_no_token(reply, answer)}"
    raise NotSent(f"{message}; see {key}", reply.exchange, lasting=lasting)


def _no_token(reply: Reply, answer: Any) -> str:
    """What came in place of a token, in our own words: the answer's may have anything in them."""
    if isinstance(answer, dict):
        error = answer.get("error")
        return f"with {error}" if error in _OAUTH_ERRORS else "with JSON that has no access_token"
    content = reply.content.lstrip()
    if not content:
        return "with nothing"
    if content[:1] == b"<":
        return "with a page of HTML: it is no token endpoint, or wants a person to sign in"
    return "with what is no JSON object"


def _lifetime(told: object) -> float | None:
    """Seconds; None where the answer does not say them in a way that can be understood."""
    try:
        if isinstance(told, str):
            told = read_number(told)
        if isinstance(told, bool) or not isinstance(told, int | Decimal) or told <= 0:
            return None
        return float(min(told, _LONGEST_LIFETIME))
    except BeyondMeasure:
        return None


_OPEN_LOGIN = (
    "the login would go over plain http, where everybody on the way can read it",
    "write https://, or 'insecure: true' under erp where that is meant",
)
