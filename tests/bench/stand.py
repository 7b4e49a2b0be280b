"""What the benchmarks run on: a durable server, a shop, an ERP and a daemon, each a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from importlib import resources
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sidecar.model.errors import SidecarError
from sidecar.testing.erpsim import WSDL, ErpSim, ErpSimClient
from sidecar.testing.magento_db import MagentoDatabase, PrivateServer, create_magento
from tests.servers import flavour_asked_for

MAGENTO = "magento"
LEDGER = "erp_sidecar"
_CONFIGURATION = """\
version: 1
shop:
  name: bench
  timezone: Europe/Berlin
  database: {{socket: {socket}, name: magento, user: sidecar, password: {{file: password}}}}
erp:
  {erp}
  calls: calls.yaml
  throttle: {{concurrency: {concurrency}, requests: {requests}, reserve: 0%}}
{capture}
domains:
  orders:
    gate: {{payment: {{default: always}}}}
{orders}
{domains}
logging: {{file: sidecar.log, format: json}}
"""
_TICKS = os.sysconf("SC_CLK_TCK")


class Stand:
    """One installation with fsync on.  Its settings are the shipped defaults unless said.

    `soap` speaks that to the ERP instead of REST; `capture`, `orders` and `domains` are further
    lines of YAML below those keys; `calls` makes another file of calls of the demonstration's;
    `erp` are fields of the simulator's set-up.
    """

    def __init__(
        self,
        *,
        soap: bool = False,
        concurrency: int = 8,
        requests: str = "600000/min",
        capture: str = "",
        orders: str = "",
        domains: str = "",
        calls: Callable[[str], str] = str,
        server: PrivateServer | None = None,
        **erp: Any,
    ) -> None:
        with ExitStack() as undo:
            folder = undo.enter_context(tempfile.TemporaryDirectory(prefix="erp-sidecar-bench-"))
            self.folder = Path(folder)
            self.server = server or undo.enter_context(
                PrivateServer(fsync=True, flavour=flavour_asked_for())
            )
            self.magento: MagentoDatabase = create_magento(self.server, MAGENTO)
            self.erp = undo.enter_context(ErpSim.start(**erp))
            self._daemons: list[subprocess.Popen[bytes]] = []
            undo.callback(self._end)
            self._configure(
                "soap-calls.yaml" if soap else "calls.yaml",
                calls,
                socket=self.server.socket,
                erp=_soap(self.erp) if soap else f"adapter: rest.generic\n  url: {self.erp.url}",
                concurrency=concurrency,
                requests=requests,
                capture=_under("capture", capture, 2),
                orders=_under("", orders, 4),
                domains=_under("", domains, 2),
            )
            self.sidecar("install")
            self._undo = undo.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._undo.close()

    @property
    def version(self) -> str:
        """The server's name and version."""
        ((text,),) = self.sql("SELECT VERSION()")
        return version_named(text)

    def sql(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Rows of one statement, run as root in the shop's schema."""
        with self.magento.connect() as connection, connection.cursor() as cursor:
            cursor.execute(statement, parameters or None)
            return list(cursor.fetchall())

    def durable(self, durable: bool) -> None:
        """Switch fsync off to prepare data in a hurry, and on again to measure."""
        self.sql(f"SET GLOBAL innodb_flush_log_at_trx_commit = {int(durable)}")
        self.sql(f"SET GLOBAL sync_binlog = {int(durable)}")

    def sidecar(self, *arguments: str) -> None:
        """Run one command of the console script to its end."""
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SidecarError(f"erp-sidecar {' '.join(arguments)}: {done.stderr.strip()}")

    def command(self, *arguments: str) -> list[str]:
        """The console script, by this interpreter."""
        code = "from sidecar.cli import main; main()"
        return [
            sys.executable,
            "-c",
            code,
            "--config",
            str(self.folder / "sidecar.yaml"),
            *arguments,
        ]

    def start(self) -> subprocess.Popen[bytes]:
        """Start `run` in a process of its own."""
        with (self.folder / "stderr").open("ab") as words:
            daemon = subprocess.Popen(
                self.command("run"), stdout=words, stderr=words, start_new_session=True
            )
        self._daemons.append(daemon)
        return daemon

    def stop(self, daemon: subprocess.Popen[bytes]) -> None:
        """SIGTERM, and wait for its orderly end."""
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(60)

    def until(self, is_so: Callable[[], bool], seconds: float, every: float = 0.25) -> None:
        """Wait for a condition; seldom enough not to be a load itself."""
        deadline = time.monotonic() + seconds
        while not is_so():
            if time.monotonic() > deadline:
                raise SidecarError(f"not within {seconds:.0f} s; the log ends:\n{self.log_tail()}")
            dead = [one.returncode for one in self._daemons if one.poll() not in (None, 0, -9)]
            if dead:
                raise SidecarError(f"the daemon ended with {dead}:\n{self.log_tail()}")
            time.sleep(every)

    def log_tail(self) -> str:
        """The last words of the daemon."""
        log, words = self.folder / "sidecar.log", self.folder / "stderr"
        text = log.read_text("utf-8")[-2000:] if log.exists() else ""
        return text + (words.read_text("utf-8")[-2000:] if words.exists() else "")

    def unacknowledged(self) -> int:
        """Orders that do not carry the ERP's number in Magento."""
        ((count,),) = self.sql("SELECT COUNT(*) FROM sales_order WHERE ext_order_id IS NULL")
        return int(count)

    def _configure(self, calls_name: str, of_calls: Callable[[str], str], **values: object) -> None:
        password = self.folder / "password"
        password.touch(mode=0o600)
        password.write_text("bench", encoding="utf-8")
        self.sql("CREATE USER IF NOT EXISTS sidecar@localhost IDENTIFIED BY 'bench'")
        self.sql("GRANT ALL ON *.* TO sidecar@localhost WITH GRANT OPTION")
        calls = resources.files("sidecar.testing.demo").joinpath(calls_name).read_text("utf-8")
        (self.folder / "calls.yaml").write_text(of_calls(calls), encoding="utf-8")
        text = _CONFIGURATION.format(**values)
        (self.folder / "sidecar.yaml").write_text(text, encoding="utf-8")

    def _end(self) -> None:
        for daemon in self._daemons:
            if daemon.poll() is None:
                daemon.kill()
            daemon.wait()


def version_named(text: str) -> str:
    """`MariaDB 10.11.18` of what the server says of its version."""
    name = "MariaDB" if "Maria" in text else "MySQL"
    return f"{name} {text.partition('-')[0]}"


def cpu_seconds(pid: int) -> float:
    """What a process has used of all cores so far."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident_mib(pid: int) -> float:
    """Resident memory of a process now."""
    return _of_status(pid, "VmRSS")


def most_resident_mib(pid: int) -> float:
    """The most that it ever was."""
    return _of_status(pid, "VmHWM")


def _of_status(pid: int, key: str) -> float:
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    return int(status.partition(f"{key}:")[2].split()[0]) / 1024


def _soap(erp: ErpSimClient) -> str:
    return f"adapter: soap.generic\n  wsdl: {WSDL}\n  endpoint: {erp.endpoint()}"


def _under(key: str, lines: str, indent: int) -> str:
    """YAML lines below a key; nothing where there are none."""
    if not lines:
        return ""
    body = "\n".join(" " * indent + line for line in lines.splitlines())
    return f"{key}:\n{body}" if key else body
