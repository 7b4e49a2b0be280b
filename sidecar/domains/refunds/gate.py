"""A refund whose money is not back yet waits."""

from __future__ import annotations

from sidecar.domains.refunds.spec import OPEN


class RefundGate:
    """See `sidecar.magento.domain.Gate`."""

    def closed(self, memory: str | None, *, held_by_us: bool) -> str | None:  # noqa: ARG002
        """Why it may not go yet."""
        if memory == OPEN:
            return "gate state: open in Magento: its money is not refunded yet"
        return None
