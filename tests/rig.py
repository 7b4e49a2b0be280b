"""A whole installation whose processes a test may kill: server, shop, ERP, daemon."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from types import TracebackType
from typing import Self

from sidecar.testing.erpsim import ErpSim
from sidecar.testing.magento_db import MagentoDatabase, PrivateServer, create_magento

_CONFIGURATION = """\
version: 1
shop:
  name: crash
  timezone: UTC
  database: {{socket: {socket}, name: {name}, user: crash, password: {{file: password}}}}
ledger: {{schema: {name}_ledger, work_lease: 1s, keep: {keep}}}
erp:
  adapter: rest.generic
  url: {url}
  calls: calls.yaml
  timeout: {{connect: 500ms, read: 500ms}}
  throttle: {{concurrency: 4, requests: 60000/min, reserve: 0%}}
  breaker: {{after: 5, probe_every: 300ms}}
capture: {{poll: 50ms, sweep_every: 1s}}
domains:
  orders:
    every: 50ms
    lease: 2s
    batch: 10
    gate: {{payment: {{default: always}}}}
    retry: {{first: 200ms, most: 1s, give_up_after: 1h}}
    unknown: {{probe_after: 200ms, trust_absence_after: 2s}}
logging: {{file: sidecar.log, format: json}}
"""


def whole_lines(log: Path) -> list[str]:
    """The lines of a log that is being written; of the last one there may be half."""
    text = log.read_text("utf-8", "replace") if log.exists() else ""
    return text[: text.rfind("\n") + 1].splitlines()


@dataclass(frozen=True)
class Oracle:
    """The shop's orders against the ERP's books, by order number."""

    lost: list[str]
    doubled: list[str]
    wrongly_acknowledged: list[str]
    unacknowledged: list[str]

    @property
    def is_clean(self) -> bool:
        return self == Oracle([], [], [], [])


class Rig:
    """The ERP books an order twice if it is sent twice: it has no duplicate check at all."""

    def __init__(
        self,
        server: PrivateServer,
        folder: Path,
        name: str,
        *,
        keep: str = "400d",
        latency_ms: float = 0,
    ) -> None:
        self.folder = folder
        self.server = server
        self.magento: MagentoDatabase = create_magento(server, name)
        self.erp = ErpSim.start(duplicates="none", latency_ms=latency_ms)
        self._daemons: list[subprocess.Popen[bytes]] = []
        password = folder / "password"
        password.touch(mode=0o600)
        with server.connect() as connection, connection.cursor() as cursor:
            cursor.execute("CREATE USER IF NOT EXISTS crash@localhost IDENTIFIED BY 'crash'")
            cursor.execute("GRANT ALL ON *.* TO crash@localhost WITH GRANT OPTION")
        password.write_text("crash", encoding="utf-8")
        calls = resources.files("sidecar.testing.demo").joinpath("calls.yaml").read_text("utf-8")
        (folder / "calls.yaml").write_text(calls, encoding="utf-8")
        (folder / "sidecar.yaml").write_text(
            _CONFIGURATION.format(socket=server.socket, name=name, url=self.erp.url, keep=keep),
            encoding="utf-8",
        )
        self.sidecar("install")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for daemon in self._daemons:
            if daemon.poll() is None:
                daemon.kill()
            daemon.wait()
        self.erp.stop()
        with self.server.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {self.magento.name}_ledger")
        self.magento.drop()

    def command(self, *arguments: str) -> list[str]:
        """The console script, by the interpreter that runs the tests."""
        code = "from sidecar.cli import main; main()"
        config = str(self.folder / "sidecar.yaml")
        return [sys.executable, "-c", code, "--config", config, *arguments]

    def sidecar(self, *arguments: str, code: int = 0) -> str:
        """Run one command to its end, which is `code`."""
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, check=False)
        assert done.returncode == code, f"{arguments}: {done.returncode}: {done.stderr}"
        return done.stdout

    def start(self, **environment: str) -> subprocess.Popen[bytes]:
        """Start a daemon; its words go to a file."""
        return self.start_in(**environment)

    def start_in(self, *place: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start a daemon by a command that puts it somewhere: into namespaces."""
        with (self.folder / "stderr").open("ab") as words:
            daemon = subprocess.Popen(
                [*place, *self.command("run")],
                stdout=words,
                stderr=words,
                env={**os.environ, **environment},
                start_new_session=True,
            )
        self._daemons.append(daemon)
        return daemon

    def kill(self, daemon: subprocess.Popen[bytes]) -> None:
        """SIGKILL."""
        daemon.send_signal(signal.SIGKILL)
        daemon.wait()

    def until(self, is_so: Callable[[], bool], seconds: float = 60.0) -> None:
        """Wait for a condition, not for a time."""
        deadline = time.monotonic() + seconds
        while not is_so():
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"not within {seconds} s\n{self.oracle()}\nthe log ends:\n{self.log_tail()}"
                )
            time.sleep(0.05)

    def wait_or_exit(self, daemon: subprocess.Popen[bytes], seconds: float) -> None:
        """Wait for a process to end, for so long at the most."""
        with suppress(subprocess.TimeoutExpired):
            daemon.wait(seconds)

    def log_tail(self) -> str:
        log = self.folder / "sidecar.log"
        words = self.folder / "stderr"
        text = log.read_text("utf-8")[-3000:] if log.exists() else ""
        return text + (words.read_text("utf-8")[-2000:] if words.exists() else "")

    def log_events(self) -> Counter[str]:
        """How often each event name stands in the log."""
        lines = whole_lines(self.folder / "sidecar.log")
        return Counter(line.split('"event": "')[1].split('"')[0] for line in lines)

    def unacknowledged(self) -> int:
        """Orders that carry no answer of the ERP in Magento."""
        with self.magento.connect() as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT COUNT(*) FROM sales_order WHERE ext_order_id IS NULL "
                "AND status <> 'erp_rejected'"
            )
            return int(cursor.fetchall()[0][0])

    def until_clean(self, seconds: float = 120.0) -> None:
        """Wait for the last acknowledgement, then let the oracle speak."""
        self.until(lambda: self.unacknowledged() == 0 and self.oracle().is_clean, seconds)

    def oracle(self) -> Oracle:
        """Ask both sides; the ledger is not asked."""
        with self.magento.connect() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT increment_id, ext_order_id FROM sales_order")
            orders = dict(cursor.fetchall())
            cursor.execute("SELECT increment_id FROM sales_order WHERE status = 'erp_rejected'")
            refused = {number for (number,) in cursor.fetchall()}
        held: dict[str, list[str]] = {}
        for document in self.erp.documents():
            held.setdefault(document.external, []).append(document.number)
        return Oracle(
            lost=sorted(set(orders) - set(held) - refused),
            doubled=sorted(number for number, found in held.items() if len(found) > 1),
            wrongly_acknowledged=sorted(
                number for number, ext in orders.items() if ext and ext not in held.get(number, [])
            ),
            unacknowledged=sorted(
                number for number, ext in orders.items() if not ext and number not in refused
            ),
        )
