"""The prices domain, opened beside a shop."""

from __future__ import annotations

from sidecar.domains.prices.applier import open_prices
from sidecar.domains.prices.spec import SPEC
from sidecar.magento.domain import RegisteredDomain

DOMAIN = RegisteredDomain(SPEC, inbound=open_prices)
