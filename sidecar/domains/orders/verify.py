"""An order's figures, as they are compared with what the ERP booked."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sidecar.domains.orders.payload import Order, OrderItem, Vanished
from sidecar.model.figures import Figures, SentLine
from sidecar.model.figures import differences as differences_of
from sidecar.model.outcome import Booked
from sidecar.model.settlement import Difference, Tolerances


def verify(payload: Any, booked: Booked, tolerances: Tolerances) -> tuple[Difference, ...]:
    """See `sidecar.model.domain_spec.Verify`."""
    return differences(payload, booked, tolerances) if isinstance(payload, Order) else ()


def worth(payload: Any) -> tuple[Decimal | None, str | None] | None:
    """The order's total, in its own currency."""
    if not isinstance(payload, Order | Vanished):
        return None
    return payload.grand_total, payload.order_currency_code


def differences(order: Order, booked: Booked, tolerances: Tolerances) -> tuple[Difference, ...]:
    """What does not agree; figures that the ERP did not answer are not compared."""
    items = order.sellable_items
    own = Figures(
        order.order_currency_code,
        order.grand_total,
        order.tax_amount,
        len(items),
        lambda: [_line(item) for item in items],
    )
    base = Figures(
        order.base_currency_code,
        order.base_grand_total,
        order.base_tax_amount,
        len(items),
        lambda: [_base_line(item) for item in items],
    )
    return differences_of(own, base, booked, tolerances)


def _line(item: OrderItem) -> SentLine:
    return SentLine(
        item_id=item.item_id,
        sku=item.sku,
        qty_ordered=item.qty_ordered,
        price=item.unit_price,
        row_total=item.row_total,
        discount_amount=item.discount_amount,
        net_discount_amount=item.net_discount_amount,
        tax_amount=item.tax_amount,
    )


def _base_line(item: OrderItem) -> SentLine:
    return SentLine(
        item_id=item.item_id,
        sku=item.sku,
        qty_ordered=item.qty_ordered,
        price=item.base_unit_price,
        row_total=item.base_row_total,
        discount_amount=item.base_discount_amount,
        net_discount_amount=item.base_net_discount_amount,
        tax_amount=item.base_tax_amount,
    )
