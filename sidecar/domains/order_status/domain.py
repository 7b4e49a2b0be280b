"""The order_status domain, opened beside a shop."""

from __future__ import annotations

from sidecar.domains.order_status.spec import SPEC
from sidecar.magento.domain import RegisteredDomain

DOMAIN = RegisteredDomain(SPEC)
