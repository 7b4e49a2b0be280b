"""Logins that give a token, and the sessions behind them, which end at the worst moment."""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import msgspec


class SessionLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long a session lives: so many requests, so many seconds; 0: without an end."""

    requests: int = 0
    seconds: float = 0


@dataclass
class _Session:
    began: float
    requests: int = 0


class Sessions:
    """The sessions of one ERP; they end with its process.  Any thread may call."""

    def __init__(
        self,
        user: str,
        password: str,
        limits: SessionLimits,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Without a `user` every login is right."""
        self._user = user
        self._password = password
        self._limits = limits
        self._clock = clock
        self._lock = threading.Lock()
        self._sessions: dict[str, _Session] = {}

    def login(self, user: str, password: str) -> str | None:
        """The token of a new session, None for a wrong user or password."""
        given, right = f"{user}:{password}", f"{self._user}:{self._password}"
        if self._user and not hmac.compare_digest(given.encode(), right.encode()):
            return None
        token = secrets.token_hex(16)
        with self._lock:
            self._sessions[token] = _Session(self._clock())
        return token

    def admits(self, token: str) -> bool:
        """Whether a session is alive; the request counts for it."""
        with self._lock:
            session = self._sessions.get(token)
            if session is None:
                return False
            session.requests += 1
            limits = self._limits
            is_spent = 0 < limits.requests < session.requests
            is_old = 0 < limits.seconds <= self._clock() - session.began
            if is_spent or is_old:
                del self._sessions[token]
                return False
            return True

    def limit(self, limits: SessionLimits) -> None:
        """How long sessions live from now on, those that are open too."""
        with self._lock:
            self._limits = limits

    def expire(self) -> None:
        """End every session now."""
        with self._lock:
            self._sessions.clear()
