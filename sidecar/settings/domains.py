"""The sections of the domains: what is carried, which way, at which pace, by which rules.

Attribute names are the keys of the file; see `sidecar.settings.schema`.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from sidecar.settings.domain import Answered, Carried, Domain
from sidecar.settings.fields import Section, Slug
from sidecar.settings.inbound import (
    Calendar,
    Invoices,
    OrderStatuses,
    Prices,
    Refunds,
    Shipments,
    Stock,
)
from sidecar.settings.master_data import Customers, Products
from sidecar.settings.orders import Orders

_WRITTEN = " Carried where this section is written."


class Domains(Section):
    """What is carried. Each domain has its own owner, pace and rules."""

    orders: Orders = Field(default=Orders(), description="Orders, from Magento to the ERP.")
    refunds: Refunds = Field(
        default=Refunds(enabled=False),
        description="Refunds (credit memos), from Magento to the ERP, each after its order; or, "
        "with owner: erp, from the ERP to Magento." + _WRITTEN,
    )
    invoices: Invoices = Field(
        default=Invoices(enabled=False),
        description="Invoices, from Magento to the ERP, each after its order; or, with owner: erp, "
        "from the ERP to Magento." + _WRITTEN,
    )
    shipments: Shipments = Field(
        default=Shipments(enabled=False),
        description="Shipments, from the ERP or the warehouse to Magento; or, with owner: magento, "
        "from Magento to the ERP." + _WRITTEN,
    )
    customers: Customers = Field(
        default=Customers(enabled=False),
        description="Customers, from Magento to the ERP." + _WRITTEN,
    )
    products: Products = Field(
        default=Products(enabled=False),
        description="Products, from Magento to the ERP." + _WRITTEN,
    )
    stock: Stock = Field(
        default=Stock(enabled=False),
        description="Quantities, from the ERP or the warehouse to Magento; or, with owner: "
        "magento, what Magento sells and has, to the ERP." + _WRITTEN,
    )
    prices: Prices = Field(
        default=Prices(enabled=False),
        description="Prices, from the ERP to Magento; or, with owner: magento, the other way."
        + _WRITTEN,
    )
    order_status: OrderStatuses = Field(
        default=OrderStatuses(enabled=False),
        description="What becomes of an order in the ERP after it was accepted." + _WRITTEN,
    )
    calendar: Calendar = Field(
        default=Calendar(enabled=False),
        description="Which months the ERP has closed for posting: docs/calendar.md." + _WRITTEN,
    )
    further: Mapping[Slug, Answered] = Field(
        default={},
        description="Domains of other packages (entry points erp_sidecar.domains), by name.",
        examples=["{warranties: {batch: 10}}"],
    )

    def path(self, name: str) -> tuple[str, ...]:
        """Where a domain's section stands in the file."""
        return ("domains", "further", name) if name in self.further else ("domains", name)

    def enabled(self) -> Mapping[str, Carried]:
        """The enabled domains' sections, by name."""
        own = {name: getattr(self, name) for name in type(self).model_fields if name != "further"}
        return {name: one for name, one in {**own, **self.further}.items() if one.enabled}

    def carried(self) -> Mapping[str, Domain]:
        """Those of them that Magento owns: they go to the ERP."""
        return {
            name: one
            for name, one in self.enabled().items()
            if isinstance(one, Domain) and one.owner == "magento"
        }

    def told(self) -> Mapping[str, Carried]:
        """Those of them that the ERP owns: its word comes into Magento."""
        return {name: one for name, one in self.enabled().items() if one.owner == "erp"}
