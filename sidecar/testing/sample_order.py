"""Orders for tests that need no database: as Magento has them, adding up to the cent.

order = simple_order("000000042", lines=5)
adapter.push([placed(order)])
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from sidecar.domains.orders.events import ORDER_CANCELED, ORDER_PLACED
from sidecar.domains.orders.payload import Address, ItemOption, Order, OrderItem, Payment, TaxRate
from sidecar.domains.orders.spec import SPEC
from sidecar.model.event import Event, event_id, schema_urn
from sidecar.model.money import rounded
from sidecar.ports import Delivery, Link

SHOP = "main"
PLACED_AT = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)  # already the 29th in Berlin
SHIPPING = Decimal("4.9000")

_ZERO = Decimal("0.0000")
_FOUR_PLACES = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class SampleLine:
    """One row of the order; `parent` is the index of its parent's row, `sells` is is_sellable."""

    sku: str
    qty: str = "1"
    price: str = "0"
    tax_percent: str = "19"
    discount: str = "0"
    product_type: str = "simple"
    parent: int | None = None
    sells: bool = True
    options: tuple[tuple[str, str], ...] = ()


def simple_order(number: str = "000000042", *, lines: int = 2, **fields: Any) -> Order:
    """Simple products; `fields` replace fields of the order."""
    rows = [
        SampleLine(f"24-MB{index:02}", str(1 + index % 3), f"{10 + index}.33")
        for index in range(1, lines + 1)
    ]
    return sample_order(number, rows, **fields)


def configurable_order(number: str = "000000043", **fields: Any) -> Order:
    """A shirt in one size and colour: the parent's row carries SKU and price, the child nothing."""
    chosen = (("Size", "XL"), ("Color", "Grün"))
    rows = [
        SampleLine("MS01-XL-Green", "2", "29", product_type="configurable", options=chosen),
        SampleLine("MS01-XL-Green", "2", "0", parent=0, sells=False),
    ]
    return sample_order(number, rows, **fields)


def bundle_order(number: str = "000000044", **fields: Any) -> Order:
    """A bundle of dynamic price, whose children are what is sold, beside a simple product."""
    rows = [
        SampleLine("24-WG080", "1", "61", product_type="bundle", sells=False),
        SampleLine("24-WG081", "1", "23", parent=0),
        SampleLine("24-WG082", "2", "19", parent=0, discount="3.80"),
        SampleLine("24-MB01", "0.3330", "34", tax_percent="7"),
    ]
    return sample_order(number, rows, **fields)


def foreign_currency_order(number: str = "000000045", **fields: Any) -> Order:
    """Sold in US dollars by a website that keeps its books in euros (rate 1.0870)."""
    rows = [SampleLine("24-MB04", "3", "9.9900", tax_percent="8.25")]
    return sample_order(number, rows, currency="USD", rate="1.0870", **fields)


def sample_order(
    number: str,
    rows: Sequence[SampleLine],
    *,
    currency: str = "EUR",
    rate: str = "1",
    **fields: Any,
) -> Order:
    """An order of these rows, shipped flat for 4.90; base currency is EUR, `rate` base → order."""
    entity_id = int(number)
    items = tuple(_item(entity_id, index, row, rows, rate) for index, row in enumerate(rows))
    sold = [item for item in items if item.is_sellable]
    shipping = {"": SHIPPING, "base_": _in_base(SHIPPING, rate)}
    totals = {**_totals(sold, "", shipping[""]), **_totals(sold, "base_", shipping["base_"])}
    payment = Payment(
        entity_id=entity_id,
        method="checkmo",
        method_title="Check / Money order",
        amount_ordered=totals["grand_total"],
        base_amount_ordered=totals["base_grand_total"],
    )
    given: dict[str, Any] = {
        **dict.fromkeys(Order.__struct_fields__),
        **_HEADER,
        **totals,
        "entity_id": entity_id,
        "increment_id": number,
        "quote_id": entity_id + 1000,
        "order_currency_code": currency,
        "base_to_order_rate": Decimal(rate),
        "total_item_count": sum(item.parent_item_id is None for item in items),
        "total_qty_ordered": _sum(item.qty_ordered for item in items if not item.parent_item_id),
        "billing_address": _address(entity_id * 2, "billing"),
        "shipping_address": _address(entity_id * 2 + 1, "shipping"),
        "payment": payment,
        "items": items,
        "taxes": _taxes(entity_id, sold),
    }
    return msgspec.structs.replace(Order(**given), **fields)


def placed(order: Order, sequence: int = 1) -> Delivery:
    """The delivery of `order.placed`."""
    return delivery(order, ORDER_PLACED, sequence)


def canceled(order: Order, link: Link, sequence: int = 2) -> Delivery:
    """The delivery of `order.canceled` to an ERP that booked the order as `link`."""
    return delivery(order, ORDER_CANCELED, sequence, link)


def delivery(
    order: Order, event_type: str, sequence: int = 1, link: Link | None = None
) -> Delivery:
    """One event of the order on its way to the ERP."""
    event = Event(
        id=event_id(SHOP, "order", order.entity_id, sequence),
        type=event_type,
        source=f"urn:magento:{SHOP}",
        subject=f"order/{order.increment_id}",
        time=order.updated_at or order.created_at,
        dataschema=schema_urn(SPEC.event(event_type)),
        data=order,
        sequence=sequence,
    )
    return Delivery(event, order.increment_id, link)


