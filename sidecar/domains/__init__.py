"""The domains: what each is, in a folder of its own.  This is the only list of them."""

from __future__ import annotations

from sidecar.domains.calendar.domain import DOMAIN as CALENDAR
from sidecar.domains.customers.domain import DOMAIN as CUSTOMERS
from sidecar.domains.invoices.domain import DOMAIN as INVOICES
from sidecar.domains.order_status.domain import DOMAIN as ORDER_STATUS
from sidecar.domains.orders.domain import DOMAIN as ORDERS
from sidecar.domains.prices.domain import DOMAIN as PRICES
from sidecar.domains.products.domain import DOMAIN as PRODUCTS
from sidecar.domains.refunds.domain import DOMAIN as REFUNDS
from sidecar.domains.shipments.domain import DOMAIN as SHIPMENTS
from sidecar.domains.stock.domain import DOMAIN as STOCK
from sidecar.magento.domain import RegisteredDomain
from sidecar.model.domain_spec import DomainSpec

DOMAINS: tuple[RegisteredDomain, ...] = (
    ORDERS,
    REFUNDS,
    INVOICES,
    SHIPMENTS,
    CUSTOMERS,
    PRODUCTS,
    STOCK,
    PRICES,
    ORDER_STATUS,
    CALENDAR,
)
SPECS: tuple[DomainSpec, ...] = tuple(domain.spec for domain in DOMAINS)
