"""From `shop.api` in a file to the login that the shop sees."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sidecar.app.magento_api import magento_rest
from sidecar.magento.rest.client import NAMES, MagentoRest
from sidecar.model.errors import ConfigurationError, PermissionDenied
from sidecar.settings.load import load
from tests.contract.magento_answers import says
from tests.contract.scripted_server import Received, scripted_server

KEYS = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")
LOGINS: dict[str, tuple[str, Callable[[str], bool]]] = {
    "integration": (
        f"integration: {{{', '.join(f'{key}: {{file: {key}}}' for key in KEYS)}}}",
        lambda header: header.startswith('OAuth oauth_consumer_key="s3cret-consumer_key", '),
    ),
    "admin": (
        "admin: {user: sidecar, password: {file: password}}",
        lambda header: header == "Bearer fetched-token",
    ),
    "token": ("token: {file: token}", lambda header: header == "Bearer s3cret-token"),
}


def client(folder: Path, url: str, *lines: str, mode: int = 0o600) -> MagentoRest:
    """Of a configuration with these lines under `shop.api`."""
    for name in (*KEYS, "password", "token"):
        secret = folder / name
        secret.write_text(f"s3cret-{name}\n", encoding="utf-8")
        secret.chmod(mode)
    path = folder / "sidecar.yaml"
    path.write_text(
        "version: 1\nerp: {adapter: rest.generic, url: https://erp.example.com}\n"
        "shop:\n  timezone: UTC\n  database: {password: {credential: shop}}\n"
        f"  api:\n    url: {url}\n" + "".join(f"    {line}\n" for line in lines),
        encoding="utf-8",
    )
    loaded = load(path)
    assert loaded.settings.shop.api is not None
    return magento_rest(loaded.settings.shop.api, loaded.origin)


@pytest.mark.parametrize("name", LOGINS)
def test_the_shop_sees_the_login_that_is_written(tmp_path: Path, name: str) -> None:
    def script(request: Received) -> list[bytes]:
        return says(200, "fetched-token" if request.target.endswith("/token") else [])

    login, is_so = LOGINS[name]
    with scripted_server(script) as server:
        magento = client(tmp_path, server.url.removesuffix("/api"), login, "store: german")
        magento.get("modules", NAMES)
        last = server.requests[-1]
    assert is_so(last.header("Authorization") or "")
    assert last.target == "/rest/german/V1/modules"


def test_a_secret_that_others_may_read_is_refused_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(PermissionDenied, match=r"sidecar.yaml:8: shop\.api\.token: .*mode 0644"):
        client(tmp_path, "https://shop.example.com", "token: {file: token}", mode=0o644)


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "there is no such file"), ("no certificate", "holds no certificates")],
)
def test_certificates_that_cannot_be_used_are_told_before_any_call(
    tmp_path: Path, content: str | None, said: str
) -> None:
    if content is not None:
        (tmp_path / "ca.pem").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=rf"shop\.api\.tls\.ca_file: .*{said}"):
        client(tmp_path, "https://x.example", "token: {file: token}", "tls: {ca_file: ca.pem}")
