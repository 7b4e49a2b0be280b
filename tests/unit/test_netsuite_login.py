"""NetSuite's two logins over REST; the signatures are those of oauthlib 4.0 for the same calls."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import parse_qs, unquote

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from adapters.erps.netsuite_rest import PACK
from adapters.erps.netsuite_rest.signature import signature
from sidecar.domains import SPECS
from sidecar.model.errors import ConfigurationError
from sidecar.model.outcome import Accepted
from sidecar.model.secret import Secret
from sidecar.ports import AdapterSettings, ErpAdapter
from sidecar.testing.contract_calls import push_one
from sidecar.testing.sample_order import placed, simple_order
from tests.contract.netsuite_rest_bench import ONE_CUSTOMER, SHOP, overlay
from tests.contract.scripted_server import Received, ScriptedServer, answer, scripted_server

TOKEN = {
    "account": "1234567-sb1",
    "consumer_key": "ck+1",
    "consumer_secret": Secret("c&s-of-the-consumer"),
    "token": "tk/2",
    "token_secret": Secret("t s-of-the-token"),
}
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> Secret:
    encoded = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return Secret(encoded.decode())


CERTIFICATE = {"client_id": "c1", "certificate_id": "k1", "private_key": pem(KEY)}


@contextmanager
def netsuite(
    folder: Path, auth: dict[str, object], script: object
) -> Iterator[tuple[ScriptedServer, ErpAdapter]]:
    """The pack in front of a server that answers by the script."""
    with scripted_server(script) as server:  # type: ignore[arg-type]
        settings = AdapterSettings(
            server.url, 5, 20, SHOP, calls=overlay(folder, ONE_CUSTOMER), auth=auth, domains=SPECS
        )
        with closing(PACK(settings)) as adapter:
            yield server, adapter


def written(received: Received) -> Iterable[bytes]:
    """204 for an order; a token where one is asked for."""
    if received.target.endswith("/auth/oauth2/v1/token"):
        return answer(200, '{"access_token": "a1", "expires_in": "3600", "token_type": "bearer"}')
    return answer(204, Location="https://erp.example.com/services/rest/record/v1/salesOrder/647")


def parameters(header: str) -> dict[str, str]:
    return {name: unquote(value) for name, value in re.findall(r'(\w+)="([^"]*)"', header)}


@pytest.mark.parametrize(
    ("method", "address", "expected"),
    [
        (
            "PUT",
            "https://1234567-sb1.suitetalk.api.netsuite.com/services/rest/record/v1/salesOrder/"
            "eid%3A000000042?replace=item%2CtaxDetails",
            "HXLd0IQ/vxhVwDnYEr8twaXpZgiFON/UGupBMN6egfA=",
        ),
        (
            "GET",
            "https://1234567.suitetalk.api.netsuite.com/services/rest/record/v1/salesOrder/"
            "eid:A%20B%C3%A4?expandSubResources=true&empty=",
            "Duneh8IY/tGvxEFaLMWf45QmBRF9BWPHUMr1LGJ9NwU=",
        ),
        (
            "POST",
            "http://127.0.0.1:8931/api/v2/query/v1/suiteql?limit=1000&offset=3",
            "dS6RzO/4SUSsNxjtGQCld67vHvacarXWpSB25e4aLJM=",
        ),
        (
            "POST",
            "https://erp.example.com:443/x?a=2&a=10&b=%2B%20~",
            "bbqzpAGvIsqvANNP2jJ9RPU88OZPYmZ7TRUnKSnecIc=",
        ),
    ],
)
def test_the_signature_is_that_of_oauthlib(method: str, address: str, expected: str) -> None:
    told = {
        "oauth_consumer_key": "ck+1",
        "oauth_token": "tk/2",
        "oauth_signature_method": "HMAC-SHA256",
        "oauth_timestamp": "1764500000",
        "oauth_nonce": "7d8f3e4a",
        "oauth_version": "1.0",
    }

    assert signature(method, address, told, ("c&s", "t s")) == expected


def test_each_call_is_signed_for_itself(tmp_path: Path) -> None:
    with netsuite(tmp_path, {"netsuite_token": TOKEN}, written) as (server, adapter):
        for number in ("000000001", "000000002"):
            assert isinstance(push_one(adapter, placed(simple_order(number))), Accepted)

    nonces = set()
    for received in server.requests:
        told = parameters(received.header("Authorization") or "")
        assert told.pop("realm") == "1234567_SB1"
        signed = told.pop("oauth_signature")
        address = f"{server.url.removesuffix('/api')}{received.target}"
        assert signed == signature(
            "PUT", address, told, ("c&s-of-the-consumer", "t s-of-the-token")
        )
        nonces.add(told["oauth_nonce"])
    assert len(nonces) == 2


def test_a_preview_has_no_signature_in_it(tmp_path: Path) -> None:
    with netsuite(tmp_path, {"netsuite_token": TOKEN}, written) as (_, adapter):
        [call] = adapter.preview(placed(simple_order()))  # type: ignore[attr-defined]

    assert "oauth_signature" not in str(call.headers)
    assert "tk/2" not in str(call.headers)


def test_a_token_is_asked_for_with_an_assertion_that_the_certificates_key_signed(
    tmp_path: Path,
) -> None:
    with netsuite(tmp_path, {"netsuite_certificate": CERTIFICATE}, written) as (server, adapter):
        for number in ("000000001", "000000002"):
            assert isinstance(push_one(adapter, placed(simple_order(number))), Accepted)

    asked, *orders = server.requests
    assert [one.header("Authorization") for one in orders] == ["Bearer a1"] * 2
    form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
    assertion = form.pop("client_assertion")
    assert form == {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }
    message, _, signed = assertion.rpartition(".")
    KEY.public_key().verify(
        _decoded(signed),
        message.encode(),
        padding.PSS(padding.MGF1(hashes.SHA256()), salt_length=32),
        hashes.SHA256(),
    )
    header, claims = (json.loads(_decoded(part)) for part in message.split("."))
    assert header == {"typ": "JWT", "alg": "PS256", "kid": "k1"}
    assert claims["exp"] - claims["iat"] == 300
    assert (claims["iss"], claims["scope"]) == ("c1", ["rest_webservices"])
    assert claims["aud"] == f"{server.url}/auth/oauth2/v1/token"


def test_a_token_that_is_refused_is_renewed_with_a_new_assertion(tmp_path: Path) -> None:
    refused: list[str] = []

    def script(received: Received) -> Iterable[bytes]:
        if received.target.endswith("/token") or refused:
            return written(received)
        refused.append(received.target)
        return answer(401)

    with netsuite(tmp_path, {"netsuite_certificate": CERTIFICATE}, script) as (server, adapter):
        assert isinstance(push_one(adapter, placed(simple_order())), Accepted)

    bodies = [one.body for one in server.requests if one.target.endswith("/token")]
    assert len(set(bodies)) == 2


@pytest.mark.parametrize("key", [Secret("no key"), pem(ec.generate_private_key(ec.SECP256R1()))])
def test_what_is_no_rsa_key_is_told_and_not_quoted(tmp_path: Path, key: Secret) -> None:
    given = {"netsuite_certificate": {**CERTIFICATE, "private_key": key}}
    settings = AdapterSettings(
        "https://erp.example.com", 5, 20, SHOP, calls=overlay(tmp_path), auth=given, domains=SPECS
    )

    with pytest.raises(ConfigurationError, match="private_key: is no private RSA key") as told:
        PACK(settings)

    assert key.reveal() not in str(told.value)


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
