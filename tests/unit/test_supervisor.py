"""What systemd is told, and when: the words, and what the watchdog is fed by."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator

import pytest

from sidecar.process import Stop
from sidecar.supervisor import Supervisor
from sidecar.watchdog import Watchdog
from tests.harness import HandClock


@pytest.fixture
def line() -> Iterator[socket.socket]:
    """A socket in the abstract namespace, as systemd uses in containers."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0erp-sidecar-test-{os.getpid()}")
        listening.settimeout(5)
        yield listening


def test_an_abstract_socket_is_spoken_to(line: socket.socket) -> None:
    name = line.getsockname().decode().replace("\0", "@")

    Supervisor.of({"NOTIFY_SOCKET": name}).status("two\nlines")

    assert line.recv(1000) == b"STATUS=two lines"


def test_a_supervisor_that_is_gone_does_not_disturb_the_work() -> None:
    Supervisor("/nowhere/at/all").ready()


def test_without_a_supervisor_nobody_listens_and_nobody_watches() -> None:
    nobody = Supervisor.of({"WATCHDOG_USEC": "1000000"})

    assert (nobody.listens, nobody.watchdog_seconds) == (False, None)


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({"WATCHDOG_USEC": "180000000"}, 180.0),
        ({"WATCHDOG_USEC": "180000000", "WATCHDOG_PID": str(os.getpid())}, 180.0),
        ({"WATCHDOG_USEC": "180000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_ours_when_its_pid_is(
    environment: dict[str, str], seconds: float | None
) -> None:
    found = Supervisor.of({"NOTIFY_SOCKET": "/nowhere", **environment})

    assert found.watchdog_seconds == seconds


class Fed:
    """A watchdog of 100 s, so a patience of 75 s, and two duties: 10 s and 1 h."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.times = 0
        self.watchdog = Watchdog(self.clock, self._feed, 100.0)
        self.watchdog.expect("often", 10.0)
        self.watchdog.expect("hourly", 3600.0)
        for name in ("often", "hourly"):
            with self.watchdog.turn(name):
                pass

    def _feed(self) -> None:
        self.times += 1

    def times_in(self, seconds: int, duty: str = "often") -> int:
        """Let the duty take its turn every ten seconds for so long."""
        before = self.times
        for _ in range(seconds // 10):
            self.clock.seconds += 10
            with self.watchdog.turn(duty):
                pass
        return self.times - before


def test_turns_that_come_and_end_feed_it_four_times_an_interval() -> None:
    assert Fed().times_in(600) in range(18, 25)


def test_a_turn_that_does_not_end_starves_it_whatever_the_others_do_until_it_ends() -> None:
    fed = Fed()
    with fed.watchdog.turn("hourly"):
        away = threading.Thread(target=lambda: fed.times_in(70))
        away.start()
        away.join()
        assert fed.watchdog.gets_on()
        away = threading.Thread(target=lambda: fed.times_in(10))
        away.start()
        away.join()
        assert not fed.watchdog.gets_on()
        held_at = fed.times
        away = threading.Thread(target=lambda: fed.times_in(600))
        away.start()
        away.join()
        assert fed.times == held_at

    assert fed.watchdog.gets_on()
    assert fed.times_in(100) > 0


def test_a_long_turn_that_reports_progress_does_not_hang() -> None:
    fed = Fed()
    with fed.watchdog.turn("often"):
        for _ in range(20):
            fed.clock.seconds += 60
            fed.watchdog.progress()
        assert fed.watchdog.gets_on()


def test_a_turn_that_does_not_come_is_missed() -> None:
    fed = Fed()

    assert fed.times_in(3600 + 70) > 0
    assert fed.watchdog.gets_on()
    fed.clock.seconds += 10

    assert not fed.watchdog.gets_on()


def test_progress_outside_of_a_turn_feeds_nothing() -> None:
    fed = Fed()
    fed.clock.seconds += 100
    before = fed.times

    fed.watchdog.progress()

    assert fed.times == before
    assert not fed.watchdog.gets_on()


def test_at_the_end_only_the_turns_that_go_on_must_get_on() -> None:
    fed = Fed()
    fed.watchdog.end()
    fed.clock.seconds += 10_000
    assert fed.watchdog.gets_on()

    with fed.watchdog.turn("often"):
        fed.clock.seconds += 80
        assert not fed.watchdog.gets_on()

    assert fed.watchdog.gets_on()


def test_a_stop_may_be_asked_for_by_a_signal_at_any_moment_of_a_wait() -> None:
    """`threading.Event` does not bear it: its lock is not to be taken twice."""
    stop = Stop()
    asked = 0

    def ask(*_: object) -> None:
        nonlocal asked
        asked += 1
        stop.ask()

    before = signal.signal(signal.SIGALRM, ask)
    signal.setitimer(signal.ITIMER_REAL, 0.0001, 0.0001)
    try:
        while asked < 3000:
            stop.wait(0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert stop.asked
