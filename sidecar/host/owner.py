"""A process's name on leases, and whether the process of such a name is dead.

A lease of a dead process may be taken over before it runs out, so a process that lives must never
be taken for dead.  A name therefore says where its pid means one process and no other: this boot of
this machine, this pid namespace.  Elsewhere nothing is known about it.  The whole contract:
docs/leases.md.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import socket
import uuid
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
#: Set by the units from systemd's %b: their ProcSubset=pid hides the kernel's own file.
_BOOT_ID_VARIABLE = "ERP_SIDECAR_BOOT_ID"
_NAME = re.compile(r"[^:]*:(?P<pid>[1-9]\d{0,8}):(?P<started>\d+):(?P<place>[0-9a-f]{16}):[^:]*")


def owner() -> str:
    """A name for leases that no other process, also none with our pid later, will have."""
    pid = os.getpid()
    itself = _looked_up(pid)
    place = _place()
    started = "-" if itself is None else itself.started
    token = uuid.uuid4().hex[:8]
    return f"{socket.gethostname()[:40]}:{pid}:{started}:{place or '-'}:{token}"


def living(name: str | None) -> str | None:
    """The owner, or None where it is found dead: its lease may stand for a while."""
    return None if name is None or is_dead(name) else name


def is_dead(name: str) -> bool:
    """Whether the process of this name has ended for certain; False where that cannot be known."""
    named = _NAME.fullmatch(name)
    if named is None or named["place"] != _place():
        return False
    pid = int(named["pid"])
    try:
        # Not by looking into /proc: it hides other accounts' processes under ProtectProc=invisible.
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:  # it is there, and not ours
        pass
    process = _looked_up(pid)
    return process is not None and (process.started != int(named["started"]) or process.is_over)


def machine(file: Path = Path("/etc/machine-id")) -> str | None:
    """A fingerprint of this machine, None where it has no id.

    Not the id itself: machine-id(5) asks that it is kept to the machine and hashed for each use.
    """
    try:
        own = file.read_bytes().strip()
    except OSError:
        return None
    return _fingerprint(own) if own else None


@dataclass(frozen=True, slots=True)
class _Process:
    """`started`: clock ticks since the boot; `is_over`: ended, and its parent has not asked yet."""

    started: int
    is_over: bool


def _looked_up(pid: int) -> _Process | None:
    """What proc(5) says of a process; None: nothing."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text("utf-8", "replace")
    except OSError:
        return None
    # The program's name is in brackets, and may have any character in it.
    fields = stat.rpartition(")")[2].split()
    state, threads, started = fields[0], int(fields[17]), int(fields[19])
    # A main thread may end before the others.
    return _Process(started, state in ("Z", "X") and threads <= 1)


def _place() -> str | None:
    """Where a pid and a start time mean one process: machine, boot and namespaces.

    None where it cannot be said for certain.  The number of a pid namespace is given to another one
    only after the last process in it has ended, so whoever had it is dead then.
    """
    boot = _boot_id()
    try:
        status = (_PROC / "self" / "status").read_text("utf-8", "replace")
        pids = os.readlink(_PROC / "self" / "ns" / "pid")
        has_times = (_PROC / "self" / "ns" / "time").is_symlink()
        times = os.readlink(_PROC / "self" / "ns" / "time") if has_times else ""
    except OSError:
        return None
    seen_as = re.search(r"^NSpid:(.*)$", status, re.MULTILINE)
    # Two numbers: what is mounted there is the /proc of another namespace than ours.
    if boot is None or seen_as is None or len(seen_as[1].split()) != 1:
        return None
    return _fingerprint("\n".join([machine() or "", boot, pids, times]).encode())[:16]


def _boot_id() -> str | None:
    try:
        kernels = (_PROC / "sys" / "kernel" / "random" / "boot_id").read_text("ascii")
    except OSError:
        kernels = os.environ.get(_BOOT_ID_VARIABLE, "")
    return kernels.strip().replace("-", "") or None


def _fingerprint(what: bytes) -> str:
    return hmac.new(what, b"magento-erp-sidecar", hashlib.sha256).hexdigest()[:32]
