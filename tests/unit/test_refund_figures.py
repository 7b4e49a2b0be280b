"""A refund's arithmetic and figures without a database."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from sidecar.domains.orders.payload import Order
from sidecar.domains.refunds.invariants import problems
from sidecar.magento.money_document_figures import verify
from sidecar.model.outcome import Booked, BookedLine
from sidecar.model.settlement import Tolerances
from sidecar.testing.sample_documents import refund_of
from sidecar.testing.sample_order import (
    SampleLine,
    bundle_order,
    configurable_order,
    foreign_currency_order,
    sample_order,
    simple_order,
)


@pytest.mark.parametrize(
    "order", [simple_order(), configurable_order(), bundle_order(), foreign_currency_order()]
)
def test_what_gives_back_all_of_an_order_adds_up(order: Order) -> None:
    assert problems(refund_of(order)) == []


def test_one_that_does_not_add_up_shows_its_arithmetic() -> None:
    order = simple_order()

    assert problems(refund_of(order, grand_total=order.grand_total - 1)) == [
        "59.65 (lines) + 4.90 (shipping) + 11.34 (tax) − 0.00 (discount) = 75.89, "
        "but grand_total is 74.89: 1.00 EUR too little"
    ]


def test_a_price_that_magento_cut_is_compared_by_the_piece() -> None:
    """33 pieces of 0.41 are not the 13.59 of the line."""
    whole = refund_of(sample_order("000000042", [SampleLine("A", qty="33", price="0.4118")]))
    line = msgspec.structs.replace(whole.items[0], price=Decimal("0.41"))
    refund = msgspec.structs.replace(whole, items=(line,))
    booked = Booked(
        reference="CR-1",
        items=(BookedLine(sku="A", qty_ordered=Decimal(33), price=line.unit_price),),
    )

    assert line.unit_price * 33 == pytest.approx(line.row_total, abs=Decimal("0.005"))
    assert verify(refund, booked, Tolerances()) == ()
