"""An order as one immutable value: the snapshot, and the payload of the order events.

Field names are Magento's (its REST API and tables), so that an integration engineer finds what he
knows.  A field without a Magento namesake is marked "ours".  Amounts are `Decimal` as Magento
stores them (four places), quantities too; times are UTC.  Never card data: of the payment only
the fields below are read at all.

How the amounts add up: docs/amounts.md.  The properties are for expressions; the JSON has the
fields alone.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec

from sidecar.domains.orders.charges import Charge, charges_of, weee_tax_of
from sidecar.model.columns import (
    Decimal12,
    Decimal20,
    Text2,
    Text3,
    Text32,
    Text50,
    Text120,
    Text128,
    Text255,
)
from sidecar.model.money import Basis, Money, by_the_piece


class Address(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Row of sales_order_address; `street` is split into its lines as in Magento's REST API.

    `entity_id` 0 stands for an address that Magento does not have; `invariants` reports it.
    """

    entity_id: int
    address_type: Text255
    customer_address_id: int | None = None
    prefix: Text255 | None = None
    firstname: Text255 | None = None
    middlename: Text255 | None = None
    lastname: Text255 | None = None
    suffix: Text255 | None = None
    company: Text255 | None = None
    street: tuple[Text255, ...] = ()
    city: Text255 | None = None
    region: Text255 | None = None
    region_id: int | None = None
    postcode: Text255 | None = None
    country_id: Text2 | None = None
    telephone: Text255 | None = None
    fax: Text255 | None = None
    email: Text255 | None = None
    vat_id: str | None = None
    vat_is_valid: int | None = None


