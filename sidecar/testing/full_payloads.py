"""Of each shape of an event's data one with something in every field: what docs/payload shows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from sidecar.domains.customers.payload import Customer, CustomerAddress, CustomerErased
from sidecar.domains.invoices.payload import Invoice
from sidecar.domains.orders.charges import Charge
from sidecar.domains.orders.payload import (
    AppliedRule,
    DownloadLink,
    GiftMessage,
    ItemOption,
    Order,
    PaymentTransaction,
    StatusHistory,
    TaxItem,
    Vanished,
)
from sidecar.domains.prices.payload import Price, TierPrice
from sidecar.domains.products.payload import (
    CustomAttribute,
    Product,
    ProductRemoved,
    StoreValue,
)
from sidecar.domains.refunds.payload import Refund
from sidecar.domains.shipments.payload import Shipment
from sidecar.domains.stock.payload import Demand, SourceLevel
from sidecar.model.columns import bare
from sidecar.testing.sample_documents import invoice_of, refund_of, shipment_of
from sidecar.testing.sample_order import SampleLine, sample_order

_MOMENT = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)
_GIFT = GiftMessage(gift_message_id=2, sender="Anna", recipient="Ömer", message="Alles Gute")
#: Where the sample has nothing: an example by the field's name, else by its type.
_EXAMPLES: dict[str, Any] = {
    "original_increment_id": "000000041", "relation_parent_real_id": "000000041",
    "ext_order_id": "SO-100012", "ext_customer_id": "10042", "customer_prefix": "Dr.",
    "customer_middlename": "M.", "customer_suffix": "jun.", "customer_taxvat": "DE123456789",
    "customer_dob": datetime(1980, 12, 1, tzinfo=UTC), "customer_note": "Please ring twice",
    "coupon_code": "SPRING", "coupon_rule_name": "Spring sale",
    "discount_description": "SPRING", "applied_rule_ids": "3", "pickup_location_code": "berlin",
    "prefix": "Dr.", "middlename": "M.", "suffix": "jun.", "company": "Ærø ApS",
    "region": "Sachsen-Anhalt", "fax": "+49 345 000001", "vat_id": "DE123456789",
    "po_number": "PO-7", "last_trans_id": "tr_7UhSN1zuXS", "description": "A mug",
    "ext_order_item_id": "10", "option_type": "field", "option_value": "For You",
    "guest_account": "GU000000042",
}  # fmt: skip
_BY_TYPE: dict[object, Any] = {
    Decimal: Decimal("0.0000"), int: 1, str: "", datetime: _MOMENT,
}  # fmt: skip


def full_payloads() -> Mapping[type[msgspec.Struct], msgspec.Struct]:
    """By their types."""
    order = full_order()
    vanished = {name: getattr(order, name) for name in Vanished.__struct_fields__}
    return {
        Order: order,
        Vanished: Vanished(**vanished),
        Refund: full_refund(order),
        Invoice: _filled(invoice_of(order, transaction_id="ch_3PzL")),
        Shipment: _filled(shipment_of(order)),
        Customer: full_customer(),
        CustomerErased: CustomerErased(entity_id=42),
        Product: full_product(),
        ProductRemoved: ProductRemoved(entity_id=1, sku="24-MB01"),
        SourceLevel: SourceLevel(
            entity_id=7,
            sku="24-MB01",
            source_code="default",
            quantity=Decimal("96.0000"),
            status=1,
            stock_ids=(1,),
            at=_MOMENT,
        ),
        Demand: Demand(
            sku="24-MB01",
            stock_id=1,
            quantity=Decimal("2.0000"),
            since=_MOMENT - timedelta(minutes=5),
            until=_MOMENT,
        ),
        Price: full_price(),
    }


def full_customer() -> Customer:
    """A customer of whom everything may leave Magento."""
    address = CustomerAddress(
        entity_id=7,
        default_billing=True,
        firstname="Ömer",
        lastname="Æther",
        street=("Große Ulrichstraße 1",),
        city="Halle (Saale)",
        postcode="06108",
        region_id=91,
        country_id="DE",
        telephone="+49 345 000000",
    )
    customer: Customer = _filled(
        Customer(
            entity_id=42,
            email="oemer@example.com",
            firstname="Ömer",
            lastname="Æther",
            dob="1980-12-01",
            gender=1,
            taxvat="DE123456789",
            group_id=2,
            group_code="Wholesale",
            website_code="base",
            store_code="default",
            addresses=(address,),
        )
    )
    return customer


def full_product() -> Product:
    """A product that one store view calls otherwise."""
    return Product(
        entity_id=1,
        sku="24-MB01",
        type_id="simple",
        attribute_set_id=4,
        attribute_set="Default",
        name="Joust Duffle Bag",
        status=1,
        visibility=4,
        price=Decimal("34.000000"),
        weight=Decimal("0.800000"),
        tax_class_id=2,
        tax_class="Taxable Goods",
        url_key="joust-duffle-bag",
        websites=("base",),
        created_at=_MOMENT,
        updated_at=_MOMENT,
        custom_attributes=(CustomAttribute(attribute_code="color", value="49", label="Black"),),
        store_values=(
            StoreValue(store_code="german", attribute_code="name", value="Sporttasche Joust"),
        ),
    )


def full_price() -> Price:
    """A price of one website, with a special price and a tier."""
    return Price(
        entity_id=65537,
        product_id=1,
        sku="24-MB01",
        website_code="base",
        currency="EUR",
        price=Decimal("34.000000"),
        special_price=Decimal("29.900000"),
        special_from="2026-12-01",
        special_to="2026-12-24",
        tier_prices=(
            TierPrice(
                quantity=Decimal("10.0000"),
                price=Decimal("27.500000"),
                percentage=Decimal("20.0000"),
                customer_group="Wholesale",
            ),
        ),
    )


def full_refund(order: Order) -> Refund:
    """A refund of the order with an adjustment."""
    amounts = {"adjustment": Decimal("-2.5000"), "adjustment_negative": Decimal("2.5000")}
    adjusted: dict[str, Any] = {**amounts, **{f"base_{name}": at for name, at in amounts.items()}}
    refund: Refund = _filled(
        refund_of(
            order,
            transaction_id="re_3PzL",
            customer_note="Broken on arrival",
            grand_total=order.grand_total - Decimal("2.5000"),
            base_grand_total=order.base_grand_total - Decimal("2.5000"),
            **adjusted,
        )
    )
    return refund


def full_order() -> Order:
    """An order that Magento could have, as far as one order can have everything."""
    order = sample_order(
        "000000042",
        [SampleLine("OPT-1-ENGR", "2", "24.27", discount="2.00"), SampleLine("24-MB01", "1", "34")],
        customer_id=7,
        customer_is_guest=False,
        extra={"mollie_payment_fee": Decimal("3.0000")},
        surcharges=(
            Charge(
                name="mollie_payment_fee",
                amount=Decimal("3.0000"),
                base_amount=Decimal("3.0000"),
            ),
        ),
        gift_message=_GIFT,
        applied_rules=(AppliedRule(rule_id=3, name="Spring sale"),),
        status_histories=(
            StatusHistory(
                entity_id=9,
                comment="ERP order SO-100012",
                status="erp_received",
                created_at=_MOMENT,
                entity_name="order",
                is_customer_notified=False,
                is_visible_on_front=False,
            ),
        ),
    )
    tax = TaxItem(
        tax_item_id=1,
        tax_id=420,
        tax_code="VAT 19.00",
        item_id=42_000,
        associated_item_id=None,
        taxable_item_type="product",
        tax_percent=Decimal("19.0000"),
        amount=order.items[0].tax_amount,
        base_amount=order.items[0].base_tax_amount,
        real_amount=order.items[0].tax_amount,
        real_base_amount=order.items[0].base_tax_amount,
    )
    shipping = msgspec.structs.replace(
        tax, tax_item_id=2, item_id=None, taxable_item_type="shipping"
    )
    first = msgspec.structs.replace(
        order.items[0],
        catalog_sku="OPT-1",
        parent_sku="SET-1",
        parent_item_id=41_999,
        options=(
            ItemOption(
                kind="option", label="Engraving", value="For You", option_id="1", qty=Decimal(1)
            ),
        ),
        gift_message=_GIFT,
        download_links=(
            DownloadLink(
                link_id=1, link_title="PDF", number_of_downloads_bought=5, status="available"
            ),
        ),
        taxes=(tax,),
        weee_tax_applied_amount=Decimal("2.5000"),
        weee_tax_applied_row_amount=Decimal("5.0000"),
        base_weee_tax_applied_row_amnt=Decimal("5.0000"),
        extra={"engraving_amount": Decimal("2.0000")},
    )
    payment = msgspec.structs.replace(
        order.payment,
        transactions=(
            PaymentTransaction(
                transaction_id=5, txn_type="authorization", txn_id="tr_7UhSN1zuXS", is_closed=False
            ),
        ),
    )
    full: Order = _filled(
        msgspec.structs.replace(
            order, items=(first, *order.items[1:]), payment=payment, shipping_taxes=(shipping,)
        )
    )
    return full


def _filled(value: Any) -> Any:
    """The value with an example wherever a field of it is empty."""
    if isinstance(value, tuple):
        return tuple(_filled(entry) for entry in value)
    if not isinstance(value, msgspec.Struct):
        return value
    fields = {field.name: field for field in msgspec.structs.fields(type(value))}
    return msgspec.structs.replace(
        value,
        **{
            name: _example(name, field.type) if (given := getattr(value, name)) is None
            else _filled(given)
            for name, field in fields.items()
        },
    )  # fmt: skip


def _example(name: str, kind: Any) -> Any:
    if name in _EXAMPLES:
        return _EXAMPLES[name]
    kinds = [bare(member) for member in getattr(kind, "__args__", (kind,))]
    return next((_BY_TYPE[member] for member in kinds if member in _BY_TYPE), None)
