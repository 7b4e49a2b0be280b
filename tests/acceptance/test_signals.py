"""Signals: stop in order, take up a new configuration, keep the old one when the new one is bad."""

from __future__ import annotations

import signal
from pathlib import Path

from sidecar.testing.magento_db import PrivateServer, Shop
from tests.rig import Rig


def test_a_bad_configuration_is_refused_and_the_old_one_goes_on(
    server: PrivateServer, tmp_path: Path
) -> None:
    with Rig(server, tmp_path, "reload") as rig, Shop(rig.magento) as shop:
        daemon = rig.start()
        rig.until(lambda: rig.log_events()["daemon.started"] == 1)
        file = rig.folder / "sidecar.yaml"
        good = file.read_text("utf-8")
        file.write_text(good.replace("batch: 10", "batch: many"), "utf-8")
        daemon.send_signal(signal.SIGHUP)
        rig.until(lambda: rig.log_events()["config.refused"] == 1)
        first = shop.place()
        rig.until(lambda: len(rig.erp.bookings(first.increment_id)) == 1)
        file.write_text(good.replace("batch: 10", "batch: 20"), "utf-8")
        daemon.send_signal(signal.SIGHUP)
        rig.until(lambda: rig.log_events()["daemon.started"] == 2)
        second = shop.place()
        rig.until(lambda: len(rig.erp.bookings(second.increment_id)) == 1)
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(20) == 0
        assert rig.log_events()["daemon.stopped"] == 2


def test_sigterm_finishes_the_call_on_its_way_and_settles_it(
    server: PrivateServer, tmp_path: Path
) -> None:
    with Rig(server, tmp_path, "graceful") as rig, Shop(rig.magento) as shop:
        rig.erp.rule("slow_body", seconds=0.3, times=1)
        daemon = rig.start()
        placed = shop.place()
        rig.until(lambda: len(rig.erp.bookings(placed.increment_id)) == 1)
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(20) == 0
        events = rig.log_events()
        assert events["delivery.accepted"] + events["delivery.unknown"] == 1
        rig.sidecar("run", "--once")
        assert len(rig.erp.bookings(placed.increment_id)) == 1
        assert rig.oracle().is_clean


def test_sigterm_in_the_middle_of_a_reload_ends_the_daemon(
    server: PrivateServer, tmp_path: Path
) -> None:
    with Rig(server, tmp_path, "reload_and_end") as rig:
        daemon = rig.start()
        rig.until(lambda: rig.log_events()["daemon.started"] == 1)
        daemon.send_signal(signal.SIGHUP)
        rig.until(lambda: rig.log_events()["config.reloaded"] == 1)
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(20) == 0
        events = rig.log_events()
        assert events["daemon.started"] == events["daemon.stopped"]
