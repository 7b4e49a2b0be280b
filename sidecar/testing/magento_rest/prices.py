"""Prices in bulk: base price, cost, special price.  200 with a list of what failed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from sidecar.testing.magento_db.product_values import (
    Value,
    delete_value,
    price_stores,
    save_values,
    stored_values,
)
from sidecar.testing.magento_db.session import Row, Session
from sidecar.testing.magento_db.source_items import product_of, products_of
from sidecar.testing.magento_rest.body import ANYTHING, FLOAT, INT, TEXT, ListOf, Record
from sidecar.testing.magento_rest.route import Call, Route
from sidecar.testing.magento_rest.rows import of_parents
from sidecar.testing.magento_rest.values import Json, plain

_INVALID = "Invalid attribute %fieldName = %fieldValue."
_SPECIAL_FIELDS = (
    ("special_price", "price"),
    ("special_from_date", "price_from"),
    ("special_to_date", "price_to"),
)
_COST_TYPES = ("simple", "virtual", "downloadable")


@dataclass(frozen=True)
class _Valid:
    """A row that can be written."""

    given: Json
    product: Row


def save_amounts(call: Call, code: str) -> list[Json]:
    """`products/base-prices` and `products/cost`: what is good is written, whatever is bad."""
    session = call.shop.session
    valid, failures = _sorted_out(call, code)
    named = {row.given.get("store_id") or 0 for row in valid}
    stores = {store_id: price_stores(session, store_id) for store_id in named}
    values = [
        Value(row.product["entity_id"], store_id, row.given[code])
        for row in valid
        for store_id in stores[row.given.get("store_id") or 0]
    ]
    if values:
        with session.transaction():
            save_values(session, code, values)
    return failures


def _sorted_out(call: Call, code: str) -> tuple[list[_Valid], list[Json]]:
    session = call.shop.session
    stores = _store_ids(session)
    products = _products(call)
    valid: list[_Valid] = []
    failures: list[Json] = []
    for given in call.body["prices"]:
        product = products.get(given.get("sku") or "")
        price, store_id = given.get(code), given.get("store_id") or 0
        found: list[Json] = []
        if product is None or not _takes(session, product, code):
            found.append(call.failure(_INVALID, "SKU", given.get("sku")))
        if price is None or price < 0:
            # Which row it was is not said.
            found.append(call.failure(_INVALID, code.capitalize(), _text(price)))
        if store_id not in stores:
            place = f"SKU = {given.get('sku')}, Store ID: {store_id}"
            found.append(
                call.failure(
                    f"Requested store is not found. Row ID: {place}.",
                    given.get("sku"),
                    str(store_id),
                )
            )
        failures += found
        if product is not None and not found:
            valid.append(_Valid(given, product))
    return valid, failures


def _takes(session: Session, product: Row, code: str) -> bool:
    """A bundle has a price of its own only where it is fixed; a configurable and a group never."""
    if product["type_id"] in _COST_TYPES:
        return True
    if code == "cost" or product["type_id"] != "bundle":
        return False
    kinds = stored_values(session, "price_type", [product["entity_id"]])
    return bool(kinds.get((product["entity_id"], 0)))


def show_amounts(call: Call, code: str) -> list[Json]:
    """`products/base-prices-information` and `products/cost-information`."""
    return [
        {code: plain(value), "store_id": store_id, "sku": sku}
        for sku, store_id, value in _values_of(call, code)
    ]


def save_special(call: Call) -> list[Json]:
    """`products/special-price`: the price of one store with the days that it is for.

    Of base prices alone the others of the same website follow (Magento's published source).
    """
    session = call.shop.session
    failures: list[Json] = []
    values: dict[str, list[Value]] = {code: [] for code, _ in _SPECIAL_FIELDS}
    products, stores = _products(call), _store_ids(session)
    for given in call.body["prices"]:
        fault = _special_fault(call, given, products, stores)
        if fault is not None:
            failures.append(fault)
            continue
        entity_id = products[given["sku"]]["entity_id"]
        for code, name in _SPECIAL_FIELDS:
            # A day that is not given stays as it is.
            if name == "price" or given.get(name):
                values[code].append(Value(entity_id, given.get("store_id") or 0, given[name]))
    if any(values.values()):
        with session.transaction():
            for code, of_code in values.items():
                if of_code:
                    save_values(session, code, of_code)
    return failures


def _special_fault(
    call: Call, given: Json, products: Mapping[str, Row], stores: Collection[int]
) -> Json | None:
    session, sku = call.shop.session, given.get("sku") or ""
    place = (
        f"Row ID: SKU = {sku}, Store ID: {given.get('store_id') or 0}, "
        f"Price From: {given.get('price_from') or ''}, Price To: {given.get('price_to') or ''}."
    )
    product = products.get(sku)
    if product is None or not _takes(session, product, "price"):
        return call.failure(f"{_INVALID} {place}", "SKU", sku)
    if given.get("price") is None or given["price"] < 0:
        return call.failure(f"{_INVALID} {place}", "Price", _text(given.get("price")))
    if (given.get("store_id") or 0) not in stores:
        return call.failure(f"Requested store is not found. {place}", sku)
    for name, label in (("price_from", "Price From"), ("price_to", "Price To")):
        if given.get(name) and _moment(given[name]) is None:
            return call.failure(f"{_INVALID} {place}", label, given[name])
    return None


def delete_special(call: Call) -> list[Json]:
    """`products/special-price-delete`: what does not match in price and dates stays, unsaid."""
    session = call.shop.session
    products = _products(call)
    for given in call.body["prices"]:
        product = products.get(given.get("sku") or "")
        if product is None:
            continue
        store_id = given.get("store_id") or 0
        if _matches(session, product["entity_id"], store_id, given):
            with session.transaction():
                for code in ("special_price", "special_from_date", "special_to_date"):
                    delete_value(session, code, product["entity_id"], store_id)
    return []


def _matches(session: Session, entity_id: int, store_id: int, given: Json) -> bool:
    def stored(code: str) -> Any:
        return stored_values(session, code, [entity_id]).get((entity_id, store_id))

    price = stored("special_price")
    return (
        price is not None
        and price == given.get("price")
        and stored("special_from_date") == _moment(given.get("price_from") or "")
        and stored("special_to_date") == _moment(given.get("price_to") or "")
    )


def show_special(call: Call) -> list[Json]:
    """`products/special-price-information`."""
    session = call.shop.session
    shown: list[Json] = []
    for sku, store_id, value in _values_of(call, "special_price"):
        entity_id = (product_of(session, sku) or {})["entity_id"]
        dates = {
            name: plain(stored_values(session, code, [entity_id]).get((entity_id, store_id)))
            for name, code in (("price_from", "special_from_date"), ("price_to", "special_to_date"))
        }
        shown.append({"price": plain(value), "store_id": store_id, "sku": sku, **dates})
    return shown


def _values_of(call: Call, code: str) -> list[tuple[str, int, Decimal]]:
    session = call.shop.session
    products = of_parents(session, "catalog_product_entity", "sku", call.body["skus"], "entity_id")
    skus = {product["entity_id"]: product["sku"] for product in products}
    values = stored_values(session, code, list(skus))
    return [
        (skus[entity_id], store_id, value)
        for (entity_id, store_id), value in values.items()
        if value is not None
    ]


def _products(call: Call) -> Mapping[str, Row]:
    """By the SKU of each row."""
    skus = {given.get("sku") or "" for given in call.body["prices"]}
    return products_of(call.shop.session, skus)


def _store_ids(session: Session) -> Collection[int]:
    return {row["store_id"] for row in session.select(
        f"SELECT store_id FROM {session.table('store')}")}  # fmt: skip


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None


def _text(price: Decimal | None) -> str | None:
    return None if price is None else str(plain(price))


def _rows(*names: str, interface: str) -> dict[str, ListOf]:
    kinds = {"sku": TEXT, "price": FLOAT, "cost": FLOAT, "store_id": INT, "price_from": TEXT,
             "price_to": TEXT, "extension_attributes": ANYTHING}  # fmt: skip
    keys = {name: kinds[name] for name in (*names, "extension_attributes")}
    return {"prices": ListOf(Record(keys), f"\\Magento\\Catalog\\Api\\Data\\{interface}")}


def _routes(
    path: str, rows: dict[str, ListOf], save: Callable[[Call], Any], show: Callable[[Call], Any]
) -> Sequence[Route]:
    """A price storage: write and read, both with POST."""
    right = "Magento_Catalog::catalog"
    skus = {"skus": ListOf(TEXT)}
    return (
        Route("POST", f"products/{path}", right, save, rows, frozenset({"prices"})),
        Route("POST", f"products/{path}-information", right, show, skus, frozenset({"skus"})),
    )


_SPECIAL = _rows(
    "sku", "price", "store_id", "price_from", "price_to", interface="SpecialPriceInterface"
)

ROUTES = (
    *_routes("base-prices", _rows("sku", "price", "store_id", interface="BasePriceInterface"),
             partial(save_amounts, code="price"), partial(show_amounts, code="price")),
    *_routes("cost", _rows("sku", "cost", "store_id", interface="CostInterface"),
             partial(save_amounts, code="cost"), partial(show_amounts, code="cost")),
    *_routes("special-price", _SPECIAL, save_special, show_special),
    Route("POST", "products/special-price-delete", "Magento_Catalog::catalog", delete_special,
          _SPECIAL, frozenset({"prices"})),
)  # fmt: skip
