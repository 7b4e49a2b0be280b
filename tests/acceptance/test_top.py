"""`top` in a real terminal, in a pipe, and while the database is away."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from sidecar.testing.magento_db import PrivateServer
from tests.acceptance.test_operator_commands import as_json, ok, refused_order
from tests.rig import Rig

PATIENCE = 20.0


@pytest.fixture
def rig(server: PrivateServer, tmp_path: Path) -> Iterator[Rig]:
    with Rig(server, tmp_path, "top") as installed:
        yield installed


class Screen:
    """A process in a pseudo-terminal of 100 by 30."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self.process = process
        self.written = ""
        self._master = master

    def until(self, words: str) -> str:
        """Read until these words were painted; gives all that was since the last time."""
        start, deadline = len(self.written), time.monotonic() + PATIENCE
        while words not in self.written[start:]:
            assert time.monotonic() < deadline, f"no {words!r} in {self.written[-2000:]!r}"
            self._read()
        return self.written[start:]

    def press(self, key: str) -> None:
        os.write(self._master, key.encode())

    def ends_with(self) -> int:
        """The exit code; what it wrote at last is read too."""
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < deadline, "it does not end"
            self._read()
        self._read()
        return self.process.returncode

    def echoes(self) -> bool:
        """Whether the terminal is as a shell wants it."""
        return bool(termios.tcgetattr(self._master)[3] & termios.ECHO)

    def _read(self) -> None:
        ready, _, _ = select.select([self._master], [], [], 0.1)
        if ready:
            with suppress(OSError):
                self.written += os.read(self._master, 65_536).decode("utf-8", "replace")


@contextmanager
def screen(rig: Rig, **environment: str) -> Iterator[Screen]:
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    inherited = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    process = subprocess.Popen(
        rig.command("top"),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**inherited, "TERM": "xterm", **environment},
        start_new_session=True,
    )
    try:
        yield Screen(process, master)
    finally:
        process.kill()
        process.wait()
        os.close(slave)
        os.close(master)


def test_a_terminal_shows_the_refused_order_is_renewed_and_given_back(rig: Rig) -> None:
    placed = refused_order(rig)
    with screen(rig) as shown:
        first = shown.until("q ends")
        assert first.startswith("\x1b[?1049h")
        assert placed.increment_id in first
        assert "daemon   NOBODY WORKS" in first
        assert "\x1b[31m" in first
        ok(rig, "domain", "pause", "orders", "--reason", "upgrade of the ERP")
        shown.until("upgrade of the ERP")
        assert not shown.echoes()
        shown.press("\x1a")
        shown.until("q ends")
        shown.press("q")
        assert shown.ends_with() == 0
        assert shown.written.endswith("\x1b[?25h\x1b[?1049l")
        assert shown.echoes()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_gives_the_terminal_back_too(rig: Rig, number: signal.Signals, code: int) -> None:
    with screen(rig) as shown:
        shown.until("q ends")
        shown.process.send_signal(number)
        assert shown.ends_with() == code
        assert "\x1b[?1049l" in shown.written
        assert shown.echoes()


def test_no_color_takes_the_colours_away(rig: Rig) -> None:
    refused_order(rig)
    with screen(rig, NO_COLOR="1") as shown:
        assert "\x1b[3" not in shown.until("q ends")


def test_a_dumb_terminal_gets_plain_lines_once(rig: Rig) -> None:
    with screen(rig, TERM="dumb") as shown:
        assert shown.ends_with() == 0
        assert "daemon   NOBODY WORKS" in shown.written
        assert "\x1b" not in shown.written


def test_a_pipe_gets_plain_lines_once_and_json_on_request(rig: Rig) -> None:
    placed = refused_order(rig)
    printed = ok(rig, "top")
    assert placed.increment_id in printed
    assert "\x1b" not in printed
    assert ok(rig, "top", "--once").splitlines()[1:3] == printed.splitlines()[1:3]
    look = as_json(rig, "top")
    assert look["domains"][0]["events"]["rejected"] == 1
    assert look["domains"][0]["troubled"][0]["number"] == placed.increment_id
    assert look["traffic"]["calls"] == 1
    assert json.loads(ok(rig, "top", "--once", "--json"))["shop"] == "crash"


def test_a_database_that_goes_away_is_told_below_the_last_look(tmp_path: Path) -> None:
    with PrivateServer() as own, Rig(own, tmp_path, "top_alone") as rig, screen(rig) as shown:
        shown.until("q ends")
        with own.connect() as connection, connection.cursor() as cursor:
            cursor.execute("ALTER USER crash@localhost ACCOUNT LOCK")
            cursor.execute(
                "SELECT GROUP_CONCAT(id) FROM information_schema.PROCESSLIST WHERE user = 'crash'"
            )
            ((ids,),) = cursor.fetchall()
            for one in str(ids).split(","):
                cursor.execute(f"KILL {one}")
        shown.until("! as of ")
        with own.connect() as connection, connection.cursor() as cursor:
            cursor.execute("ALTER USER crash@localhost ACCOUNT UNLOCK")
        shown.until("q ends")
        shown.press("q")
        assert shown.ends_with() == 0
