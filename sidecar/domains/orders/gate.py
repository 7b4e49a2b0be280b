"""Rules that an order must pass before it may go to the ERP.

What a gate says begins with its name: `status` counts by it what waits where.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal

from sidecar.domains.orders.compare import HOLDED, Facts
from sidecar.domains.orders.memory import decoded_facts
from sidecar.ledger.events import GATE
from sidecar.model.money import rounded

DEFAULT = "default"

#: States and statuses of Magento in which an order waits, in words.
_WORDS: Mapping[str, str] = {
    "pending_payment": "the customer has begun the payment and not ended it",
    "payment_review": "the payment is under review",
    "fraud": "it is suspected of fraud",
}


class OrderGate:
    """`payment`: method → always | authorized | paid | never; `default` for the others.

    `wait_in`: the states and statuses in which an order waits whatever its payment.
    """

    def __init__(
        self, payment: Mapping[str, str], wait_in: Collection[str] = tuple(_WORDS)
    ) -> None:
        self._payment = payment
        self._wait_in = frozenset(wait_in)

    def closed(self, memory: str | None, *, held_by_us: bool) -> str | None:
        """Why a placement may not go yet, None when it may.

        An order that a person put on hold waits; one that we held because the ERP refused it does
        not, otherwise a requeue after the cause was corrected would never leave.
        """
        facts = decoded_facts(memory)
        if facts is None:
            return None
        if facts.state == HOLDED and not held_by_us:
            return f"{GATE}hold: the order is on hold in Magento"
        return self._under_way(facts) or self._unpaid(facts)

    def _under_way(self, facts: Facts) -> str | None:
        for name in (facts.state, facts.status):
            if name in self._wait_in:
                return f"{GATE}state: {name} in Magento: {_WORDS.get(name, 'such orders wait')}"
        return None

    def _unpaid(self, facts: Facts) -> str | None:
        method = facts.payment_method
        rule = self._payment.get(method, self._payment.get(DEFAULT, "always"))
        settled = facts.total_due <= Decimal(0) or facts.total_paid >= facts.grand_total
        if rule == "never":
            return f"{GATE}payment: orders paid by {method} are never sent"
        if rule == "paid" and not settled:
            return f"{GATE}payment: {method} must be paid, {rounded(facts.total_due)} are due"
        if rule == "authorized" and not (settled or facts.authorized):
            return f"{GATE}payment: {method} must be authorized first"
        return None
