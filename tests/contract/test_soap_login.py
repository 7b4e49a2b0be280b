"""How a SOAP ERP knows us: tokens in the envelope, signatures, headers that are computed."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import spnego
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from lxml import etree
from zeep.exceptions import SignatureVerificationFailed
from zeep.wsse.signature import verify_envelope

from adapters.soap import generic
from sidecar.model.errors import ConfigurationError
from sidecar.model.outcome import Accepted, Misconfigured, Retry
from sidecar.model.secret import Secret
from sidecar.testing.contract_calls import push_all
from sidecar.testing.sample_order import placed, simple_order
from tests.contract.scripted_server import Received, answer
from tests.contract.soap_peer import (
    ACCEPTED,
    CALLS,
    SOAP,
    accepting,
    adapter_settings,
    answering,
    envelope,
    fault,
    peer,
)

NAMES = {
    **SOAP,
    "w": "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd",
    "u": "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd",
}
PASSWORD = "pa55word of the ERP"
TOKEN = "s:Header/w:Security/w:UsernameToken"


def username_token(**further: Any) -> dict[str, Any]:
    return {"username_token": {"user": "magento", "password": Secret(PASSWORD), **further}}


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def test_a_username_token_has_the_password_as_text(tmp_path: Path) -> None:
    with peer(tmp_path, accepting, auth=username_token()) as at:
        assert isinstance(at.push(), Accepted)
        token = at.envelope.find(TOKEN, NAMES)

    assert token.findtext("w:Username", None, NAMES) == "magento"
    assert token.findtext("w:Password", None, NAMES) == PASSWORD
    assert token.find("w:Password", NAMES).get("Type").endswith("#PasswordText")


def test_a_digest_is_made_anew_for_each_call(tmp_path: Path) -> None:
    with peer(tmp_path, accepting, auth=username_token(digest=True)) as at:
        tokens = []
        for _ in range(2):
            at.push()
            tokens.append(at.envelope.find(TOKEN, NAMES))

    nonces = [one.findtext("w:Nonce", None, NAMES) for one in tokens]
    assert nonces[0] != nonces[1]
    for token, nonce in zip(tokens, nonces, strict=True):
        created = token.findtext("u:Created", None, NAMES)
        expected = hashlib.sha1(base64.b64decode(nonce) + f"{created}{PASSWORD}".encode())
        given = token.findtext("w:Password", None, NAMES)
        assert base64.b64decode(given) == expected.digest()
        assert abs(moment(created) - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_timestamp_says_until_when_the_call_is_valid(tmp_path: Path) -> None:
    with peer(tmp_path, accepting, auth=username_token(timestamp=True)) as at:
        at.push()
        stamp = at.envelope.find("s:Header/w:Security/u:Timestamp", NAMES)

    created, expires = (
        moment(stamp.findtext(name, None, NAMES)) for name in ("u:Created", "u:Expires")
    )
    assert expires - created == timedelta(minutes=5)


def test_the_password_is_nowhere_in_what_is_kept(tmp_path: Path) -> None:
    content = fault("s:Client", f"unknown user magento/{PASSWORD}")
    with peer(tmp_path, answering(500, content), auth=username_token()) as at:
        [result] = push_all(at.adapter, [placed(simple_order())])

    assert PASSWORD not in str(result)
    assert "magento/***" in str(result)


# X.509


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate and its key."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shop")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    files = tmp_path / "shop.pem", tmp_path / "shop.key"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


def test_body_and_timestamp_are_signed(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    auth = {"signature": {"certificate": certificate[0], "key": certificate[1]}}
    with peer(tmp_path, accepting, auth=auth) as at:
        assert isinstance(at.push(), Accepted)
        content = at.received.body

    verify_envelope(etree.fromstring(content), str(certificate[0]))
    assert b"rsa-sha256" in content
    for changed in (
        content.replace(b"000000042", b"000000043"),
        content.replace(b"Z</", b"X</"),
    ):
        assert changed != content
        with pytest.raises(SignatureVerificationFailed):
            verify_envelope(etree.fromstring(changed), str(certificate[0]))


def test_a_certificate_that_is_not_there_is_told(tmp_path: Path) -> None:
    calls = tmp_path / "calls.yaml"
    calls.write_text(CALLS)
    auth = {"signature": {"certificate": tmp_path / "no.pem", "key": tmp_path / "no.key"}}

    with pytest.raises(ConfigurationError) as wrong:
        generic.create(adapter_settings(calls, "", auth=auth))

    assert "no.key: cannot be read" in wrong.value.message


# HTTP


def test_a_login_that_only_another_adapter_knows_is_refused(tmp_path: Path) -> None:
    """Neither envelope nor HTTP carries it: to go on would be to call without any login."""
    auth = {"netsuite_token": {"account": "1", "token": "t"}}

    with (
        pytest.raises(ConfigurationError, match="knows no 'netsuite_token'"),
        peer(tmp_path, accepting, auth=auth),
    ):
        pass


def test_a_login_of_http_goes_with_every_call(tmp_path: Path) -> None:
    auth = {"basic": {"user": "magento", "password": Secret(PASSWORD)}}
    with peer(tmp_path, accepting, auth=auth) as at:
        at.push()
        given = at.received.header("Authorization")

    assert given == "Basic " + base64.b64encode(f"magento:{PASSWORD}".encode()).decode()
    assert at.server.requests[0].body


class WindowsServer:
    """Asks for NTLM as IIS does: it knows a connection, not a request."""

    def __init__(self, *, forgets: bool = False) -> None:
        self._contexts: dict[int, Any] = {}
        self._known: set[int] = set()
        self._forgets = forgets
        self.booked = 0

    def __call__(self, received: Received) -> Any:
        given = received.header("Authorization")
        if given is None and received.connection in self._known:
            if self._forgets:
                self._known.clear()
            return self._book(received)
        if given is None or not given.startswith("NTLM "):
            return answer(401, "", WWW_Authenticate="NTLM")
        return self._challenge(received, base64.b64decode(given.removeprefix("NTLM ")))

    def _challenge(self, received: Received, token: bytes) -> Any:
        if token.startswith(b"NTLMSSP\0\1"):
            self._contexts[received.connection] = spnego.server(protocol="ntlm")
        context = self._contexts[received.connection]
        try:
            challenge = context.step(token)
        except spnego.exceptions.SpnegoError:
            return answer(401, "", WWW_Authenticate="NTLM")
        if not context.complete:
            ours = f"Negotiate, NTLM {base64.b64encode(challenge).decode()}"
            return answer(401, "", WWW_Authenticate=ours)
        self._known.add(received.connection)
        return self._book(received)

    def _book(self, received: Received) -> Any:
        assert received.body
        self.booked += 1
        return answer(200, envelope(ACCEPTED), Content_Type="text/xml")


@pytest.fixture
def users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The passwords that the server knows."""
    path = tmp_path / "users"
    path.write_text(f"ERP:magento:{PASSWORD}\n")
    monkeypatch.setenv("NTLM_USER_FILE", str(path))
    return path


