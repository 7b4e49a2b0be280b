"""Products: reading one, and the save that writes its stock back as it was loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sidecar.testing.magento_db.product_values import (
    Value,
    price_stores,
    save_product,
    stored_values,
)
from sidecar.testing.magento_db.reference_products import PRODUCT_ATTRIBUTES
from sidecar.testing.magento_db.session import Row, Session
from sidecar.testing.magento_db.source_items import product_of
from sidecar.testing.magento_rest.body import ANYTHING, FLOAT, INT, TEXT, Kind, Record
from sidecar.testing.magento_rest.refusals import NO_PRODUCT, Refused, bad
from sidecar.testing.magento_rest.route import Call, Route
from sidecar.testing.magento_rest.rows import of_parents
from sidecar.testing.magento_rest.values import Json, plain, shown

_OWN = ("name", "price", "status", "visibility", "weight")
_LISTED = ("special_price", "special_from_date", "special_to_date", "cost", "url_key",
           "tax_class_id", "short_description", "description")  # fmt: skip


def get(call: Call) -> Json:
    """`products/:sku`, as the store of the address sees it."""
    product = product_of(call.shop.session, call.path["sku"])
    if product is None:
        raise Refused(404, NO_PRODUCT)
    return _shown(call.shop.session, product, call.store_id)


def save(call: Call) -> Json:
    """`products/:sku` with PUT: the keys that are sent, for the store of the address.

    The stock is read with the product and written back with it: what is booked in between is lost.
    """
    session, given = call.shop.session, call.body["product"]
    product = product_of(session, call.path.get("sku") or given.get("sku") or "")
    if product is None:
        # It would be made new, and lacks what a new one needs.
        raise bad("Invalid product data: %1", "Invalid attribute set entity type")
    _check(given)
    stock = _loaded_stock(session, product)
    values = {
        code: [
            Value(product["entity_id"], store_id, given[code])
            for store_id in _stores(session, code, call.store_id)
        ]
        for code in _OWN
        if given.get(code) is not None
    }
    save_product(session, product, stock, values)
    return _shown(session, product_of(session, product["sku"]) or product, call.store_id)


def _check(given: Json) -> None:
    if given.get("price") is not None and given["price"] < 0:
        raise bad("Please enter a number 0 or greater in this field.")
    if "name" in given and not given["name"]:
        raise bad('The "Product Name" attribute value is empty. Set the attribute and try again.')


def _stores(session: Session, code: str, store_id: int) -> list[int]:
    """Whose value is written: a price's scope is the shop's setting, a weight has none."""
    if code == "weight":
        return [0]
    if code != "price" or not store_id:
        return [store_id]
    return price_stores(session, store_id)


def _loaded_stock(session: Session, product: Row) -> Row:
    rows = session.select(
        f"SELECT * FROM {session.table('inventory_source_item')} "
        "WHERE source_code = 'default' AND sku = %s",
        [product["sku"]],
    )
    return rows[0] if rows else {}


def _shown(session: Session, product: Row, store_id: int) -> Json:
    entity_id = product["entity_id"]
    values = {code: _seen(session, code, entity_id, store_id) for code in (*_OWN, *_LISTED)}
    stock = of_parents(session, "cataloginventory_stock_item", "product_id", [entity_id])
    websites = of_parents(session, "catalog_product_website", "product_id", [entity_id])
    named = shown(product, "entity_id", "has_options", "required_options")
    return {
        "id": entity_id,
        **named,
        **{code: plain(values[code]) for code in _OWN if values[code] is not None},
        "extension_attributes": {
            "website_ids": [row["website_id"] for row in websites],
            "stock_item": _stock_item(stock[0]) if stock else None,
        },
        "product_links": [],
        "options": [],
        "media_gallery_entries": [],
        "tier_prices": [],
        "custom_attributes": [
            {"attribute_code": code, "value": _text(values[code])}
            for code in _LISTED
            if values[code] is not None
        ],
    }


def _seen(session: Session, code: str, entity_id: int, store_id: int) -> Any:
    """A value as a store sees it: its own, or the default."""
    values = stored_values(session, code, [entity_id])
    return values.get((entity_id, store_id), values.get((entity_id, 0)))


def _stock_item(row: Row) -> Json:
    return shown(row, "website_id") | {
        "is_in_stock": bool(row["is_in_stock"]),
        "manage_stock": bool(row["manage_stock"]),
        "is_qty_decimal": bool(row["is_qty_decimal"]),
    }


def _text(value: Any) -> str:
    return str(plain(value))


_FIELDS = {code: TEXT if PRODUCT_ATTRIBUTES[number][1] == "varchar" else FLOAT
           for number, (code, _) in PRODUCT_ATTRIBUTES.items() if code in _OWN}  # fmt: skip
_PRODUCT = Record(
    {**_FIELDS, "sku": TEXT, "attribute_set_id": INT, "type_id": TEXT, "id": INT},
    ignored=frozenset({"custom_attributes", "extension_attributes", "product_links", "options",
                       "media_gallery_entries", "tier_prices", "created_at", "updated_at"}),
)  # fmt: skip
_BODY: Mapping[str, Kind] = {"product": _PRODUCT, "saveOptions": ANYTHING}
_RIGHT, _GIVEN = "Magento_Catalog::products", frozenset({"product"})

ROUTES = (
    Route("GET", "products/:sku", _RIGHT, get),
    Route("PUT", "products/:sku", _RIGHT, save, _BODY, _GIVEN),
    Route("POST", "products", _RIGHT, save, _BODY, _GIVEN),
)
