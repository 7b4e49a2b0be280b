"""What a monitoring system sees of a real daemon: figures, plugin, heartbeat, log patterns."""

from __future__ import annotations

import json
import logging
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from loguru import logger

from sidecar.app.daemon import Daemon, Station, Supervision
from sidecar.host.liveness import Liveness
from sidecar.host.process import Stop, SystemClock
from sidecar.host.systemd import Supervisor
from sidecar.host.watchdog import Watchdog
from sidecar.observe.log import LogNarrator, configure
from sidecar.observe.metrics import METRICS
from sidecar.testing.magento_db import MagentoDatabase, PrivateServer, Shop
from sidecar.testing.magento_db.cart import Line
from tests.harness import bare_ledger
from tests.metrics_text import samples
from tests.rig import Rig, whole_lines

DOCUMENT = Path(__file__).parents[2] / "docs" / "monitoring.md"
LOG_EVENTS = DOCUMENT.with_name("log-events.md")


@pytest.fixture
def rig(server: PrivateServer, tmp_path: Path) -> Iterator[Rig]:
    with Rig(server, tmp_path, "monitoring") as installed:
        configure_with(installed, "metrics: {file: sidecar.prom, every: 100ms, log_every: 1s}")
        yield installed


def configure_with(rig: Rig, *lines: str) -> None:
    with (rig.folder / "sidecar.yaml").open("a", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def figures(rig: Rig) -> dict[str, float]:
    """The text file: `name{labels without shop}` → value."""
    file = rig.folder / "sidecar.prom"
    return samples(file.read_text("utf-8") if file.exists() else "")


def plugin(rig: Rig, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        rig.command("nagios", *arguments), capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    (line,) = done.stdout.splitlines()
    return done.returncode, line


def stop(daemon: subprocess.Popen[bytes]) -> None:
    daemon.send_signal(signal.SIGTERM)
    daemon.wait(30)


@contextmanager
def dead_mans_switch() -> Iterator[tuple[str, list[str]]]:
    """Its address and what it was asked for."""
    asked: list[str] = []

    class Desk(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    desk = ThreadingHTTPServer(("127.0.0.1", 0), Desk)
    thread = Thread(target=desk.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{desk.server_port}/secret-of-the-switch", asked
    finally:
        desk.shutdown()
        thread.join()
        desk.server_close()


def test_the_text_file_tells_what_happened_and_how_things_stand(rig: Rig) -> None:
    rig.erp.rule("credit_limit", times=1)
    with Shop(rig.magento) as shop:
        shop.place()
        rig.start()
        rig.until(lambda: rig.log_events()["delivery.rejected"] == 1)
        shop.place()
        rig.until(lambda: rig.unacknowledged() == 0)
    rig.until(
        lambda: (
            figures(rig).get('erp_sidecar_write_backs_total{domain="orders",result="applied"}') == 2
            and figures(rig)["erp_sidecar_working{}"] == 1
        )
    )
    found = figures(rig)
    assert found['erp_sidecar_pushes_total{domain="orders",outcome="accepted"}'] == 1
    assert found['erp_sidecar_pushes_total{domain="orders",outcome="rejected"}'] == 1
    assert found['erp_sidecar_push_duration_seconds_count{domain="orders"}'] == 2
    assert found['erp_sidecar_events_rejected{domain="orders"}'] == 1
    assert found['erp_sidecar_hints{domain="orders"}'] == 0
    assert found['erp_sidecar_oldest_pending_seconds{domain="orders"}'] == 0
    assert found['erp_sidecar_last_success_timestamp_seconds{domain="orders"}'] > 1.7e9
    assert found["erp_sidecar_trigger_ok{}"] == found["erp_sidecar_database_up{}"] == 1
    assert found["erp_sidecar_standby{}"] == 0
    assert found['erp_sidecar_breaker_open{account="main"}'] == 0
    assert [name for name in found if '=""' in name] == [], "whose is it?"
    assert rig.log_events()["metrics"] >= 1
    assert (rig.folder / "sidecar.prom").stat().st_mode & 0o777 == 0o644
    assert [file.name for file in rig.folder.glob(".sidecar.prom*")] == []


def test_the_plugin_ends_with_0_to_3_and_says_why(rig: Rig) -> None:
    assert plugin(rig)[0] == 2, "nobody works yet"
    daemon = rig.start()
    rig.until(lambda: plugin(rig)[0] == 0)
    code, line = plugin(rig, "--domain", "orders", "-w", "1m", "-c", "2m")
    assert (code, line.split(" - ")[0]) == (0, "ERP-SIDECAR OK")
    assert "orders_oldest=0s;60;120;0" in line
    rig.erp.rule("credit_limit", times=1)
    with Shop(rig.magento) as shop:
        shop.place()
    rig.until(lambda: rig.log_events()["delivery.rejected"] == 1)
    assert plugin(rig)[0] == 1
    stop(daemon)
    code, line = plugin(rig)
    assert (code, "no daemon works" in line) == (2, True)
    for wrong in (["--bogus"], ["-w", "soon"], ["-w", "2m", "-c", "1m"], ["--domain", "stars"]):
        code, line = plugin(rig, *wrong)
        assert (code, line.split(" - ")[0]) == (3, "ERP-SIDECAR UNKNOWN"), wrong
    configure_with(rig, "nonsense: true")
    assert plugin(rig)[0] == 3


def test_a_daemon_that_was_killed_is_named_by_nobody(rig: Rig) -> None:
    """Its lease stands for a while, here for a minute: a person who looks is not kept waiting."""
    file = rig.folder / "sidecar.yaml"
    file.write_text(file.read_text("utf-8").replace("work_lease: 1s", "work_lease: 60s"), "utf-8")
    daemon = rig.start()
    rig.until(lambda: plugin(rig)[0] == 0)
    rig.kill(daemon)

    assert "daemon   nobody works" in rig.sidecar("status", code=2)
    assert "NOBODY WORKS" in rig.sidecar("top", "--once")
    assert "daemon-absent" in rig.sidecar("doctor", "--only", "daemon-absent", code=2)
    assert plugin(rig)[0] == 2


def test_only_the_daemon_that_works_keeps_the_switch_quiet(rig: Rig, tmp_path: Path) -> None:
    with dead_mans_switch() as (address, asked):
        secret = rig.folder / "heartbeat.url"
        secret.touch(mode=0o600)
        secret.write_text(address, "utf-8")
        first = rig.start()
        rig.until(lambda: figures(rig).get("erp_sidecar_working{}") == 1)
        configure_with(rig, "heartbeat: {url: {file: heartbeat.url}, every: 100ms}")
        second = rig.start()
        rig.until(lambda: rig.log_events()["daemon.standby"] == 1)
        rig.until(lambda: figures(rig).get("erp_sidecar_standby{}") == 1)
        assert asked == []
        stop(first)
        rig.until(lambda: len(asked) >= 2)
        stop(second)
    log = (rig.folder / "sidecar.log").read_text() + (rig.folder / "stderr").read_text()
    assert "secret-of-the-switch" not in log


def test_a_file_that_cannot_be_written_disturbs_no_order(rig: Rig) -> None:
    file = rig.folder / "sidecar.yaml"
    file.write_text(
        file.read_text("utf-8").replace("sidecar.prom", "nowhere/sidecar.prom"), "utf-8"
    )
    rig.start()
    with Shop(rig.magento) as shop:
        shop.place()
    rig.until_clean()
    log = (rig.folder / "sidecar.log").read_text("utf-8")
    assert rig.log_events()["station.failed"] == 1
    assert "metrics.file" in log


def patterns() -> dict[str, str]:
    """What it is for → the pattern, out of the document's table."""
    rows = re.findall(
        r"^\| ([^|]+) \| `(\"[^`]+)` \| [^|]+ \|$", DOCUMENT.read_text("utf-8"), re.MULTILINE
    )
    return {what: pattern.replace("\\|", "|") for what, pattern in rows}


def elsewhere() -> list[str]:
    """The patterns in the examples for Zabbix and fail2ban."""
    text = DOCUMENT.read_text("utf-8")
    zabbix = re.findall(r'log\[[^,]+,"(.+?[^\\])"\]', text)
    fail2ban = re.findall(r"failregex = ([^`]+)`", text)
    assert zabbix
    assert fail2ban
    return [*(pattern.replace('\\"', '"') for pattern in zabbix), *fail2ban]


def test_the_example_for_jq_counts_folded_lines_as_what_they_stand_for(tmp_path: Path) -> None:
    if shutil.which("jq") is None:
        pytest.skip("jq is not here")
    (program,) = re.findall(r"jq -s '([^']+)' sidecar\.log", DOCUMENT.read_text("utf-8"))
    log = tmp_path / "sidecar.log"
    log.write_text(
        '{"event": "station.failed"}\n{"event": "station.failed", "repeated": 41}\n'
        '{"event": "daemon.stopped"}\n'
    )
    done = subprocess.run(["jq", "-s", program, str(log)], capture_output=True, check=True)
    assert int(done.stdout) == 42


@pytest.mark.timeout(400)
def test_every_pattern_of_the_document_finds_its_line_in_the_log_of_a_daemon(
    rig: Rig, magento: MagentoDatabase
) -> None:
    log = rig.folder / "sidecar.log"
    log.symlink_to("/dev/full")
    number = one_order_of_each_kind(rig)
    everything_else(rig, log)
    a_defect(magento, log)
    found = patterns()
    assert len(found) > 10
    assert set(elsewhere()) <= set(found.values()), "one that no row of the table has"
    for what, pattern in found.items():
        asked = pattern.replace("000000042", number)
        done = subprocess.run(["grep", "-cE", asked, str(log)], capture_output=True, check=False)
        assert int(done.stdout) > 0, f"{what}: {asked}"
        well = '{"level": "info", "event": "delivery.accepted", "number": "000000001"}'
        assert not re.search(asked, well), what
    undocumented = {
        f"{line['event']}: {', '.join(unknown)}"
        for line in map(json.loads, whole_lines(log))
        if (unknown := line.keys() - documented_fields()[line["event"]])
    }
    assert undocumented == set()


@cache
def documented_fields() -> dict[str, set[str]]:
    """Event → the fields that docs/log-events.md gives it."""
    text = LOG_EVENTS.read_text("utf-8")
    (of_calls,) = re.findall(r"All but `delivery.claimed` have (.+?) as far as", text, re.DOTALL)
    fields: dict[str, set[str]] = {}
    named: set[str] = set()
    for event, cell in re.findall(r"^\| `([a-z_.]+)` \| [a-z ]+ \| ([^|]+) \|", text, re.MULTILINE):
        if "the same" not in cell:
            named = set(re.findall(r"`([a-z_]+)`", re.sub(r"\(.*?\)", "", cell)))
        whole = (
            set(re.findall(r"`([a-z_]+)`", of_calls)) if event.startswith("delivery.") else set()
        )
        fields[event] = named | whole | {"ts", "level", "event", "shop", "repeated"}
    fields["metrics"] |= {name.removeprefix("erp_sidecar_") for name in METRICS}
    return fields


def one_order_of_each_kind(rig: Rig) -> str:
    """Orders that are refused, parked, differ and do not add up, of a daemon whose disk was full.

    Nothing is placed before the log takes lines again, or what is told of it may be in the gap.
    """
    daemon = rig.start()
    rig.until(lambda: "log.unwritable" in (rig.folder / "stderr").read_text())
    (rig.folder / "sidecar.log").unlink()
    daemon.send_signal(signal.SIGUSR1)
    rig.until(lambda: rig.log_events()["log.gap"] == 1)
    stop(daemon)
    with Shop(rig.magento) as shop:
        untrue = shop.place()
        with rig.magento.connect() as connection, connection.cursor() as cursor:
            cursor.execute(
                "UPDATE sales_order SET grand_total = grand_total + 1 WHERE entity_id = %s",
                (untrue.entity_id,),
            )
            connection.commit()
        rig.start()
        rig.until(lambda: told(rig, untrue.increment_id, "intake"))
        for rule, end in (
            ("credit_limit", "delivery.rejected"),
            ("draft_on_201", "delivery.parked"),
            ("drop_tax", "delivery.difference"),
        ):
            rig.erp.rule(rule, times=1)
            placed = shop.place([Line("MUG", 1)])
            rig.until(lambda number=placed.increment_id, end=end: told(rig, number, end))  # type: ignore[misc]
    return placed.increment_id


def told(rig: Rig, number: str, event: str) -> bool:
    """Whether the log has a whole line of this event, or of this station, about the order."""
    log = rig.folder / "sidecar.log"
    whole = log.read_text("utf-8").rpartition("\n")[0] if log.exists() else ""
    return any(
        f'"number": "{number}"' in line and f'"event": "{event}' in line
        for line in whole.splitlines()
    )


def everything_else(rig: Rig, log: Path) -> None:
    """A breaker, a lost trigger, a table that is away for a moment, a login that is refused."""
    ledger = f"{rig.magento.name}_ledger"
    rig.erp.rule("drop_before", times=12)
    with Shop(rig.magento) as shop:
        shop.place()
        rig.until(lambda: rig.log_events()["breaker.opened"] >= 1)
        rig.sidecar("triggers", "remove")
        shop.place()
        rig.until(lambda: rig.log_events()["capture.trigger_missed"] >= 1)
        with rig.magento.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"RENAME TABLE {ledger}.write_back TO {ledger}.away")
            rig.until(lambda: rig.log_events()["station.failed"] >= 1)
            # Once a second it fails, and once a minute that is told.
            rig.until(lambda: failures(rig) >= 4)
            assert times_told(log, "write back") == 1
            cursor.execute(f"RENAME TABLE {ledger}.away TO {ledger}.write_back")
        # Told a minute after the first: that is all that a patience of a minute has.
        rig.until(lambda: '"repeated": ' in log.read_text("utf-8"), seconds=180)
        rig.erp.clear_rules()
        rig.erp.rule("unauthorised")
        shop.place()
        rig.until(lambda: rig.log_events()["domain.stopped"] >= 1)
    # A copy never speaks to the original's ERP.
    rig.sidecar("identity", "is-copy", "--reason", "a test")
    rig.until(lambda: rig.log_events()["identity.sending_stopped"] >= 1)


@contextmanager
def logging_to(file: Path) -> Iterator[None]:
    """The daemon's log of this process, taken back at the end."""
    root = logging.getLogger()
    before = root.handlers, root.level
    log = configure(form="json", file=file)
    try:
        yield
    finally:
        log.close()
        logger.remove()
        root.handlers, root.level = before


def times_told(log: Path, station: str) -> int:
    """Lines of the log that say of this station that it fails."""
    lines = map(json.loads, log.read_text("utf-8").splitlines())
    return sum(
        line["event"] == "station.failed" and line.get("station") == station for line in lines
    )


def failures(rig: Rig) -> float:
    return figures(rig).get('erp_sidecar_station_failures_total{station="write back"}', 0)


def a_defect(magento: MagentoDatabase, log: Path) -> None:
    def break_down() -> int:
        raise KeyError("Ada Lovelace")

    clock, stop = SystemClock(), Stop()

    def stop_when_told() -> None:
        if "station.failed" in log.read_text("utf-8"):
            stop.ask()

    with bare_ledger(magento) as bench, logging_to(log):
        daemon = Daemon(
            bench.database,
            bench.store,
            [Station("intake", 0.05, break_down)],
            owner="test",
            lease_seconds=15,
            stop=stop,
            liveness=Liveness(clock, {}),
            clock=clock,
            narrator=LogNarrator("main"),
            supervision=Supervision(
                Supervisor(None), Watchdog(clock, lambda: None, None), lambda _works: ""
            ),
        )
        daemon.run(meanwhile=stop_when_told)
    assert "KeyError at test_monitoring.py" in log.read_text("utf-8")
    assert "Lovelace" not in log.read_text("utf-8")
