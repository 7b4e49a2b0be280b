"""Original and copy side by side, each with a daemon of its own and the same configuration."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sidecar.testing.magento_db import Flavour, MagentoDatabase, PrivateServer, Shop
from tests.copying import copy_schemas
from tests.rig import Rig


@pytest.fixture
def rig(server: PrivateServer, tmp_path: Path) -> Iterator[Rig]:
    (tmp_path / "original").mkdir()
    with Rig(server, tmp_path / "original", "guarded") as installed:
        yield installed


@dataclass
class Twin:
    """The dump of a rig's database on another server, with the rig's configuration."""

    folder: Path
    magento: MagentoDatabase

    @classmethod
    def of(cls, rig: Rig, server: PrivateServer, folder: Path) -> Twin:
        folder.mkdir()
        name = rig.magento.name
        copy_schemas(rig.server, server, [name, f"{name}_ledger"])
        with server.connect() as connection, connection.cursor() as cursor:
            cursor.execute("CREATE USER IF NOT EXISTS crash@localhost IDENTIFIED BY 'crash'")
            cursor.execute("GRANT ALL ON *.* TO crash@localhost")
        text = (rig.folder / "sidecar.yaml").read_text("utf-8")
        text = text.replace(str(rig.server.socket), str(server.socket))
        (folder / "sidecar.yaml").write_text(text, "utf-8")
        (folder / "calls.yaml").write_bytes((rig.folder / "calls.yaml").read_bytes())
        (folder / "password").touch(mode=0o600)
        (folder / "password").write_text("crash", "utf-8")
        return cls(folder, MagentoDatabase(server, name))

    def command(self, *arguments: str) -> list[str]:
        config = str(self.folder / "sidecar.yaml")
        code = "from sidecar.cli import main; main()"
        return [sys.executable, "-c", code, "--config", config, *arguments]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    def json(self, *arguments: str, code: int = 0) -> Any:
        done = self.run(*arguments, "--json")
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout)

    def log(self) -> str:
        file = self.folder / "sidecar.log"
        return file.read_text("utf-8") if file.exists() else ""


@pytest.fixture
def twin(rig: Rig, flavour: Flavour, tmp_path: Path) -> Iterator[Twin]:
    """Copied while the original's daemon works."""
    daemon = rig.start()
    with Shop(rig.magento) as shop:
        first = shop.place()
    rig.until(lambda: len(rig.erp.bookings(first.increment_id)) == 1)
    with PrivateServer(flavour=flavour) as elsewhere:
        yield Twin.of(rig, elsewhere, tmp_path / "twin")
    assert daemon.poll() is None, rig.log_tail()


@pytest.mark.timeout(300)
def test_original_and_copy_at_once_only_the_original_sends(rig: Rig, twin: Twin) -> None:
    with Shop(twin.magento) as tester:
        of_the_copy = tester.place()
        tester.place()
    daemon = subprocess.Popen(
        twin.command("run"), stderr=subprocess.DEVNULL, env=dict(os.environ), start_new_session=True
    )
    try:
        rig.until(lambda: twin.log().count('"event": "intake.order.placed"') == 2)
        rig.until(lambda: '"event": "identity.sending_stopped"' in twin.log())
        assert rig.erp.bookings(of_the_copy.increment_id) == []

        with Shop(rig.magento) as shop:
            of_the_original = shop.place()
        assert of_the_original.increment_id == of_the_copy.increment_id, "as it is after a restore"
        rig.until_clean()

        status = twin.run("status")
        assert status.returncode == 2
        assert "! NOTHING IS SENT: database server was" in status.stdout
        assert twin.json("identity", "show", code=2)["standing"] == "unsure"
        asked = twin.run("identity", "accept", "--reason", "nobody answers")
        assert asked.returncode == 130, asked.stderr
        assert rig.oracle().is_clean, "the copy sent"

        said = twin.json("identity", "accept", "--reason", "a test", "--yes")
        assert (said["standing"], said["sends"]) == ("same", True)
        rig.until(lambda: rig.erp.count() == 4)
        rig.until(lambda: '"event": "identity.settled"' in twin.log())
        assert twin.json("identity", "show")["recorded"]["reason"] == "a test"
    finally:
        daemon.kill()
        daemon.wait()


@pytest.mark.timeout(300)
def test_run_once_in_a_copy_ends_with_78_and_names_the_way_out(rig: Rig, twin: Twin) -> None:
    with Shop(twin.magento) as tester:
        tester.place()
    done = twin.run("run", "--once")

    assert done.returncode == 78
    assert "nothing is sent: database server was" in done.stderr
    assert "remedy: look at it with 'erp-sidecar identity show'" in done.stderr
    assert rig.erp.count() == 1
    said = twin.json("identity", "is-copy", "--reason", "staging")
    assert (said["standing"], said["sends"]) == ("copy", False)
    assert "set erp.url to a test ERP" in said["remedy"]
    assert twin.run("run", "--once").returncode == 78
    assert rig.erp.count() == 1


@pytest.mark.timeout(300)
def test_a_killed_daemon_begins_again_without_a_question(rig: Rig) -> None:
    daemon = rig.start()
    with Shop(rig.magento) as shop:
        for _ in range(3):
            placed = shop.place()
            rig.until(lambda placed=placed: bool(rig.erp.bookings(placed.increment_id)))  # type: ignore[misc]
            rig.kill(daemon)
            daemon = rig.start()
    rig.until_clean()
    assert rig.log_events()["identity.sending_stopped"] == 0
