"""Compare what the ERP says it booked with what was sent: a silent loss is found at once.

Submitted totals are never honoured by real ERPs, prices are cut, taxes dropped, lines lost, each
time with an OK (facts: real-erps.md).
"""

from __future__ import annotations

from decimal import Decimal

from sidecar.domain.order import Order
from sidecar.domain.outcome import Booked
from sidecar.domain.settlement import Difference
from sidecar.ports import Tolerances


def differences(order: Order, booked: Booked, tolerances: Tolerances) -> tuple[Difference, ...]:
    """What does not agree; figures that the ERP did not answer are not compared."""
    found = [
        _amount("total", order.grand_total, booked.total, tolerances.total),
        _amount("tax", order.tax_amount, booked.tax, tolerances.tax),
        _lines(order, booked) if tolerances.lines_exact else None,
    ]
    return tuple(difference for difference in found if difference)


def _amount(
    kind: str, ours: Decimal, theirs: Decimal | None, tolerance: Decimal
) -> Difference | None:
    if theirs is None or abs(theirs - ours) <= tolerance:
        return None
    return Difference(kind, _plain(ours), _plain(theirs), abs(theirs - ours))


def _lines(order: Order, booked: Booked) -> Difference | None:
    ours = len(order.sellable_items)
    if booked.lines is None or booked.lines == ours:
        return None
    return Difference("lines", str(ours), str(booked.lines))


def _plain(amount: Decimal) -> str:
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
