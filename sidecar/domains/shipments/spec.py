"""The shipments domain."""

from __future__ import annotations

from sidecar.domains.shipments.news import NEWS
from sidecar.model.domain_spec import DomainSpec

SPEC = DomainSpec(
    name="shipments",
    kind="shipment",
    noun="shipment",
    payload="shipment",
    events=(),
    tells=NEWS,
)
