"""A priced cart as the column values of Magento's order tables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sidecar.testing.magento_db.cart import ZERO, Item, PricedCart, RateAmount
from sidecar.testing.magento_db.catalogue import Address, Customer, Store
from sidecar.testing.magento_db.session import Row

PAYMENT_TITLES: Mapping[str, str] = {
    "checkmo": "Check / Money order",
    "banktransfer": "Bank Transfer Payment",
    "purchaseorder": "Purchase Order",
    "free": "No Payment Information Required",
}


def php_json(value: object) -> str:
    """JSON as PHP's json_encode writes it: no blanks, slashes and non-ASCII escaped."""
    return json.dumps(value, separators=(",", ":"), default=_number).replace("/", "\\/")


def _number(value: object) -> int | float:
    if not isinstance(value, Decimal):
        raise TypeError(f"{type(value).__name__} has no JSON form here")
    return int(value) if value == value.to_integral_value() else float(value)


def order_row(
    cart: PricedCart,
    *,
    store: Store,
    customer: Customer | None,
    email: str,
    name: Address,
    quote_id: int,
    increment_id: str,
    protect_code: str,
) -> Row:
    """`sales_order` as it is inserted: address ids and dates are not known yet."""
    base, order = cart.totals("base"), cart.totals("order")
    top = [item for item in cart.items if item.parent is None]
    leaves = [item for item in cart.items if not item.children]
    coupon = cart.coupon
    row: Row = {
        "state": "new",
        "status": "pending",
        "coupon_code": coupon and coupon.code,
        "protect_code": protect_code,
        "shipping_description": None if cart.is_virtual else "Flat Rate - Fixed",
        "is_virtual": int(cart.is_virtual),
        "store_id": store.store_id,
        "customer_id": customer and customer.entity_id,
        "base_to_global_rate": 1,
        "base_to_order_rate": store.base_to_order_rate,
        # Magento 2 fills these two no longer.
        "store_to_base_rate": 0,
        "store_to_order_rate": 0,
        "total_qty_ordered": sum((item.qty for item in top), ZERO),
        "customer_is_guest": int(customer is None),
        "customer_note_notify": 1,
        "customer_group_id": customer.group_id if customer else 0,
        "quote_id": quote_id,
        "weight": sum((_row_weight(item) for item in top), ZERO),
        "increment_id": increment_id,
        "applied_rule_ids": coupon and str(coupon.rule_id),
        "base_currency_code": store.base_currency,
        "customer_email": email,
        "customer_firstname": customer.firstname if customer else name.firstname,
        "customer_lastname": customer.lastname if customer else name.lastname,
        "discount_description": coupon and coupon.code,
        "coupon_rule_name": coupon and coupon.name,
        "global_currency_code": store.base_currency,
        "order_currency_code": store.order_currency,
        "shipping_method": None if cart.is_virtual else "flatrate_flatrate",
        "store_currency_code": store.base_currency,
        "store_name": store.store_name,
        "total_item_count": len(leaves),
    }
    for prefix, totals, shipping in (
        ("base_", base, cart.base_shipping),
        ("", order, cart.order_shipping),
    ):
        row |= {
            # Negative on the order, positive on its items.
            f"{prefix}discount_amount": -totals["discount"],
            f"{prefix}grand_total": totals["grand_total"],
            f"{prefix}shipping_amount": totals["shipping"],
            f"{prefix}shipping_tax_amount": shipping.tax,
            f"{prefix}subtotal": totals["subtotal"],
            f"{prefix}tax_amount": totals["tax"],
            f"{prefix}shipping_discount_amount": 0,
            f"{prefix}subtotal_incl_tax": totals["incl_tax"],
            f"{prefix}total_due": totals["grand_total"],
            f"{prefix}discount_tax_compensation_amount": totals["tax_compensation"],
            f"{prefix}shipping_incl_tax": shipping.incl_tax,
        }
    row["shipping_discount_tax_compensation_amount"] = 0
    row["base_shipping_discount_tax_compensation_amnt"] = 0
    return row


def _row_weight(item: Item) -> Decimal:
    return _weight(item) * item.qty


