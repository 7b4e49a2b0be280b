"""OAuth 2.0 client credentials with a certificate: a token for an assertion that its key signed.

The assertion is a JSON Web Token (RFC 7523), signed with PS256 (RFC 7518, section 3.5).
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from adapters.http.auth import Fetch, FetchedToken, revealed
from sidecar.model.errors import ConfigurationError

ENDPOINT = "/auth/oauth2/v1/token"

#: Seconds that an assertion is good for; NetSuite allows less than an hour.
_LIFETIME = 300
_SCOPE = ("rest_webservices",)
_KIND = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def certificate_login(
    given: Mapping[str, Any],
    token_url: str,
    fetch: Fetch,
    clock: Callable[[], float] = time.time,
) -> FetchedToken:
    """`erp.auth.netsuite_certificate`.  Raises ConfigurationError."""
    pem = revealed(given, "private_key")
    key = _key_of(pem)
    header = {"typ": "JWT", "alg": "PS256", "kid": str(given["certificate_id"])}

    def form() -> Mapping[str, str]:
        now = int(clock())
        claims = {
            "iss": str(given["client_id"]),
            "scope": _SCOPE,
            "aud": token_url,
            "iat": now,
            "exp": now + _LIFETIME,
        }
        return {
            "grant_type": "client_credentials",
            "client_assertion_type": _KIND,
            "client_assertion": _signed(header, claims, key),
        }

    return FetchedToken(form, pem, fetch)


def _key_of(pem: str) -> rsa.RSAPrivateKey:
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # Whatever the library says of it may quote the key.
        key = None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ConfigurationError(
            "erp.auth.netsuite_certificate.private_key: is no private RSA key without a passphrase",
            "write the key of the certificate there as PEM (docs/netsuite-rest.md)",
        )
    return key


def _signed(header: Mapping[str, Any], claims: Mapping[str, Any], key: rsa.RSAPrivateKey) -> str:
    message = ".".join(_encoded(json.dumps(part).encode()) for part in (header, claims))
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.DIGEST_LENGTH)
    return f"{message}.{_encoded(key.sign(message.encode(), pss, hashes.SHA256()))}"


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
