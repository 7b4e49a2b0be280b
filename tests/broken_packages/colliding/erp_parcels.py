"""A domain that claims the kind of a shipped one."""

from __future__ import annotations

from sidecar.magento.domain import Beside, Parts, RegisteredDomain
from sidecar.model.domain_spec import DomainSpec

SPEC = DomainSpec("parcels", "order", "parcel", "parcel", ())


def open_parcels(shop: Beside) -> Parts:
    raise NotImplementedError("nobody opens it")


DOMAIN = RegisteredDomain(SPEC, open_parcels)
