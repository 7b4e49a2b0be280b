"""The stock domain."""

from __future__ import annotations

from sidecar.domains.stock.needs import INBOUND
from sidecar.domains.stock.news import NEWS
from sidecar.model.domain_spec import DomainSpec

SPEC = DomainSpec(
    name="stock",
    kind="stock",
    noun="stock level",
    payload="stock",
    events=(),
    tells=NEWS,
    inbound=INBOUND,
)
