"""The log file of a real daemon under load: rotated, deleted, on a disk that takes nothing."""

from __future__ import annotations

import getpass
import gzip
import json
import os
import shutil
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sidecar.testing.magento_db import PrivateServer, Shop
from tests.rig import Rig

ROTATIONS = 100
SHIPPED = Path(__file__).parents[2] / "systemd" / "erp-sidecar.logrotate"
#: What every order leaves in the log once, whatever else happens to it.
ONCE = ("intake.order.placed", "delivery.accepted", "write_back.applied")


@pytest.fixture
def rig(server: PrivateServer, tmp_path: Path) -> Iterator[Rig]:
    with Rig(server, tmp_path, "log") as installed:
        yield installed


@contextmanager
def orders_come_in(rig: Rig) -> Iterator[list[str]]:
    """One after the other, as long as the block lasts; gives their numbers."""
    placed: list[str] = []
    enough = threading.Event()

    def sell() -> None:
        with Shop(rig.magento) as shop:
            while not enough.is_set():
                placed.append(shop.place().increment_id)

    seller = threading.Thread(target=sell)
    seller.start()
    try:
        yield placed
    finally:
        enough.set()
        seller.join()


def has_lines(log: Path) -> bool:
    return log.exists() and log.stat().st_size > 0


def lines_of(rig: Rig) -> list[dict[str, Any]]:
    """The lines of all files, oldest first; a torn one is no JSON."""
    files = [*sorted(rig.folder.glob("sidecar.log.*")), rig.folder / "sidecar.log"]
    return [json.loads(line) for file in files for line in text_of(file).splitlines()]


def text_of(file: Path) -> str:
    content = file.read_bytes()
    return (gzip.decompress(content) if file.suffix == ".gz" else content).decode()


def stop(rig: Rig) -> None:
    (daemon,) = rig._daemons
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(30) == 0, rig.log_tail()


def test_a_hundred_rotations_under_load_lose_and_tear_no_line(rig: Rig) -> None:
    log = rig.folder / "sidecar.log"
    daemon = rig.start()
    with orders_come_in(rig) as placed:
        for number in range(ROTATIONS):
            rig.until(lambda: has_lines(log))
            log.rename(rig.folder / f"sidecar.log.{number:03d}")
            daemon.send_signal(signal.SIGUSR1)
    rig.until_clean()
    stop(rig)
    lines = lines_of(rig)
    counted = Counter((line["event"], line["number"]) for line in lines if line["event"] in ONCE)
    assert counted == Counter((event, order) for event in ONCE for order in placed)
    assert len(list(rig.folder.glob("sidecar.log.*"))) == ROTATIONS
    assert (lines[0]["event"], lines[-1]["event"]) == ("daemon.started", "daemon.stopped")


def test_logrotate_by_the_shipped_file_loses_and_tears_no_line(rig: Rig) -> None:
    logrotate = shutil.which("logrotate", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if logrotate is None:
        pytest.skip("logrotate is not here")
    daemon = rig.start()
    rules = rig.folder / "logrotate.conf"
    user = getpass.getuser()
    text = SHIPPED.read_text("utf-8")
    for there, here in {
        "/var/log/erp-sidecar/*.log /var/log/erp-sidecar/*/*.log": str(rig.folder / "sidecar.log"),
        "create 0640 erp-sidecar adm": f"create 0640 {user} {user}",
        "systemctl kill --kill-who=main -s USR1 erp-sidecar.service 'erp-sidecar@*.service'": (
            f"kill -USR1 {daemon.pid}"
        ),
        "dateformat -%Y%m%d-%s": "",
        "    dateext": "    nodateext",
        "rotate 30": "rotate 1000",
    }.items():
        assert there in text
        text = text.replace(there, here, 1)
    rules.write_text(text, "utf-8")
    rules.chmod(0o600)
    command = [logrotate, "--force", "--state", str(rig.folder / "state"), str(rules)]
    with orders_come_in(rig) as placed:
        for _ in range(10):
            rig.until(lambda: has_lines(rig.folder / "sidecar.log"))
            subprocess.run(command, check=True)
    rig.until_clean()
    stop(rig)
    assert len(list(rig.folder.glob("sidecar.log.*.gz"))) == 9
    lines = lines_of(rig)
    counted = Counter((line["event"], line["number"]) for line in lines if line["event"] in ONCE)
    assert counted == Counter((event, order) for event in ONCE for order in placed)


def test_a_disk_that_takes_nothing_does_not_end_the_daemon_and_the_gap_is_told(rig: Rig) -> None:
    log = rig.folder / "sidecar.log"
    log.symlink_to("/dev/full")
    daemon = rig.start()
    with Shop(rig.magento) as shop:
        shop.place()
        rig.until(lambda: rig.unacknowledged() == 0)
        log.unlink()
        daemon.send_signal(signal.SIGUSR1)
        shop.place()
    rig.until_clean()
    stop(rig)
    gap, *lines = lines_of(rig)
    assert (gap["event"], gap["level"]) == ("log.gap", "warning")
    assert "No space left on device" in gap["message"]
    assert {"write_back.applied", "daemon.stopped"} <= {line["event"] for line in lines}
    instead = [json.loads(line) for line in (rig.folder / "stderr").read_text().splitlines()]
    assert instead[0]["event"] == "log.unwritable"
    assert gap["lines"] == len(instead) - 1
    assert "daemon.started" in {line["event"] for line in instead}
