"""How the ERP knows us: the header of each call (`erp.auth`)."""

from __future__ import annotations

import base64
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from adapters.http.ntlm import Ntlm
from sidecar.model.errors import ConfigurationError
from sidecar.model.secret import Secret, is_printable

#: Renew a token this many seconds before it ends: a call on its way must not outlive it.
_MARGIN = 30.0
#: For a token whose answer does not say how long it lives.
_LIFETIME = 300.0

_ENDPOINT_KEY = "erp.auth.oauth2_client_credentials.token_url"

#: Tokens that an answer may still repeat.
_REMEMBERED = 4

#: Fetches a token: (form fields) → (token, seconds it lives or None).
Fetch = Callable[[Mapping[str, str]], tuple[str, float | None]]
#: Makes a Fetch of a token endpoint, and of the key of the configuration where a person finds it.
FetchAt = Callable[[str, str], Fetch]


class Auth(Protocol):
    """Yields the header that authorises a call."""

    def header(self, method: str, address: str) -> Mapping[str, str]:
        """Name and value for a call of this method to this address; may fetch a token first."""

    def refused(self, header: Mapping[str, str], /) -> bool:
        """The ERP answered 401 to this header: True when a fresh one may do better."""

    def secrets(self) -> tuple[str, ...]:
        """What must be struck out of everything that is kept."""

    def shown(self) -> Mapping[str, str]:
        """The header with its secret struck out; asks for no token."""


class FixedHeader:
    """The same header in every call, or none."""

    def __init__(self, header: Mapping[str, str], secrets: tuple[str, ...] = ()) -> None:
        self._header = header
        self._secrets = secrets

    def header(self, _method: str, _address: str) -> Mapping[str, str]:
        return self._header

    def refused(self, _header: Mapping[str, str]) -> bool:
        return False

    def secrets(self) -> tuple[str, ...]:
        return self._secrets

    def shown(self) -> Mapping[str, str]:
        return {name: self._struck(value) for name, value in self._header.items()}

    def _struck(self, value: str) -> str:
        for secret in filter(None, self._secrets):
            value = value.replace(secret, "***")
        return value


class FetchedToken:
    """OAuth 2.0: one token for all threads, fetched with a form and renewed before it ends."""

    def __init__(
        self,
        form: Callable[[], Mapping[str, str]],
        secret: str,
        fetch: Fetch,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`form` is made anew for each token; `secret` is what it proves itself with."""
        self._form = form
        self._secret = secret
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._token = ""
        self._until = 0.0
        #: Another thread's call may come back with the one that was renewed meanwhile.
        self._former: deque[str] = deque(maxlen=_REMEMBERED)

    def header(self, _method: str, _address: str) -> Mapping[str, str]:
        with self._lock:
            if not self._token or self._clock() >= self._until:
                self._token, lifetime = self._fetch(self._form())
                self._former.append(self._token)
                lifetime = _LIFETIME if lifetime is None else lifetime
                self._until = self._clock() + max(lifetime - _MARGIN, lifetime / 2)
            return self._bearer()

    def refused(self, header: Mapping[str, str]) -> bool:
        with self._lock:
            # Another thread may have renewed it meanwhile: one refused token, one renewal.
            if header == self._bearer():
                self._token = ""
        return True

    def secrets(self) -> tuple[str, ...]:
        return (self._secret, *tuple(self._former))

    def shown(self) -> Mapping[str, str]:
        return {"Authorization": "Bearer ***"}

    def _bearer(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self._token}"}


def client_credentials(given: Mapping[str, Any], fetch: Fetch) -> FetchedToken:
    """OAuth 2.0 client credentials with a client secret."""
    secret = revealed(given, "client_secret")
    form = {
        "grant_type": "client_credentials",
        "client_id": str(given["client_id"]),
        "client_secret": secret,
    }
    if given.get("scope"):
        form["scope"] = str(given["scope"])
    return FetchedToken(lambda: form, secret, fetch)


def auth_of(settings: Mapping[str, Any], fetch_at: FetchAt) -> Auth:
    """The way to log in that `erp.auth` names; none when it is empty.

    Raises ConfigurationError.
    """
    if not settings:
        return FixedHeader({})
    way, given = next(iter(settings.items()))
    match way:
        case "basic":
            password = revealed(given, "password")
            pair = base64.b64encode(f"{given['user']}:{password}".encode()).decode()
            return FixedHeader({"Authorization": f"Basic {pair}"}, (password, pair))
        case "bearer":
            token = _carried(revealed(given, "token"), "bearer.token")
            return FixedHeader({"Authorization": f"Bearer {token}"}, (token,))
        case "header":
            value = _carried(revealed(given, "value"), "header.value")
            return FixedHeader({str(given["name"]): value}, (value,))
        case "oauth2_client_credentials":
            return client_credentials(given, fetch_at(str(given["token_url"]), _ENDPOINT_KEY))
        case "client_certificate":
            return FixedHeader({})
        case "ntlm":
            return FixedHeader({}, (revealed(given, "password"),))
        case _:
            raise ConfigurationError(
                f"erp.auth: this adapter knows no '{way}'",
                "use basic, bearer, header, oauth2_client_credentials, client_certificate or ntlm",
            )


def ntlm_of(settings: Mapping[str, Any]) -> Ntlm | None:
    """The NTLM handshake that `erp.auth` asks for, if it does.  Raises ConfigurationError."""
    given = settings.get("ntlm")
    return Ntlm(str(given["user"]), revealed(given, "password")) if given else None


def certificate_of(settings: Mapping[str, Any]) -> Mapping[str, str]:
    """What a client certificate under `erp.auth` is called under `erp.tls`."""
    given = settings.get("client_certificate", {})
    names = {"certificate": "client_certificate", "key": "client_key"}
    return {names[key]: str(value) for key, value in given.items()}


def _carried(value: str, key: str) -> str:
    """The value, where a header can carry it.  Raises ConfigurationError, and quotes nothing."""
    if is_printable(value) and all(ord(character) < 256 for character in value):
        return value
    raise ConfigurationError(
        f"erp.auth.{key}: has characters that no header can carry",
        "write the secret again, on one line",
    )


def revealed(given: Mapping[str, Any], key: str) -> str:
    """What stands under a key, a secret or not, in clear."""
    value = given[key]
    return value.reveal() if isinstance(value, Secret) else str(value)
