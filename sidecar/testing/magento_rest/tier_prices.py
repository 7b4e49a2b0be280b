"""Tier prices: add, replace, delete, read."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sidecar.testing.magento_db.product_values import (
    TierPrice,
    delete_tier_price,
    save_tier_prices,
)
from sidecar.testing.magento_db.session import Session
from sidecar.testing.magento_db.source_items import products_of
from sidecar.testing.magento_rest.body import ANYTHING, FLOAT, INT, TEXT, ListOf, Record
from sidecar.testing.magento_rest.route import Call, Route
from sidecar.testing.magento_rest.rows import of_parents
from sidecar.testing.magento_rest.values import Json, plain

_ALL_GROUPS = "ALL GROUPS"
_KINDS = ("fixed", "discount")


def add(call: Call) -> list[Json]:
    """`products/tier-prices` with POST: add or change."""
    prices, failures = _read(call)
    if prices:
        save_tier_prices(call.shop.session, prices)
    return failures


def replace(call: Call) -> list[Json]:
    """`products/tier-prices` with PUT: all tiers of the SKUs that are named."""
    prices, failures = _read(call)
    if prices:
        named = list(dict.fromkeys(price.entity_id for price in prices))
        save_tier_prices(call.shop.session, prices, replace_of=named)
    return failures


def delete(call: Call) -> list[Json]:
    """`products/tier-prices-delete`."""
    prices, failures = _read(call)
    for price in prices:
        delete_tier_price(call.shop.session, price)
    return failures


def show(call: Call) -> list[Json]:
    """`products/tier-prices-information`."""
    session = call.shop.session
    products = of_parents(session, "catalog_product_entity", "sku", call.body["skus"], "entity_id")
    skus = {product["entity_id"]: product["sku"] for product in products}
    groups = {number: code for code, number in _groups(session).items()}
    rows = of_parents(
        session, "catalog_product_entity_tier_price", "entity_id", list(skus), "value_id"
    )
    return [
        {
            "price": plain(row["percentage_value"] or row["value"]),
            "price_type": "discount" if row["percentage_value"] else "fixed",
            "website_id": row["website_id"],
            "sku": skus[row["entity_id"]],
            "customer_group": (
                _ALL_GROUPS if row["all_groups"] else groups[row["customer_group_id"]]
            ),
            "quantity": plain(row["qty"]),
        }
        for row in rows
    ]


def _read(call: Call) -> tuple[list[TierPrice], list[Json]]:
    session = call.shop.session
    groups = {code.lower(): number for code, number in _groups(session).items()}
    websites = {row["website_id"] for row in session.select(
        f"SELECT website_id FROM {session.table('store_website')}")}  # fmt: skip
    prices: list[TierPrice] = []
    failures: list[Json] = []
    products = products_of(session, {given.get("sku") or "" for given in call.body["prices"]})
    for given in call.body["prices"]:
        product = products.get(given.get("sku") or "")
        fault = _fault(given, product is not None, groups, websites)
        if fault is not None or product is None:
            failures.append(call.failure(*(fault or ())))
        else:
            prices.append(_tier(given, product["entity_id"], groups))
    return prices, failures


def _fault(
    given: Json, known: bool, groups: dict[str, int], websites: set[int]
) -> tuple[Any, ...] | None:
    sku, group = given.get("sku"), given.get("customer_group") or ""
    website, quantity = given.get("website_id") or 0, given.get("quantity") or Decimal(0)
    place = (
        f"Row ID: SKU = {sku}, Website ID: {website}, Customer Group: {group}, "
        f"Quantity: {plain(quantity)}."
    )
    invalid = f"Invalid attribute %fieldName = %fieldValue. {place}"
    if not known:
        return (invalid, "SKU", sku)
    if given.get("price") is None or given["price"] < 0:
        return (invalid, "Price", plain(given.get("price")))
    if given.get("price_type") not in _KINDS:
        return (invalid, "Price Type", given.get("price_type"))
    if quantity <= 0:
        return (invalid, "Quantity", plain(quantity))
    if website not in websites:
        return (invalid, "Website ID", website)
    if group.upper() != _ALL_GROUPS and group.lower() not in groups:
        return (f"No such entity with Customer Group = %customerGroup. {place}", group)
    return None


def _tier(given: Json, entity_id: int, groups: dict[str, int]) -> TierPrice:
    group = given["customer_group"]
    discount = given["price_type"] == "discount"
    return TierPrice(
        entity_id=entity_id,
        website_id=given.get("website_id") or 0,
        group_id=None if group.upper() == _ALL_GROUPS else groups[group.lower()],
        qty=given["quantity"],
        value=Decimal(0) if discount else given["price"],
        percentage=given["price"] if discount else None,
    )


def _groups(session: Session) -> dict[str, int]:
    rows = session.select(f"SELECT * FROM {session.table('customer_group')}")
    return {row["customer_group_code"]: row["customer_group_id"] for row in rows}


_BODY = {
    "prices": ListOf(
        Record(
            {"sku": TEXT, "price": FLOAT, "price_type": TEXT, "website_id": INT,
             "customer_group": TEXT, "quantity": FLOAT, "extension_attributes": ANYTHING}
        ),
        "\\Magento\\Catalog\\Api\\Data\\TierPriceInterface",
    )
}  # fmt: skip
_RIGHT = "Magento_Catalog::catalog"
_PRICES = frozenset({"prices"})

ROUTES = (
    Route("POST", "products/tier-prices", _RIGHT, add, _BODY, _PRICES),
    Route("PUT", "products/tier-prices", _RIGHT, replace, _BODY, _PRICES),
    Route("POST", "products/tier-prices-delete", _RIGHT, delete, _BODY, _PRICES),
    Route("POST", "products/tier-prices-information", _RIGHT, show,
          {"skus": ListOf(TEXT)}, frozenset({"skus"})),
)  # fmt: skip
