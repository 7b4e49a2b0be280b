"""The domain of what becomes of an order in the ERP, opened beside Magento."""

from __future__ import annotations

from sidecar.domains.order_status.apply import OrderStatusApplier
from sidecar.domains.order_status.spec import SPEC
from sidecar.magento.applier import BesideMagento
from sidecar.magento.domain import RegisteredDomain
from sidecar.settings.lifecycle import read_lifecycle


def open_order_status(shop: BesideMagento) -> OrderStatusApplier:
    """Raises ConfigurationError for a lifecycle file that cannot be used."""
    return OrderStatusApplier(read_lifecycle(shop.settings.lifecycle), None)


DOMAIN = RegisteredDomain(SPEC, inbound=open_order_status)
