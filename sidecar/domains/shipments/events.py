"""The business facts of the shipments domain."""

from __future__ import annotations

from typing import Final

from sidecar.domains.shipments.payload import Shipment
from sidecar.model.domain_spec import EventSpec, Role

SHIPMENT_CREATED: Final = "shipment.created"
SHIPMENT_TRACKED: Final = "shipment.tracked"

EVENTS = (
    # Told again where its data was corrected: what was parked or refused is tried anew with it.
    EventSpec(SHIPMENT_CREATED, Role.OPENS, Shipment, revives=True),
    # It carries all tracks: an older one that was not sent is history.  A trigger points at a track
    # that is added; one that is changed or removed the sweep alone finds.
    EventSpec(
        SHIPMENT_TRACKED, Role.CHANGES, Shipment, replaces=True, revives=True, announced=False
    ),
)
