"""The .deb on a machine: installed, run, upgraded while orders come, taken away again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sidecar.testing.erpsim import ErpSim
from sidecar.testing.magento_db import MagentoDatabase, PrivateServer, Shop, create_magento
from tests.packages.machine import CONFIGURATION, PACKAGE, PROGRAM, Machine, build
from tests.pipeline import DEMO_CALLS
from tests.supervisor import Listening

pytestmark = pytest.mark.timeout(900)
LEDGER = "deb_ledger"
ENV_PHP = """<?php
return ['db' => ['table_prefix' => '', 'connection' => ['default' => [
    'host' => '{socket}', 'dbname' => '{name}', 'username' => 'magento', 'password' => 'shop'
]]]];
"""
SITE = """\
ledger: {{schema: {ledger}}}
erp: {{url: {url}, calls: ../mappings/mine.yaml}}
domains: {{orders: {{gate: {{payment: {{default: always}}}}}}}}
"""
SECOND_MIGRATION = "ALTER TABLE {event_archive} COMMENT = 'of the second version';\n"


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    if os.geteuid() != 0 or not shutil.which("dpkg-deb"):
        pytest.skip("the package is installed by root, with dpkg")
    if PROGRAM.exists():
        pytest.skip(f"{PACKAGE} is installed on this machine: it is not touched")
    folder = Path(tempfile.mkdtemp(prefix="erp-sidecar-deb-"))
    folder.chmod(0o755)
    made = Machine(folder)
    yield made
    made.close()
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def first(machine: Machine, source: Path) -> Path:
    """The package of this version."""
    return build(source)


@pytest.fixture(scope="module")
def second(first: Path, source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package of the next version, whose ledger has one migration more."""
    later = tmp_path_factory.mktemp("later")
    shutil.copytree(source, later, dirs_exist_ok=True, ignore=shutil.ignore_patterns("build"))
    project = later / "pyproject.toml"
    version = first.name.split("_")[1].split("-")[0]
    text = project.read_text("utf-8").replace(f'version = "{version}"', 'version = "99.0"')
    project.write_text(text, "utf-8")
    (later / "sql" / "9999_second.sql").write_text(SECOND_MIGRATION, "utf-8")
    return build(later)


@pytest.fixture(scope="module")
def magento() -> Iterator[MagentoDatabase]:
    """A shop with an account of its own, which the daemon takes from its env.php."""
    with PrivateServer() as server:
        server.folder.chmod(0o755)
        database = create_magento(server, "deb")
        with server.connect() as connection, connection.cursor() as cursor:
            cursor.execute("CREATE USER magento@localhost IDENTIFIED BY 'shop'")
            cursor.execute("GRANT ALL ON *.* TO magento@localhost WITH GRANT OPTION")
        yield database


@pytest.fixture(scope="module")
def erp() -> Iterator[ErpSim]:
    running = ErpSim.start(duplicates="none")
    yield running
    running.stop()


def until(is_so: Callable[[], bool], machine: Machine) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        log = machine.folder / "log"
        words = log.read_text("utf-8")[-3000:] if log.exists() else "no log"
        assert time.monotonic() < deadline, words
        time.sleep(0.05)


def ask(magento: MagentoDatabase, statement: str) -> list[Any]:
    with magento.connect() as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return [row[0] for row in cursor.fetchall()]


def triggers(magento: MagentoDatabase) -> list[Any]:
    return ask(
        magento,
        "SELECT trigger_name FROM information_schema.triggers WHERE trigger_name LIKE 'erp_side%'",
    )


def schemas(magento: MagentoDatabase) -> list[Any]:
    return ask(magento, "SELECT schema_name FROM information_schema.schemata")


def configure(machine: Machine, magento: MagentoDatabase, erp: ErpSim) -> None:
    root = machine.folder / "magento"
    (root / "app" / "etc").mkdir(parents=True, exist_ok=True)
    env = ENV_PHP.format(socket=magento.server.socket, name=magento.name)
    (root / "app" / "etc" / "env.php").write_text(env, "utf-8")
    written = machine.sidecar("config", "generate", "--magento-root", str(root))
    CONFIGURATION.write_text(written, "utf-8")
    site = SITE.format(ledger=LEDGER, url=erp.url)
    (CONFIGURATION.parent / "conf.d" / "site.yaml").write_text(site, "utf-8")
    (CONFIGURATION.parent / "mappings" / "mine.yaml").write_text(DEMO_CALLS, "utf-8")


@contextmanager
def out_of_sight(machine: Machine) -> Iterator[None]:
    """The shop's login cannot be read: nobody who is called now reaches the database."""
    env = machine.folder / "magento" / "app" / "etc" / "env.php"
    away = env.rename(env.with_name("away"))
    try:
        yield
    finally:
        away.rename(env)


