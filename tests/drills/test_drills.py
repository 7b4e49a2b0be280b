"""The incident drills: docs/drills.md, played."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pymysql
import pytest

from sidecar.model.errors import SidecarError
from sidecar.testing.magento_db import MagentoDatabase, PrivateServer
from tests.copying import copy_schemas
from tests.drills.operator import Operator
from tests.drills.page import titles
from tests.rig import Rig

pytestmark = pytest.mark.timeout(300)


@contextmanager
def drill(server: PrivateServer, folder: Path, title: str) -> Iterator[Operator]:
    """An installation with a working daemon and one order that went through."""
    with Rig(server, folder, "drill") as rig:
        operator = Operator(rig, title)
        yield operator
        if not operator.was_done:
            operator.is_done()


def test_the_erp_is_down(server: PrivateServer, tmp_path: Path) -> None:
    with drill(server, tmp_path, "The ERP is down for two hours") as person:
        person.rig.erp.kill()
        sold = person.sells(6)
        person.told("breaker.opened")
        person.does("status", code=2, shows="breaker open")
        person.does("queue list --status pending", shows=sold[0].increment_id)
        person.rig.erp.restart()
        person.told("breaker.closed")
        person.finds("status")


def test_the_password_was_changed(server: PrivateServer, tmp_path: Path) -> None:
    with drill(server, tmp_path, "The ERP's password was changed") as person:
        person.rig.erp.rule("unauthorised")
        person.sells(3)
        person.told("domain.stopped")
        person.does("status", code=2, shows="stopped")
        person.does("domain list", shows="stopped")
        person.rig.erp.clear_rules()  # the new password is right
        person.does("config validate")
        person.reloads()
        person.told("config.reloaded")
        person.does("domain resume orders")
        person.told("delivery.accepted", times=3)
        person.finds("status")


def test_the_triggers_are_gone(server: PrivateServer, tmp_path: Path) -> None:
    with drill(server, tmp_path, "The triggers are gone") as person:
        with person.rig.magento.connect() as connection, connection.cursor() as cursor:
            cursor.execute("SHOW TRIGGERS LIKE 'sales_order%'")
            ours = [row[0] for row in cursor.fetchall() if row[0].startswith("erp_sidecar_")]
            for name in ours:
                cursor.execute(f"DROP TRIGGER `{name}`")
        assert ours
        person.sells(2)
        person.told("capture.trigger_missed")
        person.does("triggers status", code=2, shows="missing")
        person.does("triggers install")
        person.does("triggers status")


@pytest.fixture
def small_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file system of 300 MB in which a private server puts its data; a socket's path is short."""
    place = Path(tempfile.mkdtemp(prefix="disk-"))
    mount = ["mount", "-t", "tmpfs", "-o", "size=300m", "tmpfs", str(place)]
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
        place.rmdir()
        pytest.skip("only root may mount a small disk, and not in every container")
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)
    place.rmdir()


def fill(disk: Path) -> Path:
    """Leave no room; gives what is to be deleted."""
    ballast = disk / "ballast"
    with ballast.open("wb") as file, suppress(OSError):
        while True:
            file.write(bytes(1024 * 1024))
            file.flush()
    return ballast


def test_the_disk_of_the_database_is_full(tmp_path: Path, small_disk: Path) -> None:
    with (
        PrivateServer() as own,
        drill(own, tmp_path, "The disk of the database is full") as person,
    ):
        person.sells(1)
        person.told("delivery.accepted")
        ballast = fill(small_disk)
        over = threading.Event()
        customers = threading.Thread(target=sell, args=(person, over))
        customers.start()
        person.told("station.failed")
        over.set()
        ballast.unlink()
        customers.join()
        person.told("station.recovered")
        person.sells(1)
        person.finds("status")


def sell(person: Operator, over: threading.Event) -> None:
    """Customers go on; Magento cannot write either, and some of their orders fail."""
    while not over.is_set():
        with suppress(pymysql.MySQLError, SidecarError):
            person.sells(1)


