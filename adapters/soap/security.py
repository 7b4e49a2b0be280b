"""How an envelope says who we are: WS-Security tokens, timestamps and signatures (`erp.auth`).

Logins of HTTP (basic, a header, a client certificate) are the transport's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any, Protocol

from zeep.wsse.signature import BinarySignature
from zeep.wsse.username import UsernameToken
from zeep.wsse.utils import WSU, get_security_header

from adapters.http.xml import is_writable
from adapters.soap.xml import Element
from sidecar.model.errors import ConfigurationError
from sidecar.model.secret import Secret
from sidecar.ports import AdapterSettings

#: Logins of `erp.auth` that stand in the envelope: HTTP sees none of them.
_IN_THE_ENVELOPE = ("username_token", "signature", "netsuite_token")
#: How long a timestamp is valid: an ERP whose clock is off by less still believes it.
_VALID = timedelta(minutes=5)


class Seal(Protocol):
    """Adds to a finished envelope what proves who sent it."""

    def apply(self, envelope: Element) -> None:
        """Change the envelope in place; called once for each, from any thread."""


class NoSeal:
    """For an ERP that knows us by HTTP alone, or not at all."""

    def apply(self, _envelope: Element) -> None:
        """Nothing is added."""


class NamePassword:
    """A UsernameToken, as text or as digest, with a timestamp where it is wanted."""

    def __init__(self, user: str, password: str, *, digest: bool, timestamp: bool) -> None:
        self._user = user
        self._password = password
        self._digest = digest
        self._timestamp = timestamp

    def apply(self, envelope: Element) -> None:
        # A new one for each envelope: nonce and time may be used once.
        token = UsernameToken(
            self._user,
            self._password,
            use_digest=self._digest,
            zulu_timestamp=True,
            timestamp_token=_timestamp() if self._timestamp else None,
        )
        token.apply(envelope, {})


class Signed:
    """Body and timestamp signed with an X.509 certificate that is sent along (RSA-SHA256)."""

    def __init__(self, certificate: str, key: str) -> None:
        try:
            methods = import_module("xmlsec").Transform
        except ImportError as error:
            raise ConfigurationError(
                "erp.auth.signature needs the extra 'signature'",
                "pip install 'magento-erp-sidecar[signature]' into the sidecar's venv",
            ) from error
        try:
            self._signature = BinarySignature(
                key,
                certificate,
                signature_method=methods.RSA_SHA256,
                digest_method=methods.SHA256,
            )
        except OSError as error:
            raise ConfigurationError(
                f"erp.auth.signature: {error.filename}: cannot be read: {error.strerror}",
                "correct the path, or the file's owner and mode",
            ) from None

    def apply(self, envelope: Element) -> None:
        get_security_header(envelope).append(_timestamp())
        self._signature.apply(envelope, {})


def seal_of(auth: Mapping[str, Any]) -> tuple[Seal, Mapping[str, Any], tuple[Secret, ...]]:
    """The seal that `erp.auth` asks for, what of it is HTTP's, and what must not be told.

    Raises ConfigurationError.
    """
    way = next(iter(auth), "")
    given: Mapping[str, Any] = auth.get(way, {})
    match way:
        case "username_token":
            refuse_unwritable({"auth.username_token.password": given["password"]})
            if not is_writable(str(given["user"])):
                raise _unwritable("erp.auth.username_token.user")
            seal = NamePassword(
                given["user"],
                given["password"].reveal(),
                digest=given.get("digest", False),
                timestamp=given.get("timestamp", False),
            )
            return seal, {}, (given["password"],)
        case "signature":
            return Signed(str(given["certificate"]), str(given["key"])), {}, ()
        case _:
            # A login that HTTP does not know either is refused there: never dropped in silence
            # (tests/contract/test_soap_login.py).
            return NoSeal(), auth, ()


def refuse_unwritable(secrets: Mapping[str, Secret]) -> None:
    """A secret with a character that XML cannot carry is an error, never altered in silence.

    `secrets` by their places beneath `erp`.  Raises ConfigurationError.
    """
    for name, secret in secrets.items():
        if not is_writable(secret.reveal()):
            raise _unwritable(f"erp.{name}")


def _unwritable(place: str) -> ConfigurationError:
    return ConfigurationError(
        f"{place}: has a control character, which XML cannot carry",
        "is it the right file, and is it text? Write the secret again",
    )


def http_login(auth: Mapping[str, Any]) -> Mapping[str, Any]:
    """What of `erp.auth` is HTTP's."""
    return {way: given for way, given in auth.items() if way not in _IN_THE_ENVELOPE}


def wire_of(
    settings: AdapterSettings, login: Mapping[str, Any], hidden: tuple[Secret, ...]
) -> AdapterSettings:
    """The connection as HTTP uses it: its part of `erp.auth`, and all that must not be told.

    `hidden`: the secrets of the logins that stand in the envelope.
    """
    secrets = {f"auth {number}": secret for number, secret in enumerate(hidden)}
    return replace(settings, auth=login, secrets={**settings.secrets, **secrets})


def _timestamp() -> Element:
    now = datetime.now(UTC).replace(microsecond=0)
    moments = (now, now + _VALID)
    created, expires = (moment.isoformat().replace("+00:00", "Z") for moment in moments)
    return WSU.Timestamp(WSU.Created(created), WSU.Expires(expires))
