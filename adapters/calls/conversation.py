"""Calls filled in and made: with what is new in each of them, and within the ERP's session."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import blake2b, sha256
from itertools import count
from secrets import token_bytes
from types import SimpleNamespace
from typing import Any, Generic

from adapters.calls.declared import Login
from adapters.calls.session import Session, Sessions
from adapters.calls.wire_call import Call
from adapters.http.transport import Reply, Request, Transport
from adapters.language.filters import ExpressionError, as_text
from adapters.language.hidden import HiddenSecrets
from adapters.language.rounds import ROUNDS, Rounds
from adapters.language.scope import Values
from sidecar.model.errors import SidecarError
from sidecar.ports import AdapterSettings, Preview, ShopContext

#: Instead of what is new in each call, where two of them are compared or one is only tried.
_STILL = {"nonce": "0" * 32, "now": datetime(2000, 1, 1, tzinfo=UTC), "token": "‹token›"}
#: A new session may be used up by other threads, where it lives for a few calls, before it is used.
_MOST_SESSIONS = 5


class Conversation(Generic[Call]):
    """With one ERP account, from any number of threads."""

    def __init__(
        self,
        name: str,
        login: Login[Call] | None,
        transport: Transport,
        settings: AdapterSettings,
        rehearsed_at: datetime | None = None,
    ) -> None:
        """`name` is what messages call the file of calls.

        `rehearsed_at`: nothing of its calls is new or secret, all are of that moment.
        """
        self._name = name
        self._login = login
        self._transport = transport
        self._shop = settings.shop
        self._rehearsed_at = rehearsed_at
        self._secret = secrets_of(settings) if rehearsed_at is None else HiddenSecrets()
        self._nonces = _Nonces()
        self._sessions = (
            None
            if login is None
            else Sessions[Call](login, transport, self._login_request, {"shop": settings.shop})
        )

    @property
    def name(self) -> str:
        """Of the file of calls."""
        return self._name

    @property
    def shop(self) -> ShopContext:
        """What every expression may know of the shop."""
        return self._shop

    def send(self, call: Call, values: Values, *, asks: bool = False) -> Reply:
        """Fill in and make a call.

        Raises ExpressionError where it cannot be filled in, NotSent, Unanswered.
        """
        return self._sent(call, lambda session: self._request(call, values, session, asks=asks))

    def send_together(
        self, call: Call, each: Sequence[Values], sealed: Callable[[Sequence[Request]], Request]
    ) -> Reply:
        """As `send`, with a request for each of the values, all of them in one."""

        def request(session: Session | None) -> Request:
            once = {"secret": self._secret, **({"token": session.token} if session else {})}
            inner = [self._filled(call, {**values, **self._once(), **once}) for values in each]
            return self._within(sealed(inner), session)

        return self._sent(call, request)

    def _sent(self, call: Call, request: Callable[[Session | None], Request]) -> Reply:
        if self._sessions is None:
            return self._transport.send(request(None))
        session = self._sessions.current()
        reply = self._transport.send(request(session))
        for _ in range(_MOST_SESSIONS):
            if not self._sessions.is_over(call, reply):
                break
            # The ERP did not look at it, so that sending it again books nothing twice.
            session = self._sessions.after(session)
            reply = self._transport.send(request(session))
        return reply

    def redact(self, text: str) -> str:
        """The text without our own secrets, within its bounds."""
        return self._transport.redact(text)

    def tried(self, call: Call, values: Values) -> Request:
        """The call filled in and not made, to see that it can be.  Raises ExpressionError."""
        return self._filled(call, {**values, **_STILL, "secret": self._secret})

    def identity(self, call: Call, values: Values) -> bytes:
        """Alike for calls that ask for the same.  Raises ExpressionError."""
        request = self.tried(call, values)
        seen = repr((request.method, request.path, request.query, request.name)).encode()
        return blake2b(seen + b"\0" + (request.body or b""), digest_size=16).digest()

    def shown(self, call: Call, values: Values) -> Preview:
        """The call as it would be made, with no secret in it.  Raises ExpressionError."""
        once = {**self._once(), "token": _STILL["token"], "secret": HiddenSecrets()}
        request = call.disarmed(self._filled(call, {**values, **once}))
        if self._login is not None and call is not self._login.call:
            shown = Session(_STILL["token"])
            request = replace(request, headers={**request.headers, **self._of_session(shown)})
        return self._transport.preview(
            request, None if request.body is None else call.shown(request.body)
        )

    def _request(
        self, call: Call, values: Values, session: Session | None, *, asks: bool
    ) -> Request:
        """The nonce is new in each: an ERP that checks it takes a repeated one for a replay."""
        once = {**self._once(), "secret": self._secret}
        if session is not None:
            once["token"] = session.token
        request = self._within(self._filled(call, {**values, **once}), session)
        if self._rehearsed_at is not None:
            request = call.disarmed(request)
        return replace(request, asks=True) if asks else request

    def _within(self, request: Request, session: Session | None) -> Request:
        """With the headers of the session, where there is one."""
        if session is None:
            return request
        return replace(request, headers={**request.headers, **self._of_session(session)})

    def _login_request(self, call: Call) -> Request:
        once = {**self._once(), "secret": self._secret, "token": None}
        return replace(self._filled(call, {"shop": self._shop, **once}), asks=True)

    def _of_session(self, session: Session) -> dict[str, str]:
        if self._login is None or self._login.headers is None:
            return {}
        headers: Mapping[str, Any] = self._login.headers(
            {"shop": self._shop, "token": session.token, "secret": self._secret}
        )
        return {name: as_text(value) for name, value in headers.items() if value is not None}

    def _once(self) -> dict[str, Any]:
        if self._rehearsed_at is not None:
            return {"nonce": _STILL["nonce"], "now": self._rehearsed_at}
        return {"nonce": self._nonces.next(), "now": datetime.now(UTC)}

    def _filled(self, call: Call, values: Values) -> Request:
        """The call with these values, whatever goes wrong in between.  Raises ExpressionError."""
        try:
            return call.request({**values, ROUNDS: Rounds()})
        except SidecarError:
            raise
        except Exception as error:
            # The class alone: a library's words may quote the order, or a secret.
            raise ExpressionError(
                f"{self._name}: the call cannot be filled in ({type(error).__name__})"
            ) from error


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