def test_the_package_is_installed_run_upgraded_under_way_and_purged(
    machine: Machine, first: Path, second: Path, magento: MagentoDatabase, erp: ErpSim
) -> None:
    installed = machine.dpkg("--install", first)
    assert installed.returncode == 0, installed.stderr
    assert "installed, not started" in installed.stdout
    assert machine.asked() == ["daemon-reload"], "nothing is started unasked"
    assert CONFIGURATION.parent.group() == "erp-sidecar"

    configure(machine, magento, erp)
    own = CONFIGURATION.read_text("utf-8")
    assert "valid:" in machine.sidecar("config", "validate")
    machine.sidecar("install")
    assert len(triggers(magento)) == 3

    with Listening(machine.folder / "notify") as heard, Shop(magento) as shop:
        (machine.folder / "notify").chmod(0o666)
        daemon = machine.start(heard)
        heard.hears("READY=1".__eq__)
        placed = [shop.place().increment_id]
        until(lambda: len(erp.bookings(placed[0])) == 1, machine)

        machine.say_it_runs()
        with out_of_sight(machine):
            upgraded = machine.dpkg("--install", second)
            assert upgraded.returncode == 0, upgraded.stderr
            assert "The old daemon goes on working (erp-sidecar.service)" in upgraded.stderr
            assert "restart erp-sidecar.service" not in machine.asked()
        placed.append(shop.place().increment_id)
        until(lambda: len(erp.bookings(placed[1])) == 1, machine)

        upgraded = machine.dpkg("--install", second)
        assert upgraded.returncode == 0, upgraded.stderr
        assert "migrated: 9999_second" in upgraded.stdout
        assert "restart erp-sidecar.service" in machine.asked()
        assert CONFIGURATION.read_text("utf-8") == own
        placed.append(shop.place().increment_id)
        until(lambda: len(erp.bookings(placed[2])) == 1, machine)

        # What systemd would have done when it was asked to restart.
        restarted_at = time.monotonic()
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(30) == 0
        placed.append(shop.place().increment_id)
        daemon = machine.start(heard)
        heard.hears("READY=1".__eq__, since=restarted_at)
        until(lambda: len(erp.bookings(placed[3])) == 1, machine)
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(30) == 0
        assert [len(erp.bookings(number)) for number in placed] == [1, 1, 1, 1]

    refusal = the_old_program_runs(first, machine)
    assert refusal.returncode == 78
    assert "written by a newer sidecar" in refusal.stderr
    assert "remedy: install the newer version again: 'apt install" in refusal.stderr

    purged = machine.dpkg("--purge", PACKAGE)
    assert purged.returncode == 0, purged.stderr
    assert any(line.startswith("stop erp-sidecar.service") for line in machine.asked())
    assert triggers(magento) == []
    assert LEDGER in schemas(magento), "nobody said that it should go"
    assert not CONFIGURATION.parent.exists()
    assert not Path("/usr/lib/erp-sidecar").exists()
    assert subprocess.run(["getent", "passwd", "erp-sidecar"], check=False).returncode != 0


def the_old_program_runs(deb: Path, machine: Machine) -> subprocess.CompletedProcess[str]:
    """The old version's `run` on the ledger of the new one."""
    old = machine.folder / "old"
    subprocess.run(["dpkg-deb", "--extract", deb, old], check=True)
    code = "from sidecar.cli import main; main()"
    return subprocess.run(
        [old / "usr/lib/erp-sidecar/bin/python", "-c", code, "run"],
        cwd="/",
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_package_that_was_never_configured_goes_without_a_database(
    machine: Machine, first: Path
) -> None:
    assert machine.dpkg("--install", first).returncode == 0
    purged = machine.dpkg("--purge", PACKAGE)
    assert purged.returncode == 0, purged.stderr


def test_the_purge_takes_the_ledger_where_it_is_told_to_and_stops_where_it_cannot_look(
    machine: Machine, first: Path, second: Path, magento: MagentoDatabase, erp: ErpSim
) -> None:
    assert machine.dpkg("--install", second).returncode == 0
    configure(machine, magento, erp)
    machine.sidecar("install")
    machine.say_it_runs()

    with out_of_sight(machine):
        refused = machine.dpkg("--purge", PACKAGE, ERP_SIDECAR_DROP_LEDGER="yes")
    assert refused.returncode != 0
    assert "remedy: give a database user that may" in refused.stderr
    assert PROGRAM.exists()
    assert len(triggers(magento)) == 3
    assert machine.asked()[-1] == "start erp-sidecar.service", "it goes on working"

    purged = machine.dpkg("--purge", PACKAGE, ERP_SIDECAR_DROP_LEDGER="yes")
    assert purged.returncode == 0, purged.stderr
    assert triggers(magento) == []
    assert LEDGER not in schemas(magento)
