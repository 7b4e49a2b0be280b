"""The shipments that the ERP owns, opened beside Magento."""

from __future__ import annotations

from sidecar.domains.shipments.apply import ShipmentApplier
from sidecar.domains.shipments.spec import SPEC
from sidecar.magento.applier import BesideMagento, require_api
from sidecar.magento.open_order import OpenOrders


def open_inbound(shop: BesideMagento) -> ShipmentApplier:
    """Raises ConfigurationError without `shop.api`."""
    return ShipmentApplier(
        require_api(shop, SPEC.name),
        shop.database,
        OpenOrders(shop.schema),
        notify=shop.settings.notify,
    )
