"""A PostgreSQL of the tests' own, in a folder of its own, on a socket of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from pathlib import Path

#: As root the server refuses to run.
_ACCOUNTS = ("postgres", "nobody")
#: Where Debian puts the programs, the newest last.
_DEBIAN = "/usr/lib/postgresql"


class CannotBeHad(Exception):
    """What is missing here, in words."""


class PrivatePostgres:
    """Made in `folder` when there is none; `user` owns all databases."""

    user = "odoo"

    def __init__(self, folder: Path) -> None:
        """Raises CannotBeHad."""
        self.folder = folder
        self._programs = _programs()
        self._account = _account()
        self._data = folder / "data"
        folder.mkdir(parents=True, exist_ok=True)
        if self._account:
            shutil.chown(folder, self._account)
        if not (self._data / "PG_VERSION").exists():
            self._run(
                "initdb", "-U", self.user, "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"
            )

    def start(self) -> None:
        """On the socket in `folder`, and on no port."""
        options = f"-c listen_addresses='' -k {self.folder} -c fsync=off -c max_connections=100"
        self._run("pg_ctl", "--wait", "--log", str(self.folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        """Whoever is connected is cut off."""
        self._run("pg_ctl", "--wait", "--mode=immediate", "stop")

    def has(self, database: str) -> bool:
        """Whether there is a database of that name."""
        listed = self._client("psql", "-At", "-c", "SELECT datname FROM pg_database", "postgres")
        return database in listed.split()

    def copy(self, template: str, database: str) -> None:
        """A database made anew, as the template is."""
        self._client("dropdb", "--if-exists", "--force", database)
        self._client("createdb", "--template", template, database)

    def drop(self, database: str) -> None:
        """It may be missing."""
        self._client("dropdb", "--if-exists", "--force", database)

    def rename(self, database: str, name: str) -> None:
        """Nobody may be connected with it."""
        self._client("psql", "-c", f'ALTER DATABASE "{database}" RENAME TO "{name}"', "postgres")

    def _run(self, program: str, *options: str) -> None:
        command = [str(self._programs / program), "-D", str(self._data), *options]
        if self._account:
            command = ["runuser", "-u", self._account, "--", *command]
        # A server keeps what it is given: a pipe would never end.
        with (self.folder / "control.log").open("ab") as log:
            done = subprocess.run(command, stdout=log, stderr=log, cwd="/", check=False)
        if done.returncode:
            told = (self.folder / "control.log").read_text("utf-8", "replace").splitlines()
            raise CannotBeHad(f"{program} failed: {told[-1] if told else 'without a word'}")

    def _client(self, program: str, *options: str) -> str:
        command = [str(self._programs / program), "-h", str(self.folder), "-U", self.user, *options]
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", check=True)
        return done.stdout


def _programs() -> Path:
    versions = sorted(Path(_DEBIAN).glob("*/bin"), key=lambda path: int(path.parent.name))
    found = [path for path in versions if (path / "initdb").exists()]
    if not found:
        raise CannotBeHad(f"there is no PostgreSQL under {_DEBIAN} (package postgresql)")
    return found[-1]


def _account() -> str | None:
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in _ACCOUNTS if name in known)
