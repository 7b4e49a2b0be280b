"""What the demonstration runs on: server, shop, ERP and daemon, each a process of its own."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import Any

from sidecar.model.errors import SidecarError
from sidecar.testing.demo.orders import OVER_CREDIT, UNKNOWN_ITEM
from sidecar.testing.erpsim.client import WSDL, ErpSimClient
from sidecar.testing.magento_db import PrivateServer, create_magento
from sidecar.testing.magento_db.schema import MagentoDatabase

_STOP_SECONDS = 20
_CONFIGURATION = """\
# Written by 'erp-sidecar demo'.
version: 1
shop:
  name: demo
  timezone: Europe/Berlin
  database:
    socket: {socket}
    name: magento
    user: erp_sidecar
    password: {{file: shop.password}}
erp:
  {erp}
  calls: calls.yaml
  auth: none
  timeout: {{connect: 2s, read: 2s}}
  throttle: {{concurrency: 4, requests: 6000/min, reserve: 0%}}
domains:
  orders:
    every: 200ms
    lease: 10s
    gate: {{payment: {{default: always}}}}
    retry: {{first: 1s, most: 5s, give_up_after: 1h}}
    unknown: {{probe_after: 1s, trust_absence_after: 8s}}
logging: {{file: sidecar.log, format: json}}
"""


class Stage:
    """Everything lives in one folder; `strike` takes it all down.  The ERP speaks REST or SOAP."""

    def __init__(self, *, soap: bool = False) -> None:
        self._soap = soap
        self.folder = Path(tempfile.mkdtemp(prefix="erp-sidecar-demo-"))
        self.config = self.folder / "sidecar.yaml"
        self.log = self.folder / "sidecar.log"
        self._processes: list[subprocess.Popen[bytes]] = []
        self._server: PrivateServer | None = None

    def build(self) -> tuple[MagentoDatabase, ErpSimClient]:
        """Start the server and the ERP, install the sidecar, start its daemon."""
        self._server = PrivateServer()
        magento = create_magento(self._server)
        with self._server.connect() as connection, connection.cursor() as cursor:
            cursor.execute("CREATE USER erp_sidecar@localhost IDENTIFIED BY 'demo'")
        erp = ErpSimClient(self._start_erp())
        self._configure(erp)
        self._sidecar("install", "--user", "root")
        self._start_daemon()
        return magento, erp

    def log_lines(self, offset: int) -> tuple[list[dict[str, Any]], int]:
        """The daemon's log lines from a byte offset on, and the next offset."""
        if not self.log.exists():
            return [], offset
        with self.log.open("rb") as log:
            log.seek(offset)
            text = log.read()
        whole = text[: text.rfind(b"\n") + 1]
        return [json.loads(line) for line in whole.splitlines()], offset + len(whole)

    def check(self) -> None:
        """Raise SidecarError when a process of the demonstration has died."""
        for process in self._processes:
            if process.poll() is not None:
                raise SidecarError(
                    f"{process.args!r} ended with code {process.returncode}: {self._last_words()}"
                )

    def leave(self) -> str:
        """Leave everything running; gives the command that ends it."""
        assert self._server is not None  # noqa: S101 - build() made it
        stop = self.folder / "stop"
        pids = [process.pid for process in reversed(self._processes)] + [self._server.pid]
        folders = f"{self.folder} {self._server.folder}"
        lines = [f"kill {' '.join(map(str, pids))}", "sleep 2", f"rm -rf {folders}"]
        stop.write_text("#!/bin/sh\n" + "\n".join(lines) + "\n", encoding="utf-8")
        stop.chmod(0o700)
        return str(stop)

    def strike(self) -> None:
        """End the processes in order and remove the folder."""
        for process in reversed(self._processes):
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._server is not None:
            self._server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _configure(self, erp: ErpSimClient) -> None:
        assert self._server is not None  # noqa: S101 - build() made it
        password = self.folder / "shop.password"
        password.touch(mode=0o600)
        password.write_text("demo", encoding="utf-8")
        name = "soap-calls.yaml" if self._soap else "calls.yaml"
        calls = resources.files("sidecar.testing.demo").joinpath(name)
        (self.folder / "calls.yaml").write_text(calls.read_text("utf-8"), encoding="utf-8")
        rest = f"adapter: rest.generic\n  url: {erp.url}"
        # The WSDL as a file: nothing outside the folder is written, not even a cache.
        soap = f"adapter: soap.generic\n  wsdl: {WSDL}\n  endpoint: {erp.endpoint()}"
        self.config.write_text(
            _CONFIGURATION.format(socket=self._server.socket, erp=soap if self._soap else rest),
            encoding="utf-8",
        )

    def _start_erp(self) -> str:
        setup = {
            "duplicates": "upsert",
            "items_unknown": [UNKNOWN_ITEM],
            "credit_limit_customers": [OVER_CREDIT],
        }
        process = self._start(
            [
                *(sys.executable, "-m", "sidecar.testing.erpsim"),
                *("--port", "0"),
                *("--state-file", str(self.folder / "erp.books")),
                *("--setup", json.dumps(setup)),
            ],
            stdout=subprocess.PIPE,
        )
        first = process.stdout.readline() if process.stdout else b""
        if not first:
            raise SidecarError(f"the ERP simulator did not start: {self._last_words()}")
        return str(json.loads(first)["url"])

    def _start_daemon(self) -> None:
        self._start(self._command("run"))

    def _start(self, command: list[str], stdout: int | None = None) -> subprocess.Popen[bytes]:
        with (self.folder / "stderr").open("ab") as words:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=words if stdout is None else stdout,
                stderr=words,
                # Ctrl-C is for the demonstration itself, which then takes the stage down in order.
                start_new_session=True,
            )
        self._processes.append(process)
        return process

    def _sidecar(self, *arguments: str) -> None:
        done = subprocess.run(
            self._command(*arguments), capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise SidecarError(f"erp-sidecar {' '.join(arguments)}: {done.stderr.strip()}")

    def _command(self, *arguments: str) -> list[str]:
        code = "from sidecar.cli import main; main()"
        return [sys.executable, "-c", code, "--config", str(self.config), *arguments]

    def _last_words(self) -> str:
        words = self.folder / "stderr"
        return words.read_text("utf-8")[-2000:] if words.exists() else ""
