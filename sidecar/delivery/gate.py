"""Rules that an order must pass before it may go to the ERP."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from sidecar.domain.event import EventType
from sidecar.domain.lifecycle import HOLDED, Facts
from sidecar.domain.money import rounded

DEFAULT = "default"


class Gate:
    """`payment`: method → always | authorized | paid | never; `default` for the others."""

    def __init__(self, payment: Mapping[str, str]) -> None:
        self._payment = payment

    def closed(self, event_type: EventType, facts: Facts | None, *, held_by_us: bool) -> str | None:
        """Why the event may not go yet, None when it may.

        Only a placement is gated: what the ERP already has must hear of changes at once.  An
        order that a human put on hold waits; one that we held because the ERP refused it does not,
        otherwise a requeue after the cause was mended would never leave.
        """
        if event_type is not EventType.ORDER_PLACED or facts is None:
            return None
        if facts.state == HOLDED and not held_by_us:
            return "gate: the order is on hold in Magento"
        return self._unpaid(facts)

    def _unpaid(self, facts: Facts) -> str | None:
        method = facts.payment_method
        rule = self._payment.get(method, self._payment.get(DEFAULT, "always"))
        settled = facts.total_due <= Decimal(0) or facts.total_paid >= facts.grand_total
        authorized = (
            settled or facts.has_transaction or facts.amount_authorized > 0 or facts.total_paid > 0
        )
        if rule == "never":
            return f"gate payment: orders paid by {method} are never sent"
        if rule == "paid" and not settled:
            return f"gate payment: {method} must be paid, {rounded(facts.total_due)} are due"
        if rule == "authorized" and not authorized:
            return f"gate payment: {method} must be authorized first"
        return None
