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

from sidecar.testing.erpsim import ErpSim
from tests.bench import bare_loop
from tests.bench.backlog import place_many
from tests.bench.report import Report, at_least
from tests.bench.scale import Scale
from tests.bench.stand import LEDGER, Stand, cpu_seconds

THREADS = 8
_FIRST_ORDERS = 300


def measure(report: Report, scale: Scale) -> None:
    """Fill `report`."""
    orders, rounds = scale.pick(3000, 600), scale.pick(3, 1)
    overall, steady, shares, bare, cpu = [], [], [], [], []
    with Stand(concurrency=THREADS) as stand:
        report.server = stand.version
        # The first orders warm the server up and give the bare loop its bodies.
        drain(stand, _FIRST_ORDERS)
        sent = bare_loop.bodies(stand, _FIRST_ORDERS) * (orders // _FIRST_ORDERS)
        for _ in range(rounds):
            before = _bare(sent)
            run = drain(stand, orders)
            plain = (before + _bare(sent)) / 2
            overall.append(run.overall)
            steady.append(run.steady)
            bare.append(plain)
            shares.append(100 * run.steady / plain)
            cpu.append(run.daemon_cpu / orders * 1000)
    report.add(f"orders/s, {orders} orders, start to last acknowledgement", "/s", overall)
    report.add("orders/s, steady", "/s", steady, at_least(250, "/s"))
    report.add(f"bare requests loop, {THREADS} threads", "/s", bare)
    report.add("share of the bare loop", "%", shares, at_least(25, "%"))
    report.add("processor time of the daemon per order", "ms", cpu)


class Run(msgspec.Struct, frozen=True):
    """One drained backlog: orders per second, processor seconds of the daemon."""

    overall: float
    steady: float
    daemon_cpu: float


def drain(stand: Stand, orders: int, seconds: float = 600) -> Run:
    """Place a backlog, start the daemon on it, wait for the last acknowledgement."""
    ((last,),) = stand.sql(f"SELECT COALESCE(MAX(id), 0) FROM {LEDGER}.write_back")
    stand.durable(False)
    place_many(stand.magento, orders)
    stand.durable(True)
    log = stand.folder / "sidecar.log"
    offset = log.stat().st_size if log.exists() else 0
    daemon = stand.start()
    stand.until(lambda: stand.unacknowledged() == 0, seconds, every=0.5)
    used = cpu_seconds(daemon.pid)
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
        daemon_cpu=used,
    )


def _bare(sent: list[bare_loop.Request]) -> float:
    with ErpSim.start() as erp:
        return bare_loop.rate(erp.url, sent, THREADS)
