"""An event as the file of calls knows it: with what stands beside it where a call carries one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sidecar.model.columns import Text50
from sidecar.model.event import Event
from sidecar.ports import Delivery, Link


class SentEvent(Event, frozen=True, kw_only=True):
    """For calls that carry several: each has our external reference of its own, `ref`.

    `posting_date`: the moment on whose day it is to be posted.

    `parent` and `parent_link`: the document that its own belongs to, and what the ERP called that.
    """

    ref: Text50
    posting_date: datetime
    parent: Any = None
    parent_link: Link | None = None


def sent_event(delivery: Delivery) -> SentEvent:
    """The event of a delivery, with what it has beside it."""
    fields = {name: getattr(delivery.event, name) for name in Event.__struct_fields__}
    above = delivery.parent
    return SentEvent(
        **fields,
        ref=delivery.ref,
        posting_date=delivery.posting_date or delivery.event.time,
        parent=above.payload if above else None,
        parent_link=above.link if above else None,
    )
