"""How Magento knows us: the Authorization header of each call (`shop.api`)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from secrets import token_hex
from typing import Protocol

from sidecar.magento.rest.oauth import Keys, authorization
from sidecar.model.errors import ConfigurationError
from sidecar.model.secret import Secret, is_printable

#: Magento says the same to an expired token and to a missing right.  A token lives a minute at
#: least (`webapi/jwtauth/admin_expiration`): with a younger one it is the right that is missing,
#: and a new login for each such call would lock the account's owner out of peace.
_SHORTEST_LIFETIME = 60.0

#: Seconds; Magento takes a signature whose time is ten minutes ahead, and is at work meanwhile.
_MOST_AHEAD = 590.0

#: Fetches a token for (user, password).
Fetch = Callable[[str, Secret], Secret]
Clock = Callable[[], float]


class Login(Protocol):
    """Yields the header that authorises a call; used from any thread."""

    def header(self, method: str, url: str) -> Mapping[str, str]:
        """Of one call; may fetch a token first, and raises what that call raises."""

    def refused(self, header: Mapping[str, str]) -> bool:
        """Magento answered 401 to this header: True where a fresh one may do better."""

    def is_ahead_of(self, moment: datetime | None) -> bool:
        """Whether the time that is signed is too far ahead of the shop's clock."""

    def secrets(self) -> tuple[Secret, ...]:
        """What no message may repeat."""


class IntegrationLogin:
    """Each call signed with the keys of an integration."""

    def __init__(
        self,
        keys: Keys,
        clock: Clock = time.time,
        nonce: Callable[[], str] = lambda: token_hex(16),
    ) -> None:
        self._keys = keys
        self._clock = clock
        self._nonce = nonce

    def header(self, method: str, url: str) -> Mapping[str, str]:
        """See `Login`."""
        signed = authorization(
            self._keys, method, url, nonce=self._nonce(), timestamp=int(self._clock())
        )
        return {"Authorization": signed}

    def refused(self, _header: Mapping[str, str]) -> bool:
        """See `Login`."""
        return False

    def is_ahead_of(self, moment: datetime | None) -> bool:
        """See `Login`."""
        return moment is not None and self._clock() - moment.timestamp() > _MOST_AHEAD

    def secrets(self) -> tuple[Secret, ...]:
        """See `Login`."""
        keys = self._keys
        return (
            keys.consumer_key, keys.consumer_secret, keys.access_token, keys.access_token_secret,
        )  # fmt: skip


class BearerLogin:
    """An integration's access token alone."""

    def __init__(self, token: Secret) -> None:
        """Raises ConfigurationError for what no header can carry."""
        self._header = {"Authorization": f"Bearer {_fit_for_a_header(token)}"}
        self._token = token

    def header(self, _method: str, _url: str) -> Mapping[str, str]:
        """See `Login`."""
        return self._header

    def refused(self, _header: Mapping[str, str]) -> bool:
        """See `Login`."""
        return False

    def is_ahead_of(self, _moment: datetime | None) -> bool:
        """See `Login`."""
        return False

    def secrets(self) -> tuple[Secret, ...]:
        """See `Login`."""
        return (self._token,)


class AdminLogin:
    """A token of an account of the admin: one for all threads, fetched anew when it is refused."""

    def __init__(
        self, user: str, password: Secret, fetch: Fetch, clock: Clock = time.monotonic
    ) -> None:
        self._user = user
        self._password = password
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._token: Secret | None = None
        self._fetched_at = 0.0

    def header(self, _method: str, _url: str) -> Mapping[str, str]:
        """See `Login`."""
        with self._lock:
            if self._token is None:
                self._token = self._fetch(self._user, self._password)
                self._fetched_at = self._clock()
            return _bearer(self._token)

    def refused(self, header: Mapping[str, str]) -> bool:
        """See `Login`."""
        with self._lock:
            if self._token is None or header != _bearer(self._token):
                return True  # another thread's call has seen to it
            if self._clock() - self._fetched_at < _SHORTEST_LIFETIME:
                return False
            self._token = None
            return True

    def is_ahead_of(self, _moment: datetime | None) -> bool:
        """See `Login`."""
        return False

    def secrets(self) -> tuple[Secret, ...]:
        """See `Login`."""
        token = self._token
        return (self._password,) if token is None else (self._password, token)


def _bearer(token: Secret) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {token.reveal()}"}


def _fit_for_a_header(token: Secret) -> str:
    text = token.reveal()
    if not (text.isascii() and is_printable(text)):
        raise ConfigurationError(
            "shop.api.token: holds what no HTTP header can carry",
            "copy the integration's access token anew",
        )
    return text
