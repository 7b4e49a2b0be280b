"""An event as the file of calls knows it: with the reference under which it is sent."""

from __future__ import annotations

from sidecar.model.columns import Text50
from sidecar.model.event import Event
from sidecar.ports import Delivery


class SentEvent(Event, frozen=True, kw_only=True):
    """`ref`: our external reference, of each event where a call carries several."""

    ref: Text50


def sent_event(delivery: Delivery) -> SentEvent:
    """The event of a delivery, with its reference."""
    fields = {name: getattr(delivery.event, name) for name in Event.__struct_fields__}
    return SentEvent(**fields, ref=delivery.ref)
