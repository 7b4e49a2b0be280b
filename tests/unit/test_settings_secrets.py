from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from sidecar.model.errors import ConfigurationError, PermissionDenied
from sidecar.model.secret import Secret
from sidecar.settings.erp import Auth
from sidecar.settings.fields import SecretRef
from sidecar.settings.load import load
from sidecar.settings.secrets import resolve, unresolved, with_secrets
from sidecar.settings.show import as_text


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "erp.password"
    path.write_text("hunter2\n")
    path.chmod(0o600)
    return path


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ({"file": "/x", "expires": "soon"}, "is no date"),
        ({"expires": "2027-03-31"}, "needs exactly one of credential, file and env"),
    ],
)
def test_an_expiry_stands_beside_one_way_and_is_a_date(written: object, says: str) -> None:
    assert SecretRef.model_validate({"file": "/x", "expires": "2027-03-31"}).expires is not None
    with pytest.raises(ValidationError, match=says):
        SecretRef.model_validate(written)


def test_an_expiry_is_shown_as_it_is_written(tmp_path: Path) -> None:
    main = tmp_path / "sidecar.yaml"
    main.write_text(
        "version: 1\nshop: {timezone: UTC, database: {password: {env: P, expires: 2027-03-31}}}\n"
        "erp: {adapter: x, url: 'https://x'}\n"
    )
    assert "shop.database.password.expires = 2027-03-31" in as_text(load(main))


