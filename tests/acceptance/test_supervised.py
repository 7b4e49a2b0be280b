"""The real daemon under a supervisor that speaks sd_notify: ready, watched, reloaded, stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sidecar.testing.magento_db import Flavour, PrivateServer, Shop
from tests.rig import Rig
from tests.supervisor import Listening

READY = "READY=1".__eq__
WATCHDOG = "WATCHDOG=1"
PR_SET_MDWE = 65


@pytest.fixture
def rig(server: PrivateServer, tmp_path: Path) -> Iterator[Rig]:
    with Rig(server, tmp_path, "supervised") as installed:
        yield installed


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """A process that hangs."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def waits_to_be_asked(pid: int, number: signal.Signals) -> bool:
    """Whether the process has the signal blocked, as it does until its handlers are there."""
    words = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    )
    return bool(int(words["SigBlk"], 16) >> (number - 1) & 1)


def test_ready_is_said_when_it_works_and_the_status_tells_the_queue(rig: Rig) -> None:
    rig.sidecar("domain", "pause", "orders", "--reason", "the test")
    with Listening(rig.folder / "notify") as heard, Shop(rig.magento) as shop:
        daemon = rig.start(**heard.environment)
        heard.hears(READY)
        assert rig.log_events()["daemon.started"] == 1
        for _ in range(3):
            shop.place()
        status = heard.hears(lambda line: "orders paused: 3 waiting, oldest 0:00:" in line)
        assert status.startswith("STATUS=working; ")
        assert status.endswith("; breaker closed")
        rig.sidecar("domain", "resume", "orders")
        heard.hears(lambda line: "orders open: 0 waiting, oldest -" in line)
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(20) == 0
        assert heard.said()[-2:][0] == "STOPPING=1"
        assert WATCHDOG not in heard.said(), "nobody asked for it"


def test_a_daemon_that_stands_by_is_ready_says_so_and_feeds_the_watchdog(rig: Rig) -> None:
    rig.start()
    rig.until(lambda: rig.log_events()["daemon.started"] == 1)
    with Listening(rig.folder / "notify", watchdog_seconds=4) as heard:
        rig.start(**heard.environment)
        heard.hears(READY)
        line = heard.hears(lambda line: line.startswith("STATUS="))
        assert line.startswith("STATUS=standing by, ")
        heard.hears(WATCHDOG.__eq__, since=time.monotonic())


def test_the_status_says_first_of_all_that_nothing_is_sent_from_a_possible_copy(rig: Rig) -> None:
    with rig.magento.connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            "UPDATE core_config_data SET value = 'https://other.example/' "
            "WHERE path LIKE 'web/%secure/base_url'"
        )
    with Listening(rig.folder / "notify") as heard:
        rig.start(**heard.environment)
        heard.hears(lambda line: line.startswith("STATUS=NOTHING IS SENT"))
        rig.sidecar("identity", "accept", "--reason", "renamed", "--yes")
        heard.hears(lambda line: line.startswith("STATUS=working; orders open"))


def test_a_ledger_that_does_not_fit_is_not_ready(rig: Rig) -> None:
    rig.sidecar("uninstall", "--drop-ledger", "--yes")
    with Listening(rig.folder / "notify") as heard:
        assert rig.start(**heard.environment).wait(30) == 78
        assert heard.said() == []


def test_the_watchdog_starves_while_the_database_hangs_and_is_fed_again_after(
    flavour: Flavour, tmp_path: Path
) -> None:
    with (
        PrivateServer(flavour=flavour) as own,
        Rig(own, tmp_path, "hanging") as rig,
        Listening(tmp_path / "notify", watchdog_seconds=2) as heard,
    ):
        rig.start(**heard.environment)
        heard.hears(WATCHDOG.__eq__)
        with stopped(own.pid):
            assert heard.silent_about(WATCHDOG, 4), "systemd would have ended it by now"
        heard.hears(WATCHDOG.__eq__, since=time.monotonic())


