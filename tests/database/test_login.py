"""Who is let in by a server in the network, and what those are told who are not."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from sidecar.database.connection import Database, Login
from sidecar.model.errors import ConfigurationError, PermissionDenied, Unavailable
from sidecar.model.secret import Secret
from sidecar.testing.magento_db import Flavour, MySql, PrivateServer

ACCOUNT = "erp_sidecar@'127.0.0.1'"


@pytest.fixture(scope="module")
def listening(flavour: Flavour) -> Iterator[PrivateServer]:
    """A server with a port and no TLS: MySQL then takes a new password only under its RSA key."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = {"tls_version": ""} if isinstance(flavour, MySql) else {}
    with PrivateServer(port=port, options=options, flavour=flavour) as server:
        yield server


@pytest.fixture
def account(listening: PrivateServer) -> PrivateServer:
    """The server, with an account whose password nobody has used yet."""
    sql(
        listening,
        f"DROP USER IF EXISTS {ACCOUNT}",
        f"CREATE USER {ACCOUNT} IDENTIFIED BY 'its own'",
        f"GRANT SELECT ON mysql.* TO {ACCOUNT}",
    )
    return listening


def sql(server: PrivateServer, *statements: str) -> None:
    with server.connect() as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def log_in(server: PrivateServer, password: str = "its own") -> None:
    login = Login("erp_sidecar", Secret(password), "mysql", port=server.port or 0)
    database = Database(login)
    try:
        database.server()
    finally:
        database.close()


def test_a_password_opens_at_first_and_when_the_server_remembers_it(account: PrivateServer) -> None:
    log_in(account)
    log_in(account)


def test_a_wrong_password_is_refused(account: PrivateServer) -> None:
    with pytest.raises(PermissionDenied, match=r"refused the login .* as erp_sidecar@127\.0\.0\.1"):
        log_in(account, "another's")


def test_a_refusal_names_the_account_as_the_server_sees_it(account: PrivateServer) -> None:
    with pytest.raises(PermissionDenied, match=r"'erp_sidecar'@'(localhost|127\.0\.0\.1)'"):
        log_in(account, "another's")


def test_without_a_password_the_way_by_the_socket_is_named(account: PrivateServer) -> None:
    with pytest.raises(PermissionDenied) as refused:
        log_in(account, "")

    assert "unix_socket" in refused.value.remedy
    assert "--socket" in refused.value.remedy


@pytest.mark.parametrize("has_rights_elsewhere", [False, True])
def test_a_wrong_name_of_the_schema_leads_to_the_configuration(
    account: PrivateServer, has_rights_elsewhere: bool
) -> None:
    if has_rights_elsewhere:
        sql(account, f"GRANT SELECT ON *.* TO {ACCOUNT}")
    database = Database(Login("erp_sidecar", Secret("its own"), "magneto", port=account.port or 0))
    with pytest.raises((PermissionDenied, ConfigurationError), match="magneto") as wrong:
        database.server()
    database.close()
    if has_rights_elsewhere:
        sql(account, f"REVOKE SELECT ON *.* FROM {ACCOUNT}")

    assert "shop.database.name" in wrong.value.remedy


@pytest.mark.parametrize("change", ["ACCOUNT LOCK", "PASSWORD EXPIRE"])
def test_an_account_that_is_closed_is_a_login_refused(account: PrivateServer, change: str) -> None:
    sql(account, f"ALTER USER {ACCOUNT} {change}")

    with pytest.raises(PermissionDenied, match="refused the login"):
        log_in(account)


def test_a_server_in_offline_mode_is_away_and_not_a_failure(account: PrivateServer) -> None:
    """As a maintenance or a failing group replication leaves it: it is tried again."""
    if not isinstance(account.flavour, MySql):
        pytest.skip("only MySQL has an offline mode")
    sql(account, "SET GLOBAL offline_mode = ON")
    try:
        with pytest.raises(Unavailable, match="3032"):
            log_in(account)
    finally:
        sql(account, "SET GLOBAL offline_mode = OFF")

    log_in(account)
