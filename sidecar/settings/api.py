"""The part of the configuration that says where the shop's own REST API is, and how to log in."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from sidecar.model.secret import is_open
from sidecar.settings.fields import (
    FilePath,
    HttpUrl,
    SecretRef,
    Section,
    Switch,
    Text,
    contradiction,
)
from sidecar.settings.quantities import Duration, Kind

_LOGINS = ("integration", "admin", "token")


def _store_code(code: str) -> str:
    if not re.fullmatch(r"[a-zA-Z][a-zA-Z0-9_]{0,31}", code):
        raise ValueError("is no store code; letters, digits and _, at most 32, a letter first")
    return code


StoreCode = Annotated[str, AfterValidator(_store_code), Kind("store code")]


class ApiTimeout(Section):
    """How long a call to the shop may take."""

    connect: Duration = Field(
        default=timedelta(seconds=5), description="Until the connection stands."
    )
    read: Duration = Field(
        default=timedelta(seconds=60),
        description="Until the whole answer is there. Later, whether it was done is unknown, and "
        "the shop is asked.",
    )


class Integration(Section):
    """The four values that Magento shows when an integration is activated (OAuth 1.0a)."""

    consumer_key: SecretRef = Field(
        description="Consumer key, by reference.", examples=["{credential: magento-consumer-key}"]
    )
    consumer_secret: SecretRef = Field(
        description="Consumer secret, by reference.",
        examples=["{credential: magento-consumer-secret}"],
    )
    access_token: SecretRef = Field(
        description="Access token, by reference.", examples=["{credential: magento-access-token}"]
    )
    access_token_secret: SecretRef = Field(
        description="Access token secret, by reference.",
        examples=["{credential: magento-access-token-secret}"],
    )


class Admin(Section):
    """An account of the admin: a token is fetched with it and renewed."""

    user: Text = Field(description="User name.", examples=["sidecar"])
    password: SecretRef = Field(
        description="Password, by reference.", examples=["{credential: magento-password}"]
    )


class ApiTls(Section):
    """TLS towards the shop. It is always verified."""

    ca_file: FilePath | None = Field(
        default=None, description="Certificates to trust instead of the system's.",
        examples=["/etc/erp-sidecar/shop-ca.pem"],
    )  # fmt: skip


class Api(Section):
    """Magento's own REST API, and exactly one login: integration, admin or token."""

    url: HttpUrl = Field(
        description="Address of the shop; /rest/STORE/V1/… is added to it.",
        examples=["https://shop.example.com"],
    )
    integration: Integration | None = Field(
        default=None, description="An integration's keys and tokens: the best way.",
        examples=[
            "{consumer_key: {credential: magento-consumer-key}, "
            "consumer_secret: {credential: magento-consumer-secret}, "
            "access_token: {credential: magento-access-token}, "
            "access_token_secret: {credential: magento-access-token-secret}}"
        ],
    )  # fmt: skip
    admin: Admin | None = Field(
        default=None, description="An account of the admin, without two-factor authentication.",
        examples=["{user: sidecar, password: {credential: magento-password}}"],
    )  # fmt: skip
    token: SecretRef | None = Field(
        default=None,
        description="An integration's access token alone, by reference. Magento takes it only with "
        "`oauth/consumer/enable_integration_as_bearer` on.",
        examples=["{credential: magento-access-token}"],
    )
    store: StoreCode = Field(
        default="all",
        description="Store code in the address. `all`: default values; another code would write "
        "prices and names into that store view.",
    )
    timeout: ApiTimeout = Field(default=ApiTimeout(), description="How long a call may take.")
    tls: ApiTls = Field(default=ApiTls(), description="TLS towards the shop. Always verified.")
    insecure: Switch = Field(
        default=False,
        description="Let the login go over plain http to another machine, where everybody on the "
        "way can read it.",
    )

    @model_validator(mode="after")
    def _one_login(self) -> Api:
        given = [name for name in _LOGINS if getattr(self, name) is not None]
        if not given:
            raise ValueError(f"has no login; write one of {', '.join(_LOGINS)}")
        if len(given) > 1:
            raise contradiction(f"stands beside {', '.join(given[1:])}; keep one login", given[0])
        return self

    @model_validator(mode="after")
    def _login_is_not_open(self) -> Api:
        if is_open(self.url) and not self.insecure:
            raise contradiction(
                "is plain http, and the login would go over it, where everybody on the way can "
                "read it; write https://, or insecure: true under shop.api where that is meant",
                "url",
            )
        return self
