"""Signals: stop in order, take up a new configuration, keep the old one when the new one is bad."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from functools import partial
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


def overwrite(file: Path, text: str) -> None:
    file.write_text(text, "utf-8")


def broken(rig: Rig) -> dict[str, Callable[[], None]]:
    """What may be wrong with a changed configuration; each is made from a sound one."""
    folder, file = rig.folder, rig.folder / "sidecar.yaml"
    good = file.read_text("utf-8")

    def write(old: str, new: str) -> Callable[[], None]:
        assert old in good
        return partial(overwrite, file, good.replace(old, new))

    def replaced_by_a_fifo(path: Path) -> Callable[[], None]:
        def make() -> None:
            path.unlink()
            os.mkfifo(path, 0o600)

        return make

    ledger = f"{rig.magento.name}_ledger"
    return {
        "no YAML": write("version: 1", "version: [1"),
        "an unknown key": write("batch: 10", "bach: 10"),
        "no secret": (folder / "password").unlink,
        "another password": partial(overwrite, folder / "password", "wrong"),
        "a secret that is a FIFO": replaced_by_a_fifo(folder / "password"),
        "an account that there is not": write("user: crash", "user: nobody_known"),
        "a ledger that there is not": write(f"schema: {ledger}", "schema: nowhere"),
        "a shop that there is not": write(f"name: {rig.magento.name}, user", "name: no_shop, user"),
        "another table prefix": write(
            "password: {file: password}}", "password: {file: password}, table_prefix: x_}"
        ),
        "a mapping that is none": partial(overwrite, folder / "calls.yaml", "orders: {push: {}}"),
        "no mapping": (folder / "calls.yaml").unlink,
        "a log in a folder that there is not": write("file: sidecar.log", "file: no/where.log"),
        "a server that there is not": write(f"socket: {rig.server.socket}", "socket: /no/socket"),
    }


def was_refused(rig: Rig, times: int) -> bool:
    return rig.log_events()["config.refused"] == times


def test_whatever_is_wrong_with_a_new_configuration_the_old_one_goes_on_and_says_why(
    server: PrivateServer, tmp_path: Path
) -> None:
    names = ("sidecar.yaml", "password", "calls.yaml")
    with Rig(server, tmp_path, "refused") as rig, Shop(rig.magento) as shop:
        sound = {name: (rig.folder / name).read_bytes() for name in names}
        daemon = rig.start()
        rig.until(lambda: rig.log_events()["daemon.started"] == 1)
        for number, (kind, spoil) in enumerate(broken(rig).items(), 1):
            spoil()
            daemon.send_signal(signal.SIGHUP)
            rig.until(partial(was_refused, rig, number))
            assert daemon.poll() is None, kind
            for name, content in sound.items():
                (rig.folder / name).unlink(missing_ok=True)
                (rig.folder / name).touch(mode=0o600)
                (rig.folder / name).write_bytes(content)

        placed = shop.place()
        rig.until(lambda: len(rig.erp.bookings(placed.increment_id)) == 1)
        status = subprocess.run(
            rig.command("status", "--json"), capture_output=True, text=True, check=False
        )
        (told,) = json.loads(status.stdout)["stations"]
        assert (status.returncode, told["station"]) == (2, "reload")
        assert "the former one works" in told["message"]
        assert "SIGHUP" in told["remedy"]

        daemon.send_signal(signal.SIGHUP)
        rig.until(lambda: rig.log_events()["daemon.started"] == 2)
        rig.until(lambda: json.loads(rig.sidecar("status", "--json"))["stations"] == [])


def test_a_changed_password_of_the_database_is_taken_up_by_sighup(
    server: PrivateServer, tmp_path: Path
) -> None:
    with Rig(server, tmp_path, "rotated") as rig, Shop(rig.magento) as shop:
        daemon = rig.start()
        rig.until(lambda: rig.log_events()["daemon.started"] == 1)
        try:
            with server.connect() as connection, connection.cursor() as cursor:
                cursor.execute("ALTER USER crash@localhost IDENTIFIED BY 'rotated'")
            (rig.folder / "password").write_text("rotated", "utf-8")
            daemon.send_signal(signal.SIGHUP)
            rig.until(lambda: rig.log_events()["daemon.started"] == 2)
            placed = shop.place()
            rig.until(lambda: len(rig.erp.bookings(placed.increment_id)) == 1)
        finally:
            with server.connect() as connection, connection.cursor() as cursor:
                cursor.execute("ALTER USER crash@localhost IDENTIFIED BY 'crash'")
