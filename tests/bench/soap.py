"""The same as `throughput`, with an ERP that speaks SOAP (document/literal, SOAP 1.1).  *Bare loop*
calls the same operation of the same kind of ERP with nothing but zeep (a client and a Session per
thread, keep-alive, the arguments ready as Python values), right before and right after, with as
many threads: it writes the envelope, sends it and reads the answer, as we do.
"""

from __future__ import annotations

from tests.bench import bare_zeep
from tests.bench.report import Report, at_least
from tests.bench.scale import Scale
from tests.bench.stand import Stand
from tests.bench.throughput import THREADS, drain

_FIRST_ORDERS = 300


def measure(report: Report, scale: Scale) -> None:
    """Fill `report`."""
    orders, rounds = scale.pick(3000, 600), scale.pick(3, 1)
    runs, shares, bare = [], [], []
    with Stand(soap=True, concurrency=THREADS) as stand:
        report.server = stand.version
        drain(stand, _FIRST_ORDERS)
        sent = bare_zeep.arguments(stand, _FIRST_ORDERS) * (orders // _FIRST_ORDERS)
        for _ in range(rounds):
            before = bare_zeep.rate(sent, THREADS)
            run = drain(stand, orders)
            plain = (before + bare_zeep.rate(sent, THREADS)) / 2
            runs.append(run)
            bare.append(plain)
            shares.append(100 * run.steady / plain)
    report.add("orders/s, steady", "/s", [run.steady for run in runs], at_least(120, "/s"))
    report.add(f"bare zeep loop, {THREADS} threads", "/s", bare)
    report.add("share of the bare loop", "%", shares, at_least(45, "%"))
    report.add("processor time per order, daemon", "ms", [run.daemon_ms for run in runs])
    report.add("resident memory of the daemon", "MiB", [run.mib for run in runs])
