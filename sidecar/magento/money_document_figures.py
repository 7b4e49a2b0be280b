"""An invoice's or a credit memo's figures, as they are compared with what the ERP booked."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sidecar.magento.money_document import DocumentItem, MoneyDocument
from sidecar.model.figures import Figures, SentLine, differences
from sidecar.model.outcome import Booked
from sidecar.model.settlement import Difference, Tolerances


def verify(payload: Any, booked: Booked, tolerances: Tolerances) -> tuple[Difference, ...]:
    """See `sidecar.model.domain_spec.Verify`."""
    if not isinstance(payload, MoneyDocument):
        return ()
    items = [item for item in payload.sellable_items if item.qty]
    own = Figures(
        payload.order_currency_code,
        payload.grand_total,
        payload.tax_amount,
        len(items),
        lambda: [_line(item) for item in items],
    )
    base = Figures(
        payload.base_currency_code,
        payload.base_grand_total,
        payload.base_tax_amount,
        len(items),
        lambda: [_base_line(item) for item in items],
    )
    return differences(own, base, booked, tolerances)


def worth(payload: Any) -> tuple[Decimal | None, str | None] | None:
    """The document's total, in its order's currency."""
    if not isinstance(payload, MoneyDocument):
        return None
    return payload.grand_total, payload.order_currency_code


def _line(item: DocumentItem) -> SentLine:
    return SentLine(
        item_id=item.order_item_id,
        sku=item.sku,
        qty_ordered=item.qty,
        price=item.unit_price,
        row_total=item.row_total,
        discount_amount=item.discount_amount,
        net_discount_amount=item.net_discount_amount,
        tax_amount=item.tax_amount,
    )


def _base_line(item: DocumentItem) -> SentLine:
    return SentLine(
        item_id=item.order_item_id,
        sku=item.sku,
        qty_ordered=item.qty,
        price=item.base_unit_price,
        row_total=item.base_row_total,
        discount_amount=item.base_discount_amount,
        net_discount_amount=item.base_net_discount_amount,
        tax_amount=item.base_tax_amount,
    )
