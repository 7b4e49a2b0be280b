"""The business facts of the refunds domain."""

from __future__ import annotations

from typing import Final

from sidecar.domains.refunds.payload import Refund
from sidecar.model.domain_spec import EventSpec, Role

REFUND_ISSUED: Final = "refund.issued"
REFUND_CANCELED: Final = "refund.canceled"

EVENTS = (
    # Told again where its data was corrected: what was parked or refused is tried anew with it.
    EventSpec(REFUND_ISSUED, Role.OPENS, Refund, revives=True),
    EventSpec(REFUND_CANCELED, Role.ENDS, Refund, announced=False),
)
