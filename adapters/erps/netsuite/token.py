"""Token-based authentication: the `tokenPassport` in the header of every call.

NetSuite refuses a nonce that it has seen, and a time that is off by more than some minutes, so
that each call needs a passport of its own: one that was computed for another is a failed login.
"""

from __future__ import annotations

import base64
import hmac
import time
from collections.abc import Callable, Mapping
from secrets import token_hex
from typing import Any
from urllib.parse import quote

from sidecar.model.errors import ConfigurationError
from sidecar.model.secret import Secret

ALGORITHM = "HMAC-SHA256"


class TokenPassport:
    """Makes passports out of `erp.auth.netsuite_token`; called from any thread."""

    def __init__(
        self,
        given: Mapping[str, Any],
        clock: Callable[[], float] = time.time,
        nonce: Callable[[], str] = lambda: token_hex(16),
    ) -> None:
        self._account = account_id(str(given["account"]))
        self._consumer_key = str(given["consumer_key"])
        self._token = str(given["token"])
        self._secrets: tuple[Secret, Secret] = (given["consumer_secret"], given["token_secret"])
        self._clock = clock
        self._nonce = nonce

    def __call__(self) -> dict[str, Any]:
        """The passport of one call, by the names of NetSuite's schema."""
        nonce, timestamp = self._nonce(), int(self._clock())
        told = (self._account, self._consumer_key, self._token, nonce, timestamp)
        return {
            "account": self._account,
            "consumerKey": self._consumer_key,
            "token": self._token,
            "nonce": nonce,
            "timestamp": timestamp,
            "signature": {
                "_value_1": signature(told, [secret.reveal() for secret in self._secrets]),
                "algorithm": ALGORITHM,
            },
        }


def signature(told: tuple[object, ...], secrets: list[str]) -> str:
    """Of what the passport tells, in its order; `secrets` are the consumer's and the token's."""
    message, key = ("&".join(quote(str(part), safe="") for part in of) for of in (told, secrets))
    return base64.b64encode(hmac.digest(key.encode(), message.encode(), "sha256")).decode()


def account_id(account: str) -> str:
    """As the passport wants it: a sandbox is `1234567_SB1`, however its address is written."""
    return account.strip().upper().replace("-", "_")


def account_host(account: str) -> str:
    """The account's own address for SOAP: `1234567-sb1.suitetalk.api.netsuite.com`."""
    return f"{account_id(account).lower().replace('_', '-')}.suitetalk.api.netsuite.com"


def passport_of(auth: Mapping[str, Any]) -> tuple[TokenPassport, str, tuple[Secret, ...]]:
    """The passport that `erp.auth` asks for, its account, and what must not be told.

    Raises ConfigurationError.
    """
    given = auth.get("netsuite_token")
    if not given:
        raise ConfigurationError(
            "soap.netsuite needs erp.auth.netsuite_token",
            "write account, consumer_key, consumer_secret, token and token_secret there "
            "(docs/netsuite.md)",
        )
    secrets = (given["consumer_secret"], given["token_secret"])
    return TokenPassport(given), str(given["account"]), secrets