def test_a_deploy_with_setup_upgrade(server: PrivateServer, tmp_path: Path) -> None:
    with drill(server, tmp_path, "A deploy with setup:upgrade") as person:
        person.does("triggers suspend")
        with person.rig.magento.connect() as connection, connection.cursor() as cursor:
            cursor.execute("ALTER TABLE sales_order ADD COLUMN of_the_new_version INT NULL")
        person.sells(2)
        person.told("delivery.accepted", times=2)
        person.does("triggers resume")
        person.does("triggers status")


def test_the_database_fails_over(tmp_path: Path) -> None:
    with (
        PrivateServer(fsync=True) as own,
        drill(own, tmp_path, "The database server fails over") as person,
    ):
        person.sells(2)
        own.kill()
        person.told("station.failed")
        person.does("status", code=69)
        own.start()
        person.told("station.recovered")
        person.sells(1)
        person.finds("status")


def test_the_mapping_was_broken(server: PrivateServer, tmp_path: Path) -> None:
    with drill(server, tmp_path, "The mapping was broken") as person:
        calls = tmp_path / "calls.yaml"
        sound = calls.read_text("utf-8")
        calls.write_text(sound.replace("=ref", "=order.incremnt_id", 1))
        person.reloads()
        person.told("config.refused", message="incremnt_id")
        person.does("config validate", code=78, shows="calls.yaml:10")
        calls.write_text(sound)
        person.does("config validate")

        calls.write_text(sound.replace("sku: =item.sku", "sku: =item.sku | lookup('nothing')"))
        calls.write_text("tables: {nothing: {}}\n" + calls.read_text("utf-8"))
        person.reloads()
        person.told("config.reloaded")
        person.sells(3)
        person.told("domain.stopped")
        person.does("status", code=2, shows="stopped")
        calls.write_text(sound)
        person.reloads()
        person.told("config.reloaded", times=2)
        person.does("domain resume")
        person.told("delivery.accepted", times=3)
        person.finds("status")


def test_two_daemons(server: PrivateServer, tmp_path: Path) -> None:
    with drill(server, tmp_path, "Two daemons") as person:
        second = person.rig.start()
        person.told("daemon.standby")
        person.does("status", shows=f":{person.daemon.pid}:")
        person.sells(2)
        person.told("delivery.accepted", times=2)
        person.rig.kill(person.daemon)
        person.told("daemon.took_over")
        person.sells(1)
        person.finds("status", shows=f":{second.pid}:")


def test_a_backup_was_restored(server: PrivateServer, tmp_path: Path) -> None:
    with (
        PrivateServer() as elsewhere,
        drill(server, tmp_path, "A backup was restored") as person,
    ):
        rig, name = person.rig, person.rig.magento.name
        person.sells(1)
        person.told("delivery.accepted")
        rig.kill(person.daemon)
        original = rig.magento
        copy_schemas(server, elsewhere, [name, f"{name}_ledger"])
        with elsewhere.connect() as connection, connection.cursor() as cursor:
            cursor.execute("CREATE USER crash@localhost IDENTIFIED BY 'crash'")
            cursor.execute("GRANT ALL ON *.* TO crash@localhost")
        config = tmp_path / "sidecar.yaml"
        text = config.read_text("utf-8").replace(str(server.socket), str(elsewhere.socket))
        config.write_text(text, "utf-8")
        rig.magento = MagentoDatabase(elsewhere, name)
        rig.start()
        person.told("identity.sending_stopped")
        person.sells(2)
        person.does("status", code=2, shows="NOTHING IS SENT")
        person.does("identity show", code=2)
        assert len(rig.erp.documents()) == 1
        person.does("identity accept")
        person.told("identity.settled")
        person.told("delivery.accepted", times=3)
        person.finds("status")
        person.is_done()
        rig.magento = original


def test_a_customer_calls(server: PrivateServer, tmp_path: Path) -> None:
    with drill(server, tmp_path, "A customer calls about order 000000001") as person:
        person.rig.erp.rule("credit_limit", times=1)
        person.sells(1)
        person.told("delivery.rejected")
        person.does("order show 000000001", shows="the customer's credit is used up")
        person.does("queue requeue 000000001")
        person.told("delivery.accepted")
        person.finds("order show 000000001", shows="accepted")


def test_every_drill_of_the_page_is_played() -> None:
    text = Path(__file__).read_text("utf-8")

    assert [title for title in titles() if f'"{title}"' not in text] == []