class PaymentTransaction(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Row of sales_payment_transaction: what a payment provider was told, without its answer."""

    transaction_id: int
    txn_type: Text255
    txn_id: Text255 | None
    is_closed: bool


class Payment(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Row of sales_order_payment without anything of a card.

    `method_title` and `transactions` are ours.

    `entity_id` 0 stands for a payment that Magento does not have; `invariants` reports it.
    """

    entity_id: int
    method: Text128
    method_title: str | None = None
    po_number: Text32 | None = None
    last_trans_id: Text255 | None = None
    amount_ordered: Decimal20 | None = None
    base_amount_ordered: Decimal20 | None = None
    amount_authorized: Decimal20 | None = None
    base_amount_authorized: Decimal20 | None = None
    amount_paid: Decimal20 | None = None
    base_amount_paid: Decimal20 | None = None
    amount_canceled: Decimal20 | None = None
    base_amount_canceled: Decimal20 | None = None
    amount_refunded: Decimal20 | None = None
    base_amount_refunded: Decimal20 | None = None
    transactions: tuple[PaymentTransaction, ...] = ()


class TaxRate(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Row of sales_order_tax: what one tax rate comes to over the whole order."""

    tax_id: int
    code: Text255 | None
    title: Text255 | None
    percent: Decimal12 | None
    amount: Decimal20 | None
    base_amount: Decimal20 | None
    base_real_amount: Decimal20 | None
    priority: int
    position: int


class TaxItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Row of sales_order_tax_item: one rate on one line, or on the shipping."""

    tax_item_id: int
    tax_id: int
    tax_code: Text255 | None
    item_id: int | None
    associated_item_id: int | None
    taxable_item_type: Text32
    tax_percent: Decimal12
    amount: Decimal20
    base_amount: Decimal20
    real_amount: Decimal20
    real_base_amount: Decimal20


class ItemOption(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the customer chose (ours, out of product_options).

    `kind`: option (a custom option of the product), additional (of a module), attribute (of a
    configurable product), bundle (a part).  Ids as Magento's; a custom option also has its
    `option_type` and `option_value`, a part of a bundle its `qty` in one bundle and its `price`.
    """

    kind: str
    label: str
    value: str
    option_id: str | None = None
    option_type: str | None = None
    option_value: str | None = None
    qty: Decimal | None = None
    price: Decimal | None = None


class GiftMessage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Row of gift_message: of the whole order, or of one line."""

    gift_message_id: int
    sender: Text255 | None
    recipient: Text255 | None
    message: str | None


class DownloadLink(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Row of downloadable_link_purchased_item without its hash, which opens the download."""

    link_id: int
    link_title: Text255 | None
    number_of_downloads_bought: int
    status: Text50 | None


class OrderItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Row of sales_order_item.

    `is_sellable` (ours) marks the lines that an ERP books: each piece of goods once, carrying its
    price.  `parent_sku` (ours) names the parent of a child line, `catalog_sku` (ours) the product
    in the catalogue: `sku` without what custom options add to it, of a configurable product the
    variant's, None where the product was deleted.  `extra` (ours): further columns by name.
    """

    item_id: int
    parent_item_id: int | None
    quote_item_id: int | None
    product_id: int | None
    product_type: Text255
    sku: Text255
    name: Text255 | None
    is_virtual: bool
    is_qty_decimal: bool
    is_sellable: bool
    parent_sku: Text255 | None
    catalog_sku: Text255 | None
    options: tuple[ItemOption, ...]
    gift_message: GiftMessage | None
    download_links: tuple[DownloadLink, ...]
    taxes: tuple[TaxItem, ...]
    extra: dict[str, Decimal]
    store_id: int | None
    description: str | None
    applied_rule_ids: str | None
    ext_order_item_id: Text255 | None
    free_shipping: bool
    weight: Decimal12 | None
    row_weight: Decimal12 | None
    qty_ordered: Decimal12
    qty_canceled: Decimal12
    qty_backordered: Decimal12 | None
    qty_invoiced: Decimal12
    qty_shipped: Decimal12
    qty_refunded: Decimal12
    base_cost: Decimal12 | None
    price: Decimal20
    base_price: Decimal20
    original_price: Decimal20 | None
    base_original_price: Decimal20 | None
    price_incl_tax: Decimal20 | None
    base_price_incl_tax: Decimal20 | None
    row_total: Decimal20
    base_row_total: Decimal20
    row_total_incl_tax: Decimal20
    base_row_total_incl_tax: Decimal20
    tax_percent: Decimal12 | None
    tax_amount: Decimal20
    base_tax_amount: Decimal20
    discount_percent: Decimal12 | None
    discount_amount: Decimal20
    base_discount_amount: Decimal20
    discount_tax_compensation_amount: Decimal20
    base_discount_tax_compensation_amount: Decimal20
    weee_tax_applied_amount: Decimal12 | None
    weee_tax_applied_row_amount: Decimal12
    base_weee_tax_applied_row_amnt: Decimal12

    @property
    def unit_price(self) -> Decimal:
        """The row total by the piece: times the quantity it gives the row total to the cent.

        Magento's `price` is cut to the cent, and 33 pieces of 0.41 are not the 13.59 of the line.
        """
        return by_the_piece(self.row_total, self.qty_ordered, self.price)

    @property
    def base_unit_price(self) -> Decimal:
        """`unit_price` in the base currency."""
        return by_the_piece(self.base_row_total, self.qty_ordered, self.base_price)

    @property
    def net_discount_amount(self) -> Decimal:
        """The discount without the tax in it: where prices include tax, Magento's includes it."""
        return self.discount_amount - self.discount_tax_compensation_amount

    @property
    def base_net_discount_amount(self) -> Decimal:
        """`net_discount_amount` in the base currency."""
        return self.base_discount_amount - self.base_discount_tax_compensation_amount

    @property
    def weee_tax(self) -> Charge | None:
        """The line's fixed product tax (ecotax, deposit) with the tax on it; None without one."""
        return weee_tax_of(self)


class AppliedRule(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A cart price rule that gave a discount; `name` is None when the rule was deleted since."""

    rule_id: int
    name: Text255 | None


class StatusHistory(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Row of sales_order_status_history: a comment on the order.

    `created_at` is None where Magento has a zero date, as old imports left them.
    """

    entity_id: int
    comment: str | None
    status: Text32 | None
    created_at: datetime | None
    entity_name: Text32 | None
    is_customer_notified: bool
    is_visible_on_front: bool


class Order(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Row of sales_order with all that hangs on it, of one moment.

    Ours: `extra`, further columns by name (`domains.orders.totals`); `surcharges`, those of them
    that count in the grand total; `base_is_derived`, a base amount is missing in Magento and was
    reckoned from the order's by the rate; `credits_amount`, what store credit, gift cards and
    reward points paid; `guest_account`, the ERP's account for a guest's order
    (`domains.customers.guests`). `updated_at` is None where Magento has a zero date.
    """

    entity_id: int
    increment_id: Text50
    state: Text32
    status: Text32
    created_at: datetime
    updated_at: datetime | None
    store_id: int | None
    store_code: Text32 | None
    website_code: Text32 | None
    store_name: Text255 | None
    is_virtual: bool
    quote_id: int | None
    original_increment_id: Text50 | None
    relation_parent_real_id: Text32 | None
    edit_increment: int | None
    ext_order_id: Text32 | None
    ext_customer_id: Text32 | None
    total_item_count: int
    total_qty_ordered: Decimal12 | None
    weight: Decimal12 | None

    customer_id: int | None
    customer_is_guest: bool
    customer_email: Text128 | None
    customer_prefix: Text32 | None
    customer_firstname: Text128 | None
    customer_middlename: Text128 | None
    customer_lastname: Text128 | None
    customer_suffix: Text32 | None
    customer_taxvat: Text32 | None
    customer_dob: datetime | None
    customer_gender: int | None
    customer_group_id: int | None
    customer_group_code: Text32 | None
    customer_note: str | None

    base_currency_code: Text3
    order_currency_code: Text3
    global_currency_code: Text3 | None
    store_currency_code: Text3 | None
    base_to_order_rate: Decimal20 | None
    base_to_global_rate: Decimal20 | None
    store_to_base_rate: Decimal12 | None
    store_to_order_rate: Decimal12 | None

    coupon_code: Text255 | None
    coupon_rule_name: Text255 | None
    discount_description: Text255 | None
    applied_rule_ids: Text128 | None
    applied_rules: tuple[AppliedRule, ...]

    shipping_method: Text120 | None
    shipping_description: Text255 | None
    pickup_location_code: Text255 | None

    subtotal: Decimal20
    base_subtotal: Decimal20
    subtotal_incl_tax: Decimal20 | None
    base_subtotal_incl_tax: Decimal20 | None
    discount_amount: Decimal20
    base_discount_amount: Decimal20
    discount_tax_compensation_amount: Decimal20
    base_discount_tax_compensation_amount: Decimal20
    shipping_amount: Decimal20
    base_shipping_amount: Decimal20
    shipping_incl_tax: Decimal20 | None
    base_shipping_incl_tax: Decimal20 | None
    shipping_tax_amount: Decimal20
    base_shipping_tax_amount: Decimal20
    shipping_discount_amount: Decimal20
    base_shipping_discount_amount: Decimal20
    shipping_discount_tax_compensation_amount: Decimal20
    base_shipping_discount_tax_compensation_amnt: Decimal20
    tax_amount: Decimal20
    base_tax_amount: Decimal20
    credits_amount: Decimal20
    base_credits_amount: Decimal20
    surcharges: tuple[Charge, ...]
    extra: dict[str, Decimal]
    base_is_derived: bool
    grand_total: Decimal20
    base_grand_total: Decimal20
    total_due: Decimal20 | None
    base_total_due: Decimal20 | None
    total_paid: Decimal20 | None
    base_total_paid: Decimal20 | None
    total_invoiced: Decimal20 | None
    base_total_invoiced: Decimal20 | None
    total_refunded: Decimal20 | None
    base_total_refunded: Decimal20 | None
    total_canceled: Decimal20 | None
    base_total_canceled: Decimal20 | None

    gift_message: GiftMessage | None
    billing_address: Address
    shipping_address: Address | None
    payment: Payment
    items: tuple[OrderItem, ...]
    taxes: tuple[TaxRate, ...]
    shipping_taxes: tuple[TaxItem, ...]
    status_histories: tuple[StatusHistory, ...]
    guest_account: Text255 | None = None

    @property
    def sellable_items(self) -> tuple[OrderItem, ...]:
        """The lines that an ERP books."""
        return tuple(item for item in self.items if item.is_sellable)

    @property
    def net_shipping_amount(self) -> Decimal:
        """The shipping after its discount, both without tax."""
        return (
            self.shipping_amount
            - self.shipping_discount_amount
            + self.shipping_discount_tax_compensation_amount
        )

    @property
    def base_net_shipping_amount(self) -> Decimal:
        """`net_shipping_amount` in the base currency."""
        return (
            self.base_shipping_amount
            - self.base_shipping_discount_amount
            + self.base_shipping_discount_tax_compensation_amnt
        )

    @property
    def charges(self) -> tuple[Charge, ...]:
        """What the grand total has beside lines and shipping, so that the sum holds by itself.

        Σ (row_total − net_discount_amount + tax_amount) of the sellable lines
        + net_shipping_amount + shipping_tax_amount + Σ (amount + tax_amount) of these
        = grand_total, rounded to the cent.
        """
        return charges_of(self)

    def money(self, amount: Decimal) -> Money:
        """An amount of this order in the order's own currency."""
        return Money(amount, self.order_currency_code, Basis.ORDER)

    def base_money(self, amount: Decimal) -> Money:
        """A `base_*` amount of this order in the base currency."""
        return Money(amount, self.base_currency_code, Basis.BASE)


class Vanished(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Payload of order.vanished: all that is left of an order whose row was deleted.

    Also of an event that is parked because its order cannot be read or kept.
    """

    entity_id: int
    increment_id: Text50
    state: Text32
    status: Text32
    grand_total: Decimal20 | None
    order_currency_code: Text3 | None
