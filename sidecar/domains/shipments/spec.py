"""The shipments domain."""

from __future__ import annotations

from sidecar.domains.shipments.events import EVENTS
from sidecar.domains.shipments.invariants import problems_of
from sidecar.domains.shipments.needs import NEEDS, WATCHES
from sidecar.domains.shipments.news import NEWS
from sidecar.model.domain_spec import DomainSpec

SPEC = DomainSpec(
    name="shipments",
    kind="shipment",
    noun="shipment",
    payload="shipment",
    events=EVENTS,
    watches=WATCHES,
    needs=NEEDS,
    parent="order",
    priority=3,
    sentence="of order {order}, {total_qty:.2f} piece(s) in {lines} line(s), {tracks} track(s), "
    "from source {source_code}, shipped {created_at}",
    problems=problems_of,
    tells=NEWS,
)
