"""The stock domain, opened beside a shop."""

from __future__ import annotations

from sidecar.domains.stock.applier import open_stock
from sidecar.domains.stock.spec import SPEC
from sidecar.magento.domain import RegisteredDomain

DOMAIN = RegisteredDomain(SPEC, inbound=open_stock)
