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
from tests.dump_client import DumpClient
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
    assert "to that of a test ERP" in said["remedy"]
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


class TestABackupOfAMomentAgo:
    """Dumped and restored in place by the server's own programs; nothing is sent twice."""

    @pytest.fixture
    def client(self, flavour: Flavour) -> DumpClient:
        return DumpClient.find(flavour)

    def dump(self, client: DumpClient, rig: Rig, what: str) -> bytes:
        name = rig.magento.name
        schemas = [name, f"{name}_ledger"] if what == "shop and ledger" else [f"{name}_ledger"]
        return client.dump(rig.server, "--single-transaction", "--databases", *schemas)

    def restore(self, client: DumpClient, rig: Rig, dump: bytes) -> None:
        client.load(rig.server, rig.magento.name, dump)

    def beat(self, rig: Rig) -> int:
        with rig.magento.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"SELECT beat FROM {rig.magento.name}_ledger.identity")
            row = cursor.fetchone()
        assert row is not None
        return int(row[0])

    def standing(self, rig: Rig) -> Any:
        done = subprocess.run(
            rig.command("identity", "show", "--json"), capture_output=True, text=True, check=False
        )
        return json.loads(done.stdout)["standing"]

    @pytest.mark.timeout(300)
    @pytest.mark.parametrize("waits", [False, True], ids=["sold since", "waiting in it"])
    def test_is_found_by_the_next_run_once(self, rig: Rig, client: DumpClient, waits: bool) -> None:
        with Shop(rig.magento) as shop:
            shop.place()
            rig.sidecar("run", "--once")
            if waits:
                rig.sidecar("domain", "pause", "orders", "--reason", "a test")
                placed = shop.place()
                rig.sidecar("run", "--once")
                rig.sidecar("domain", "resume", "orders")
            backup = self.dump(client, rig, "ledger")
            if not waits:
                placed = shop.place()
        rig.sidecar("run", "--once")
        assert len(rig.erp.bookings(placed.increment_id)) == 1

        self.restore(client, rig, backup)
        assert self.standing(rig) == "unsure", "also before anybody works"
        for _ in range(2):
            rig.sidecar("run", "--once", code=78)
        assert self.standing(rig) == "unsure"
        assert len(rig.erp.bookings(placed.increment_id)) == 1

    @pytest.mark.timeout(300)
    @pytest.mark.parametrize("what", ["ledger", "shop and ledger"])
    def test_stops_the_daemon_that_is_at_work(
        self, rig: Rig, client: DumpClient, what: str, state_home: Path
    ) -> None:
        for of_another_test in state_home.glob("erp-sidecar/*"):
            of_another_test.unlink()
        daemon = rig.start()
        with Shop(rig.magento) as shop:
            first = shop.place()
            rig.until(lambda: len(rig.erp.bookings(first.increment_id)) == 1)
            rig.sidecar("domain", "pause", "orders", "--reason", "a test")
            waiting = shop.place()
        rig.until(lambda: rig.log_events()["intake.order.placed"] == 2)
        backup = self.dump(client, rig, what)
        beat = self.beat(rig)
        rig.sidecar("domain", "resume", "orders")
        rig.until(lambda: len(rig.erp.bookings(waiting.increment_id)) == 1)
        rig.until(lambda: self.beat(rig) > beat)

        self.restore(client, rig, backup)
        rig.sidecar("domain", "resume", "orders")
        rig.until(lambda: rig.log_events()["identity.sending_stopped"] > 0)
        assert daemon.poll() is None
        assert len(rig.erp.bookings(waiting.increment_id)) == 1
        (witness,) = state_home.glob("erp-sidecar/witness-*.json")
        assert json.loads(witness.read_bytes())["beat"] > beat

    @pytest.mark.timeout(300)
    def test_is_found_by_the_daemon_that_starts_after_it(
        self, rig: Rig, client: DumpClient
    ) -> None:
        """An orderly end leaves a beat: also a backup that was made since the last one is older."""
        daemon = rig.start()
        with Shop(rig.magento) as shop:
            first = shop.place()
        rig.until(lambda: len(rig.erp.bookings(first.increment_id)) == 1)
        backup = self.dump(client, rig, "ledger")
        daemon.terminate()
        assert daemon.wait() == 0

        self.restore(client, rig, backup)
        rig.start()
        rig.until(lambda: rig.log_events()["identity.sending_stopped"] > 0)
        assert len(rig.erp.bookings(first.increment_id)) == 1
