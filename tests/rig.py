"""A whole installation whose processes a test may kill: server, shop, ERP, daemon."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from textwrap import indent
from types import TracebackType
from typing import Any, Self

from sidecar.testing.erpsim import Document, ErpSim
from sidecar.testing.magento_db import MagentoDatabase, PrivateServer, create_magento
from tests.forked_cli import forked_cli

_CONFIGURATION = """\
version: 1
shop:
  name: crash
  timezone: UTC
  database: {{socket: {socket}, name: {name}, user: crash, password: {{file: password}}}}
{api}ledger: {{schema: {name}_ledger, work_lease: 1s, keep: {keep}}}
{erp}capture: {{poll: 50ms, sweep_every: 1s}}
domains:
  orders:
    every: 50ms
    lease: 2s
    batch: 10
    gate: {{payment: {{default: always}}}}
    retry: {{first: 200ms, most: 1s, give_up_after: 1h}}
    unknown: {{probe_after: 200ms, trust_absence_after: {trust_absence_after}}}
{domains}logging: {{file: sidecar.log, format: json}}
"""
#: As the short form `erp:` has it; beside further accounts it stands under `erps:`, as main.
_ERP = """\
  adapter: rest.generic
  url: {url}
  calls: calls.yaml
  timeout: {{connect: 500ms, read: 500ms}}
  throttle: {{concurrency: 4, requests: 60000/min, reserve: 0%}}
  breaker: {{after: 5, probe_every: 300ms}}
{more}"""
_REFUNDS = """\
  refunds:
    every: 50ms
    lease: 2s
    retry: {first: 200ms, most: 1s, give_up_after: 1h}
    unknown: {probe_after: 200ms, trust_absence_after: 2s}
