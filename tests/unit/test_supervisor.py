"""What systemd is told, and when: the words, and when the watchdog is fed."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator

import pytest

from sidecar.host.process import Stop
from sidecar.host.systemd import Supervisor
from sidecar.host.watchdog import Watchdog
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

    assert line.recv(1000) == b"STATUS=two\\nlines"


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


class Beaten:
    """A watchdog of 100 s, so a patience of 75 s, and two duties: 10 s and 1 h."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.beats = 0
        self.watchdog = Watchdog(self.clock, self._beat, 100.0)
        self.watchdog.expect("often", 10.0)
        self.watchdog.expect("hourly", 3600.0)
        for name in ("often", "hourly"):
            with self.watchdog.turn(name):
                pass

    def _beat(self) -> None:
        self.beats += 1

    def beats_in(self, seconds: int, duty: str = "often") -> int:
        """Let the duty take its turn every ten seconds for so long."""
        before = self.beats
        for _ in range(seconds // 10):
            self.clock.seconds += 10
            with self.watchdog.turn(duty):
                pass
        return self.beats - before


def test_turns_that_come_and_end_beat_four_times_an_interval() -> None:
    assert Beaten().beats_in(600) in range(18, 25)


def test_a_turn_that_does_not_end_stops_the_beats_of_all_and_its_end_brings_them_back() -> None:
    beaten = Beaten()
    with beaten.watchdog.turn("hourly"):
        away = threading.Thread(target=lambda: beaten.beats_in(70))
        away.start()
        away.join()
        assert beaten.watchdog.gets_on()
        away = threading.Thread(target=lambda: beaten.beats_in(10))
        away.start()
        away.join()
        assert not beaten.watchdog.gets_on()
        held_at = beaten.beats
        away = threading.Thread(target=lambda: beaten.beats_in(600))
        away.start()
        away.join()
        assert beaten.beats == held_at

    assert beaten.watchdog.gets_on()
    assert beaten.beats_in(100) > 0


def test_a_long_turn_that_reports_progress_does_not_hang() -> None:
    beaten = Beaten()
    with beaten.watchdog.turn("often"):
        for _ in range(20):
            beaten.clock.seconds += 60
            beaten.watchdog.progress()
        assert beaten.watchdog.gets_on()


def test_a_turn_that_does_not_come_is_missed() -> None:
    beaten = Beaten()

    assert beaten.beats_in(3600 + 70) > 0
    assert beaten.watchdog.gets_on()
    beaten.clock.seconds += 10

    assert not beaten.watchdog.gets_on()


def test_progress_outside_of_a_turn_feeds_nothing() -> None:
    beaten = Beaten()
    beaten.clock.seconds += 100
    before = beaten.beats

    beaten.watchdog.progress()

    assert beaten.beats == before
    assert not beaten.watchdog.gets_on()


def test_at_the_end_only_the_turns_that_go_on_must_get_on() -> None:
    beaten = Beaten()
    beaten.watchdog.end()
    beaten.clock.seconds += 10_000
    assert beaten.watchdog.gets_on()

    with beaten.watchdog.turn("often"):
        beaten.clock.seconds += 80
        assert not beaten.watchdog.gets_on()

    assert beaten.watchdog.gets_on()


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
