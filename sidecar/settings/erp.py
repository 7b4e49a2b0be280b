"""The part of the configuration that says which ERP there is and how to talk to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field, model_validator

from sidecar.model.secret import is_open
from sidecar.settings.fields import (
    Count,
    FilePath,
    HttpUrl,
    PathOrUrl,
    SecretRef,
    Section,
    Switch,
    Text,
    contradiction,
)
from sidecar.settings.quantities import Duration, Kind, Percent, Rate, RequestRate


class Timeout(Section):
    """How long a call to the ERP may take."""

    connect: Duration = Field(
        default=timedelta(seconds=5), description="Until the connection stands."
    )
    read: Duration = Field(
        default=timedelta(seconds=30),
        description="Until the answer comes. Later, the outcome is unknown and is asked for.",
    )


class BasicAuth(Section):
    """HTTP basic authentication."""

    user: Text = Field(description="User name.", examples=["magento"])
    password: SecretRef = Field(
        description="Password, by reference.", examples=["{credential: erp-password}"]
    )


class BearerAuth(Section):
    """A fixed token in the Authorization header."""

    token: SecretRef = Field(
        description="Token, by reference.", examples=["{credential: erp-token}"]
    )


class HeaderAuth(Section):
    """A secret in a header of its own."""

    name: Text = Field(description="Name of the header.", examples=["X-Api-Key"])
    value: SecretRef = Field(
        description="Its value, by reference.", examples=["{credential: erp-key}"]
    )


class ClientCredentialsAuth(Section):
    """OAuth 2.0 client credentials: a token is fetched and renewed."""

    token_url: HttpUrl = Field(
        description="Where the token is fetched.", examples=["https://login.example.com/token"]
    )
    client_id: Text = Field(description="Client id.", examples=["magento"])
    client_secret: SecretRef = Field(
        description="Client secret, by reference.", examples=["{credential: erp-client-secret}"]
    )
    scope: Text | None = Field(
        default=None, description="Scope to ask for.", examples=["https://erp.example.com/.default"]
    )


class UsernameTokenAuth(Section):
    """SOAP: a WS-Security UsernameToken in the header of each envelope."""

    user: Text = Field(description="User name.", examples=["magento"])
    password: SecretRef = Field(
        description="Password, by reference.", examples=["{credential: erp-password}"]
    )
    digest: Switch = Field(
        default=False, description="Send a digest with nonce and time instead of the password."
    )
    timestamp: Switch = Field(
        default=False, description="Add a wsu:Timestamp that is valid for five minutes."
    )


class ClientCertificateAuth(Section):
    """Mutual TLS: the same as erp.tls.client_certificate, for ERPs that know us by it alone."""

    certificate: FilePath = Field(
        description="Client certificate (PEM).", examples=["/etc/erp-sidecar/client.pem"]
    )
    key: FilePath | None = Field(
        default=None, description="Its private key (PEM), where it is not in the same file.",
        examples=["/etc/erp-sidecar/client.key"],
    )  # fmt: skip


class SignatureAuth(Section):
    """SOAP: each envelope's body and timestamp signed with an X.509 certificate (WS-Security)."""

    certificate: FilePath = Field(
        description="Certificate (PEM) that is sent along.",
        examples=["/etc/erp-sidecar/signing.pem"],
    )
    key: FilePath = Field(
        description="Its private key (PEM, RSA).", examples=["/etc/erp-sidecar/signing.key"]
    )


class NtlmAuth(Section):
    """NTLM, as Windows servers want it. Needs the extra `ntlm`."""

    user: Text = Field(description="User name, `DOMAIN\\user`.", examples=["ERP\\magento"])
    password: SecretRef = Field(
        description="Password, by reference.", examples=["{credential: erp-password}"]
    )


class NetSuiteTokenAuth(Section):
    """NetSuite's token-based authentication, signed anew for each call (HMAC-SHA256)."""

    account: Text = Field(description="Account id.", examples=["1234567_SB1"])
    consumer_key: Text = Field(
        description="Consumer key of the integration record.", examples=["0a1b2c"]
    )
    consumer_secret: SecretRef = Field(
        description="Its secret, by reference.", examples=["{credential: netsuite-consumer}"]
    )
    token: Text = Field(description="Token id.", examples=["3d4e5f"])
    token_secret: SecretRef = Field(
        description="Its secret, by reference.", examples=["{credential: netsuite-token}"]
    )


