"""An order as one immutable value: the snapshot, and the payload of the order events.

Field names are Magento's (its REST API and tables), so that an integration engineer finds what he
knows.  A field without a Magento namesake is marked "ours".  Amounts are `Decimal` as Magento
stores them (four places), quantities too; times are UTC.  Never card data: of the payment only
the fields below are read at all.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec

from sidecar.domain.money import Basis, Money


class Address(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Row of sales_order_address; `street` is split into its lines as in Magento's REST API.

    `entity_id` 0 stands for an address that Magento does not have; `invariants` reports it.
    """

    entity_id: int
    address_type: str
    customer_address_id: int | None = None
    prefix: str | None = None
    firstname: str | None = None
    middlename: str | None = None
    lastname: str | None = None
    suffix: str | None = None
    company: str | None = None
    street: tuple[str, ...] = ()
    city: str | None = None
    region: str | None = None
    region_id: int | None = None
    postcode: str | None = None
    country_id: str | None = None
    telephone: str | None = None
    fax: str | None = None
    email: str | None = None
    vat_id: str | None = None
    vat_is_valid: int | None = None


class Payment(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Row of sales_order_payment without anything of a card; `method_title` is ours.

    `entity_id` 0 stands for a payment that Magento does not have; `invariants` reports it.
    """

    entity_id: int
    method: str
    method_title: str | None = None
    po_number: str | None = None
    last_trans_id: str | None = None
    amount_ordered: Decimal | None = None
    base_amount_ordered: Decimal | None = None
    amount_authorized: Decimal | None = None
    base_amount_authorized: Decimal | None = None
    amount_paid: Decimal | None = None
    base_amount_paid: Decimal | None = None
    amount_canceled: Decimal | None = None
    base_amount_canceled: Decimal | None = None
    amount_refunded: Decimal | None = None
    base_amount_refunded: Decimal | None = None


class TaxRate(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Row of sales_order_tax: what one tax rate comes to over the whole order."""

    tax_id: int
    code: str | None
    title: str | None
    percent: Decimal | None
    amount: Decimal | None
    base_amount: Decimal | None
    base_real_amount: Decimal | None
    priority: int
    position: int


class TaxItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Row of sales_order_tax_item: one rate on one line, or on the shipping."""

    tax_item_id: int
    tax_id: int
    tax_code: str | None
    item_id: int | None
    associated_item_id: int | None
    taxable_item_type: str
    tax_percent: Decimal
    amount: Decimal
    base_amount: Decimal
    real_amount: Decimal
    real_base_amount: Decimal


class ItemOption(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the customer chose (ours, out of product_options): colour, engraving, bundle part."""

    label: str
    value: str


class OrderItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Row of sales_order_item.

    `is_sellable` (ours) marks the lines that an ERP books: each piece of goods once, carrying its
    price.  `parent_sku` (ours) names the parent of a child line.
    """

    item_id: int
    parent_item_id: int | None
    quote_item_id: int | None
    product_id: int | None
    product_type: str
    sku: str
    name: str | None
    is_virtual: bool
    is_qty_decimal: bool
    is_sellable: bool
    parent_sku: str | None
    options: tuple[ItemOption, ...]
    taxes: tuple[TaxItem, ...]
    store_id: int | None
    description: str | None
    applied_rule_ids: str | None
    ext_order_item_id: str | None
    free_shipping: bool
    weight: Decimal | None
    row_weight: Decimal | None
    qty_ordered: Decimal
    qty_canceled: Decimal
    qty_backordered: Decimal | None
    qty_invoiced: Decimal
    qty_shipped: Decimal
    qty_refunded: Decimal
    base_cost: Decimal | None
    price: Decimal
    base_price: Decimal
    original_price: Decimal | None
    base_original_price: Decimal | None
    price_incl_tax: Decimal | None
    base_price_incl_tax: Decimal | None
    row_total: Decimal
    base_row_total: Decimal
    row_total_incl_tax: Decimal
    base_row_total_incl_tax: Decimal
    tax_percent: Decimal | None
    tax_amount: Decimal
    base_tax_amount: Decimal
    discount_percent: Decimal | None
    discount_amount: Decimal
    base_discount_amount: Decimal
    discount_tax_compensation_amount: Decimal | None
    base_discount_tax_compensation_amount: Decimal | None
    weee_tax_applied_amount: Decimal | None
    weee_tax_applied_row_amount: Decimal | None
    base_weee_tax_applied_row_amnt: Decimal | None


class AppliedRule(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A cart price rule that gave a discount; `name` is None when the rule was deleted since."""

    rule_id: int
    name: str | None


class StatusHistory(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Row of sales_order_status_history: a comment on the order."""

    entity_id: int
    comment: str | None
    status: str | None
    created_at: datetime
    entity_name: str | None
    is_customer_notified: bool
    is_visible_on_front: bool


class Order(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Row of sales_order with all that hangs on it, of one moment."""

    entity_id: int
    increment_id: str
    state: str
    status: str
    created_at: datetime
    updated_at: datetime
    store_id: int | None
    store_code: str | None
    website_code: str | None
    store_name: str | None
    is_virtual: bool
    quote_id: int | None
    original_increment_id: str | None
    relation_parent_real_id: str | None
    edit_increment: int | None
    ext_order_id: str | None
    ext_customer_id: str | None
    total_item_count: int
    total_qty_ordered: Decimal | None
    weight: Decimal | None

    customer_id: int | None
    customer_is_guest: bool
    customer_email: str | None
    customer_prefix: str | None
    customer_firstname: str | None
    customer_middlename: str | None
    customer_lastname: str | None
    customer_suffix: str | None
    customer_taxvat: str | None
    customer_dob: datetime | None
    customer_gender: int | None
    customer_group_id: int | None
    customer_group_code: str | None
    customer_note: str | None

    base_currency_code: str
    order_currency_code: str
    global_currency_code: str | None
    store_currency_code: str | None
    base_to_order_rate: Decimal | None
    base_to_global_rate: Decimal | None
    store_to_base_rate: Decimal | None
    store_to_order_rate: Decimal | None

    coupon_code: str | None
    coupon_rule_name: str | None
    discount_description: str | None
    applied_rule_ids: str | None
    applied_rules: tuple[AppliedRule, ...]

    shipping_method: str | None
    shipping_description: str | None
    pickup_location_code: str | None

    subtotal: Decimal
    base_subtotal: Decimal
    subtotal_incl_tax: Decimal | None
    base_subtotal_incl_tax: Decimal | None
    discount_amount: Decimal
    base_discount_amount: Decimal
    discount_tax_compensation_amount: Decimal
    base_discount_tax_compensation_amount: Decimal
    shipping_amount: Decimal
    base_shipping_amount: Decimal
    shipping_incl_tax: Decimal | None
    base_shipping_incl_tax: Decimal | None
    shipping_tax_amount: Decimal
    base_shipping_tax_amount: Decimal
    shipping_discount_amount: Decimal
    base_shipping_discount_amount: Decimal
    shipping_discount_tax_compensation_amount: Decimal
    base_shipping_discount_tax_compensation_amnt: Decimal
    tax_amount: Decimal
    base_tax_amount: Decimal
    credits_amount: Decimal
    base_credits_amount: Decimal
    grand_total: Decimal
    base_grand_total: Decimal
    total_due: Decimal | None
    base_total_due: Decimal | None
    total_paid: Decimal | None
    base_total_paid: Decimal | None
    total_invoiced: Decimal | None
    base_total_invoiced: Decimal | None
    total_refunded: Decimal | None
    base_total_refunded: Decimal | None
    total_canceled: Decimal | None
    base_total_canceled: Decimal | None

    billing_address: Address
    shipping_address: Address | None
    payment: Payment
    items: tuple[OrderItem, ...]
    taxes: tuple[TaxRate, ...]
    shipping_taxes: tuple[TaxItem, ...]
    status_histories: tuple[StatusHistory, ...]

    @property
    def sellable_items(self) -> tuple[OrderItem, ...]:
        """The lines that an ERP books."""
        return tuple(item for item in self.items if item.is_sellable)

    def money(self, amount: Decimal) -> Money:
        """An amount of this order in the order's own currency."""
        return Money(amount, self.order_currency_code, Basis.ORDER)

    def base_money(self, amount: Decimal) -> Money:
        """A `base_*` amount of this order in the base currency."""
        return Money(amount, self.base_currency_code, Basis.BASE)
