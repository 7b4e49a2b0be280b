"""Resident memory of the daemon while 1,000,000 events are pending and it drains them, with an ERP
that answers at once.  Sampled four times a second from /proc; what counts is the largest sample.
The events that can be reached in that time carry a real order's payload, the others a short one, to
fit on a disk.
"""

from __future__ import annotations

import time

from sidecar.ledger.tables import LedgerNames
from tests.bench.ledger_rows import SAMPLE, STUB, add_pending
from tests.bench.report import Report, at_most
from tests.bench.scale import Scale
from tests.bench.stand import LEDGER, Stand, resident_mib

_MOST_PER_SECOND = 1500


def measure(report: Report, scale: Scale) -> None:
    """Fill `report`."""
    events, seconds = scale.pick(1_000_000, 50_000), scale.pick(120, 20)
    names = LedgerNames(LEDGER)
    with Stand() as stand:
        report.server = stand.version
        stand.durable(False)
        with stand.server.connect() as connection:
            connection.cursor().execute("SET SESSION sql_log_bin = 0")
            reached = seconds * _MOST_PER_SECOND
            add_pending(connection, names, reached, SAMPLE)
            add_pending(connection, names, events - reached, STUB)
        stand.durable(True)
        begun = time.monotonic()
        daemon = stand.start()
        stand.until(lambda: bool(stand.erp.requests()), 300)
        first = time.monotonic() - begun
        samples = []
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            samples.append(resident_mib(daemon.pid))
            time.sleep(0.25)
        booked = len(stand.erp.documents())
        stand.stop(daemon)
    report.add(f"resident memory, {events:,} pending", "MiB", [max(samples)], at_most(100, "MiB"))
    report.add("… in the first quarter", "MiB", [max(samples[: len(samples) // 4])])
    report.add("… in the last quarter", "MiB", [max(samples[-len(samples) // 4 :])])
    report.add("start of the daemon to the ERP's first order", "s", [first])
    report.add("orders/s booked meanwhile", "/s", [booked / seconds])
