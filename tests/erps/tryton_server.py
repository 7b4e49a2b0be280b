"""A real Tryton 8 on this machine, with a company that sells."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from tests.erps.odoo_server import free_port
from tests.erps.private_postgres import CannotBeHad

HERE = Path(__file__).parent
USER, PASSWORD = "admin", "password-of-the-tests"
_DATABASE = "shop"
_MODULES = ("sale", "account_invoice_stock")
_STARTS_WITHIN = 120.0
_CANNOT_BE_HAD = 69


def get_tryton(folder: Path) -> None:
    """Install it, where it is not there.  Raises CannotBeHad."""
    done = subprocess.run(
        [HERE / "get-tryton.sh", str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode == _CANNOT_BE_HAD:
        raise CannotBeHad(done.stderr.strip())
    done.check_returncode()


class TrytonServer:
    """Started on a copy of a database that is made once; `url` ends with its name.

    Use it as a context manager.
    """

    def __init__(self, folder: Path) -> None:
        """`folder` has the program (`get_tryton`)."""
        self._folder = folder
        self._data = folder / "data"
        self._port = free_port()
        self._server: subprocess.Popen[bytes] | None = None
        self.url = f"http://127.0.0.1:{self._port}/{_DATABASE}"

    def __enter__(self) -> Self:
        self._data.mkdir(exist_ok=True)
        file = self._folder / "trytond.conf"
        file.write_text(
            f"[database]\nuri = sqlite://\npath = {self._data}\n"
            f"[web]\nlisten = 127.0.0.1:{self._port}\n",
            "utf-8",
        )
        (self._folder / "password").write_text(PASSWORD, "utf-8")
        template = self._folder / "template.sqlite"
        if not template.exists():
            self._make(template, file)
        self._renew(template)
        with (self._folder / "server.log").open("wb") as log:
            command = [self._program("trytond"), "-c", str(file), "-d", _DATABASE]
            self._server = subprocess.Popen(command, stdout=log, stderr=log, cwd="/")
        deadline = time.monotonic() + _STARTS_WITHIN
        while not self._answers():
            if self._server.poll() is not None or time.monotonic() > deadline:
                self.__exit__(None, None, None)
                raise CannotBeHad(f"Tryton does not start: see {self._folder / 'server.log'}")
            time.sleep(0.2)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.kill()
            self._server.wait()

    def _program(self, name: str) -> str:
        return str(self._folder / "venv" / "bin" / name)

    def _make(self, template: Path, file: Path) -> None:
        """A database with the modules, and what a shop needs in it (`tryton_shop.py`)."""
        database = self._data / f"{_DATABASE}.sqlite"
        self._renew(None)
        environment = {**os.environ, "TRYTONPASSFILE": str(self._folder / "password")}
        administer = [
            *(self._program("trytond-admin"), "-c", str(file), "-d", _DATABASE, "--all"),
            *("--email", "admin@example.com", "-u", *_MODULES, "--activate-dependencies"),
        ]
        fill = [self._program("python"), str(HERE / "tryton_shop.py"), str(file), _DATABASE]
        with (self._folder / "install.log").open("wb") as log:
            for command in (administer, fill):
                subprocess.run(
                    command, stdout=log, stderr=log, env=environment, cwd="/", check=True
                )
        # Only a whole one gets the name.
        shutil.copy(database, template.with_suffix(".new"))
        template.with_suffix(".new").rename(template)

    def _renew(self, template: Path | None) -> None:
        """The database anew, as the template is or empty; what SQLite keeps beside it goes too."""
        for old in self._data.glob(f"{_DATABASE}.sqlite*"):
            old.unlink()
        database = self._data / f"{_DATABASE}.sqlite"
        if template is None:
            database.touch()
        else:
            shutil.copy(template, database)

    def _answers(self) -> bool:
        with suppress(URLError, OSError):
            try:
                urlopen(self.url, timeout=5).close()
            except HTTPError:
                return True
            return True
        return False
