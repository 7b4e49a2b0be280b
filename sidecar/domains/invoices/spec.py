"""The invoices domain."""

from __future__ import annotations

from sidecar.domains.invoices.news import NEWS
from sidecar.model.domain_spec import DomainSpec

SPEC = DomainSpec(
    name="invoices",
    kind="invoice",
    noun="invoice",
    payload="invoice",
    events=(),
    tells=NEWS,
)
