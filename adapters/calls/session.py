"""The session that an ERP wants: made when there is none, and made anew when an answer says so."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Generic

from adapters.calls.answer import Evidence, Predicate
from adapters.calls.declared import Login
from adapters.calls.wire_call import Call, read_answer
from adapters.http.transport import NotSent, Reply, Request, Transport, Unanswered
from adapters.language.filters import ExpressionError
from adapters.language.scope import Values
from sidecar.ports import Exchange

#: Statuses that say: who you claim to be is not believed, or may not.
LOGIN_REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


class LoginRefused(NotSent):
    """The ERP knows us not: what the login was for was not sent, whatever HTTP status says so."""


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """One login.  Compared by identity: two may have the same token."""

    token: Any


class Sessions(Generic[Call]):
    """Shared by all calls of an account, from any number of threads."""

    def __init__(
        self,
        login: Login[Call],
        transport: Transport,
        request: Callable[[Call], Request],
        values: Values,
    ) -> None:
        """`request` fills the login's call in; `values`: what its answer may name beside itself."""
        self._login = login
        self._transport = transport
        self._request = request
        self._values = values
        self._lock = threading.Lock()
        self._session: Session | None = None

    def current(self) -> Session:
        """The session there is, made where there is none.  Raises NotSent."""
        with self._lock:
            if self._session is None:
                self._session = self._made()
            return self._session

    def after(self, over: Session) -> Session:
        """Another one than that; who comes second finds it made.  Raises NotSent."""
        with self._lock:
            if self._session is over:
                self._session = None
        return self.current()

    def is_over(self, call: Call, reply: Reply) -> bool:
        """Whether an answer says that the call was not looked at, as nobody is logged in.

        What may be a gateway's word is none: the call may have been carried out.
        """
        renew = self._login.renew
        try:
            response, evidence = read_answer(call, reply)
            if evidence.doubt_of(renew):
                return False
            return renew.holds({**self._values, "response": response})
        except ExpressionError:
            return False

    def _made(self) -> Session:
        """Whatever becomes of the login, the call that it was for was not sent."""
        try:
            reply = self._transport.send(self._request(self._login.call))
        except ExpressionError as error:
            raise _no_session(error.message, Exchange("login", None, 0.0), lasting=True) from error
        except (NotSent, Unanswered) as error:
            lasting = isinstance(error, NotSent) and error.lasting
            raise _no_session(error.message, error.exchange, lasting=lasting) from error
        try:
            return self._read(reply)
        except ExpressionError as error:
            why = f"{reply.request}: HTTP {reply.status}: {error.message}"
            raise _no_session(why, reply.exchange) from error

    def _read(self, reply: Reply) -> Session:
        """Raises NotSent for a login that was refused, ExpressionError for what cannot be read."""
        login = self._login
        response, evidence = read_answer(login.call, reply)
        values = {**self._values, "response": response}
        told = login.told.text("message", values) or evidence.told
        if reply.status in LOGIN_REFUSED or _is_refusal(login.misconfigured, values, evidence):
            why = f"{reply.request}: the ERP refuses our login: {told}"
            raise LoginRefused(f"no session: {why}", reply.exchange, lasting=True)
        if evidence.stranger or not login.ok.holds(values):
            why = evidence.stranger or "'ok' of the file of calls is not true"
            raise _no_session(f"{reply.request}: {why}; {told}", reply.exchange)
        token = login.token(values) if login.token else None
        if login.token and token in (None, "", False):
            why = f"{login.token.source} is empty: there is no token ({login.token.place})"
            raise _no_session(why, reply.exchange)
        if isinstance(token, str):
            self._transport.guard(token)
        return Session(token)


def _is_refusal(line: Predicate | None, values: Values, evidence: Evidence) -> bool:
    """Whether the line says so; one that looks for what a good login has not is passed over, as it
    is in every other answer."""
    if line is None or evidence.doubt_of(line):
        return False
    try:
        return line.holds(values)
    except ExpressionError:
        return False


def _no_session(why: str, exchange: Exchange, *, lasting: bool = False) -> NotSent:
    return NotSent(f"no session: {why}", exchange, lasting=lasting)
