"""The invoices that the ERP owns, opened beside Magento."""

from __future__ import annotations

from sidecar.domains.invoices.apply import InvoiceApplier
from sidecar.domains.invoices.spec import SPEC
from sidecar.magento.applier import BesideMagento, require_api
from sidecar.magento.invoice_maker import InvoiceMaker
from sidecar.magento.open_order import OpenOrders


def open_inbound(shop: BesideMagento) -> InvoiceApplier:
    """Raises ConfigurationError without `shop.api`."""
    maker = InvoiceMaker(require_api(shop, SPEC.name), shop.database, OpenOrders(shop.schema))
    return InvoiceApplier(maker, capture=shop.settings.capture)
