"""Token-based authentication over REST: OAuth 1.0a, each call signed with HMAC-SHA256.

A signature is of one call alone, with a nonce and the time: NetSuite refuses a nonce that it has
seen, and a time that is off by more than some minutes.
"""

from __future__ import annotations

import base64
import hmac
import time
from collections.abc import Callable, Mapping
from secrets import token_hex
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from adapters.erps.netsuite.token import ALGORITHM, account_id
from adapters.http.auth import revealed

_DEFAULT_PORTS = {"http": 80, "https": 443}


class SignedCalls:
    """`erp.auth.netsuite_token`; called from any thread."""

    def __init__(
        self,
        given: Mapping[str, Any],
        clock: Callable[[], float] = time.time,
        nonce: Callable[[], str] = lambda: token_hex(16),
    ) -> None:
        self._realm = account_id(str(given["account"]))
        self._consumer_key = str(given["consumer_key"])
        self._token = str(given["token"])
        self._secrets = (revealed(given, "consumer_secret"), revealed(given, "token_secret"))
        self._clock = clock
        self._nonce = nonce

    def header(self, method: str, address: str) -> Mapping[str, str]:
        told = {
            "oauth_consumer_key": self._consumer_key,
            "oauth_token": self._token,
            "oauth_signature_method": ALGORITHM,
            "oauth_timestamp": str(int(self._clock())),
            "oauth_nonce": self._nonce(),
            "oauth_version": "1.0",
        }
        told["oauth_signature"] = signature(method, address, told, self._secrets)
        # The realm is said and not signed.
        pairs = {"realm": self._realm, **told}.items()
        return {
            "Authorization": "OAuth " + ", ".join(f'{name}="{_quoted(v)}"' for name, v in pairs)
        }

    def refused(self, _header: Mapping[str, str]) -> bool:
        return False

    def secrets(self) -> tuple[str, ...]:
        return self._secrets

    def shown(self) -> Mapping[str, str]:
        return {"Authorization": f'OAuth realm="{self._realm}", ***'}


def signature(method: str, address: str, told: Mapping[str, str], secrets: tuple[str, str]) -> str:
    """Of a call (RFC 5849, section 3.4): `secrets` are the consumer's and the token's."""
    parts = urlsplit(address)
    port = "" if parts.port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f":{parts.port}"
    place = f"{parts.scheme}://{(parts.hostname or '').lower()}{port}{parts.path or '/'}"
    query = parse_qsl(parts.query, keep_blank_values=True)
    signed = sorted((_quoted(name), _quoted(value)) for name, value in (*query, *told.items()))
    parameters = "&".join(f"{name}={value}" for name, value in signed)
    message = "&".join(map(_quoted, (method.upper(), place, parameters)))
    key = "&".join(map(_quoted, secrets))
    return base64.b64encode(hmac.digest(key.encode(), message.encode(), "sha256")).decode()


def _quoted(text: str) -> str:
    return quote(text, safe="-._~")
