"""The stock domain."""

from __future__ import annotations

from sidecar.domains.stock.events import EVENTS
from sidecar.domains.stock.needs import INBOUND, NEEDS, WATCHES
from sidecar.domains.stock.news import NEWS
from sidecar.model.domain_spec import DomainSpec

SPEC = DomainSpec(
    name="stock",
    kind="stock",
    noun="level",
    payload="stock",
    events=EVENTS,
    identity=("sku",),
    watches=WATCHES,
    needs=NEEDS,
    sentence="{quantity:f} of {sku} at source {source_code}, of stock {stocks}",
    tells=NEWS,
    inbound=INBOUND,
)
