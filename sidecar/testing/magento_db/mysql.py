"""A MySQL for `PrivateServer`: unpacked into a folder, not installed (tests/get-mysql.sh)."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sidecar.model.errors import Unavailable

FOLDER_VARIABLE = "ERP_SIDECAR_MYSQL"
FOLDER = Path(__file__).resolve().parents[3] / ".mysql"


@dataclass(frozen=True)
class MySql:
    """A MySQL server with the libraries that it was built for, in a folder of their own.

    `loader` is those libraries' dynamic linker: the machine's own C library may be too old.
    """

    folder: Path
    loader: Path

    @classmethod
    def find(cls) -> MySql:
        """The server in $ERP_SIDECAR_MYSQL or .mysql; `Unavailable` with the remedy if none."""
        folder = Path(os.environ.get(FOLDER_VARIABLE) or FOLDER).resolve()
        loaders = sorted(folder.glob("usr/lib/*/ld-linux-*.so.*"))
        if not loaders or not (folder / "usr/sbin/mysqld").is_file():
            raise Unavailable(f"There is no MySQL server in {folder}.", "make test-mysql gets it")
        return cls(folder, loaders[0])

    @property
    def command(self) -> Sequence[str]:
        return self._program("usr/sbin/mysqld")

    @property
    def client(self) -> Sequence[str]:
        """How the program `mysql` is called, before its options."""
        return self._program("usr/bin/mysql")

    def _program(self, path: str) -> Sequence[str]:
        libraries = str(self.loader.parent)
        return [str(self.loader), "--library-path", libraries, str(self.folder / path)]

    def options(self, *, fsync: bool) -> Mapping[str, str]:
        share = self.folder / "usr/share/mysql"
        own = {
            "basedir": str(self.folder / "usr"),
            "lc_messages_dir": str(share),
            "character_sets_dir": str(share / "charsets"),
            "plugin_dir": str(self.folder / "usr/lib/mysql/plugin"),
            # The package's own value is a folder that only an installation has.
            "secure_file_priv": "",
            # Otherwise a second protocol opens a port and a socket in /tmp, shared by all servers.
            "mysqlx": "OFF",
            "innodb_redo_log_capacity": "128M",
        }
        # It keeps a binlog either way.  A quick server lets accounts create triggers all the same,
        # as MariaDB, which has no binlog then, does.
        return own if fsync else {**own, "log_bin_trust_function_creators": "ON"}

    def initialise(self, defaults: Path) -> None:
        done = subprocess.run(
            [*self.command, f"--defaults-file={defaults}", "--initialize-insecure"],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise Unavailable(
                f"MySQL could not initialise a data directory: {done.stderr[-800:]}",
                "Check the free space of the temporary folder (TMPDIR) and the server's options.",
            )
