"""Orders that are placed while 20,000 refunds and 100,000 events of another package's domain wait
for the same ERP account, which takes one call at a time and 100 ms for each.  Orders are placed as
Magento does, one at a time at random moments; the time runs until the ERP receives the order's
call: from the moment at which its event is in the ledger, and, for information, from the return of
the checkout's COMMIT, which the look into the outbox comes on top of (`capture.poll`).  The events
that wait are written into the tables before the daemon starts; nothing else is preset otherwise.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from sidecar.testing.magento_db import Shop
from tests.bench.backlog import FIVE_ITEMS, sell
from tests.bench.report import Report, at_least, at_most, percentile
from tests.bench.scale import Scale
from tests.bench.stand import LEDGER, Stand
from tests.waiting import PACKAGE, calls_beside, copy_waiting

CALL_MS = 100
GRACE_MS = 250
_DOMAINS = """\
refunds: {}
further: {payments: {ref: "PAY{increment_id}"}}
"""
#: The first calls of a process connect, and warm the server up.
_FIRST_CALLS = 30
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def measure(report: Report, scale: Scale) -> None:
    """Fill `report`."""
    orders = scale.pick(100, 20)
    refunds, payments = scale.pick(20_000, 2_000), scale.pick(100_000, 10_000)
    with (
        _other_package(),
        Stand(concurrency=1, latency_ms=CALL_MS, domains=_DOMAINS, calls=calls_beside) as stand,
    ):
        report.server = stand.version
        _fill(stand, refunds, payments)
        daemon = stand.start()
        stand.until(lambda: len(stand.erp.requests()) >= _FIRST_CALLS, 120)
        first = len(stand.erp.requests())
        committed = sell(stand.magento, orders, 0.4, 1.2)
        stand.until(lambda: len(_arrivals(stand).keys() & committed.keys()) == orders, 120)
        others = [one.external[0][:2] for one in stand.erp.requests()[first:] if one.external]
        stand.stop(daemon)
        arrived, written = _arrivals(stand), _written(stand)
    from_event = [1000 * (arrived[one] - written[one]) for one in committed]
    from_commit = [1000 * (arrived[one] - committed[one]) for one in committed]
    limit = at_most(CALL_MS + GRACE_MS, "ms")
    report.add(
        "event in the ledger to call at the ERP, median", "ms", [percentile(from_event, 0.5)]
    )
    report.add("… the longest", "ms", [max(from_event)], limit)
    report.add("commit in Magento to call at the ERP, median", "ms", [percentile(from_commit, 0.5)])
    report.add("… the longest", "ms", [max(from_commit)])
    behind = others.count("CM") + others.count("PA")
    report.add("calls of payments, of those that no order made", "%",
               [100 * others.count("PA") / behind], at_least(9, "%"))  # fmt: skip
    report.note(
        f"{orders} orders; {refunds} refunds and {payments} payments waited, {behind} of them went."
    )


@contextmanager
def _other_package() -> Iterator[None]:
    """The daemons that are started meanwhile find the package with the payments."""
    before = os.environ.get("PYTHONPATH")
    project = str(PACKAGE.parents[1])
    os.environ["PYTHONPATH"] = os.pathsep.join((str(PACKAGE), project))
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before


def _fill(stand: Stand, refunds: int, payments: int) -> None:
    """One order with its invoice and its refund goes the whole way; the rest are copies."""
    stand.durable(False)
    with Shop(stand.magento) as shop:
        order = shop.place(FIVE_ITEMS)
        shop.invoice(order.entity_id)
        shop.refund(order.entity_id)
    for _ in range(2):
        stand.sidecar("run", "--once")
    copy_waiting(stand.magento, LEDGER, "sales_creditmemo", "creditmemo", refunds)
    copy_waiting(stand.magento, LEDGER, "sales_invoice", "payment", payments)
    stand.durable(True)


def _arrivals(stand: Stand) -> dict[str, float]:
    """When the ERP received each document's first call."""
    arrived: dict[str, float] = {}
    for one in stand.erp.requests():
        for external in one.external:
            arrived.setdefault(external, (one.time - _EPOCH).total_seconds())
    return arrived


def _written(stand: Stand) -> dict[str, float]:
    """When each order's event was written into the ledger."""
    rows = stand.sql(f"SELECT number, created_at FROM {LEDGER}.event WHERE type = 'order.placed'")
    return {number: (at.replace(tzinfo=UTC) - _EPOCH).total_seconds() for number, at in rows}
