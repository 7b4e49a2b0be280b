"""An invoice's arithmetic, figures and gate without a database."""

from __future__ import annotations

from decimal import Decimal

import pytest

from sidecar.domains.invoices.gate import InvoiceGate
from sidecar.domains.invoices.invariants import problems
from sidecar.domains.orders.payload import Order
from sidecar.domains.shipments.invariants import problems as problems_of_shipment
from sidecar.magento.money_document_figures import verify
from sidecar.model.outcome import Booked, BookedLine
from sidecar.model.settlement import Tolerances
from sidecar.testing.sample_documents import invoice_of, shipment_of
from sidecar.testing.sample_order import (
    bundle_order,
    configurable_order,
    foreign_currency_order,
    simple_order,
)


@pytest.mark.parametrize(
    "order", [simple_order(), configurable_order(), bundle_order(), foreign_currency_order()]
)
def test_an_invoice_of_all_of_an_order_adds_up(order: Order) -> None:
    assert problems(invoice_of(order)) == []


def test_one_that_does_not_add_up_shows_its_arithmetic() -> None:
    order = simple_order()

    assert problems(invoice_of(order, grand_total=order.grand_total - 1)) == [
        "59.65 (lines) + 4.90 (shipping) + 11.34 (tax) − 0.00 (discount) = 75.89, "
        "but grand_total is 74.89: 1.00 EUR too little"
    ]


def test_one_that_is_larger_than_its_order_or_has_no_number_says_so() -> None:
    order = simple_order()

    assert problems(invoice_of(order, increment_id=" ", order_grand_total=Decimal("70.00"))) == [
        "the invoice has no number (increment_id)",
        "it invoices 75.89 EUR of order 000000042, which was only 70.00",
    ]


def test_a_line_that_the_erp_lost_is_a_difference() -> None:
    invoice = invoice_of(simple_order())
    first = invoice.items[0]
    booked = Booked(
        reference="RE-1",
        items=(BookedLine(sku=first.sku, qty_ordered=first.qty, row_total=first.row_total),),
    )

    [lost] = verify(invoice, booked, Tolerances())

    assert lost.kind == "line_missing"


@pytest.mark.parametrize(
    ("payment", "state", "waits"),
    [("always", "1", False), ("paid", "1", True), ("paid", "2", False), ("paid", None, False)],
)
def test_the_gate_keeps_back_what_is_not_paid_where_it_shall(
    payment: str, state: str | None, waits: bool
) -> None:
    gate = InvoiceGate(payment)  # type: ignore[arg-type]

    assert (gate.closed(state, held_by_us=False) is not None) == waits


def test_a_shipment_needs_a_number_and_a_line_with_a_quantity() -> None:
    assert problems_of_shipment(shipment_of(simple_order())) == []
    assert problems_of_shipment(shipment_of(simple_order(), increment_id="", items=())) == [
        "the shipment has no number (increment_id)",
        "the shipment has no line with a quantity",
    ]
