"""Who is taken for dead: only a process of this boot, this machine and this pid namespace."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from sidecar.host.owner import is_dead, owner

SAYS_ITS_NAME = "from sidecar.host.owner import owner; print(owner(), flush=True); input()"
ASKS_ABOUT = "import sys; from sidecar.host.owner import is_dead; print(is_dead(sys.argv[1]))"
#: Kills a process, then gives its pid away: the kernel takes the next one after ns_last_pid.
REUSES_A_PID = """
import os, signal, subprocess, sys
from pathlib import Path
from sidecar.host.owner import is_dead

code = "from sidecar.host.owner import owner; print(owner(), flush=True); input()"
say = [sys.executable, "-c", code]
first = subprocess.Popen(say, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
name = first.stdout.readline().strip()
assert not is_dead(name)
first.kill()
first.wait()
Path("/proc/sys/kernel/ns_last_pid").write_text(str(first.pid - 1))
second = subprocess.Popen(["sleep", "60"])
print(second.pid == first.pid, is_dead(name))
second.kill()
second.wait()
"""


@dataclass(frozen=True)
class Named:
    """A process that lives, and its name on leases."""

    process: subprocess.Popen[str]
    name: str

    def changed(self, part: int, text: str) -> str:
        """Its name with another pid (1), start (2) or place (3)."""
        parts = self.name.split(":")
        parts[part] = text
        return ":".join(parts)


@contextmanager
def living(command: Sequence[str] = ()) -> Iterator[Named]:
    process = subprocess.Popen(
        [*command, sys.executable, "-c", SAYS_ITS_NAME],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        yield Named(process, process.stdout.readline().strip())
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def named() -> Iterator[Named]:
    with living() as one:
        yield one


def in_namespaces(*options: str) -> list[str]:
    if os.geteuid() != 0 or not shutil.which("unshare"):
        pytest.skip("namespaces are made by root, with unshare")
    return ["unshare", *options]


def with_mounts(mount: str) -> list[str]:
    """`mount`: shell commands, each with && behind it, in a mount namespace of their own."""
    return [*in_namespaces("--mount"), "sh", "-c", mount + 'exec "$0" "$@"']


def elsewhere(name: str, *mounts: tuple[Path, str]) -> str:
    """What a process says of another one where these files lie over the system's own."""
    bound = "".join(f"mount --bind '{source}' '{target}' && " for source, target in mounts)
    asked = subprocess.run(
        [*with_mounts(bound), sys.executable, "-c", ASKS_ABOUT, name],
        capture_output=True,
        text=True,
        check=True,
    )
    return asked.stdout.strip()


def test_every_process_has_a_name_of_its_own_that_fits_its_column() -> None:
    names = {owner() for _ in range(10)}

    assert len(names) == 10
    assert max(map(len, names)) <= 100


def test_one_that_lives_is_not_dead_and_one_that_was_killed_is(named: Named) -> None:
    assert not is_dead(owner())
    assert not is_dead(named.name)

    named.process.kill()
    named.process.wait()

    assert is_dead(named.name)


def test_one_that_is_frozen_lives(named: Named) -> None:
    named.process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, named.process.pid, os.WSTOPPED | os.WNOWAIT)

    assert not is_dead(named.name)


def test_one_whose_end_nobody_has_asked_for_yet_is_dead(named: Named) -> None:
    named.process.kill()
    os.waitid(os.P_PID, named.process.pid, os.WEXITED | os.WNOWAIT)

    assert is_dead(named.name)


def test_one_whose_main_thread_alone_has_ended_lives() -> None:
    main_ends = (
        "import ctypes, threading; from sidecar.host.owner import owner\n"
        "threading.Thread(target=input).start(); print(owner(), flush=True)\n"
        "ctypes.CDLL(None).pthread_exit(None)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", main_ends], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    name = process.stdout.readline().strip()
    stat = Path(f"/proc/{process.pid}/stat")
    while stat.read_text("utf-8").rpartition(")")[2].split()[0] != "Z":
        assert process.poll() is None

    assert not is_dead(name)

    process.kill()
    process.communicate()


