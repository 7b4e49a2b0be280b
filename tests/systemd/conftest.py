"""The package under a real systemd; skipped unless ERP_SIDECAR_SYSTEMD=1 asks for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.packages.machine import build
from tests.systemd.container import CannotBeHad, Container, make_root, require_tools
from tests.systemd.machine import FOLDER, PACKAGE, UNIT, Machine

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def container() -> Iterator[Container]:
    if os.environ.get("ERP_SIDECAR_SYSTEMD") != "1":
        pytest.skip("boots a container with systemd, which takes minutes (make acceptance-systemd)")
    folder = Path(tempfile.mkdtemp(prefix="erp-sidecar-systemd-"))
    cache = Path(os.environ.get("ERP_SIDECAR_DEBOOTSTRAP") or folder)
    try:
        require_tools()
        (folder / "root").mkdir()
        make_root(folder / "root", cache)
        booted = Container(folder / "root")
    except CannotBeHad as why:
        shutil.rmtree(folder)
        pytest.skip(str(why))
    except BaseException:
        shutil.rmtree(folder)
        raise
    try:
        yield booted
    finally:
        booted.close()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def package() -> Path:
    """The file that ERP_SIDECAR_DEB names, or a package that is built now."""
    given = os.environ.get("ERP_SIDECAR_DEB")
    return Path(given) if given else build(PROJECT)


@pytest.fixture(scope="session")
def machine(container: Container, package: Path) -> Iterator[Machine]:
    """The package installed, configured, enabled and at work."""
    made = Machine(container, container.folder.parent)
    try:
        install(made, package)
        made.configure()
        container.run("systemctl", "enable", "--now", UNIT)
        yield made
    finally:
        made.erp.stop()


def install(machine: Machine, package: Path) -> None:
    """As `apt install ./FILE` does once it has what the package depends on."""
    shutil.copy(package, machine.container.folder / "root" / "sidecar.deb")
    machine.container.run("dpkg", "--install", "/root/sidecar.deb")


@pytest.fixture
def at_work(machine: Machine, package: Path) -> Machine:
    """The unit runs, whatever the test before left behind."""
    container = machine.container
    if container.run("dpkg", "--status", PACKAGE, code=None).returncode != 0:
        install(machine, package)
        machine.configure()
    container.run("rm", "-rf", f"{FOLDER}/conf.d/shop.yaml")
    container.write(f"{FOLDER}/sidecar.yaml", machine.configuration("magento"))
    container.run("systemctl", "reset-failed")
    container.run("systemctl", "enable", "--now", UNIT)
    machine.until_active()
    return machine


def judged(container: Container, unit: str) -> subprocess.CompletedProcess[str]:
    """What systemd thinks of the running unit."""
    return container.run("systemd-analyze", "security", "--no-pager", unit)
