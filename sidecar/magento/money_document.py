"""An invoice or a credit memo as one immutable value: what the payloads of the two have in common.

Field names are Magento's (its REST API and tables); a field without a Magento namesake is marked
"ours".  Amounts are `Decimal` as Magento stores them, `discount_amount` is negative on the document
and positive on its lines; times are UTC.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec

from sidecar.model.columns import Decimal12, Decimal20, Text3, Text50, Text255
from sidecar.model.money import by_the_piece


class DocumentItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Row of sales_invoice_item or sales_creditmemo_item.

    Ours: `is_sellable`, whether the line carries money (of a configurable product the parent, of a
    bundle whichever has the price): the others stand for it; `parent_order_item_id`, the order's
    line that it belongs to.
    """

    entity_id: int
    order_item_id: int
    parent_order_item_id: int | None
    is_sellable: bool
    product_type: Text255
    sku: Text255
    name: Text255 | None
    qty: Decimal12
    price: Decimal20
    base_price: Decimal20
    row_total: Decimal20
    base_row_total: Decimal20
    tax_amount: Decimal20
    base_tax_amount: Decimal20
    discount_amount: Decimal20
    base_discount_amount: Decimal20
    discount_tax_compensation_amount: Decimal20
    base_discount_tax_compensation_amount: Decimal20
    weee_tax_applied_row_amount: Decimal20
    base_weee_tax_applied_row_amnt: Decimal20

    @property
    def unit_price(self) -> Decimal:
        """The row total by the piece: times the quantity it gives the row total to the cent."""
        return by_the_piece(self.row_total, self.qty, self.price)

    @property
    def base_unit_price(self) -> Decimal:
        """`unit_price` in the base currency."""
        return by_the_piece(self.base_row_total, self.qty, self.base_price)

    @property
    def net_discount_amount(self) -> Decimal:
        """The discount without the tax that it takes away, as an ERP books it."""
        return self.discount_amount - self.discount_tax_compensation_amount

    @property
    def base_net_discount_amount(self) -> Decimal:
        """`net_discount_amount` in the base currency."""
        return self.base_discount_amount - self.base_discount_tax_compensation_amount


class MoneyDocument(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The document itself.

    Ours: `order_increment_id` and `order_grand_total` of the order that it belongs to,
    `store_code`.
    """

    entity_id: int
    increment_id: Text50
    order_id: int
    order_increment_id: Text50
    order_grand_total: Decimal20
    state: int
    store_id: int | None
    store_code: str | None
    transaction_id: Text255 | None
    created_at: datetime
    updated_at: datetime | None
    order_currency_code: Text3
    base_currency_code: Text3
    customer_note: str | None
    subtotal: Decimal20
    base_subtotal: Decimal20
    discount_amount: Decimal20
    base_discount_amount: Decimal20
    discount_tax_compensation_amount: Decimal20
    base_discount_tax_compensation_amount: Decimal20
    shipping_amount: Decimal20
    base_shipping_amount: Decimal20
    shipping_tax_amount: Decimal20
    base_shipping_tax_amount: Decimal20
    shipping_discount_tax_compensation_amount: Decimal20
    base_shipping_discount_tax_compensation_amnt: Decimal20
    tax_amount: Decimal20
    base_tax_amount: Decimal20
    grand_total: Decimal20
    base_grand_total: Decimal20
    items: tuple[DocumentItem, ...]

    @property
    def sellable_items(self) -> tuple[DocumentItem, ...]:
        """The lines that carry money."""
        return tuple(item for item in self.items if item.is_sellable)