class NetSuiteCertificateAuth(Section):
    """NetSuite's OAuth 2.0 client credentials, proved with the key of a certificate (PS256)."""

    client_id: Text = Field(
        description="Client id of the integration record.", examples=["4c7e02d1"]
    )
    certificate_id: Text = Field(
        description="Id that NetSuite gave the certificate when it was mapped.",
        examples=["Qm9vdHN0cmFw"],
    )
    private_key: SecretRef = Field(
        description="The certificate's private key (PEM, RSA), by reference.",
        examples=["{credential: netsuite-key}"],
    )


class Auth(Section):
    """How the ERP knows us: `none`, or one of these tables. A new way is a new key here."""

    one_of = True

    basic: BasicAuth | None = Field(default=None, description="HTTP basic authentication.")
    bearer: BearerAuth | None = Field(default=None, description="A fixed bearer token.")
    header: HeaderAuth | None = Field(default=None, description="A secret in a header of its own.")
    oauth2_client_credentials: ClientCredentialsAuth | None = Field(
        default=None, description="OAuth 2.0 client credentials."
    )
    client_certificate: ClientCertificateAuth | None = Field(
        default=None, description="Mutual TLS and nothing else."
    )
    ntlm: NtlmAuth | None = Field(default=None, description="NTLM (Windows servers).")
    username_token: UsernameTokenAuth | None = Field(
        default=None, description="SOAP: WS-Security user name and password."
    )
    signature: SignatureAuth | None = Field(
        default=None, description="SOAP: WS-Security signature with an X.509 certificate."
    )
    netsuite_token: NetSuiteTokenAuth | None = Field(
        default=None, description="NetSuite's token-based authentication."
    )
    netsuite_certificate: NetSuiteCertificateAuth | None = Field(
        default=None, description="NetSuite over REST: OAuth 2.0 with a certificate."
    )

    @model_validator(mode="before")
    @classmethod
    def _one_way(cls, given: Any) -> Any:
        if given == "none":
            return {}
        ways = ", ".join(cls.model_fields)
        if not isinstance(given, Mapping | cls):  # may be a secret: not quoted
            raise ValueError(f"needs none, or a table with one of {ways}")  # noqa: TRY004
        if isinstance(given, Mapping) and len(given) > 1 and set(given) <= set(cls.model_fields):
            raise ValueError(f"has {', '.join(given)}; keep one of them")
        return given


class Tls(Section):
    """TLS towards the ERP. It is always verified."""

    ca_file: FilePath | None = Field(
        default=None, description="Certificates to trust instead of the system's.",
        examples=["/etc/erp-sidecar/erp-ca.pem"],
    )  # fmt: skip
    client_certificate: FilePath | None = Field(
        default=None,
        description="Client certificate (PEM).",
        examples=["/etc/erp-sidecar/client.pem"],
    )
    client_key: FilePath | None = Field(
        default=None, description="Its private key (PEM), where it is not in the same file.",
        examples=["/etc/erp-sidecar/client.key"],
    )  # fmt: skip

    @model_validator(mode="after")
    def _key_needs_certificate(self) -> Tls:
        if self.client_key is not None and self.client_certificate is None:
            raise contradiction("has no client_certificate beside it", "client_key")
        return self


class Throttle(Section):
    """What the ERP can bear, over all domains together."""

    concurrency: Count = Field(default=4, description="Calls at the same time.")
    requests: RequestRate = Field(
        default=Rate(120, timedelta(minutes=1)), description="Calls per window."
    )
    reserve: Percent = Field(
        default=Decimal("0.2"),
        description="Share of that rate that is left to the people who work in the ERP.",
    )

    slow_at: Annotated[float, Field(ge=1.5, le=1000), Kind("number")] = Field(
        default=4.0,
        description="An ERP whose answers take so many times longer than usual is called by fewer "
        "threads at a time, until it is as quick as usual again.",
    )

    longest_wait: Duration = Field(
        default=timedelta(minutes=15),
        description="An ERP that asks for a longer wait (`Retry-After`) is asked again after this "
        "one; `status` shows it, `domain resume` ends it.",
    )

    @model_validator(mode="after")
    def _something_is_left(self) -> Throttle:
        if self.reserve >= 1:
            raise contradiction("leaves nothing to send with; write less than 100%", "reserve")
        return self


