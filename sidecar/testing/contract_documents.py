"""The documents that the conformance kit sends: orders, refunds, invoices and shipments."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from sidecar.domains.invoices.events import INVOICE_ISSUED
from sidecar.domains.invoices.spec import SPEC as INVOICES_SPEC
from sidecar.domains.orders.events import ORDER_PLACED
from sidecar.domains.orders.payload import Order
from sidecar.domains.orders.spec import SPEC as ORDERS_SPEC
from sidecar.domains.refunds.events import REFUND_ISSUED
from sidecar.domains.refunds.spec import SPEC as REFUNDS_SPEC
from sidecar.domains.shipments.events import SHIPMENT_CREATED
from sidecar.domains.shipments.payload import Shipment
from sidecar.domains.shipments.spec import SPEC as SHIPMENTS_SPEC
from sidecar.magento.money_document import MoneyDocument
from sidecar.testing import sample_documents
from sidecar.testing.contract_domain import ContractDomain
from sidecar.testing.erpsim import DocumentKind

#: SKU, quantity and price of a line.
Sold = tuple[str, Decimal, Decimal]

#: Misbehaviours that change what a document is worth.
FIGURES = (
    "drop_line", "drop_price", "drop_tax", "cut_price", "round_quantity", "rounded_total",
)  # fmt: skip


def _sold_of_order(order: Order) -> Sequence[Sold]:
    return [(item.sku, item.qty_ordered, item.price) for item in order.sellable_items]


def _sold_of_document(document: MoneyDocument) -> Sequence[Sold]:
    return [(item.sku, item.qty, item.price) for item in document.sellable_items]


def _shipped(shipment: Shipment) -> Sequence[Sold]:
    return [(item.sku, item.qty, Decimal(0)) for item in shipment.items]


ORDERS = ContractDomain(
    spec=ORDERS_SPEC,
    opens=ORDER_PLACED,
    kind=DocumentKind.SALES_ORDER,
    made_of=lambda order: order,
    ref_of=lambda number: number,
    facts=_sold_of_order,
)
REFUNDS = ContractDomain(
    spec=REFUNDS_SPEC,
    opens=REFUND_ISSUED,
    kind=DocumentKind.CREDIT_MEMO,
    made_of=lambda order: sample_documents.refund_of(order, order.increment_id),
    ref_of=lambda number: f"CM{number}",
    facts=_sold_of_document,
)
INVOICES = ContractDomain(
    spec=INVOICES_SPEC,
    opens=INVOICE_ISSUED,
    kind=DocumentKind.INVOICE,
    made_of=lambda order: sample_documents.invoice_of(order, order.increment_id),
    ref_of=lambda number: f"IN{number}",
    facts=_sold_of_document,
)
SHIPMENTS = ContractDomain(
    spec=SHIPMENTS_SPEC,
    opens=SHIPMENT_CREATED,
    kind=DocumentKind.SHIPMENT,
    made_of=lambda order: sample_documents.shipment_of(order, order.increment_id),
    ref_of=lambda number: f"SH{number}",
    facts=_shipped,
    unplayed=dict.fromkeys(FIGURES, "a shipment has no money, and its answer is not compared"),
)
DOCUMENTS = (ORDERS, REFUNDS, INVOICES, SHIPMENTS)
