"""The package taken away from a machine with a real systemd, and the units put there by hand."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.systemd.machine import FOLDER, PACKAGE, PROJECT, UNIT, Machine

pytestmark = pytest.mark.timeout(900)
EMEA = "erp-sidecar@emea.service"


@pytest.fixture
def emea(at_work: Machine) -> Iterator[Machine]:
    """A second shop of the machine, an instance with a file of its own."""
    at_work.another_shop("emea")
    at_work.configure("emea", "emea.yaml")
    at_work.container.run("systemctl", "enable", "--now", EMEA)
    yield at_work
    at_work.container.run("systemctl", "disable", "--now", EMEA, code=None)
    at_work.container.run("rm", "-f", f"{FOLDER}/emea.yaml")
    at_work.shops.pop("emea").drop()


def purge(machine: Machine, code: int | None = 0, **environment: str) -> str:
    """`apt-get purge` where nobody can be asked; what it said."""
    done = machine.container.run("dpkg", "--purge", PACKAGE, code=code, environment=environment)
    return done.stdout + done.stderr


def is_installed(machine: Machine) -> bool:
    said = machine.container.run(
        "dpkg-query", "--show", "--showformat=${Status}", PACKAGE, code=None
    )
    # Before it stands what is wanted: after a purge that failed, its removal.
    return said.stdout.endswith(" ok installed")


def test_two_shops_are_served_and_a_purge_leaves_nothing_of_either(emea: Machine) -> None:
    container = emea.container
    emea.until_booked(*emea.sell(), *emea.sell(magento=emea.shops["emea"]))
    assert (emea.triggers("magento"), emea.triggers("emea")) == (3, 3)

    said = purge(emea)

    assert f"{FOLDER}/calls.yaml is no configuration" in said
    assert (emea.triggers("magento"), emea.triggers("emea")) == (0, 0)
    assert emea.schemas() >= {"magento_ledger", "emea_ledger"}, "nobody said that they should go"
    assert not (container.folder / FOLDER.lstrip("/")).exists()
    left = container.run("systemctl", "list-units", "--all", "--no-legend", "erp-sidecar*").stdout
    assert "active" not in left.replace("inactive", "")
    links = container.run("find", "/etc/systemd/system", "-name", "erp-sidecar*.service")
    assert links.stdout == ""


def test_a_configuration_that_stands_in_conf_d_alone_is_one(at_work: Machine) -> None:
    container = at_work.container
    written = at_work.configuration("magento").replace("calls.yaml", "../calls.yaml")
    # The file that came has an address, and socket and address together are refused.
    written = written.replace("socket: /run/mysqld/mysqld.sock", "host: 127.0.0.1")
    container.run("cp", "/usr/lib/erp-sidecar/sidecar.yaml", f"{FOLDER}/sidecar.yaml")
    container.write(f"{FOLDER}/conf.d/shop.yaml", written)

    purge(at_work)

    assert at_work.triggers() == 0


def test_a_database_that_is_away_stops_the_purge_with_its_reason_and_a_way_out(
    at_work: Machine,
) -> None:
    container = at_work.container
    container.run("systemctl", "stop", "mariadb.service", "mariadb.socket")
    said = purge(at_work, code=1)
    assert "Magento's database is not as it was before" in said
    assert "ERP_SIDECAR_UNINSTALL=no apt-get purge" in said
    assert is_installed(at_work)

    said = purge(at_work, ERP_SIDECAR_UNINSTALL="no")
    assert f"not taken away: the triggers of {FOLDER}/sidecar.yaml" in said
    assert not is_installed(at_work)
    container.run("systemctl", "start", "mariadb.service")
    assert at_work.triggers() == 3


def test_an_account_that_may_not_is_followed_by_root_and_its_socket(at_work: Machine) -> None:
    with at_work.server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("ALTER USER magento_erp@localhost IDENTIFIED BY 'changed'")

    said = purge(at_work)

    assert "as the database's root without a password" in said
    assert at_work.triggers() == 0


def test_the_ledger_goes_where_it_is_told_to(at_work: Machine) -> None:
    purge(at_work, ERP_SIDECAR_DROP_LEDGER="yes")

    assert "magento_ledger" not in at_work.schemas()


def test_the_readmes_steps_for_systemd_give_a_machine_on_which_the_unit_may_start(
    machine: Machine,
) -> None:
    """Literally, out of README, where no package was: its folders are not there."""
    container = machine.container
    purge(machine, code=None, ERP_SIDECAR_UNINSTALL="no")
    shutil.copytree(PROJECT / "systemd", container.folder / "root" / "systemd", dirs_exist_ok=True)
    text = (PROJECT / "README.md").read_text("utf-8")
    step = text.partition("**2. User, folders and units**")[2].partition("**3. ")[0]
    commands = re.findall(r"^    (.*)$", step, re.MULTILINE)
    assert commands
    container.run("sh", "-euc", "cd /root\n" + "\n".join(commands))

    assert container.run("stat", "-c", "%U:%G %a", FOLDER).stdout == "root:erp-sidecar 750\n"
    assert container.run("systemctl", "cat", UNIT, EMEA).returncode == 0
    container.run("logrotate", "--debug", "/etc/logrotate.d/erp-sidecar")
    for name in ("system/erp-sidecar.service", "system/erp-sidecar@.service"):
        Path(container.folder / "etc" / "systemd" / name).unlink()
