"""The domains: what each is, in a folder of its own.  This is the only list of them."""

from __future__ import annotations

from sidecar.domains.orders.domain import DOMAIN as ORDERS
from sidecar.domains.refunds.domain import DOMAIN as REFUNDS
from sidecar.magento.domain import RegisteredDomain
from sidecar.model.domain_spec import DomainSpec

DOMAINS: tuple[RegisteredDomain, ...] = (ORDERS, REFUNDS)
SPECS: tuple[DomainSpec, ...] = tuple(domain.spec for domain in DOMAINS)
