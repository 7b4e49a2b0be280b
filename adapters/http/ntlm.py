"""NTLM, which Windows servers ask for: it authenticates a connection, not a request.

The handshake is made with an empty request, so that nothing is booked by its first half, and once
for each connection; the request that comes next carries the answer to the server's challenge.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Protocol
from urllib.parse import urlsplit

from sidecar.model.errors import ConfigurationError

_SCHEME = "NTLM"


class Handshake(Protocol):
    """One handshake: `first` is sent, `second` answers what came back."""

    def first(self) -> str:
        """The Authorization header of the empty request."""

    def second(self, challenge: Mapping[str, str]) -> str | None:
        """That of the request itself; None where the server did not challenge us."""


class Ntlm:
    """Makes handshakes for one user."""

    def __init__(self, user: str, password: str) -> None:
        try:
            self._spnego = import_module("spnego")
        except ImportError as error:
            raise ConfigurationError(
                "erp.auth.ntlm needs the extra 'ntlm'",
                "pip install 'magento-erp-sidecar[ntlm]' into the sidecar's venv",
            ) from error
        self._user = user
        self._password = password

    def handshake(self, url: str) -> Handshake:
        """A new handshake with the server of this address."""
        host = urlsplit(url).hostname or "unspecified"
        context = self._spnego.client(
            self._user, self._password, hostname=host, service="http", protocol="ntlm"
        )
        return _Handshake(context)


class _Handshake:
    def __init__(self, context: Any) -> None:
        self._context = context

    def first(self) -> str:
        return self._written(self._context.step())

    def second(self, challenge: Mapping[str, str]) -> str | None:
        # Several ways to log in may stand in one header, divided by commas.
        for way in challenge.get("WWW-Authenticate", "").split(","):
            scheme, _, token = way.strip().partition(" ")
            if scheme.upper() == _SCHEME and token:
                return self._written(self._context.step(base64.b64decode(token)))
        return None

    def _written(self, token: bytes | None) -> str:
        return f"{_SCHEME} {base64.b64encode(token or b'').decode()}"