def test_a_credential_is_read_from_the_folder_systemd_names(tmp_path: Path) -> None:
    (tmp_path / "erp-password").write_text("hunter2\n")
    resolved = resolve(
        SecretRef(credential="erp-password"), {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    )
    assert resolved == (Secret("hunter2"), "")


def test_a_missing_credential_says_how_to_add_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no credential erp-password") as raised:
        resolve(SecretRef(credential="erp-password"), {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert "LoadCredential=erp-password:" in raised.value.remedy


@pytest.mark.parametrize("name", ["../etc/shadow", "a/b", "..", ".hidden", "", 5])
def test_a_credential_name_cannot_leave_the_folder(name: object) -> None:
    with pytest.raises(ValueError, match="credential needs a name"):
        SecretRef.model_validate({"credential": name})


def test_only_the_trailing_newline_is_taken_off(file: Path) -> None:
    file.write_text(" hunter2 \n")
    assert resolve(SecretRef(file=file), {}).secret == Secret(" hunter2 ")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o660])
def test_a_file_that_others_may_use_is_refused_with_its_mode(file: Path, mode: int) -> None:
    file.chmod(mode)
    with pytest.raises(PermissionDenied, match=f"has mode {mode:04o}") as raised:
        resolve(SecretRef(file=file), {})
    assert f"chmod 600 {file}" in raised.value.remedy


@pytest.mark.parametrize("mode", [0o400, 0o600])
def test_a_private_file_is_read(file: Path, mode: int) -> None:
    file.chmod(mode)
    assert resolve(SecretRef(file=file), {}).secret == Secret("hunter2")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_a_matter_of_permission(file: Path) -> None:
    file.chmod(0o000)
    with pytest.raises(PermissionDenied, match="may not read"):
        resolve(SecretRef(file=file), {})


def test_a_missing_empty_or_binary_file_is_a_configuration_error(file: Path) -> None:
    with pytest.raises(ConfigurationError, match="no such file"):
        resolve(SecretRef(file=file.with_name("absent")), {})
    file.write_text("\n")
    with pytest.raises(ConfigurationError, match="is empty"):
        resolve(SecretRef(file=file), {})
    file.write_bytes(b"\xff")
    with pytest.raises(ConfigurationError, match="not UTF-8"):
        resolve(SecretRef(file=file), {})


def test_an_environment_variable_is_read_with_a_warning() -> None:
    secret, warning = resolve(SecretRef(env="ERP_PASSWORD"), {"ERP_PASSWORD": "hunter2"})
    assert secret == Secret("hunter2")
    assert "ERP_PASSWORD" in warning
    assert "hunter2" not in warning
    with pytest.raises(ConfigurationError, match="not set or empty"):
        resolve(SecretRef(env="ERP_PASSWORD"), {"ERP_PASSWORD": ""})


def test_a_login_comes_with_its_secrets_and_without_what_is_not_set() -> None:
    auth = Auth.model_validate({"basic": {"user": "magento", "password": {"env": "P"}}})
    values, warnings = with_secrets(auth, {"P": "hunter2"})
    assert values == {"basic": {"user": "magento", "password": Secret("hunter2")}}
    assert len(warnings) == 1
    assert "hunter2" not in repr(values)
    assert with_secrets(Auth.model_validate("none"), {}) == ({}, [])


# What a secret may not be


@pytest.mark.parametrize("content", ["a\nb\n", "a\n\n", "a\tb", "a\0b", "\x1b[2Ja", "a\u2028b"])
def test_a_control_character_in_a_secret_is_refused_and_nothing_of_it_is_told(
    file: Path, content: str
) -> None:
    file.write_text(f"hunter2{content}")
    with pytest.raises(ConfigurationError, match="control character") as refused:
        resolve(SecretRef(file=file))
    assert "hunter2" not in str(refused.value)
    with pytest.raises(ConfigurationError, match="control character"):
        resolve(SecretRef(env="P"), {"P": f"{content}\n" if "\0" in content else content})


@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_a_secret_is_in_a_regular_file(tmp_path: Path, kind: str) -> None:
    path = {"pipe": tmp_path / "pipe", "device": Path("/dev/zero"), "folder": tmp_path}[kind]
    if kind == "pipe":
        os.mkfifo(path, 0o600)
    with pytest.raises(ConfigurationError, match="no regular file"):
        resolve(SecretRef(file=path))


def test_a_file_that_is_too_long_is_no_secret(file: Path) -> None:
    file.write_text("x" * 70_000)
    with pytest.raises(ConfigurationError, match="too long"):
        resolve(SecretRef(file=file))


def test_all_secrets_that_cannot_be_had_are_named_with_their_keys(
    tmp_path: Path, file: Path
) -> None:
    file.chmod(0o644)
    main = tmp_path / "sidecar.yaml"
    main.write_text(
        f"version: 1\nshop: {{timezone: UTC, database: {{password: {{file: {file}}}}}}}\n"
        "erp: {adapter: x, url: 'https://x', auth: {bearer: {token: {file: /nowhere/token}}}, "
        "secrets: {key: {credential: key}}}\n"
    )
    settings = load(main).settings

    without = unresolved(settings, {"CREDENTIALS_DIRECTORY": str(tmp_path / "none")})
    beside = unresolved(settings, {"CREDENTIALS_DIRECTORY": str(tmp_path)})

    assert [one.message.partition(":")[0] for one in without] == [
        "shop.database.password",
        "erp.auth.bearer.token",
    ]
    assert [one.message.partition(":")[0] for one in beside][-1] == "erp.secrets.key"


@pytest.mark.parametrize(
    "where", ["url: 'http://erp.invalid'", "wsdl: a.wsdl, endpoint: 'http://erp.invalid'"]
)
def test_a_login_is_not_sent_over_plain_http_unless_it_is_meant(tmp_path: Path, where: str) -> None:
    main = tmp_path / "sidecar.yaml"
    shop = "version: 1\nshop: {timezone: UTC, database: {password: {env: P}}}\n"
    for login in ("auth: {bearer: {token: {env: T}}}", "secrets: {key: {env: K}}"):
        main.write_text(f"{shop}erp: {{adapter: x, {where}, {login}}}\n")
        with pytest.raises(ConfigurationError, match=rf"{main.name}:3: .*is plain http"):
            load(main)
        main.write_text(f"{shop}erp: {{adapter: x, {where}, insecure: true, {login}}}\n")
        load(main)
    main.write_text(f"{shop}erp: {{adapter: x, {where}}}\n")
    load(main)


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_a_configuration_is_a_regular_file(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "sidecar.yaml"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises(ConfigurationError, match="no regular file"):
        load(path)


def test_a_private_key_has_many_lines(file: Path) -> None:
    pem = (
        "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg+/kq=\nhkiG9w0BAQ==\n-----END PRIVATE KEY-----"
    )
    file.write_text(f"{pem}\n")
    assert resolve(SecretRef(file=file)).secret.reveal() == pem


@pytest.mark.parametrize("behind", ["\nX-Injected: 1", "\n\nGET / HTTP/1.1"])
def test_what_stands_behind_a_private_key_is_refused(file: Path, behind: str) -> None:
    pem = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg+/kq=\n-----END PRIVATE KEY-----"
    file.write_text(pem + behind)
    with pytest.raises(ConfigurationError, match="control character"):
        resolve(SecretRef(file=file))
