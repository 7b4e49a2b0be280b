"""`erp-sidecar check` beside a real daemon: what it moves, what it says, what it leaves."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sidecar.testing.magento_db import PrivateServer, Shop
from tests.rig import Rig


@pytest.fixture
def rig(server: PrivateServer, tmp_path: Path) -> Iterator[Rig]:
    with Rig(server, tmp_path, "checked") as installed:
        yield installed


def check(rig: Rig, *options: str, code: int = 0) -> Any:
    done = subprocess.run(
        rig.command("check", "--json", *options), capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr + rig.log_tail()
    return json.loads(done.stdout)


def rows(rig: Rig, table: str) -> int:
    with rig.server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM {rig.magento.name}_ledger.{table}")
        return int(cursor.fetchall()[0][0])


def left(rig: Rig) -> dict[str, int]:
    tables = ("outbox", "check_run", "entity", "event", "attempt", "link", "write_back")
    return {table: count for table in tables if (count := rows(rig, table))}


def works(rig: Rig) -> None:
    rig.until(lambda: rig.log_events()["daemon.started"] > 0)


def test_a_record_goes_through_every_stage_and_leaves_nothing(rig: Rig) -> None:
    rig.start()
    found = check(rig)

    stages = [stage["stage"] for stage in found["stages"]]
    assert stages == ["intake", "delivery", "erp", "magento", "back"]
    assert found["result"] == "ok"
    assert all(0 <= stage["milliseconds"] < 10_000 for stage in found["stages"])
    assert "holds none, as it should" in found["stages"][2]["note"]
    assert left(rig) == {}
    assert rig.erp.documents() == []


def test_the_text_has_a_line_per_stage(rig: Rig) -> None:
    rig.start()
    lines = rig.sidecar("check").splitlines()

    assert [line.split()[0] for line in lines] == [
        "intake", "delivery", "erp", "magento", "back", "ok",
    ]  # fmt: skip
    assert lines[2].split()[2] == "ms"


def test_without_a_daemon_it_says_so(rig: Rig) -> None:
    found = check(rig, "--wait", "500ms", code=2)

    assert found["stuck"]["stage"] == "intake"
    assert found["stuck"]["why"] == "no daemon works on this ledger"
    assert "systemctl start" in found["stuck"]["remedy"]
    assert left(rig) == {}


def test_a_daemon_that_hangs_is_named(rig: Rig) -> None:
    daemon = rig.start()
    check(rig)
    daemon.send_signal(signal.SIGSTOP)
    with rig.server.connect() as connection, connection.cursor() as cursor:
        # The lease of this configuration is over sooner than any check could look.
        cursor.execute(
            f"UPDATE {rig.magento.name}_ledger.lease SET until = UTC_TIMESTAMP(3) + INTERVAL 1 HOUR"
        )
    found = check(rig, "--wait", "300ms", code=75)
    daemon.send_signal(signal.SIGCONT)

    assert found["stuck"]["stage"] == "intake"
    assert "holds the work lease and has not taken the hint" in found["stuck"]["why"]


def test_a_paused_domain_is_told_long_before_the_time_is_over(rig: Rig) -> None:
    rig.start()
    rig.sidecar("domain", "pause", "orders", "--reason", "ERP upgrade")
    found = check(rig, "--wait", "10m", code=75)

    assert [stage["stage"] for stage in found["stages"]] == ["intake"]
    assert found["stuck"]["stage"] == "delivery"
    assert "ERP upgrade" in found["stuck"]["why"]
    assert found["stuck"]["remedy"] == "erp-sidecar domain resume orders"
    assert left(rig) == {}
    rig.sidecar("domain", "resume", "orders")
    assert check(rig)["result"] == "ok"


def test_an_erp_that_is_down_is_told_with_its_own_words(rig: Rig) -> None:
    rig.start()
    works(rig)
    rig.erp.stop()
    found = check(rig, code=69)

    assert found["stuck"]["stage"] == "erp"
    assert [stage["stage"] for stage in found["stages"]] == ["intake", "delivery"]
    assert left(rig) == {}


def test_an_open_breaker_is_told(rig: Rig) -> None:
    rig.start()
    works(rig)
    rig.erp.stop()
    for _ in range(6):
        found = check(rig, code=69)

    assert found["stuck"]["stage"] == "delivery"
    assert "the breaker is open" in found["stuck"]["why"]


def test_a_stopped_domain_is_a_finding(rig: Rig) -> None:
    rig.start()
    with rig.server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {rig.magento.name}_ledger.control (domain, stopped_at, stopped_reason) "
            "VALUES ('orders', UTC_TIMESTAMP(3), 'login refused')"
        )
    assert "login refused" in check(rig, code=2)["stuck"]["why"]


def test_a_copy_is_named_as_what_stops_it(rig: Rig) -> None:
    with rig.magento.connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            "UPDATE core_config_data SET value = 'https://other.example/' "
            "WHERE path LIKE 'web/%secure/base_url'"
        )
    rig.start()
    found = check(rig, code=2)

    assert found["stuck"]["stage"] == "delivery"
    assert "base URL was shop.example, is other.example" in found["stuck"]["why"]
    assert left(rig) == {}


def test_what_a_killed_check_left_is_removed_by_the_next(rig: Rig) -> None:
    killed = subprocess.Popen(
        rig.command("check", "--wait", "500ms"), stdout=subprocess.DEVNULL, start_new_session=True
    )
    rig.until(lambda: rows(rig, "check_run") == 1)
    killed.kill()
    killed.wait()
    assert left(rig) == {"outbox": 1, "check_run": 1}
    with rig.server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {rig.magento.name}_ledger.check_run SET until = UTC_TIMESTAMP(3)"
            " - INTERVAL 1 SECOND"
        )
    check(rig, "--wait", "100ms", code=2)

    assert left(rig) == {}


def test_a_check_that_was_interrupted_removes_its_record(rig: Rig) -> None:
    interrupted = subprocess.Popen(
        rig.command("check", "--wait", "1m"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    rig.until(lambda: rows(rig, "check_run") == 1)
    interrupted.send_signal(signal.SIGINT)
    interrupted.wait(20)

    assert left(rig) == {}


@pytest.mark.timeout(300)
def test_a_check_among_orders_disturbs_none(rig: Rig) -> None:
    rig.start()
    with Shop(rig.magento) as shop:
        for _ in range(5):
            shop.place()
    assert check(rig)["result"] == "ok"
    rig.until_clean()
    assert rig.erp.count() == 5


@pytest.mark.timeout(300)
def test_a_daemon_killed_while_the_erp_was_asked_is_followed_by_one_that_asks_again(
    server: PrivateServer, tmp_path: Path
) -> None:
    with Rig(server, tmp_path, "checked_slowly", latency_ms=400) as rig:
        daemon = rig.start()
        asking = subprocess.Popen(
            rig.command("check", "--json"),
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        rig.until(lambda: rows(rig, "check_run WHERE taken_at IS NOT NULL") == 1)
        rig.kill(daemon)
        rig.start()
        said, _ = asking.communicate(timeout=60)

        assert json.loads(said)["result"] == "ok", rig.log_tail()
        assert left(rig) == {}
