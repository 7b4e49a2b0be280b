"""`grants print`: what it prints is enough for the account, and it needs no server to print it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from sidecar.testing.magento_db import PrivateServer
from tests.clinic import Clinic
from tests.servers import is_mysql


@pytest.fixture(scope="module")
def clinic(server: PrivateServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    with ExitStack() as stack:
        made = Clinic(server, tmp_path_factory.mktemp("grants"), "granting")
        stack.callback(made.close)
        yield made


def test_the_daemons_rights_are_printed_as_statements_that_are_enough(clinic: Clinic) -> None:
    clinic.sql("REVOKE ALL PRIVILEGES, GRANT OPTION FROM daemon@localhost")
    printed = clinic.command("grants", "print")
    assert "TO 'daemon'@'localhost'" in printed
    clinic.mend(printed)
    assert [one.found for one in clinic.found()] == []


def test_the_installers_rights_are_enough_to_install_and_to_uninstall(clinic: Clinic) -> None:
    clinic.sql("DROP USER IF EXISTS erp_installer@localhost", "CREATE USER erp_installer@localhost")
    printed = clinic.json("grants", "print", "--for", "installer", code=0)
    assert printed["account"] == "erp_installer@localhost"
    clinic.sql(*printed["statements"])
    definer = "SET_ANY_DEFINER" if is_mysql() else "SET USER"
    clinic.sql(f"GRANT {definer} ON *.* TO erp_installer@localhost")
    clinic.command("uninstall", "--user", "erp_installer", "--drop-ledger", "--yes")
    assert "ledger-missing" in {one.id for one in clinic.found()}
    clinic.command("install", "--user", "erp_installer")
    clinic.work()
    clinic.sql("DROP USER erp_installer@localhost")
    assert [one.found for one in clinic.found()] == []


def test_the_installers_account_can_do_nothing_else_in_magento(clinic: Clinic) -> None:
    printed = clinic.command("grants", "print", "--for", "installer", "--account", "i@10.0.0.7")
    assert "-- " in printed
    assert "TO 'i'@'10.0.0.7'" in printed
    assert not any(word in printed for word in (" ALL ", "DELETE ON `granting`.*", "CREATE USER"))


def test_nothing_is_asked_of_a_server(clinic: Clinic) -> None:
    with clinic.edited("server.sock", "away.sock"), clinic.edited("{file: password}", "{env: NO}"):
        assert "GRANT SELECT ON" in clinic.command("grants", "print")
