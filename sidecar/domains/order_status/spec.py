"""The domain of what becomes of an order in the ERP; nothing of it leaves Magento."""

from __future__ import annotations

from sidecar.domains.order_status.news import NEWS
from sidecar.model.domain_spec import DomainSpec

SPEC = DomainSpec(
    name="order_status",
    kind="order_status",
    noun="order status",
    payload="order_status",
    events=(),
    tells=NEWS,
)
