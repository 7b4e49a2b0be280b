"""A quiet shop: how soon after its COMMIT an order is booked in the ERP, and what waiting costs.

Orders are placed as Magento does, one about every half second at random moments; the time is from
the return of the checkout's COMMIT to the ERP's booking, by one clock.  Before, the same daemon is
left alone for a while: its processor time is that of polling.  Both with the shipped defaults.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

from tests.bench.backlog import sell
from tests.bench.report import Report, at_most, percentile
from tests.bench.scale import Scale
from tests.bench.stand import Stand, cpu_seconds


def measure(report: Report, scale: Scale) -> None:
    """Fill `report`."""
    orders, idle_seconds = scale.pick(240, 60), scale.pick(60, 15)
    with Stand() as stand:
        report.server = stand.version
        daemon = stand.start()
        _place_and_wait(stand, 20)
        idle, idle_server = _idle_share(daemon.pid, stand.server.pid, idle_seconds)
        waits = _place_and_wait(stand, orders)
        stand.stop(daemon)
    report.add("commit in Magento to booked in the ERP, median", "ms", [percentile(waits, 0.5)],
               at_most(200, "ms"))  # fmt: skip
    report.add("… 99 of 100", "ms", [percentile(waits, 0.99)], at_most(400, "ms"))
    report.add("… the longest", "ms", [max(waits)])
    report.add("processor when idle, daemon, of a core", "%", [idle], at_most(1, "%"))
    report.add("processor when idle, database server, of a core", "%", [idle_server])


def _place_and_wait(stand: Stand, orders: int) -> list[float]:
    """Milliseconds from commit to booking, per order."""
    committed = sell(stand.magento, orders, 0.2, 0.8)
    stand.until(lambda: stand.unacknowledged() == 0, 60)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return [
        1000 * ((document.created - epoch).total_seconds() - committed[document.external])
        for document in stand.erp.documents()
        if document.external in committed
    ]


def _idle_share(daemon: int, server: int, seconds: float) -> tuple[float, float]:
    """Percent of a core that daemon and server use meanwhile."""
    before = cpu_seconds(daemon), cpu_seconds(server)
    started = time.monotonic()
    time.sleep(seconds)
    passed = time.monotonic() - started
    return (
        100 * (cpu_seconds(daemon) - before[0]) / passed,
        100 * (cpu_seconds(server) - before[1]) / passed,
    )
