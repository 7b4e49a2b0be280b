"""Who may do what: admin tokens, integrations with a bearer token or OAuth, rights by resource."""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sidecar.testing.magento_rest import oauth
from sidecar.testing.magento_rest.refusals import Refused

Resources = frozenset[str] | None
"""Names of Magento's access control list; None: all of them."""

_ADMIN, _CUSTOMER = 2, 3
_OLDEST_SIGNATURE = 600


@dataclass(frozen=True)
class Admin:
    """A person of the admin panel."""

    user_id: int
    name: str
    password: str
    resources: Resources


@dataclass(frozen=True)
class Integration:
    """*System > Integrations*: four secrets, of which the access token may also be a bearer's."""

    integration_id: int
    name: str
    consumer_key: str
    consumer_secret: str
    access_token: str
    access_token_secret: str
    resources: Resources


@dataclass(frozen=True)
class _Token:
    resources: Resources
    expires: float
    kind: int


@dataclass(frozen=True)
class Asked:
    """What of a request is looked at to know who asks."""

    method: str
    target: str
    host: str
    authorization: str


class Logins:
    """Everybody who can log in, and the tokens that they have."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._admins: dict[str, Admin] = {}
        self._integrations: list[Integration] = []
        self._tokens: dict[str, _Token] = {}
        self._nonces: set[tuple[str, str]] = set()

    def add_admin(self, name: str, password: str, resources: Resources = None) -> Admin:
        """Let a person in."""
        admin = Admin(len(self._admins) + 1, name, password, resources)
        self._admins[name] = admin
        return admin

    def add_integration(self, name: str, resources: Resources = None) -> Integration:
        """Activate an integration; its secrets are new ones."""
        number = len(self._integrations) + 1
        integration = Integration(
            number,
            name,
            consumer_key=secrets.token_hex(16),
            consumer_secret=secrets.token_hex(16),
            access_token=secrets.token_hex(16),
            access_token_secret=secrets.token_hex(16),
            resources=resources,
        )
        self._integrations.append(integration)
        return integration

    def admin_token(self, name: str, password: str, minutes: float) -> str:
        """What `POST integration/admin/token` answers."""
        admin = self._admins.get(name)
        if admin is None or not hmac.compare_digest(admin.password, password):
            raise Refused(
                401,
                "The account sign-in was incorrect or your account is disabled temporarily. "
                "Please wait and try again later.",
            )
        return self._issue(admin.user_id, _ADMIN, admin.resources, minutes)

    def customer_token(self, customer_id: int, minutes: float = 60) -> str:
        """A token of a customer, who has none of the admin's rights."""
        return self._issue(customer_id, _CUSTOMER, frozenset(), minutes)

    def authorise(self, asked: Asked, resource: str, bearer_integrations: bool) -> None:
        """Raises Refused, always with 401, unless the request may use the resource."""
        permitted = self._resources(asked, resource, bearer_integrations)
        if permitted is not None and resource not in permitted:
            raise unauthorised(resource)

    def _issue(self, user_id: int, kind: int, resources: Resources, minutes: float) -> str:
        now = self._clock()
        expires = now + minutes * 60
        claims = {"uid": user_id, "utypid": kind, "iat": int(now), "exp": int(expires)}
        token = ".".join((_part({"kid": "1", "alg": "HS256"}), _part(claims),
                          secrets.token_urlsafe(32)))  # fmt: skip
        with self._lock:
            self._tokens[token] = _Token(resources, expires, kind)
        return token

    def _resources(self, asked: Asked, resource: str, bearer_integrations: bool) -> Resources:
        scheme, _, credentials = asked.authorization.partition(" ")
        if scheme.lower() == "oauth":
            return self._signed_by(asked, oauth.parse_header(credentials)).resources
        token = self._tokens.get(credentials) if scheme.lower() == "bearer" else None
        if token is not None and token.expires > self._clock() and token.kind == _ADMIN:
            return token.resources
        if bearer_integrations and scheme.lower() == "bearer":
            for integration in self._integrations:
                if hmac.compare_digest(integration.access_token, credentials):
                    return integration.resources
        raise unauthorised(resource)

    def _signed_by(self, asked: Asked, given: dict[str, str]) -> Integration:
        integration = self._named_by(given)
        if given.get("oauth_signature_method") != oauth.METHOD:
            raise Refused(401, "Signature method %1 is not supported",
                          [given.get("oauth_signature_method", "")])  # fmt: skip
        stamp = given.get("oauth_timestamp", "")
        if not stamp.isdecimal() or abs(self._clock() - int(stamp)) > _OLDEST_SIGNATURE:
            raise Refused(401, "The timestamp value in the oauth_timestamp parameter is invalid")
        expected = oauth.signature(
            asked.method,
            asked.host,
            asked.target,
            given,
            oauth.Secrets(integration.consumer_secret, integration.access_token_secret),
        )
        self._use_nonce(integration, given.get("oauth_nonce", ""))
        if not hmac.compare_digest(expected, given.get("oauth_signature", "")):
            raise Refused(401, "The signature is invalid. Verify and try again.")
        return integration

    def _named_by(self, given: dict[str, str]) -> Integration:
        for integration in self._integrations:
            if integration.consumer_key == given.get("oauth_consumer_key"):
                if integration.access_token == given.get("oauth_token"):
                    return integration
                raise Refused(401, "Token is not associated with the specified consumer")
        raise Refused(401, "A consumer having the specified key does not exist")

    def _use_nonce(self, integration: Integration, nonce: str) -> None:
        """Magento looks at the nonce first: also a wrong signature uses it up."""
        with self._lock:
            if (integration.consumer_key, nonce) in self._nonces:
                raise Refused(
                    401,
                    "The nonce is already being used by the consumer with ID %1",
                    [integration.integration_id],
                )
            self._nonces.add((integration.consumer_key, nonce))


def unauthorised(resource: str) -> Refused:
    """No token, a wrong, an expired, a customer's one, a right that is missing: all the same."""
    return Refused(
        401, "The consumer isn't authorized to access %resources.", {"resources": resource}
    )


def _part(claims: Mapping[str, object]) -> str:
    text = json.dumps(claims, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()
