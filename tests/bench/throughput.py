"""A backlog of real orders (138 columns, five lines) from commit in Magento to acknowledged in
Magento, against an ERP that answers at once: server with fsync and binlog, ERP and daemon are three
processes on one machine.  The daemon is started as `erp-sidecar run` on a full outbox; time runs
from its first line in the log to the last write-back.  *Steady* is the rate between the first and
the last tenth.  *Bare loop* posts the same bodies to the same kind of ERP with nothing but
`requests` (a Session per thread, keep-alive), right before and right after, with as many threads.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from adapters.http.transport import Request
from sidecar.testing.erpsim import ErpSim
from tests.bench import bare_loop
from tests.bench.backlog import place_many
from tests.bench.report import Report, at_least, at_most
from tests.bench.scale import Scale
from tests.bench.stand import LEDGER, Stand, cpu_seconds, most_resident_mib

THREADS = 8
_FIRST_ORDERS = 300


def measure(report: Report, scale: Scale) -> None:
    """Fill `report`."""
    orders, rounds = scale.pick(3000, 600), scale.pick(3, 1)
    runs, shares, bare = [], [], []
    with Stand(concurrency=THREADS) as stand:
        report.server = stand.version
        # The first orders warm the server up and give the bare loop its bodies.
        drain(stand, _FIRST_ORDERS)
        sent = bare_loop.bodies(stand, _FIRST_ORDERS) * (orders // _FIRST_ORDERS)
        for _ in range(rounds):
            before = _bare(sent)
            run = drain(stand, orders)
            plain = (before + _bare(sent)) / 2
            runs.append(run)
            bare.append(plain)
            shares.append(100 * run.steady / plain)
    report.add(
        f"orders/s, {orders} orders, start to last acknowledgement",
        "/s",
        [run.overall for run in runs],
    )
    report.add("orders/s, steady", "/s", [run.steady for run in runs], at_least(250, "/s"))
    report.add(f"bare requests loop, {THREADS} threads", "/s", bare)
    report.add("share of the bare loop", "%", shares, at_least(25, "%"))
    report.add("processor time per order, daemon", "ms", [run.daemon_ms for run in runs])
    report.add("processor time per order, database server", "ms", [run.server_ms for run in runs])
    report.add("resident memory of the daemon", "MiB", [run.mib for run in runs],
               at_most(100, "MiB"))  # fmt: skip


class Run(msgspec.Struct, frozen=True):
    """One drained backlog: orders per second, processor time per order, most memory."""

    overall: float
    steady: float
    daemon_ms: float
    server_ms: float
    mib: float


def drain(stand: Stand, orders: int, seconds: float = 600) -> Run:
    """Place a backlog, start the daemon on it, wait for the last acknowledgement."""
    ((last,),) = stand.sql(f"SELECT COALESCE(MAX(id), 0) FROM {LEDGER}.write_back")
    stand.durable(False)
    place_many(stand.magento, orders)
    stand.durable(True)
    log = stand.folder / "sidecar.log"
    offset = log.stat().st_size if log.exists() else 0
    daemon = stand.start()
    stand.until(lambda: log.exists() and log.stat().st_size > offset, 60)
    used = cpu_seconds(daemon.pid), cpu_seconds(stand.server.pid)
    stand.until(lambda: stand.unacknowledged() == 0, seconds, every=0.5)
    using = cpu_seconds(daemon.pid), cpu_seconds(stand.server.pid)
    mib = most_resident_mib(daemon.pid)
    stand.stop(daemon)
    with log.open("rb") as lines:
        lines.seek(offset)
        started = datetime.fromisoformat(str(msgspec.json.decode(lines.readline())["ts"]))
    rows = stand.sql(
        f"SELECT applied_at FROM {LEDGER}.write_back WHERE id > %s AND state = 'applied' "
        "ORDER BY applied_at",
        last,
    )
    done = [moment.replace(tzinfo=UTC) for (moment,) in rows]
    tenth = len(done) // 10
    middle = (done[-tenth - 1] - done[tenth]).total_seconds()
    return Run(
        overall=len(done) / (done[-1] - started).total_seconds(),
        steady=(len(done) - 2 * tenth - 1) / middle,
        daemon_ms=1000 * (using[0] - used[0]) / orders,
        server_ms=1000 * (using[1] - used[1]) / orders,
        mib=mib,
    )


def _bare(sent: list[Request]) -> float:
    with ErpSim.start() as erp:
        return bare_loop.rate(erp.url, sent, THREADS)