def _weight(item: Item) -> Decimal:
    """Weight of one piece: a configurable weighs its child, a dynamic bundle its children."""
    if item.product.weight is not None:
        return item.product.weight
    weights = (_weight(child) * child.qty / item.qty for child in item.children)
    return sum(weights, ZERO)


def item_row(
    item: Item, cart: PricedCart, *, order_id: int, parent_item_id: int | None, store: Store
) -> Row:
    """`sales_order_item` of one item."""
    row: Row = {"order_id": order_id}
    if item.parent is not None:
        row["parent_item_id"] = parent_item_id
    weight = None if item.product.is_virtual else _weight(item)
    row |= {
        "store_id": store.store_id,
        "product_id": item.product.entity_id,
        "product_type": "grouped" if item.line.group else item.product.type_id,
        "product_options": php_json(_product_options(item, cart)),
        "weight": weight,
        "is_virtual": int(item.product.is_virtual),
        "sku": _sku(item),
        "name": item.product.name,
        "applied_rule_ids": str(cart.coupon.rule_id) if cart.coupon and not item.parent else None,
        "is_qty_decimal": int(item.product.is_qty_decimal),
        "qty_ordered": item.qty,
        "row_weight": _row_weight(item) if weight is not None and not item.parent else 0,
        "free_shipping": 0,
        "discount_percent": item.discount_percent,
    }
    is_companion = item.parent is not None and not item.carries_price
    is_sum = bool(item.children) and not item.carries_price
    percent = sum((rate.percent for rate in item.rates), ZERO)
    row["tax_percent"] = None if is_sum else percent
    for prefix, amounts in (("base_", item.base), ("", item.order)):
        row |= {
            f"{prefix}price": amounts.price,
            f"{prefix}original_price": (
                None if is_companion and prefix else amounts.original_price
            ),
            f"{prefix}tax_amount": amounts.tax,
            f"{prefix}discount_amount": amounts.discount,
            f"{prefix}row_total": amounts.row_total,
            f"{prefix}price_incl_tax": None if is_companion else amounts.price_incl_tax,
            f"{prefix}row_total_incl_tax": None if is_companion else amounts.row_total_incl_tax,
            f"{prefix}discount_tax_compensation_amount": (
                None if is_companion or is_sum else amounts.tax_compensation
            ),
        }
    return row


def _sku(item: Item) -> str:
    """A configurable is booked under its child's SKU, a bundle under its own and its children's."""
    if item.product.type_id == "configurable":
        return item.children[0].product.sku
    if item.product.type_id == "bundle":
        return "-".join([item.product.sku, *(child.product.sku for child in item.children)])
    return item.product.sku


def _product_options(item: Item, cart: PricedCart) -> dict[str, Any]:
    top = item.parent or item
    request: dict[str, Any] = {"qty": top.qty}
    options: dict[str, Any] = {"info_buyRequest": request}
    kind = top.product.type_id
    if kind == "configurable":
        labels = list(top.product.variants)
        value = str(labels.index(top.line.option or labels[0]) + 1)
        request["super_attribute"] = {"93": value}
        if item is top:
            child = item.children[0].product
            options |= {
                "attributes_info": [
                    {
                        "label": "Color",
                        "value": top.line.option,
                        "option_id": 93,
                        "option_value": value,
                    }
                ],
                "simple_name": child.name,
                "simple_sku": child.sku,
                "product_calculations": 1,
                "shipment_type": 0,
            }
    elif kind == "bundle":
        components = top.product.components
        request["bundle_option"] = {str(c.option_id): [str(c.selection_id)] for c in components}
        request["bundle_option_qty"] = {str(c.option_id): c.qty for c in components}
        options |= _bundle_options(item, cart) if item is top else _selection(item)
    elif kind == "downloadable":
        request["links"] = ["1"]
        options |= {
            "links": ["1"],
            "is_downloadable": True,
            "real_product_type": "downloadable",
        }
    if top.line.group:
        group = {"product_code": "product_type", "product_type": "grouped"}
        request["super_product_config"] = group | {"product_id": top.line.group}
        options["super_product_config"] = group | {"product_id": top.line.group}
    return options


