"""The refunds that the ERP owns, opened beside Magento."""

from __future__ import annotations

from sidecar.domains.refunds.apply import RefundApplier
from sidecar.domains.refunds.spec import SPEC
from sidecar.magento.applier import BesideMagento, require_api
from sidecar.magento.open_order import OpenOrders


def open_inbound(shop: BesideMagento) -> RefundApplier:
    """Raises ConfigurationError without `shop.api`."""
    api = require_api(shop, SPEC.name)
    return RefundApplier(api, shop.database, OpenOrders(shop.schema))
