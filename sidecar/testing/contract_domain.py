"""What the conformance kit has to know of a domain: documents of it, and how they go to an ERP.

Another package's domain has a `ContractDomain` of its own; its adapter's tests override the kit's
fixture `domain`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from sidecar.domains.invoices.spec import SPEC as INVOICES_SPEC
from sidecar.domains.orders.payload import Order
from sidecar.domains.orders.spec import SPEC as ORDERS_SPEC
from sidecar.domains.refunds.spec import SPEC as REFUNDS_SPEC
from sidecar.magento.money_document import MoneyDocument
from sidecar.model.domain_spec import DomainSpec, Role
from sidecar.ports import Delivery, Link, Parent
from sidecar.testing import sample_documents, sample_order
from sidecar.testing.erpsim import DocumentKind

NUMBER = "000000042"

#: SKU, quantity and price of a line.
Sold = tuple[str, Decimal, Decimal]
Deliver = Callable[[Any, str, int, Link | None, Parent | None], Delivery]


@dataclass(frozen=True, slots=True)
class ContractDomain:
    """One domain as the kit's tests have it.

    `made_of`: the document that comes of a sample order; `ref_of`: a number's external reference;
    `sold`: the lines that an ERP is to book of a document.  `deliver`: payload, event type,
    sequence, link and parent on their way.  `kind`: what the simulator calls such a document.
    `parent`: the document that all of a test belong to, once the ERP has it.
    """

    spec: DomainSpec
    kind: DocumentKind
    made_of: Callable[[Order], msgspec.Struct]
    ref_of: Callable[[str], str]
    sold: Callable[[Any], Sequence[Sold]]
    deliver: Deliver
    parent: Parent | None = None

    @property
    def name(self) -> str:
        """As the configuration writes it."""
        return self.spec.name

    @property
    def opens(self) -> str:
        """The event that opens a document."""
        if self.spec.opening is None:
            raise ValueError(f"{self.name}: no event opens a document, and the kit begins with one")
        return self.spec.opening

    @property
    def ends(self) -> str | None:
        """The event that ends one, where there is one."""
        return next((event.type for event in self.spec.events if event.role is Role.ENDS), None)

    @property
    def ref(self) -> str:
        """The external reference of the document that most tests send."""
        return self.ref_of(NUMBER)

    def document(self, number: str = NUMBER, *, lines: int = 2) -> msgspec.Struct:
        """One of simple products."""
        return self.made_of(sample_order.simple_order(number, lines=lines))

    def opening(self, document: msgspec.Struct | str = NUMBER) -> Delivery:
        """The delivery that opens a document; of a number, of one of simple products."""
        payload = self.document(document) if isinstance(document, str) else document
        return self.deliver(payload, self.opens, 1, None, self.parent)

    def ending(self, event_type: str, link: Link) -> Delivery:
        """The delivery that ends the document that the ERP booked as `link`."""
        return self.deliver(self.document(), event_type, 2, link, self.parent)


def _order_on_its_way(
    order: Any, event_type: str, sequence: int, link: Link | None, _parent: Parent | None
) -> Delivery:
    return sample_order.delivery(order, event_type, sequence, link)


def _on_its_way_after_its_order(
    document: Any, event_type: str, sequence: int, link: Link | None, parent: Parent | None
) -> Delivery:
    if parent is None or not isinstance(parent.payload, Order) or parent.link is None:
        raise ValueError("such a document belongs to an order that the ERP has")
    order = parent.payload
    of_order = msgspec.structs.replace(
        document,
        order_id=order.entity_id,
        order_increment_id=order.increment_id,
        order_grand_total=order.grand_total,
    )
    return sample_documents.delivery(of_order, event_type, order, parent.link, sequence, link)


def _sold_of_order(order: Order) -> Sequence[Sold]:
    return [(item.sku, item.qty_ordered, item.price) for item in order.sellable_items]


def _sold_of_document(document: MoneyDocument) -> Sequence[Sold]:
    return [(item.sku, item.qty, item.price) for item in document.sellable_items]


ORDERS = ContractDomain(
    spec=ORDERS_SPEC,
    kind=DocumentKind.SALES_ORDER,
    made_of=lambda order: order,
    ref_of=lambda number: number,
    sold=_sold_of_order,
    deliver=_order_on_its_way,
)
REFUNDS = ContractDomain(
    spec=REFUNDS_SPEC,
    kind=DocumentKind.CREDIT_MEMO,
    made_of=lambda order: sample_documents.refund_of(order, order.increment_id),
    ref_of=lambda number: f"CM{number}",
    sold=_sold_of_document,
    deliver=_on_its_way_after_its_order,
)
INVOICES = ContractDomain(
    spec=INVOICES_SPEC,
    kind=DocumentKind.INVOICE,
    made_of=lambda order: sample_documents.invoice_of(order, order.increment_id),
    ref_of=lambda number: f"IN{number}",
    sold=_sold_of_document,
    deliver=_on_its_way_after_its_order,
)
CONTRACT_DOMAINS = (ORDERS, REFUNDS, INVOICES)