NTLM = {"ntlm": {"user": "ERP\\magento", "password": Secret(PASSWORD)}}


@pytest.mark.usefixtures("users")
def test_ntlm_greets_each_connection_once(tmp_path: Path) -> None:
    server = WindowsServer()
    with peer(tmp_path, server, auth=NTLM) as at:
        outcomes = [at.push() for _ in range(3)]

    assert all(isinstance(one, Accepted) for one in outcomes), outcomes
    assert server.booked == 3
    assert [bool(one.body) for one in at.server.requests] == [False, True, True, True]


@pytest.mark.usefixtures("users")
def test_ntlm_greets_again_when_the_server_forgot_us_and_books_once(tmp_path: Path) -> None:
    server = WindowsServer(forgets=True)
    with peer(tmp_path, server, auth=NTLM) as at:
        outcomes = [at.push() for _ in range(4)]

    assert all(isinstance(one, Accepted) for one in outcomes), outcomes
    assert server.booked == 4


def test_a_wrong_password_stops_and_is_not_told(tmp_path: Path, users: Path) -> None:
    users.write_text("ERP:magento:another\n")
    with peer(tmp_path, WindowsServer(), auth=NTLM) as at:
        told = at.push()

    assert isinstance(told, Misconfigured)
    assert PASSWORD not in str(told)


def test_a_greeting_that_breaks_has_booked_nothing(tmp_path: Path) -> None:
    with peer(tmp_path, lambda _: None, auth=NTLM) as at:
        assert isinstance(at.push(), Retry)


# Tokens computed by expressions

KEY = "the key that signs"
SIGNED = (
    """
header:
  '{urn:token}Token':
    Nonce: =nonce
    Time: "=now | date('%Y-%m-%dT%H:%M:%SZ')"
    Signature: "=(nonce ~ '&' ~ (now | date('%Y-%m-%dT%H:%M:%SZ'))) | hmac(secret.key, 'sha256')"
"""
    + CALLS
)


def test_a_header_is_signed_with_nonce_and_time(tmp_path: Path) -> None:
    with peer(tmp_path, accepting, SIGNED, secrets={"key": Secret(KEY)}) as at:
        tokens = []
        for _ in range(2):
            assert isinstance(at.push(), Accepted)
            header = at.envelope.find("s:Header/{urn:token}Token", NAMES)
            tokens.append({one.tag.rpartition("}")[2]: one.text for one in header})

    assert tokens[0]["Nonce"] != tokens[1]["Nonce"]
    for token in tokens:
        told = f"{token['Nonce']}&{token['Time']}"
        expected = hmac.digest(KEY.encode(), told.encode(), "sha256")
        assert base64.b64decode(token["Signature"]) == expected


def test_a_secret_that_the_erp_echoes_is_struck_out(tmp_path: Path) -> None:
    script: Callable[[Received], Any] = answering(500, fault(f"s:Client.{KEY}", f"bad key {KEY}"))
    with peer(tmp_path, script, SIGNED, secrets={"key": Secret(KEY)}) as at:
        [result] = push_all(at.adapter, [placed(simple_order())])

    assert KEY not in str(result)
    assert "bad key ***" in str(result)


@pytest.mark.parametrize(("cookies", "sent"), [(True, "SID=7"), (False, None)])
def test_a_sessions_cookie_is_sent_back_where_the_file_says_so(
    tmp_path: Path, cookies: bool, sent: str | None
) -> None:
    def script(received: Received) -> Any:
        return answer(200, envelope(ACCEPTED), Content_Type="text/xml", Set_Cookie="SID=7; Path=/")

    with peer(tmp_path, script, cookies=cookies) as at:
        at.push()
        at.push()

    assert [one.header("Cookie") for one in at.server.requests] == [None, sent]