_HEADER: dict[str, Any] = {
    "state": "new",
    "status": "pending",
    "created_at": PLACED_AT,
    "updated_at": PLACED_AT,
    "store_id": 1,
    "store_code": "default",
    "website_code": "base",
    "store_name": "Main Website\nMain Website Store\nDefault Store View",
    "is_virtual": False,
    "customer_is_guest": True,
    "customer_email": "jürgen.ærø@example.com",
    "customer_firstname": "Jürgen",
    "customer_lastname": "Ærø & Söhne <“Q”>",
    "customer_group_id": 0,
    "customer_group_code": "NOT LOGGED IN",
    "base_currency_code": "EUR",
    "global_currency_code": "EUR",
    "store_currency_code": "EUR",
    "shipping_method": "flatrate_flatrate",
    "shipping_description": "Flat Rate - Fixed",
    "shipping_taxes": (),
    "surcharges": (),
    "extra": {},
    "base_is_derived": False,
    "applied_rules": (),
    "status_histories": (),
}


def _totals(sold: Sequence[OrderItem], basis: str, shipping: Decimal) -> dict[str, Decimal]:
    """The order's totals in one currency, each the sum of its rows; `basis` is a prefix."""
    of_rows = {
        name: _sum(getattr(item, f"{basis}{name}") for item in sold)
        for name in ("row_total", "discount_amount", "tax_amount")
    }
    grand_total = (
        of_rows["row_total"] - of_rows["discount_amount"] + of_rows["tax_amount"] + shipping
    )
    totals = {
        **dict.fromkeys(_NOTHING, _ZERO),
        "subtotal": of_rows["row_total"],
        "discount_amount": -of_rows["discount_amount"],
        "tax_amount": of_rows["tax_amount"],
        "shipping_amount": shipping,
        "credits_amount": _ZERO,
        "grand_total": grand_total,
        "total_due": grand_total,
    }
    # Magento shortens the one column whose name would be too long for it.
    compensation = "shipping_discount_tax_compensation_am" + ("nt" if basis else "ount")
    return {f"{basis}{name}": value for name, value in {**totals, compensation: _ZERO}.items()}


_NOTHING = (
    "discount_tax_compensation_amount",
    "shipping_tax_amount",
    "shipping_discount_amount",
)


def _item(
    entity_id: int, index: int, row: SampleLine, rows: Sequence[SampleLine], rate: str
) -> OrderItem:
    quantity, price = Decimal(row.qty), Decimal(row.price)
    row_total = rounded(quantity * price).quantize(_FOUR_PLACES)
    discount = Decimal(row.discount).quantize(_FOUR_PLACES)
    percent = Decimal(row.tax_percent).quantize(_FOUR_PLACES)
    tax = rounded((row_total - discount) * percent / 100).quantize(_FOUR_PLACES)
    amounts = {
        "price": price.quantize(_FOUR_PLACES),
        "original_price": price.quantize(_FOUR_PLACES),
        "row_total": row_total,
        "row_total_incl_tax": row_total + rounded(row_total * percent / 100),
        "discount_amount": discount,
        "discount_tax_compensation_amount": _ZERO,
        "tax_amount": tax,
    }
    first_id = entity_id * 1000
    given: dict[str, Any] = {
        **dict.fromkeys(OrderItem.__struct_fields__),
        **amounts,
        **{f"base_{name}": _in_base(amount, rate) for name, amount in amounts.items()},
        "item_id": first_id + index,
        "parent_item_id": None if row.parent is None else first_id + row.parent,
        "product_id": index + 1,
        "product_type": row.product_type,
        "sku": row.sku,
        "name": f"Name of {row.sku} – „größer“ 日本",
        "is_virtual": False,
        "is_qty_decimal": quantity != quantity.to_integral_value(),
        "is_sellable": row.sells,
        "parent_sku": None if row.parent is None else rows[row.parent].sku,
        "catalog_sku": row.sku,
        "options": tuple(
            ItemOption(kind="attribute", label=label, value=value) for label, value in row.options
        ),
        "download_links": (),
        "taxes": (),
        "extra": {},
        "store_id": 1,
        "free_shipping": False,
        "qty_ordered": quantity.quantize(_FOUR_PLACES),
        "qty_canceled": _ZERO,
        "qty_invoiced": _ZERO,
        "qty_shipped": _ZERO,
        "qty_refunded": _ZERO,
        "tax_percent": percent,
        "weee_tax_applied_row_amount": _ZERO,
        "base_weee_tax_applied_row_amnt": _ZERO,
    }
    return OrderItem(**given)


def _address(entity_id: int, address_type: str) -> Address:
    return Address(
        entity_id=entity_id,
        address_type=address_type,
        firstname="Jürgen",
        lastname="Ærø & Söhne <“Q”>",
        street=("Straße des 17. Juni 135", "Hinterhaus"),
        city="Łódź",
        postcode="06108",
        country_id="DE",
        telephone="+49 345 000000",
        email="jürgen.ærø@example.com",
    )


def _taxes(entity_id: int, sold: Sequence[OrderItem]) -> tuple[TaxRate, ...]:
    """One row of sales_order_tax per rate."""
    percents = sorted({item.tax_percent for item in sold if item.tax_percent})
    rows = []
    for position, percent in enumerate(percents):
        taxed = [item for item in sold if item.tax_percent == percent]
        base = _sum(item.base_tax_amount for item in taxed)
        rows.append(
            TaxRate(
                tax_id=entity_id * 10 + position,
                code=f"VAT {percent:.2f}",
                title=f"VAT {percent:.2f} %",
                percent=percent,
                amount=_sum(item.tax_amount for item in taxed),
                base_amount=base,
                base_real_amount=base,
                priority=0,
                position=position,
            )
        )
    return tuple(rows)


def _sum(amounts: Any) -> Decimal:
    return sum(amounts, _ZERO)


def _in_base(amount: Decimal, rate: str) -> Decimal:
    return rounded(amount / Decimal(rate)).quantize(_FOUR_PLACES)
