"""A backlog against an ERP that takes 50 ms for each call and eight connections: it can take 160
orders a second, and the sidecar should keep it that busy.  *Steady* is the rate between the first
and the last tenth of the orders, as the ERP booked them.
"""

from __future__ import annotations

from tests.bench.report import Report, at_least
from tests.bench.scale import Scale
from tests.bench.stand import Stand
from tests.bench.throughput import drain

LATENCY_MS = 50
CONNECTIONS = 8


def measure(report: Report, scale: Scale) -> None:
    """Fill `report`."""
    orders, rounds = scale.pick(2000, 500), scale.pick(3, 1)
    possible = CONNECTIONS * 1000 / LATENCY_MS
    shares, acknowledged = [], []
    with Stand(concurrency=CONNECTIONS, latency_ms=LATENCY_MS) as stand:
        report.server = stand.version
        for _ in range(rounds):
            before = len(stand.erp.documents())
            run = drain(stand, orders)
            booked = sorted(document.created for document in stand.erp.documents())[before:]
            tenth = orders // 10
            middle = booked[tenth:-tenth]
            seconds = (middle[-1] - middle[0]).total_seconds()
            shares.append(100 * (len(middle) - 1) / seconds / possible)
            acknowledged.append(run.steady)
    report.add(
        f"share of the {possible:.0f}/s that the ERP can take", "%", shares, at_least(90, "%")
    )
    report.add("orders/s acknowledged in Magento, steady", "/s", acknowledged)