def test_a_pid_that_another_process_has_now_is_that_of_a_dead_one(named: Named) -> None:
    assert is_dead(named.changed(2, "1"))


def test_a_pid_that_the_kernel_gave_away_again_is_that_of_a_dead_one() -> None:
    done = subprocess.run(
        [*in_namespaces("--pid", "--fork", "--mount-proc"), sys.executable, "-c", REUSES_A_PID],
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "True True\n"


def test_a_process_of_another_account_that_is_hidden_from_us_lives(named: Named) -> None:
    """ProtectProc=invisible: nothing is to be seen of it, and it is there."""
    as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    hidden = "mount -t proc -o hidepid=2 proc /proc && "
    hidden += f"! {' '.join(as_nobody)} cat /proc/{named.process.pid}/stat 2>/dev/null && "
    asked = subprocess.run(
        [*with_mounts(hidden), *as_nobody, sys.executable, "-c", ASKS_ABOUT, named.name],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (asked.stdout, asked.stderr) == ("False\n", "")


@pytest.mark.parametrize("kills", [False, True], ids=["living", "dead"])
def test_nothing_is_known_of_another_pid_namespace(kills: bool) -> None:
    """Two containers of one machine may share its machine-id, and always its boot id."""
    with living(in_namespaces("--pid", "--fork", "--mount-proc", "--kill-child")) as contained:
        if kills:
            contained.process.kill()
            contained.process.wait()

        assert not is_dead(contained.name)


def test_nothing_is_known_from_within_another_pid_namespace(named: Named) -> None:
    within = in_namespaces("--pid", "--fork", "--mount-proc")
    with_the_hosts_proc = in_namespaces("--pid", "--fork")
    dead = named.changed(2, "1")
    for command in (within, with_the_hosts_proc):
        asked = subprocess.run(
            [*command, sys.executable, "-c", ASKS_ABOUT, dead],
            capture_output=True,
            text=True,
            check=True,
        )
        assert asked.stdout == "False\n"


def test_nothing_is_known_of_another_boot(named: Named, tmp_path: Path) -> None:
    dead = named.changed(2, "1")
    other = tmp_path / "boot_id"
    other.write_text("00000000-0000-0000-0000-000000000000\n", "ascii")

    assert elsewhere(dead) == "True"
    assert elsewhere(dead, (other, "/proc/sys/kernel/random/boot_id")) == "False"


def test_nothing_is_known_of_another_machine(named: Named, tmp_path: Path) -> None:
    dead = named.changed(2, "1")
    other = tmp_path / "machine-id"
    other.write_text("0" * 32 + "\n", "ascii")

    assert elsewhere(dead, (other, "/etc/machine-id")) == "False"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a test",
        "shop:4711:0a1b2c3d",
        "shop:4711:-:-:00000000",
        "shop:0:1:{place}:00000000",
        "shop:-1:1:{place}:00000000",
        "shop:999999999999:1:{place}:00000000",
    ],
)
def test_nothing_is_known_of_a_name_that_is_none_of_ours(name: str) -> None:
    assert not is_dead(name.format(place=owner().split(":")[3]))


def test_where_the_kernels_boot_id_is_hidden_systemd_says_which_it_is(
    named: Named, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ProcSubset=pid of the units hides /proc/sys; they hand on systemd's %b."""
    kernels = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    hides = with_mounts("mount -t proc -o subset=pid proc /proc && ")
    command = [*hides, sys.executable, "-c", ASKS_ABOUT]
    dead = named.changed(2, "1")
    for known, said in ((kernels.replace("-", ""), "True\n"), ("", "False\n")):
        monkeypatch.setenv("ERP_SIDECAR_BOOT_ID", known)
        asked = subprocess.run([*command, dead], capture_output=True, text=True, check=True)
        assert asked.stdout == said
