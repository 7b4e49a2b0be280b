"""A real Odoo 19, on this machine, with a company that sells: what the acceptance tests talk to."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from sidecar.testing.magento_db.catalogue import PRODUCTS
from tests.erps.private_postgres import CannotBeHad, PrivatePostgres

HERE = Path(__file__).parent
_MODULES = "sale_management,sale_stock,account,rpc"
_TEMPLATE, _DATABASE = "template_shop", "shop"
_STARTS_WITHIN = 180.0
_CANNOT_BE_HAD = 69


def get_odoo(folder: Path) -> None:
    """Download and unpack it, where it is not there.  Raises CannotBeHad."""
    done = subprocess.run(
        [HERE / "get-odoo.sh", str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode == _CANNOT_BE_HAD:
        raise CannotBeHad(done.stderr.strip())
    done.check_returncode()


class OdooServer:
    """Started on a database of its own; `url` and `key` are what a configuration names.

    Use it as a context manager.
    """

    def __init__(self, folder: Path) -> None:
        """`folder` has the program (`get_odoo`) and keeps the database it begins with.

        Raises CannotBeHad.
        """
        self._folder = folder
        self._postgres = PrivatePostgres(folder / "postgres")
        self._server: subprocess.Popen[bytes] | None = None
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self.database = _DATABASE

    def __enter__(self) -> Self:
        self._postgres.start()
        try:
            if not self._postgres.has(_TEMPLATE):
                self._make_template()
            self._postgres.copy(_TEMPLATE, _DATABASE)
            self._start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
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
        self._postgres.stop()

    @property
    def key(self) -> str:
        """The API key of the user `magento`."""
        return (self._folder / "key").read_text("utf-8").strip()

    def call(self, model: str, method: str, **arguments: Any) -> Any:
        """What a person would see in Odoo: asked as its administrator would.

        Raises HTTPError.
        """
        request = Request(
            f"{self.url}/json/2/{model}/{method}",
            json.dumps(arguments).encode(),
            {"Authorization": f"bearer {self.key}", "Content-Type": "application/json"},
        )
        with urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def orders(self, external: str) -> list[dict[str, Any]]:
        """The sale orders with our reference."""
        fields = ["name", "state", "amount_total", "amount_tax", "currency_id", "order_line"]
        domain = [["client_order_ref", "=", external]]
        found: list[dict[str, Any]] = self.call(
            "sale.order", "search_read", domain=domain, fields=fields
        )
        return found

    # --- the server -------------------------------------------------------------------------

    def _command(self, *options: str, database: str) -> list[str]:
        return [
            str(self._folder / "venv" / "bin" / "python"),
            str(self._folder / "root" / "usr" / "bin" / "odoo"),
            *options,
            f"--db_host={self._folder / 'postgres'}",
            f"--db_user={PrivatePostgres.user}",
            f"--database={database}",
            f"--data-dir={self._folder / 'files'}",
            "--without-demo=all",
        ]

    @property
    def _environment(self) -> dict[str, str]:
        packages = self._folder / "root" / "usr" / "lib" / "python3" / "dist-packages"
        return {**os.environ, "PYTHONPATH": str(packages)}

    def _make_template(self) -> None:
        """A database with the modules, and what a shop needs in it (`odoo_shop.py`); a minute."""
        begun = "template_begun"
        self._postgres.drop(begun)
        with (self._folder / "install.log").open("wb") as log:
            options = ("--init", _MODULES, "--stop-after-init", "--no-http")
            self._run(self._command(*options, database=begun), log)
            shop = (HERE / "odoo_shop.py").read_bytes() + b"\nmake_shop(env)\n"
            command = self._command("--no-http", database=begun)
            command.insert(2, "shell")
            self._run(command, log, shop)
        # Only a whole one gets the name.
        self._postgres.rename(begun, _TEMPLATE)

    def _run(self, command: list[str], log: Any, text: bytes = b"") -> None:
        environment = {
            **self._environment,
            "KEY_FILE": str(self._folder / "key"),
            "SKUS": json.dumps([product.sku for product in PRODUCTS]),
        }
        subprocess.run(
            command, input=text, stdout=log, stderr=log, env=environment, cwd="/", check=True
        )

    def _start(self) -> None:
        options = (
            "--http-interface=127.0.0.1",
            f"--http-port={self._port}",
            "--max-cron-threads=0",
        )
        with (self._folder / "server.log").open("wb") as log:
            self._server = subprocess.Popen(
                self._command(*options, database=_DATABASE),
                stdout=log,
                stderr=log,
                env=self._environment,
                cwd="/",
            )
        deadline = time.monotonic() + _STARTS_WITHIN
        while not self._answers():
            if self._server.poll() is not None or time.monotonic() > deadline:
                raise CannotBeHad(f"Odoo does not start: see {self._folder / 'server.log'}")
            time.sleep(0.2)

    def _answers(self) -> bool:
        with suppress(URLError, HTTPError, OSError), urlopen(f"{self.url}/web/version", timeout=5):
            return True
        return False


def free_port() -> int:
    """One that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
