"""This process: its clock, its memory, its signals, and the request to stop."""

from __future__ import annotations

import ctypes
import os
import signal
import threading
import time
from datetime import UTC, datetime

from sidecar.model.printable import printable

_M_ARENA_MAX = -8


def share_memory() -> None:
    """Let all threads take their memory from two pools; before the first of them begins.

    glibc gives each thread a pool of its own and never takes it back: a daemon with eight calls at
    a time held 157 MiB where it now holds 97 (docs/benchmarks.md).  Other C libraries know no such
    pools.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 2)


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Aware, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds, also those for which the machine slept.

        Linux's CLOCK_MONOTONIC stands still in a suspended machine: it would wake with its leases
        still trusted, and make a call that another daemon has made meanwhile.
        """
        return time.clock_gettime(time.CLOCK_BOOTTIME)


class Stop:
    """Asked once, seen everywhere; waiting on it is a sleep that a stop cuts short.

    Not by `threading.Event`: a signal's handler runs in the thread that waits, between any two of
    its steps, and `Event.set` would there wait for ever for a lock that this very thread holds.  A
    Condition's own lock may be taken again by its holder.
    """

    def __init__(self) -> None:
        self._asked = False
        self._changed = threading.Condition()

    def ask(self) -> None:
        """Please stop; may be called in a signal's handler."""
        with self._changed:
            self._asked = True
            self._changed.notify_all()

    @property
    def asked(self) -> bool:
        """Whether somebody asked."""
        return self._asked

    def wait(self, seconds: float) -> bool:
        """Wait; True when a stop was asked for."""
        with self._changed:
            return self._changed.wait_for(lambda: self._asked, seconds)


#: Of the ledger's column.
_LONGEST_LOGIN = 100
_HELD = frozenset({signal.SIGHUP, signal.SIGTERM, signal.SIGINT, signal.SIGUSR1})


def hold_signals() -> None:
    """Let signals wait until somebody is there to take them.

    Without a handler SIGHUP would end a daemon that is still importing its modules, which systemd
    takes for a clean end after which nothing is to be started again.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)


def release_signals() -> None:
    """Take those that came, and all to come."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD)


def operator() -> str:
    """Who is at the keyboard, for the audit: the login behind sudo if there is one."""
    login = os.environ.get("SUDO_USER") or os.environ.get("USER") or f"uid {os.getuid()}"
    return printable(login)[:_LONGEST_LOGIN]