def test_the_watchdog_starves_while_one_station_hangs_and_the_others_work(rig: Rig) -> None:
    # No lock wait of the daemon lasts longer than two seconds: only so impatient a watchdog takes a
    # lock that somebody holds for a station that hangs.
    with (
        Listening(rig.folder / "notify", watchdog_seconds=0.8) as heard,
        Shop(rig.magento) as shop,
        rig.magento.connect() as elsewhere,
    ):
        rig.start(**heard.environment)
        heard.hears(WATCHDOG.__eq__)
        with elsewhere.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute(f"SELECT * FROM {rig.magento.name}_ledger.entity FOR UPDATE")
            shop.place()
            assert heard.silent_about(WATCHDOG, 0.9)
            cursor.execute("ROLLBACK")
        heard.hears(WATCHDOG.__eq__, since=time.monotonic())


def test_a_stop_asks_for_the_time_that_calls_on_their_way_take(rig: Rig) -> None:
    file = rig.folder / "sidecar.yaml"
    patient = file.read_text("utf-8").replace("read: 500ms", "read: 20s")
    file.write_text(patient.replace("lease: 2s", "lease: 40s"), "utf-8")
    rig.erp.rule("slow_body", seconds=8, times=1)
    with Listening(rig.folder / "notify") as heard, Shop(rig.magento) as shop:
        daemon = rig.start(**heard.environment)
        heard.hears(READY)
        placed = shop.place()
        rig.until(lambda: len(rig.erp.bookings(placed.increment_id)) == 1)
        asked_at = time.monotonic()
        daemon.send_signal(signal.SIGTERM)
        heard.hears("STOPPING=1".__eq__)
        assert daemon.wait(30) == 0
        assert heard.said(asked_at).count("EXTEND_TIMEOUT_USEC=30000000") >= 2
        assert rig.log_events()["delivery.accepted"] == 1


def test_a_reload_begins_and_ends_with_a_word_whether_it_is_taken_up_or_refused(rig: Rig) -> None:
    with Listening(rig.folder / "notify") as heard:
        daemon = rig.start(**heard.environment)
        heard.hears(READY)
        file = rig.folder / "sidecar.yaml"
        good = file.read_text("utf-8")
        for text in (good.replace("batch: 10", "batch: 20"), "nonsense: here"):
            file.write_text(text, "utf-8")
            asked_at = time.monotonic()
            daemon.send_signal(signal.SIGHUP)
            heard.hears(READY, since=asked_at)
            words = [line.split("=")[0] for line in heard.said(asked_at)]
            assert words.index("RELOADING") == words.index("MONOTONIC_USEC") - 1
            assert words.index("RELOADING") < words.index("READY")
            assert "STOPPING" not in words
        assert rig.log_events()["config.refused"] == 1
        assert daemon.poll() is None


def test_it_works_where_no_memory_may_be_both_written_and_executed(rig: Rig) -> None:
    """MemoryDenyWriteExecute of the unit, as the kernel itself can do it, with all C extensions."""
    sealed = (
        "import ctypes, sys\n"
        f"if ctypes.CDLL(None).prctl({PR_SET_MDWE}, 1, 0, 0, 0): sys.exit(99)\n"
        "import lxml.etree, xmlsec, spnego, zeep, cryptography.hazmat.bindings._rust\n"
        "from sidecar.cli import main; main()"
    )
    with Shop(rig.magento) as shop:
        shop.place()
    python, _, _, *arguments = rig.command("run", "--once")
    done = subprocess.run(
        [python, "-c", sealed, *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode == 99:
        pytest.skip("this kernel has no PR_SET_MDWE (Linux 6.3 or later)")
    assert done.returncode == 0, done.stderr
    assert rig.oracle().is_clean


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_signal_that_comes_while_the_daemon_starts_is_neither_deadly_nor_lost(
    rig: Rig, number: signal.Signals
) -> None:
    with Listening(rig.folder / "notify") as heard:
        daemon = rig.start(**heard.environment)
        while not waits_to_be_asked(daemon.pid, number):
            assert daemon.poll() is None
        daemon.send_signal(number)
        if number is signal.SIGTERM:
            assert daemon.wait(30) == 0
            assert rig.log_events()["daemon.started"] == 0
        else:
            heard.hears(lambda line: line.startswith("RELOADING="))
            rig.until(lambda: rig.log_events()["daemon.started"] == 2)
