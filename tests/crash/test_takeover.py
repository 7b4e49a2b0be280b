"""After a kill -9 the next daemon of the machine works at once: leases of ten minutes prove it."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sidecar.testing.magento_db import PrivateServer, Shop
from tests.rig import Rig, whole_lines

pytestmark = pytest.mark.any_server


@pytest.fixture
def rig(server: PrivateServer, tmp_path: Path) -> Iterator[Rig]:
    """Whoever waits for a lease to run out waits for longer than a test may take."""
    with Rig(server, tmp_path, "takeover") as installed:
        file = installed.folder / "sidecar.yaml"
        text = file.read_text("utf-8").replace("work_lease: 1s", "work_lease: 10min")
        file.write_text(text.replace("lease: 2s", "lease: 10min"), "utf-8")
        yield installed


def told(rig: Rig, event: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in whole_lines(rig.folder / "sidecar.log")]
    return [line for line in lines if line["event"] == event]


def test_after_a_kill_the_next_daemon_works_at_once(rig: Rig) -> None:
    with Shop(rig.magento) as shop:
        first = rig.start()
        rig.until(lambda: rig.log_events()["daemon.started"] == 1)
        before = shop.place()
        rig.until(lambda: rig.oracle().is_clean)
        rig.kill(first)
        rig.start()
        after = shop.place()
        rig.until(lambda: rig.oracle().is_clean)

        assert [len(rig.erp.bookings(one.increment_id)) for one in (before, after)] == [1, 1]
        assert rig.log_events()["daemon.standby"] == 0
        (took_over,) = told(rig, "daemon.took_over")
        assert f":{first.pid}:" in took_over["dead"]


def test_what_the_dead_one_was_sending_is_asked_about_at_once_and_not_sent_again(rig: Rig) -> None:
    with Shop(rig.magento) as shop:
        rig.erp.rule("answer_late", seconds=30, times=1)
        file = rig.folder / "sidecar.yaml"
        file.write_text(file.read_text("utf-8").replace("read: 500ms", "read: 60s"), "utf-8")
        first = rig.start()
        placed = shop.place()
        rig.until(lambda: len(rig.erp.bookings(placed.increment_id)) == 1)
        rig.kill(first)
        rig.start()
        rig.until(lambda: rig.oracle().is_clean)

        assert len(rig.erp.bookings(placed.increment_id)) == 1
        assert rig.log_events()["delivery.lease_expired"] == 1


def test_one_pass_from_cron_takes_over_too(rig: Rig) -> None:
    with Shop(rig.magento) as shop:
        first = rig.start()
        rig.until(lambda: rig.log_events()["daemon.started"] == 1)
        shop.place()
        rig.until(lambda: rig.oracle().is_clean)
        rig.kill(first)
        shop.place()
        rig.sidecar("run", "--once")

        assert rig.oracle().is_clean


def test_a_frozen_daemon_lives_so_the_next_one_stands_by(rig: Rig) -> None:
    with Shop(rig.magento) as shop:
        first = rig.start()
        shop.place()
        rig.until(lambda: rig.oracle().is_clean)
        first.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, first.pid, os.WSTOPPED | os.WNOWAIT)
        rig.start()
        rig.until(lambda: rig.log_events()["daemon.standby"] == 1)
        first.send_signal(signal.SIGCONT)
        shop.place()
        rig.until(lambda: rig.oracle().is_clean)

        assert rig.log_events()["daemon.took_over"] == 0


def test_a_daemon_in_another_container_stands_by_for_a_dead_one(rig: Rig) -> None:
    if os.geteuid() != 0 or not shutil.which("unshare"):
        pytest.skip("namespaces are made by root, with unshare")
    first = rig.start()
    rig.until(lambda: rig.log_events()["daemon.started"] == 1)
    with Shop(rig.magento) as shop:
        shop.place()
        rig.until(lambda: rig.oracle().is_clean)
    rig.kill(first)
    rig.start_in("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
    rig.until(lambda: rig.log_events()["daemon.standby"] == 1)

    assert rig.log_events()["daemon.took_over"] == 0
