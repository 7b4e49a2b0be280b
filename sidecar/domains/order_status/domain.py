"""The domain of what becomes of an order in the ERP, opened beside Magento."""

from __future__ import annotations

from sidecar.domains.order_status.apply import OrderStatusApplier
from sidecar.domains.order_status.spec import SPEC
from sidecar.magento.applier import BesideMagento, require_api
from sidecar.magento.domain import RegisteredDomain
from sidecar.magento.invoice_maker import InvoiceMaker
from sidecar.magento.open_order import OpenOrders
from sidecar.settings.lifecycle import read_lifecycle


def open_order_status(shop: BesideMagento) -> OrderStatusApplier:
    """Raises ConfigurationError for a lifecycle file that cannot be used.

    And for one that makes invoices, without `shop.api`.
    """
    lifecycle = read_lifecycle(shop.settings.lifecycle)
    invoices = None
    if any("invoice" in state.do for state in lifecycle.states.values()):
        api = require_api(shop, SPEC.name)
        invoices = InvoiceMaker(api, shop.database, OpenOrders(shop.schema))
    return OrderStatusApplier(lifecycle, invoices)


DOMAIN = RegisteredDomain(SPEC, inbound=open_order_status)
