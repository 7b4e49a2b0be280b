"""erp-sidecar.service under a real systemd: started, watched, killed, frozen, reloaded, stopped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources

import pytest

from tests.systemd.conftest import judged
from tests.systemd.machine import ERP_URL, FOLDER, UNIT, Machine

pytestmark = pytest.mark.timeout(900)
CONFIGURATION = f"{FOLDER}/sidecar.yaml"
SOAP_CALLS = resources.files("sidecar.testing.demo").joinpath("soap-calls.yaml").read_text("utf-8")


@contextmanager
def drop_in(machine: Machine, text: str) -> Iterator[None]:
    """`systemctl edit`, and a restart that takes it up."""
    file = f"/etc/systemd/system/{UNIT}.d/test.conf"
    machine.container.write(file, text)
    machine.container.run("systemctl", "daemon-reload")
    machine.container.run("systemctl", "restart", UNIT)
    try:
        yield
    finally:
        machine.container.run("rm", file)
        machine.container.run("systemctl", "daemon-reload")
        machine.container.run("systemctl", "restart", UNIT)


def restarts(machine: Machine) -> int:
    return int(machine.container.show(UNIT, "NRestarts"))


def test_it_is_enabled_and_orders_reach_the_erp(at_work: Machine) -> None:
    assert at_work.container.run("systemctl", "is-enabled", UNIT).stdout == "enabled\n"
    at_work.until_booked(*at_work.sell(3))


def test_the_status_tells_how_it_stands(at_work: Machine) -> None:
    def told() -> bool:
        line = at_work.container.show(UNIT, "StatusText")
        return line.startswith("working; orders open: 0 waiting")

    at_work.container.until(told, "systemctl status says something else")


def test_a_kill_is_followed_by_a_restart_that_works_at_once(at_work: Machine) -> None:
    killed, before = at_work.main_pid(), restarts(at_work)
    at_work.container.run("systemctl", "kill", "--kill-who=main", "--signal=KILL", UNIT)
    at_work.until_active(other_than=killed)
    at_work.until_booked(*at_work.sell())

    assert restarts(at_work) == before + 1
    journal = at_work.container.journal(UNIT)
    assert re.search(rf'"daemon.took_over".*"dead": "[^"]*:{killed}:', journal)
    assert "daemon.standby" not in journal


def test_a_process_that_is_frozen_is_ended_by_the_watchdog(at_work: Machine) -> None:
    # The shortest watchdog with which a daemon that waits two seconds for a lock gets on.
    with drop_in(at_work, "[Service]\nWatchdogSec=10s\n"):
        frozen = at_work.main_pid()
        at_work.container.run("systemctl", "kill", "--kill-who=main", "--signal=STOP", UNIT)
        at_work.until_active(other_than=frozen)
        at_work.until_booked(*at_work.sell())

    assert "Watchdog timeout" in at_work.container.journal(UNIT)


def test_a_database_that_is_restarted_is_waited_for(at_work: Machine) -> None:
    pid = at_work.main_pid()
    at_work.container.run("systemctl", "restart", "mariadb.service")
    at_work.until_booked(*at_work.sell())

    assert at_work.main_pid() == pid


def test_a_database_that_is_away_at_the_start_is_tried_again(at_work: Machine) -> None:
    container = at_work.container
    container.run("systemctl", "stop", UNIT, "mariadb.service", "mariadb.socket")
    container.run("systemctl", "start", "--no-block", UNIT)
    container.until(lambda: restarts(at_work) > 0, "systemd does not try again")
    assert container.show(UNIT, "ExecMainStatus") in ("0", "69")
    container.run("systemctl", "start", "mariadb.service")
    at_work.until_active()
    at_work.until_booked(*at_work.sell())


def test_a_reload_takes_up_a_good_file_and_refuses_a_bad_one(at_work: Machine) -> None:
    container, pid = at_work.container, at_work.main_pid()
    good = at_work.configuration("magento")
    container.write(CONFIGURATION, good + "capture: {poll: often}\n")
    refused = container.run("systemctl", "reload", UNIT, code=None)
    assert refused.returncode != 0
    assert f"{CONFIGURATION}:6" in container.journal(UNIT)
    at_work.until_booked(*at_work.sell())

    container.write(CONFIGURATION, good + "capture: {poll: 100ms}\n")
    container.run("systemctl", "reload", UNIT)
    container.until(
        lambda: "config.reloaded" in container.journal(UNIT), "the file was not taken up"
    )
    at_work.until_booked(*at_work.sell())
    container.write(CONFIGURATION, good)

    assert (at_work.main_pid(), container.show(UNIT, "ActiveState")) == (pid, "active")


def test_a_stop_under_load_ends_in_order_and_nothing_is_booked_twice(at_work: Machine) -> None:
    container = at_work.container
    at_work.erp.rule("slow_body", seconds=3, times=6)
    placed = at_work.sell(60)
    container.until(
        lambda: not set(placed).isdisjoint(at_work.erp.bookings()), "nothing is on its way"
    )
    container.run("systemctl", "stop", UNIT)
    assert container.show(UNIT, "Result") == "success"
    assert container.show(UNIT, "ExecMainStatus") == "0"

    container.run("systemctl", "start", UNIT)
    at_work.until_booked(*placed)


def test_a_bad_configuration_is_not_tried_again(at_work: Machine) -> None:
    container = at_work.container
    container.run("systemctl", "stop", UNIT)
    container.write(CONFIGURATION, "nonsense: here\n")
    container.run("systemctl", "start", UNIT, code=None)
    container.until(lambda: container.show(UNIT, "ActiveState") == "failed", "it goes on trying")
    assert container.show(UNIT, "ExecMainStatus") == "78"
    assert restarts(at_work) == 0
    container.write(CONFIGURATION, at_work.configuration("magento"))


def test_the_log_file_is_rotated_under_the_daemon(at_work: Machine) -> None:
    container = at_work.container
    log = "/var/log/erp-sidecar/sidecar.log"
    written = at_work.configuration("magento") + f"logging: {{file: {log}}}\n"
    container.write(CONFIGURATION, written)
    container.run("systemctl", "restart", UNIT)
    container.until(lambda: "daemon.started" in container.run("cat", log).stdout, "no log")
    container.run("logrotate", "--force", "/etc/logrotate.d/erp-sidecar")
    at_work.until_booked(*at_work.sell())
    container.until(lambda: "delivery.accepted" in container.run("cat", log).stdout, "no new log")

    rotated = container.run("sh", "-c", f"ls {log}-*").stdout.split()
    assert len(rotated) == 1
    assert container.run("stat", "--format=%U:%G %a", log).stdout == "erp-sidecar:adm 640\n"
    container.write(CONFIGURATION, at_work.configuration("magento"))
    container.run("systemctl", "restart", UNIT)


def test_systemd_finds_little_that_the_running_unit_leaves_open(at_work: Machine) -> None:
    said = judged(at_work.container, UNIT).stdout
    print(said.splitlines()[-1])
    level = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
    assert level
    assert float(level[1]) < 2.0
    at_work.container.run("systemd-analyze", "verify", UNIT, "erp-sidecar@emea.service")


def test_an_erp_that_is_away_at_the_start_is_tried_again(at_work: Machine) -> None:
    """Its WSDL comes from an address, and was never fetched."""
    container = at_work.container
    rest = f"erp: {{adapter: rest.generic, calls: calls.yaml, url: '{ERP_URL}'}}"
    soap = f"erp: {{adapter: soap.generic, calls: soap-calls.yaml, wsdl: '{ERP_URL}/soap?wsdl'}}"
    written = at_work.configuration("magento")
    assert rest in written
    container.run("systemctl", "stop", UNIT)
    container.write(f"{FOLDER}/soap-calls.yaml", SOAP_CALLS)
    container.write(CONFIGURATION, written.replace(rest, soap))
    at_work.erp.stop()
    container.run("systemctl", "start", "--no-block", UNIT)
    container.until(lambda: restarts(at_work) > 0, "systemd does not try again")
    assert container.show(UNIT, "ExecMainStatus") in ("0", "69")
    at_work.erp.start()
    at_work.until_active()
    at_work.until_booked(*at_work.sell())

    container.write(CONFIGURATION, written)
    container.run("systemctl", "restart", UNIT)
