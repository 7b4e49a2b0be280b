"""WS-Security UsernameToken as an ERP checks it: password or digest, once, and not too old."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sidecar.testing.soap_messages import WSSE

WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
MOST_SECONDS = 300


def security_header(envelope: Any) -> Any:
    """The WS-Security header of a message as an lxml element, or None."""
    return envelope.find(f"{{*}}Header/{{{WSSE}}}Security")


class UsernameTokens:
    """Knows user and password, and every nonce of the last minutes."""

    def __init__(self, user: str, password: str, clock: Callable[[], float] = time.time) -> None:
        self._user = user
        self._password = password
        self._clock = clock
        self._lock = threading.Lock()
        self._nonces: dict[str, float] = {}

    def accepts(self, security: Any) -> bool:
        """Whether the header holds a token that is right and new."""
        token = security.find(f"{{{WSSE}}}UsernameToken")
        if token is None or token.findtext(f"{{{WSSE}}}Username") != self._user:
            return False
        nonce = token.findtext(f"{{{WSSE}}}Nonce") or ""
        created = token.findtext(f"{{{WSU}}}Created") or ""
        password = token.find(f"{{{WSSE}}}Password")
        if password is None or not self._is_fresh(created):
            return False
        kind, sent = password.get("Type", ""), password.text or ""
        if kind.endswith("#PasswordDigest"):
            right = bool(nonce and created) and self._is_digest(sent, nonce, created)
        else:
            right = hmac.compare_digest(sent.encode(), self._password.encode())
        return right and self._is_first(nonce)

    def _is_digest(self, sent: str, nonce: str, created: str) -> bool:
        try:
            salt = base64.b64decode(nonce, validate=True)
        except binascii.Error:
            return False
        salted = salt + created.encode() + self._password.encode()
        # SHA-1 is what the profile prescribes.
        digest = hashlib.sha1(salted, usedforsecurity=False).digest()
        return hmac.compare_digest(sent.encode(), base64.b64encode(digest))

    def _is_fresh(self, created: str) -> bool:
        """A token in clear text may do without the time; a digest may not, see above."""
        if not created:
            return True
        try:
            moment = datetime.fromisoformat(created)
        except ValueError:
            return False
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return abs(self._clock() - moment.timestamp()) <= MOST_SECONDS

    def _is_first(self, nonce: str) -> bool:
        """Remember the nonce.  Those that are older than any token may be are forgotten."""
        if not nonce:
            return True
        now = self._clock()
        with self._lock:
            self._nonces = {
                known: seen
                for known, seen in self._nonces.items()
                if now - seen <= 2 * MOST_SECONDS
            }
            if nonce in self._nonces:
                return False
            self._nonces[nonce] = now
        return True
