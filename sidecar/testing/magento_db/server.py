"""A private database server in a temporary folder: no service, no port, nothing left behind."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import pymysql

from sidecar.model.errors import SidecarError, Unavailable

START_SECONDS = 30.0
STOP_SECONDS = 30.0
# A unix socket's path must fit into sockaddr_un (108 bytes with its NUL on Linux).
SOCKET_PATH_LIMIT = 107

COMMON_OPTIONS: Mapping[str, str] = {
    "character_set_server": "utf8mb4",
    "default_time_zone": "+00:00",
    "innodb_buffer_pool_size": "128M",
    "max_allowed_packet": "64M",
    "max_connections": "200",
    "skip_name_resolve": "ON",
}
# What a shop that must not lose an order runs with.
DURABLE_OPTIONS: Mapping[str, str] = {
    "innodb_flush_log_at_trx_commit": "1",
    "sync_binlog": "1",
    "log_bin": "binlog",
    "binlog_format": "ROW",
    "server_id": "1",
}

# Quick, for data that nobody misses: nosync hands pages to the kernel and does not wait for the
# disk, so a power cut would ruin them; a killed server loses at most its last second.
VOLATILE_OPTIONS: Mapping[str, str] = {
    "innodb_flush_log_at_trx_commit": "0",
    "innodb_flush_method": "nosync",
    "innodb_doublewrite": "OFF",
    "sync_binlog": "0",
}


class Flavour(Protocol):
    """What is special about a server program."""

    @property
    def command(self) -> Sequence[str]:
        """How the program is called, before its options."""

    def options(self, *, fsync: bool) -> Mapping[str, str]:
        """Its own lines of my.cnf, beside those that all servers know."""

    def initialise(self, defaults: Path) -> None:
        """Write the system tables into the empty data directory that `defaults` names."""


@dataclass(frozen=True)
class MariaDb:
    """The installed MariaDB."""

    binary: Path
    share: Path

    @classmethod
    def find(cls) -> MariaDb:
        """The installed server; `Unavailable` with the remedy when there is none."""
        search = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
        program = shutil.which("mariadbd", path=search)
        if program is None:
            raise Unavailable(
                "No MariaDB server program (mariadbd) was found in PATH or /usr/sbin.",
                "apt-get install mariadb-server-core",
            )
        binary = Path(program).resolve()
        for share in (binary.parent.parent / "share" / "mysql", Path("/usr/share/mysql")):
            if (share / "mysql_system_tables.sql").is_file():
                return cls(binary, share)
        raise Unavailable(
            f"The system tables that belong to {binary} (mysql_system_tables.sql) are missing.",
            "apt-get install --reinstall mariadb-server-core",
        )

    @property
    def command(self) -> Sequence[str]:
        return [str(self.binary)]

    def options(self, *, fsync: bool) -> Mapping[str, str]:
        own = {"lc_messages_dir": str(self.share), "innodb_log_file_size": "32M"}
        return own if fsync else {**own, "sync_frm": "OFF"}

    def initialise(self, defaults: Path) -> None:
        script = "CREATE DATABASE mysql;\nUSE mysql;\n" + "".join(
            (self.share / name).read_text(encoding="utf-8")
            for name in (
                "mysql_system_tables.sql",
                "mysql_performance_tables.sql",
                "mysql_system_tables_data.sql",
            )
        )
        done = subprocess.run(
            [self.binary, f"--defaults-file={defaults}", "--bootstrap", "--skip-log-bin"],
            input=script,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise Unavailable(
                f"{self.binary} could not initialise a data directory: {done.stderr[-800:]}",
                "Check the free space of the temporary folder (TMPDIR) and the server's options.",
            )


def connect_to(
    socket_path: Path, database: str | None, user: str = "root", password: str = "", **kw: Any
) -> pymysql.Connection[Any]:
    """A new connection to the server behind a socket; `kw` goes to `pymysql.connect`."""
    return pymysql.connect(
        **{
            "unix_socket": str(socket_path),
            # MySQL offers TLS even there; it takes 20 ms for each connection.
            "ssl_disabled": True,
            "database": database,
            "user": user,
            "password": password,
            "charset": "utf8mb4",
            "autocommit": True,
            **kw,
        }
    )


class PrivateServer:
    """A database server of one's own, reached through a unix socket.

    `fsync=False` is quick and forgets the last second when it is killed; `fsync=True` is durable
    and keeps a row binlog, as a shop's server does.  `port` opens 127.0.0.1:port besides the
    socket.  `options` are added to my.cnf as they are.  `flavour` is the installed MariaDB unless
    another is given.  The server runs as the calling user, with an account `root` without password.

        with PrivateServer() as server, server.connect() as connection:
            ...
    """

    def __init__(
        self,
        *,
        fsync: bool = False,
        port: int | None = None,
        options: Mapping[str, str] | None = None,
        flavour: Flavour | None = None,
    ) -> None:
        self.flavour: Flavour = flavour or MariaDb.find()
        self.port = port
        self.folder = Path(tempfile.mkdtemp(prefix="erp-sidecar-db-"))
        self.socket = self.folder / "server.sock"
        self._log = self.folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        durability = DURABLE_OPTIONS if fsync else VOLATILE_OPTIONS
        try:
            if len(os.fsencode(self.socket)) > SOCKET_PATH_LIMIT:
                raise SidecarError(
                    f"The path of the socket is too long: {self.socket}", "Set TMPDIR=/tmp."
                )
            own = self.flavour.options(fsync=fsync)
            self._write_defaults({**COMMON_OPTIONS, **durability, **own, **(options or {})})
            (self.folder / "data").mkdir()
            self.flavour.initialise(self._defaults)
            self.start()
        except BaseException:
            self.stop()
            raise

    @property
    def _defaults(self) -> Path:
        return self.folder / "my.cnf"

    def _write_defaults(self, options: Mapping[str, str]) -> None:
        network = (
            ["skip_networking"]
            if self.port is None
            else ["bind_address = 127.0.0.1", f"port = {self.port}"]
        )
        # The server refuses to run as root unless it is told so by name.
        owner = ["user = root"] if os.geteuid() == 0 else []
        lines = [
            "[mysqld]",
            f"datadir = {self.folder / 'data'}",
            f"tmpdir = {self.folder}",
            f"socket = {self.socket}",
            f"pid_file = {self.folder / 'server.pid'}",
            *owner,
            *network,
            *(f"{name} = {value}" for name, value in options.items()),
        ]
        self._defaults.write_text("\n".join(lines) + "\n", encoding="utf-8")

    @property
    def pid(self) -> int:
        """Process id of the running server; an error when it is down."""
        if self._process is None or self._process.poll() is not None:
            raise Unavailable("The private database server is not running.", "Call start().")
        return self._process.pid

    def start(self) -> None:
        """Start on the same data directory (again) and wait until a client is let in."""
        if self._process is not None and self._process.poll() is None:
            raise SidecarError(
                "The private database server is already running.", "Call kill() first."
            )
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self.flavour.command, f"--defaults-file={self._defaults}"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C in the terminal is for the caller, who then stops the server in order.
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._lets_in():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise Unavailable(
                    f"The private database server did not start: {self.log_tail(12)}",
                    "Read the server's own words above; check TMPDIR and the options.",
                )
            time.sleep(0.01)

    def _lets_in(self) -> bool:
        # Asked with a socket of our own: PyMySQL leaves its one open when the server refuses it.
        with socket.socket(socket.AF_UNIX) as knock:
            if knock.connect_ex(str(self.socket)) != 0:
                return False
        try:
            self.connect().close()
        except pymysql.err.OperationalError:
            return False
        return True

    def connect(
        self, database: str | None = None, user: str = "root", password: str = "", **kw: Any
    ) -> pymysql.Connection[Any]:
        """A new connection through the socket: utf8mb4, autocommit on unless `kw` says otherwise.

        `kw` goes to `pymysql.connect`.
        """
        return connect_to(self.socket, database, user, password, **kw)

    def kill(self) -> None:
        """SIGKILL, as the kernel's out-of-memory killer does it; `start()` recovers."""
        os.kill(self.pid, signal.SIGKILL)
        if self._process is not None:
            self._reap(self._process)

    def stop(self) -> None:
        """Shut down and remove the folder with everything in it.  May be called twice."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._reap(self._process)
        shutil.rmtree(self.folder, ignore_errors=True)

    @staticmethod
    def _reap(process: subprocess.Popen[bytes]) -> None:
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def log_tail(self, lines: int = 20) -> str:
        """The last lines of the server's error log."""
        if not self._log.exists():
            return ""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-lines:])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
