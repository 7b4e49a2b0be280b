"""Sessions: a token is worth something only together with the cookies that came with it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from secrets import token_urlsafe

TOKEN = "x-csrf-token"  # noqa: S105 -- the header's name
_SESSION = "SAP_SESSIONID_SIM_100"


class Sessions:
    """Who was given which token; `changes`: after so many a session ends (0: never)."""

    def __init__(self, changes: int) -> None:
        self._changes = changes
        self._lock = threading.Lock()
        self._tokens: dict[str, str] = {}
        self._used: dict[str, int] = {}

    def opened(self) -> dict[str, str]:
        """The headers of an answer to who asks for a token."""
        session, token = token_urlsafe(24), token_urlsafe(18)
        with self._lock:
            self._tokens[session] = token
        return {
            TOKEN: token,
            # Two headers of one name: these differ in their case, and nobody else minds.
            "Set-Cookie": "sap-usercontext=sap-client=100; path=/",
            "set-cookie": f"{_SESSION}={session}; path=/; HttpOnly",
        }

    def admits(self, headers: Mapping[str, str]) -> bool:
        """Whether a change carries the token of the session that its cookies name."""
        session = _session_of(headers.get("cookie", ""))
        with self._lock:
            if not session or self._tokens.get(session) != headers.get(TOKEN):
                return False
            self._used[session] = self._used.get(session, 0) + 1
            if self._changes and self._used[session] >= self._changes:
                del self._tokens[session]
        return True


def _session_of(cookies: str) -> str | None:
    try:
        found = SimpleCookie(cookies).get(_SESSION)
    except CookieError:
        return None
    return found.value if found else None
