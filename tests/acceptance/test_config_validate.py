"""What `config validate` says of files that are valid and most likely not meant so."""

from __future__ import annotations

import grp
import json
import os
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from sidecar.cli import main

CONFIGURATION = """\
version: 1
shop:
  name: main
  timezone: UTC
  database: {host: 127.0.0.1, name: magento, user: m2, password: {file: password}}
erp: {adapter: rest.generic, url: "https://erp.example.com", calls: calls.yaml}
domains: {orders: {ref: "{increment_id}"}}
"""
CALLS = """\
orders:
  push:
    on: [order.placed, order.canceled]
    call: {method: POST, path: /orders, json: {number: =order.increment_id}}
    answer:
      accepted: =response.status == 201
      rejected: =response.status == 422
      reference: =response.body.number
"""
_AS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="gives files away: for root only")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sidecar.yaml").write_text(CONFIGURATION, "utf-8")
    (tmp_path / "calls.yaml").write_text(CALLS, "utf-8")
    (tmp_path / "password").write_text("secret", "utf-8")
    for name in ("sidecar.yaml", "calls.yaml", "password"):
        (tmp_path / name).chmod(0o600)
    return tmp_path


def edited(path: Path, before: str, after: str) -> None:
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after), "utf-8")


def printed(folder: Path, *arguments: str) -> str:
    command = ["erp-sidecar", "--config", str(folder / "sidecar.yaml"), "config", "validate"]
    with (
        patch("sys.argv", [*command, *arguments]),
        redirect_stdout(StringIO()) as output,
        pytest.raises(SystemExit) as end,
    ):
        main()
    assert end.value.code == 0
    return output.getvalue()


def refused(folder: Path) -> tuple[object, str]:
    """The exit code, and what is said of files that are not valid."""
    with (
        patch("sys.argv", ["erp-sidecar", "--config", str(folder / "sidecar.yaml"), "config",
                           "validate"]),
        redirect_stderr(StringIO()) as errors,
        pytest.raises(SystemExit) as end,
    ):  # fmt: skip
        main()
    return end.value.code, errors.getvalue()


def warnings(folder: Path) -> list[str]:
    """In JSON; a person is told the same."""
    said: Any = json.loads(printed(folder, "--json"))
    text = printed(folder)
    assert said["valid"]
    assert [f"warning: {one}" for one in said["warnings"]] == [
        line for line in text.splitlines() if line.startswith("warning: ")
    ]
    return [str(one) for one in said["warnings"]]


def test_files_as_they_are_meant_have_no_warning(folder: Path) -> None:
    assert warnings(folder) == []


@pytest.mark.parametrize(
    ("file", "before", "after", "told"),
    [
        ("calls.yaml", "=order.increment_id", "ref", "calls.yaml:4: orders.push.call.json.number"),
        (
            "calls.yaml",
            "=response.status == 422",
            "=response.body.code != 'OK'",
            "calls.yaml:7: orders.push.answer.rejected: where response.body.code is none",
        ),
        (
            "sidecar.yaml",
            '"{increment_id}"',
            '"{store_id}-{increment_id}"',
            "calls.yaml:4: orders.push.call: it sends no `ref`, and domains.orders.ref",
        ),
    ],
)
def test_what_is_most_likely_not_meant_is_told_with_its_line(
    folder: Path, file: str, before: str, after: str, told: str
) -> None:
    edited(folder / file, before, after)

    (warning,) = warnings(folder)

    assert told in warning


@pytest.mark.parametrize(
    ("before", "after", "code", "told"),
    [
        ("calls.yaml", "cals.yaml", 78, "sidecar.yaml:6: erp.calls: {folder}/cals.yaml: there is"),
        ("rest.generic", "rest.genric", 78, "sidecar.yaml:6: erp.adapter: there is no adapter "
         "'rest.genric'; did you mean \"rest.generic\"?"),
        ("file: password", "file: pasword", 78, "sidecar.yaml:5: shop.database.password: {folder}"),
        ("file: password", "file: open", 77, "sidecar.yaml:5: shop.database.password: {folder}"),
        ("calls:", "auth: {bearer: {token: {file: open}}}, calls:", 77,
         "sidecar.yaml:6: erp.auth.bearer.token: {folder}/open: holds a secret and has mode 0644"),
        ("calls:", "secrets: {key: {env: NO_SUCH}}, calls:", 78,
         "sidecar.yaml:6: erp.secrets.key: the environment variable NO_SUCH"),
        ("calls:", "tls: {ca_file: ca.pem}, calls:", 78,
         "sidecar.yaml:6: erp.tls.ca_file: {folder}/ca.pem: there is no such file"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_what_a_value_names_is_told_with_the_value_s_line(
    folder: Path, before: str, after: str, code: int, told: str
) -> None:
    (folder / "open").write_text("swordfish", "utf-8")
    (folder / "open").chmod(0o644)
    edited(folder / "sidecar.yaml", before, after)

    said_code, said = refused(folder)

    assert told.format(folder=folder) in said
    assert said_code == code
    assert "swordfish" not in said


@pytest.mark.parametrize("file", ["sidecar.yaml", "calls.yaml"])
def test_a_file_that_everybody_may_write_is_told_with_the_command_that_ends_it(
    folder: Path, file: str
) -> None:
    (folder / file).chmod(0o602)

    (warning,) = warnings(folder)

    assert warning.endswith(f"every user of this machine may write it (chmod o-w {folder / file})")


@_AS_ROOT
def test_a_file_that_a_group_of_others_may_write_is_told_and_the_own_group_is_none(
    folder: Path,
) -> None:
    group = grp.getgrnam("daemon")
    calls = folder / "calls.yaml"
    calls.chmod(0o660)
    assert warnings(folder) == []  # root's own group

    os.chown(calls, 0, group.gr_gid)
    (warning,) = warnings(folder)
    assert warning.endswith(f"the group {group.gr_name} may write it (chmod g-w {calls})")

    calls.chmod(0o640)
    assert warnings(folder) == []


def test_magento_s_own_login_is_read_like_every_secret(folder: Path) -> None:
    edited(
        folder / "sidecar.yaml",
        "{host: 127.0.0.1, name: magento, user: m2, password: {file: password}}",
        "{magento_root: shop}",
    )

    assert refused(folder)[0] == 78
    assert "shop/app/etc/env.php: there is no such file" in refused(folder)[1]


def test_certificates_of_the_shop_s_api_that_are_not_there_are_told(folder: Path) -> None:
    api = "{url: 'https://x.example', token: {file: password}, tls: {ca_file: ca.pem}}"
    edited(folder / "sidecar.yaml", "  timezone: UTC\n", f"  timezone: UTC\n  api: {api}\n")
    code, said = refused(folder)
    assert code == 78
    assert "sidecar.yaml:5: shop.api.tls.ca_file: " in said