def _bundle_options(item: Item, cart: PricedCart) -> dict[str, Any]:
    # 0: the children's prices count; 1: the parent's does and the children cost nothing.
    calculations = 1 if item.product.fixed_price else 0
    return {
        "bundle_options": {
            str(component.option_id): {
                "option_id": str(component.option_id),
                "label": component.option_label,
                "value": [
                    {
                        "title": child.product.name,
                        "qty": component.qty,
                        "price": child.base.price * component.qty * cart.base_to_order_rate,
                    }
                ],
            }
            for component, child in zip(item.product.components, item.children, strict=True)
        },
        "product_calculations": calculations,
        "shipment_type": str(int(item.line.ship_separately)),
    }


def _selection(item: Item) -> dict[str, Any]:
    if item.parent is None:
        return {}
    index = next(n for n, child in enumerate(item.parent.children) if child is item)
    component = item.parent.product.components[index]
    # JSON inside JSON, as Magento stores it.
    return {
        "bundle_selection_attributes": php_json(
            {
                "price": item.base.price,
                "qty": component.qty,
                "option_label": component.option_label,
                "option_id": str(component.option_id),
            }
        )
    }


def payment_row(cart: PricedCart, order_id: int, method: str, po_number: str | None) -> Row:
    """`sales_order_payment`."""
    return {
        "parent_id": order_id,
        "base_shipping_amount": cart.base_shipping.amount,
        "shipping_amount": cart.order_shipping.amount,
        "base_amount_ordered": cart.totals("base")["grand_total"],
        "amount_ordered": cart.totals("order")["grand_total"],
        "method": method,
        "po_number": po_number,
        "additional_information": php_json({"method_title": PAYMENT_TITLES.get(method, method)}),
    }


def address_row(
    address: Address, order_id: int, kind: str, email: str, customer: Customer | None
) -> Row:
    """`sales_order_address`; `kind` is shipping or billing."""
    from_book = customer is not None and address == customer.address
    return {
        "parent_id": order_id,
        "customer_address_id": customer.address_id if customer and from_book else None,
        "region_id": address.region_id,
        "region": address.region,
        "postcode": address.postcode,
        "lastname": address.lastname,
        "street": address.street,
        "city": address.city,
        "email": email,
        "telephone": address.telephone,
        "country_id": address.country_id,
        "firstname": address.firstname,
        "address_type": kind,
        "company": address.company,
        "vat_id": address.vat_id,
    }


def tax_rows(cart: PricedCart, order_id: int) -> list[tuple[Row, list[RateAmount]]]:
    """`sales_order_tax` per rate, each with the amounts that its `sales_order_tax_item`s hold."""
    by_rate: dict[str, list[RateAmount]] = {}
    for tax in cart.taxes:
        by_rate.setdefault(tax.rate.code, []).append(tax)
    return [
        (
            {
                "order_id": order_id,
                "code": code,
                "title": code,
                "percent": taxes[0].rate.percent,
                "amount": sum((tax.order for tax in taxes), ZERO),
                "priority": position,
                "position": position,
                "base_amount": sum((tax.base for tax in taxes), ZERO),
                "process": 0,
                "base_real_amount": sum((tax.base for tax in taxes), ZERO),
            },
            taxes,
        )
        for position, (code, taxes) in enumerate(by_rate.items())
    ]


def tax_item_row(tax: RateAmount, tax_id: int, item_id: int | None) -> Row:
    """`sales_order_tax_item` of a line, or of the shipping when there is no line."""
    return {
        "tax_id": tax_id,
        "item_id": item_id,
        "tax_percent": tax.rate.percent,
        "amount": tax.order,
        "base_amount": tax.base,
        "real_amount": tax.order,
        "real_base_amount": tax.base,
        "associated_item_id": None,
        "taxable_item_type": "shipping" if tax.item is None else "product",
    }


def reservations(cart: PricedCart) -> dict[str, Decimal]:
    """Pieces by SKU that the order takes from the stock: of what is stocked, each SKU once."""
    taken: dict[str, Decimal] = {}
    for item in cart.items:
        if item.product.has_stock:
            taken[item.product.sku] = taken.get(item.product.sku, ZERO) + item.qty
    return taken