class Breaker(Section):
    """When the ERP is down: stop calling, ask now and then."""

    after: Count = Field(
        default=5, description="Transport failures in a row that open the breaker."
    )
    probe_every: Duration = Field(
        default=timedelta(seconds=60),
        description="How often the ERP is then asked whether it is back.",
    )


class Erp(Section):
    """The ERP and how to talk to it."""

    adapter: Text = Field(
        description="Adapter, by its entry-point name.", examples=["rest.generic"]
    )
    url: HttpUrl | None = Field(
        default=None,
        description="REST: address that the paths of the calls are added to.",
        examples=["https://erp.example.com/api/v2"],
    )
    wsdl: PathOrUrl | None = Field(
        default=None,
        description="SOAP: the WSDL, a file (relative to the file this is written in) or an "
        "address. What is fetched from an address is kept, so that a start does not need it again.",
        examples=["legacy.wsdl"],
    )
    endpoint: HttpUrl | None = Field(
        default=None,
        description="SOAP: where the calls go, instead of the address that the WSDL names.",
        examples=["https://erp.example.com/soap"],
    )
    timeout: Timeout = Field(default=Timeout(), description="How long a call may take.")
    auth: Auth = Field(
        default=Auth(),
        description="How the ERP knows us: none, or one way to log in.",
        examples=["none"],
    )
    secrets: Mapping[str, SecretRef] = Field(
        default={},
        description="Secrets that the calls may compute a header from: `secret.NAME`.",
        examples=["{signing_key: {credential: erp-signing-key}}"],
    )
    tls: Tls = Field(default=Tls(), description="TLS towards the ERP. It is always verified.")
    insecure: Switch = Field(
        default=False,
        description="Let a login go over plain http to another machine, where everybody on the way "
        "can read it.",
    )
    cookies: Switch = Field(
        default=False,
        description="Send the cookies that the ERP gives back to it: for one that keeps a session, "
        "or sits behind a load balancer that needs them.",
    )
    calls: FilePath | None = Field(
        default=None,
        description="The generic adapters' file of calls, relative to the file this is written in.",
        examples=["mappings/legacy-rest.yaml"],
    )
    throttle: Throttle = Field(
        default=Throttle(), description="What the ERP can bear, over all domains together."
    )
    breaker: Breaker = Field(default=Breaker(), description="What happens while the ERP is down.")

    @model_validator(mode="after")
    def _one_address(self) -> Erp:
        if self.url is None and self.wsdl is None:
            raise contradiction("is missing; write url (REST) or wsdl (SOAP)", "url")
        if self.url is not None and self.wsdl is not None:
            raise contradiction("stands beside wsdl; where SOAP calls go is the endpoint", "url")
        if self.endpoint is not None and self.wsdl is None:
            raise contradiction("has no wsdl beside it; a REST address is the url", "endpoint")
        return self

    @model_validator(mode="after")
    def _login_is_not_open(self) -> Erp:
        logs_in = bool(self.auth.model_dump(exclude_none=True) or self.secrets)
        if self.insecure or not logs_in:
            return self
        places = {
            ("url",): self.url,
            ("endpoint",): self.endpoint,
            ("auth", "oauth2_client_credentials", "token_url"): (
                self.auth.oauth2_client_credentials.token_url
                if self.auth.oauth2_client_credentials
                else None
            ),
        }
        for at, address in places.items():
            if address is not None and is_open(address):
                raise contradiction(
                    "is plain http, and the login would go over it, where everybody on the way can "
                    "read it; write https://, or insecure: true under erp where that is meant",
                    *at,
                )
        return self

    @property
    def address(self) -> str:
        """What tells this ERP account from another."""
        return str(self.url or self.endpoint or self.wsdl)
