"""The prices domain."""

from __future__ import annotations

from sidecar.domains.prices.needs import INBOUND
from sidecar.domains.prices.news import NEWS
from sidecar.model.domain_spec import DomainSpec

SPEC = DomainSpec(
    name="prices",
    kind="price",
    noun="price",
    payload="price",
    events=(),
    tells=NEWS,
    inbound=INBOUND,
)
