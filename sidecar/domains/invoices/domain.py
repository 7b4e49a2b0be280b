"""The invoices domain, opened beside a shop."""

from __future__ import annotations

from sidecar.domains.invoices.spec import SPEC
from sidecar.magento.domain import RegisteredDomain

DOMAIN = RegisteredDomain(SPEC)
