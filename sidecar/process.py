"""This process: its clock, its name on leases, and the request to stop."""

from __future__ import annotations

import ctypes
import hashlib
import hmac
import os
import socket
import threading
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

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
        """Seconds."""
        return time.monotonic()


class Stop:
    """Asked once, seen everywhere; waiting on it is a sleep that a stop cuts short."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    def ask(self) -> None:
        """Please stop."""
        self._asked.set()

    @property
    def asked(self) -> bool:
        """Whether somebody asked."""
        return self._asked.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait; True when a stop was asked for."""
        return self._asked.wait(seconds)


def owner() -> str:
    """A name for leases that no other process, also none with our pid later, will have."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


def machine(file: Path = Path("/etc/machine-id")) -> str | None:
    """A fingerprint of this machine, None where it has no id.

    Not the id itself: machine-id(5) asks that it is kept to the machine and hashed for each use.
    """
    try:
        own = file.read_bytes().strip()
    except OSError:
        return None
    if not own:
        return None
    return hmac.new(own, b"magento-erp-sidecar", hashlib.sha256).hexdigest()[:32]


def operator() -> str:
    """Who is at the keyboard, for the audit: the login behind sudo if there is one."""
    return os.environ.get("SUDO_USER") or os.environ.get("USER") or f"uid {os.getuid()}"
