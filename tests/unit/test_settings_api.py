"""`shop.api`: where the shop's REST API is, with one login."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from sidecar.model.errors import ConfigurationError
from sidecar.settings.api import Api
from sidecar.settings.load import load

EXAMPLE = Path(__file__).parents[3] / "shared" / "examples" / "sidecar-domains.yaml"
HEAD = """\
version: 1
erp: {adapter: rest.generic, url: https://erp.example.com}
shop:
  timezone: UTC
  database: {password: {credential: shop}}
  api:
"""
KEYS = "{consumer_key: {file: k}, consumer_secret: {file: s}, access_token: {file: t}}"
LOGIN = "admin: {user: sidecar, password: {file: p}}"


def written(folder: Path, *lines: str) -> Path:
    path = folder / "sidecar.yaml"
    path.write_text(HEAD + "".join(f"    {line}\n" for line in lines), encoding="utf-8")
    return path


@pytest.mark.shared
@pytest.mark.skipif(not EXAMPLE.exists(), reason="needs ../shared, which users do not have")
def test_the_example_of_the_design_is_taken_as_written() -> None:
    document = YAML(typ="safe").load(EXAMPLE.read_text(encoding="utf-8"))
    api = Api.model_validate(document["shop"]["api"])
    assert (api.url, api.store) == ("https://shop.example.com", "all")
    assert api.integration is not None
    assert api.integration.access_token.file == Path("m.at")


def test_what_is_not_written_has_its_default_and_paths_are_relative_to_the_file(
    tmp_path: Path,
) -> None:
    path = written(tmp_path, "url: https://shop.example.com", "token: {file: shop.token}")
    api = load(path).settings.shop.api
    assert api is not None
    assert api.token is not None
    assert api.token.file == tmp_path / "shop.token"
    assert (api.timeout.connect, api.timeout.read) == (timedelta(seconds=5), timedelta(seconds=60))


@pytest.mark.parametrize(
    ("lines", "line", "said"),
    [
        (("url: https://x.example",), 6, "has no login; write one of integration, admin, token"),
        (
            ("url: https://x.example", LOGIN, "token: {file: t}"), 8,
            "shop.api.admin: stands beside token; keep one login",
        ),
        (("url: http://x.example", LOGIN), 7, "shop.api.url: is plain http"),
        (("url: https://x.example", f"integration: {KEYS}"), 8, "access_token_secret: is missing"),
        (("url: https://x.example", LOGIN, "store: a/b"), 9, "shop.api.store: is no store code"),
        (
            ("url: https://x.example", "admin: {user: u, password: hunter2}"), 8,
            "a secret is never written in clear",
        ),
        (("url: https://u:hunter2@x.example", LOGIN), 7, "holds a login"),
        (("urll: https://x.example", LOGIN), 7, 'unknown key; did you mean "url"?'),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_line_and_quotes_no_secret(
    tmp_path: Path, lines: tuple[str, ...], line: int, said: str
) -> None:
    path = written(tmp_path, *lines)
    with pytest.raises(ConfigurationError) as raised:
        load(path)
    assert said in raised.value.message
    assert f"{path}:{line}: " in raised.value.message
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "more"),
    [
        ("http://localhost:8080", ()),
        ("http://127.0.0.1", ()),
        ("http://shop.internal", ("insecure: true",)),
    ],
)
def test_plain_http_is_for_this_machine_or_where_it_is_meant(
    tmp_path: Path, url: str, more: tuple[str, ...]
) -> None:
    api = load(written(tmp_path, f"url: {url}", LOGIN, *more)).settings.shop.api
    assert api is not None
    assert api.url == url
