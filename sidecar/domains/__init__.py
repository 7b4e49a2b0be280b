"""The domains: what each is, in a folder of its own.  This is the only list of them."""

from __future__ import annotations

from sidecar.domains.orders.spec import SPEC as ORDERS
from sidecar.model.domain_spec import DomainSpec

DOMAINS: tuple[DomainSpec, ...] = (ORDERS,)
