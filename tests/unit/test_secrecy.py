"""A secret is struck out in each form it may come back in, and never travels openly."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.http.auth import auth_of, client_credentials
from adapters.http.secrecy import struck_out
from adapters.http.transport import Request, Transport
from sidecar.domains import SPECS
from sidecar.model.errors import ConfigurationError, SidecarError
from sidecar.model.secret import Secret, is_open
from sidecar.ports import AdapterSettings, ShopContext

SHOP = ShopContext("main", ZoneInfo("UTC"))
LOGIN = {"bearer": {"token": Secret("swordfish")}}


def transport(url: str, **more: object) -> Transport:
    return Transport(AdapterSettings(url, 1, 1, SHOP, **more, domains=SPECS))  # type: ignore[arg-type]


@given(st.text(st.characters(codec="utf-8"), min_size=4, max_size=20))
def test_a_secret_is_struck_out_however_it_is_written(secret: str) -> None:
    forms = (
        secret,
        escape(secret),
        json.dumps(secret)[1:-1],
        quote(secret, safe=""),
        quote_plus(secret),
        base64.b64encode(secret.encode()).decode(),
    )
    for form in forms:
        assert struck_out(f"<<{form}>>", [secret]) == "<<***>>"


@pytest.mark.parametrize("character", ["\n", "\r", "\0", "\t", "\x7f", "\x85", "€"])
def test_what_no_header_can_carry_is_no_login_and_is_not_quoted(character: str) -> None:
    for auth in (
        {"bearer": {"token": Secret(f"sword{character}fish")}},
        {"header": {"name": "X-Key", "value": Secret(f"sword{character}fish")}},
    ):
        with pytest.raises(ConfigurationError) as refused:
            auth_of(auth, lambda _url, _key: lambda _: ("", None))
        assert "fish" not in str(refused.value)


def test_a_token_that_was_renewed_meanwhile_is_a_secret_still() -> None:
    tokens = iter(["first-token", "second-token"])
    given = {"client_id": "m2", "client_secret": Secret("swordfish")}
    login = client_credentials(given, lambda _: (next(tokens), None))
    login.refused(login.header("GET", "https://erp.example.com"))
    login.header("GET", "https://erp.example.com")

    assert {"swordfish", "first-token", "second-token"} <= set(login.secrets())


# Over plain http


@pytest.mark.parametrize(
    ("url", "open_"),
    [
        ("http://erp.example.com/api", True),
        ("http://10.0.0.5", True),
        ("http://127.0.0.1.example.com", True),
        ("http://localhost.example.com", True),
        ("http://[2001:db8::1]/", True),
        ("https://erp.example.com", False),
        ("http://localhost:8080", False),
        ("http://127.0.0.1", False),
        ("http://127.8.9.1", False),
        ("http://[::1]:80/", False),
    ],
)
def test_an_address_is_open_where_others_may_listen(url: str, open_: bool) -> None:
    assert is_open(url) is open_


@pytest.mark.parametrize(
    "more", [{"auth": LOGIN}, {"secrets": {"key": Secret("swordfish")}}], ids=["auth", "secrets"]
)
def test_a_login_over_plain_http_is_refused_unless_it_is_meant(more: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match="plain http"):
        transport("http://erp.invalid", **more)
    transport("http://erp.invalid", insecure=True, **more).close()
    transport("http://erp.invalid").close()

    # An address that is known only with the call: a WSDL's, a token's.
    with pytest.raises(SidecarError, match="plain http"):
        transport("", **more).send(Request("POST", "http://erp.invalid/soap"))


def test_a_token_is_not_fetched_over_plain_http() -> None:
    auth = {
        "oauth2_client_credentials": {
            "token_url": "http://login.invalid/token",
            "client_id": "m2",
            "client_secret": Secret("swordfish"),
        }
    }
    with pytest.raises(SidecarError, match="plain http"):
        transport("https://erp.invalid", auth=auth).send(Request("GET", "/"))
