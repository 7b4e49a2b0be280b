"""A machine that runs systemd, without a machine of its own: debootstrap and systemd-nspawn."""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pymysql

PACKAGES = ["systemd-sysv", "dbus", "mariadb-server", "logrotate", "python3", "ca-certificates"]
_HOST_RUNS_SYSTEMD = Path("/run/systemd/system")
_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
    "DEBIAN_FRONTEND": "noninteractive",
}
_PATIENCE = 180.0


class CannotBeHad(Exception):
    """Why there is no such machine here."""


def make_root(folder: Path, cache: Path) -> None:
    """Fill `folder` with this machine's own system; `cache` keeps it for the next time.

    Its own, because the package is built for the system that it is built on.
    """
    release = platform.freedesktop_os_release()
    if release["ID"] != "debian" or "VERSION_CODENAME" not in release:
        raise CannotBeHad(f"debootstrap is asked for Debian, and this is {release['NAME']}")
    suite = release["VERSION_CODENAME"]
    kept = cache / f"debootstrap-{suite}-{platform.machine()}.tar.gz"
    if not kept.exists():
        cache.mkdir(parents=True, exist_ok=True)
        include = f"--include={','.join(PACKAGES)}"
        made = _call("debootstrap", "--variant=minbase", include, suite, folder)
        if made.returncode != 0:
            raise CannotBeHad(f"debootstrap: {made.stdout[-500:]}{made.stderr[-500:]}")
        part = kept.with_suffix(".part")
        _must("tar", "-C", folder, "-I", "gzip -1", "-cpf", part, ".")
        part.rename(kept)
    else:
        _must("tar", "-C", folder, "-xpf", kept)
    (folder / "etc" / "machine-id").write_text("", "ascii")  # as on a first boot


class Container:
    """`folder`: its root.  Its network is its own: only what runs in it is reached from it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._console = folder.with_name(folder.name + ".console").open("wb")
        # Where no systemd runs nobody can be asked for a scope.
        alone = [] if _HOST_RUNS_SYSTEMD.is_dir() else ["--register=no", "--keep-unit"]
        command = ["systemd-nspawn", "--directory", str(folder), *alone, "--private-network"]
        command += ["--machine", f"erp-sidecar-{os.getpid()}", "--console=pipe"]
        tried = _call(*command, "--pipe", "/bin/true")
        if tried.returncode != 0:
            raise CannotBeHad(f"systemd-nspawn: {tried.stderr[-1000:]}")
        self._nspawn = subprocess.Popen(
            [*command, "--boot"],
            stdin=subprocess.DEVNULL,
            stdout=self._console,
            stderr=self._console,
        )
        try:
            self._leader = self._wait_for_leader()
            self.until(self._is_up, "the container has not come up")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Power it off."""
        if self._nspawn.poll() is None:
            self._nspawn.send_signal(signal.SIGTERM)
            try:
                self._nspawn.wait(60)
            except subprocess.TimeoutExpired:
                self._nspawn.kill()
                self._nspawn.wait()
        self._console.close()

    def run(
        self, *command: str, code: int | None = 0, environment: Mapping[str, str] = {}
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in it, as root; `code`: how it must end, None: in any way."""
        done = _call(*self._within("--all"), *command, environment=environment)
        words = f"{shlex.join(command)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert code is None or done.returncode == code, f"{words}\n{self._last_words()}"
        return done

    def beside(self, *command: str) -> list[str]:
        """A command of the host's that shares the container's network, and nothing else."""
        return ["nsenter", "--target", str(self._leader), "--net", *command]

    def show(self, unit: str, property_: str) -> str:
        """What systemd knows of a unit."""
        return self.run(
            "systemctl", "show", "--value", "--property", property_, unit
        ).stdout.strip()

    def journal(self, unit: str) -> str:
        return self.run("journalctl", "--no-pager", "--output=cat", "--unit", unit).stdout

    def until(self, is_so: Callable[[], bool], otherwise: str, seconds: float = _PATIENCE) -> None:
        """Wait for a condition, not for a time."""
        deadline = time.monotonic() + seconds
        while not is_so():
            assert time.monotonic() < deadline, f"{otherwise}\n{self._last_words()}"
            assert self._nspawn.poll() is None, f"the container ended\n{self._last_words()}"
            time.sleep(0.1)

    def write(self, path: str, text: str, *, mode: int = 0o644, owner: str = "root") -> None:
        """A file in it; folders are made."""
        file = self.folder / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
        file.chmod(mode)
        self.run("chown", owner, path)

    def connect(self, **options: Any) -> pymysql.Connection[Any]:
        """To its database, as root by the socket; as `PrivateServer.connect`."""
        socket = f"/proc/{self._leader}/root/run/mysqld/mysqld.sock"
        return pymysql.connect(unix_socket=socket, user="root", **{"autocommit": True, **options})

    def _within(self, namespaces: str) -> list[str]:
        clean = [f"{name}={value}" for name, value in _ENVIRONMENT.items()]
        return ["nsenter", "--target", str(self._leader), namespaces, "env", "-i", *clean]

    def _wait_for_leader(self) -> int:
        children = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children")
        found: list[str] = []

        def is_there() -> bool:
            found[:] = children.read_text("ascii").split()
            return bool(found)

        self.until(is_there, "systemd-nspawn started nothing")
        return int(found[0])

    def _is_up(self) -> bool:
        said = _call(*self._within("--all"), "systemctl", "is-system-running")
        return said.stdout.strip() in ("running", "degraded")

    def _last_words(self) -> str:
        console = Path(self._console.name).read_text("utf-8", "replace")[-2000:]
        told = _call(*self._within("--all"), "journalctl", "--no-pager", "--lines=60")
        return f"{console}\n{told.stdout}"


def _call(
    *command: str | Path, environment: Mapping[str, str] = {}
) -> subprocess.CompletedProcess[str]:
    words = list(map(str, command))
    if environment:
        at = words.index("-i") + 1
        words[at:at] = [f"{name}={value}" for name, value in environment.items()]
    return subprocess.run(
        words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def _must(*command: str | Path) -> None:
    done = _call(*command)
    assert done.returncode == 0, done.stderr


def require_tools() -> None:
    """Raise CannotBeHad where something is missing."""
    if os.geteuid() != 0:
        raise CannotBeHad("only root may make one (sudo make acceptance-systemd)")
    missing = [
        name for name in ("debootstrap", "systemd-nspawn", "nsenter") if not shutil.which(name)
    ]
    if missing:
        raise CannotBeHad(
            f"{', '.join(missing)} is not here: apt-get install debootstrap systemd-container"
        )
