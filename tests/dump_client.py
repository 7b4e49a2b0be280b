"""The servers' own dump and client programs: what a sysadmin restores a shop with."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from sidecar.testing.magento_db import Flavour, MySql, PrivateServer


@dataclass(frozen=True)
class DumpClient:
    """How `mariadb-dump` (or `mysqldump`) and `mariadb` (or `mysql`) are called."""

    dump_program: Sequence[str]
    client: Sequence[str]
    dump_options: Sequence[str] = ()

    @classmethod
    def find(cls, flavour: Flavour) -> DumpClient:
        """Those that belong to the server; skips the test where there are none."""
        if isinstance(flavour, MySql):
            *loader, mysql = flavour.client
            mysqldump = [*loader, str(Path(mysql).with_name("mysqldump"))]
            # The tests' server has GTIDs, which the dump would otherwise carry into the other one.
            return cls(mysqldump, flavour.client, ["--set-gtid-purged=OFF"])
        dump = shutil.which("mariadb-dump") or shutil.which("mysqldump")
        client = shutil.which("mariadb") or shutil.which("mysql")
        if dump is None or client is None:
            pytest.skip("no mariadb-dump here: apt-get install mariadb-client")
        return cls([dump], [client])

    def dump(self, server: PrivateServer, *arguments: str) -> bytes:
        """What the dump program writes."""
        return self._run(
            [*self.dump_program, *self._login(server), *self.dump_options, *arguments], b""
        )

    def load(self, server: PrivateServer, schema: str, text: bytes) -> None:
        """Import into a schema, which is made if it is not there."""
        with server.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE IF NOT EXISTS `{schema}` CHARACTER SET utf8mb4")
        self._run([*self.client, *self._login(server), schema], text)

    def _login(self, server: PrivateServer) -> list[str]:
        return ["--no-defaults", f"--socket={server.socket}", "--user=root"]

    def _run(self, command: Sequence[str], given: bytes) -> bytes:
        done = subprocess.run(command, input=given, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()[-2000:]
        return done.stdout
