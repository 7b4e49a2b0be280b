"""What systemd is told, by the sd_notify protocol: datagrams to the socket in NOTIFY_SOCKET.

Without a supervisor every word goes nowhere, so callers need not ask whether one listens.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress

from sidecar.model.printable import printable

#: A supervisor that does not read must not hold up the work for longer.
_PATIENCE_SECONDS = 1.0


class Supervisor:
    """One process's words to what started it; used by several threads at once."""

    def __init__(self, address: str | None, watchdog_seconds: float | None = None) -> None:
        self._address = address
        self._watchdog_seconds = watchdog_seconds
        self._is_reloading = False

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Supervisor:
        """The one that this process's environment names."""
        address = environment.get("NOTIFY_SOCKET") or None
        interval = environment.get("WATCHDOG_USEC", "")
        # Another pid there: the interval was meant for a parent that passed its environment on.
        is_ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        watched = address is not None and interval.isdecimal() and int(interval) > 0 and is_ours
        return cls(address, int(interval) / 1e6 if watched else None)

    @property
    def listens(self) -> bool:
        """Whether there is one."""
        return self._address is not None

    @property
    def watchdog_seconds(self) -> float | None:
        """It ends us after this long without `alive`; None: it does not watch."""
        return self._watchdog_seconds

    def ready(self) -> None:
        """The daemon works or stands by; also the end of a reload."""
        self._is_reloading = False
        self._say("READY=1")

    def reloading(self) -> None:
        """A new configuration is taken up; `ready` ends it."""
        self._is_reloading = True
        self._say("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """The work ends; during a reload it only begins anew, which is no stop."""
        if not self._is_reloading:
            self._say("STOPPING=1")

    def status(self, line: str) -> None:
        """One line for `systemctl status`."""
        self._say("STATUS=" + printable(line))

    def alive(self) -> None:
        """Feed the watchdog."""
        self._say("WATCHDOG=1")

    def more_time(self, seconds: float) -> None:
        """A start or stop that goes on may take so much longer, from now."""
        self._say(f"EXTEND_TIMEOUT_USEC={int(seconds * 1e6)}")

    def _say(self, *words: str) -> None:
        if self._address is None:
            return
        address = self._address
        if address.startswith("@"):
            address = "\0" + address[1:]  # Linux's abstract namespace
        # A word that is lost shows there: a start that times out, a watchdog that fires.
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.settimeout(_PATIENCE_SECONDS)
            line.sendto("\n".join(words).encode(), address)
