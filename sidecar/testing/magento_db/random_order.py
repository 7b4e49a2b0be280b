"""Orders made up at random, valid and varied."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

from sidecar.testing.magento_db.cart import Line
from sidecar.testing.magento_db.catalogue import (
    ADDRESSES,
    CATALOGUE,
    COUPONS,
    CUSTOMERS,
    STORES,
    Product,
)

_PAYMENTS = ("checkmo", "banktransfer", "purchaseorder")


def random_order(rng: random.Random) -> dict[str, Any]:
    """Arguments of `Shop.place`: product kinds, guest or customer, coupon, currency, decimals."""
    customer = rng.choice([None, *CUSTOMERS])
    payment = rng.choice(_PAYMENTS)
    products = rng.sample(list(CATALOGUE.values()), rng.randint(1, 4))
    order: dict[str, Any] = {
        "lines": [line for product in products for line in _lines(rng, product)],
        "customer": customer,
        "store": rng.choice(list(STORES)),
        "coupon": rng.choice([None, None, *COUPONS]),
        "payment": payment,
        "shipping": rng.choice([None, Decimal(0), Decimal(rng.randint(1, 4999)) / 100]),
        "address": rng.choice(ADDRESSES),
        "prices_include_tax": rng.random() < 0.3,
    }
    if payment == "purchaseorder":
        order["po_number"] = f"PO-{rng.randint(1, 99999)}"
    if customer is None:
        order["email"] = f"guest{rng.randint(1, 99999)}@example.com"
    if rng.random() < 0.3:
        order["billing_address"] = rng.choice(ADDRESSES)
    return order


def _lines(rng: random.Random, product: Product) -> list[Line]:
    if product.type_id == "grouped":
        return [Line(sku, rng.randint(1, 4), group=product.sku) for sku in product.members]
    qty = Decimal(rng.randint(1, 9999)) / 1000 if product.is_qty_decimal else rng.randint(1, 7)
    option = rng.choice(list(product.variants)) if product.variants else None
    price = None
    if product.price and rng.random() < 0.3:
        # Fractions of a cent come from currency conversion and from tier prices.
        price = Decimal(rng.randint(1, 9_999_999)) / 10_000
    return [Line(product.sku, qty, option=option, price=price)]
