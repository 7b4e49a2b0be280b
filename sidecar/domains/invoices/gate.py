"""An invoice that is not paid yet goes all the same, or waits: as the configuration says."""

from __future__ import annotations

from typing import Literal

from sidecar.domains.invoices.spec import OPEN


class InvoiceGate:
    """See `sidecar.magento.domain.Gate`; `payment`: when an invoice may go."""

    def __init__(self, payment: Literal["always", "paid"]) -> None:
        self._payment = payment

    def closed(self, memory: str | None, *, held_by_us: bool) -> str | None:  # noqa: ARG002
        """Why it may not go yet."""
        if self._payment == "paid" and memory == OPEN:
            return "gate payment: open in Magento: it is not paid yet"
        return None