"""


def whole_lines(log: Path) -> list[str]:
    """The lines of a log that is being written; of the last one there may be half."""
    text = log.read_text("utf-8", "replace") if log.exists() else ""
    return text[: text.rfind("\n") + 1].splitlines()


@dataclass(frozen=True)
class Oracle:
    """The shop's documents against the ERP's books, by external reference (CM…: a refund).

    `orphaned`: refunds that were booked before their order or of another; `mistold`: refunds whose
    answer does not stand once in their comments and once, the same, in their order's.
    """

    lost: list[str]
    doubled: list[str]
    wrongly_acknowledged: list[str]
    unacknowledged: list[str]
    orphaned: list[str]
    mistold: list[str]

    @property
    def is_clean(self) -> bool:
        return self == Oracle([], [], [], [], [], [])


@dataclass(frozen=True)
class Telling:
    """Parts of the configuration for an ERP that tells by itself.

    `api`: below `shop`; `accounts`: below `erps`; `domains`: below `domains`.
    """

    api: str = ""
    accounts: str = ""
    domains: str = ""

    def erps(self, main: str) -> str:
        """The ERP that takes orders, and those that tell."""
        if not self.accounts:
            return f"erp:\n{main}"
        return f"erps:\n  main:\n{indent(main, '  ')}{self.accounts}"


@dataclass(frozen=True)
class Interface:
    """How orders are taken to the ERP: the file of calls, further settings of its account, options
    of the simulator, and how long it may not show what it has."""

    calls: str
    settings: str = ""
    simulator: Mapping[str, Any] = field(default_factory=dict)
    trust_absence_after: str = "2s"


def demonstration() -> Interface:
    """Order by order, each in one call."""
    calls = resources.files("sidecar.testing.demo").joinpath("calls.yaml").read_text("utf-8")
    return Interface(calls)


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
        refunds: bool = False,
        telling: Telling | None = None,
        interface: Interface | None = None,
    ) -> None:
        spoken = interface or demonstration()
        self.folder = folder
        self.server = server
        self.magento: MagentoDatabase = create_magento(server, name)
        setup = {"duplicates": "none", "latency_ms": latency_ms, **spoken.simulator}
        self.erp = ErpSim.start(**setup)
        self._daemons: list[subprocess.Popen[bytes]] = []
        self._sent_again = 0
        password = folder / "password"
        password.touch(mode=0o600)
        with server.connect() as connection, connection.cursor() as cursor:
            cursor.execute("CREATE USER IF NOT EXISTS crash@localhost IDENTIFIED BY 'crash'")
            cursor.execute("GRANT ALL ON *.* TO crash@localhost WITH GRANT OPTION")
        password.write_text("crash", encoding="utf-8")
        (folder / "calls.yaml").write_text(spoken.calls, encoding="utf-8")
        told = telling or Telling()
        (folder / "sidecar.yaml").write_text(
            _CONFIGURATION.format(
                socket=server.socket,
                name=name,
                erp=told.erps(_ERP.format(url=self.erp.url, more=spoken.settings)),
                trust_absence_after=spoken.trust_absence_after,
                keep=keep,
                api=told.api,
                domains=(_REFUNDS if refunds else "") + told.domains,
            ),
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
        config = str(self.folder / "sidecar.yaml")
        ended, output, errors = forked_cli().outcome({"config": config, "call": arguments})
        assert ended == code, f"{arguments}: {ended}: {errors}"
        return output

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

    def look(self, *statements: str) -> list[list[tuple[Any, ...]]]:
        """What Magento's database answers to each, at one moment."""
        with self.magento.connect() as connection, connection.cursor() as cursor:
            cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")
            answers = []
            for statement in statements:
                cursor.execute(statement)
                answers.append(list(cursor.fetchall()))
            return answers

    def unacknowledged(self) -> int:
        """Orders that carry no answer of the ERP in Magento."""
        [[[count]]] = self.look(
            "SELECT COUNT(*) FROM sales_order WHERE ext_order_id IS NULL "
            "AND status <> 'erp_rejected'"
        )
        return int(count)

    def until_clean(self, seconds: float = 120.0) -> None:
        """Wait for the last acknowledgement, then let the oracle speak."""
        self.until(lambda: self.unacknowledged() == 0 and self.oracle().is_clean, seconds)

    def until_clean_after_deaths(self, seconds: float = 600.0) -> None:
        """As `until_clean`, with an operator."""

        def is_clean() -> bool:
            self.send_parked_again()
            return self.unacknowledged() == 0 and self.oracle().is_clean

        self.until(is_clean, seconds)

    def send_parked_again(self) -> None:
        """What an operator does, to whom the log says so: what was on its way at five deaths is put
        aside, as documented, and what belongs to it waits."""
        parked = self.log_events()["delivery.parked"]
        if parked > self._sent_again:
            self.sidecar("queue", "requeue", "--status", "parked", "--reason", "only killed")
            self._sent_again = parked

    def oracle(self) -> Oracle:
        """Ask both sides; the ledger is not asked."""
        orders, memos, on_memo, on_order = self.look(
            "SELECT increment_id, ext_order_id, status = 'erp_rejected' FROM sales_order",
            "SELECT c.increment_id, o.increment_id FROM sales_creditmemo c "
            "JOIN sales_order o ON o.entity_id = c.order_id",
            "SELECT c.increment_id, m.comment FROM sales_creditmemo_comment m "
            "JOIN sales_creditmemo c ON c.entity_id = m.parent_id",
            "SELECT comment FROM sales_order_status_history "
            "WHERE entity_name = 'creditmemo' AND comment LIKE 'Credit memo %'",
        )
        order_of = {f"CM{number}": order for number, order in memos}
        refused = {number for number, _, is_refused in orders if is_refused}
        told = {number: [ext] if ext else [] for number, ext, _ in orders}
        told |= {f"CM{number}": [] for number, _ in memos}
        for number, comment in on_memo:
            told[f"CM{number}"].append(comment.removeprefix("ERP document "))
        held: dict[str, list[Document]] = {}
        for document in self.erp.documents():
            held.setdefault(document.external, []).append(document)
        due = {ref for ref in told if order_of.get(ref, ref) not in refused}
        return Oracle(
            lost=sorted(due - set(held)),
            doubled=sorted(ref for ref, found in held.items() if len(found) > 1),
            wrongly_acknowledged=sorted(
                ref
                for ref, answers in told.items()
                if not set(answers) <= {document.number for document in held.get(ref, ())}
            ),
            unacknowledged=sorted(ref for ref in due if not told[ref]),
            orphaned=sorted(
                ref
                for ref, order in order_of.items()
                for memo in held.get(ref, ())
                if not any(_is_of(memo, document) for document in held.get(order, ()))
            ),
            mistold=sorted(
                [ref for ref, answers in told.items() if len(answers) > 1]
                + _unlike(
                    [f"Credit memo {number}: {comment}" for number, comment in on_memo],
                    [comment for (comment,) in on_order],
                )
            ),
        )


def _is_of(memo: Document, order: Document) -> bool:
    """Whether the ERP booked the credit memo of this order, and after it."""
    return memo.order == order.number and memo.created >= order.created


def _unlike(some: list[str], others: list[str]) -> list[str]:
    """What stands more often in the one than in the other."""
    counts, other_counts = Counter(some), Counter(others)
    return [*(counts - other_counts), *(other_counts - counts)]
