"""The rows of the products that the shop sells, and of their stock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sidecar.testing.magento_db.catalogue import GOODS, PRODUCTS, REDUCED, STORES, Product

Row = Mapping[str, Any]

STOCK_QTY = 1000

# attribute_id -> code and value table, as a fresh 2.4.7 numbers them.
PRODUCT_ATTRIBUTES: Mapping[int, tuple[str, str]] = {
    73: ("name", "varchar"),
    74: ("sku", "static"),
    75: ("description", "text"),
    76: ("short_description", "text"),
    77: ("price", "decimal"),
    78: ("special_price", "decimal"),
    79: ("special_from_date", "datetime"),
    80: ("special_to_date", "datetime"),
    81: ("cost", "decimal"),
    82: ("weight", "decimal"),
    93: ("color", "int"),
    97: ("status", "int"),
    99: ("visibility", "int"),
    115: ("quantity_and_stock_status", "int"),
    121: ("url_key", "varchar"),
    129: ("price_type", "int"),
    136: ("tax_class_id", "int"),
}


def product_rows() -> Iterator[tuple[str, Sequence[Row]]]:
    """(table, rows) of attributes, products and stock."""
    yield from _eav()
    yield from _products()
    yield from _inventory()


def _eav() -> Iterator[tuple[str, Sequence[Row]]]:
    yield (
        "eav_entity_type",
        [
            {
                "entity_type_id": number,
                "entity_type_code": code,
                "entity_model": f"Model\\{code}",
                "entity_table": table,
            }
            for number, code, table in (
                (1, "customer", "customer_entity"),
                (2, "customer_address", "customer_address_entity"),
                (3, "catalog_category", "catalog_category_entity"),
                (4, "catalog_product", "catalog_product_entity"),
                (5, "order", "sales_order"),
                (6, "invoice", "sales_invoice"),
                (7, "creditmemo", "sales_creditmemo"),
                (8, "shipment", "sales_shipment"),
            )
        ],
    )
    yield (
        "eav_attribute",
        [
            {
                "attribute_id": number,
                "entity_type_id": 4,
                "attribute_code": code,
                "backend_type": backend,
                "frontend_input": "select" if code == "color" else None,
                "frontend_label": code.replace("_", " ").title(),
            }
            for number, (code, backend) in PRODUCT_ATTRIBUTES.items()
        ],
    )
    yield (
        "tax_class",
        [
            {"class_id": number, "class_name": name, "class_type": "PRODUCT"}
            for number, name in ((GOODS, "Taxable Goods"), (REDUCED, "Reduced"))
        ],
    )
    yield (
        "eav_attribute_set",
        [{"attribute_set_id": 4, "entity_type_id": 4, "attribute_set_name": "Default"}],
    )


def _products() -> Iterator[tuple[str, Sequence[Row]]]:
    yield (
        "catalog_product_entity",
        [
            {
                "entity_id": product.entity_id,
                "attribute_set_id": 4,
                "type_id": product.type_id,
                "sku": product.sku,
                "has_options": int(bool(product.components or product.variants)),
                "required_options": int(bool(product.components or product.variants)),
            }
            for product in PRODUCTS
        ],
    )
    codes = {code: (number, kind) for number, (code, kind) in PRODUCT_ATTRIBUTES.items()}
    values: dict[str, list[Row]] = {}
    for product in PRODUCTS:
        for code, value in _attribute_values(product).items():
            number, kind = codes[code]
            values.setdefault(kind, []).append(
                {
                    "attribute_id": number,
                    "store_id": 0,
                    "entity_id": product.entity_id,
                    "value": value,
                }
            )
    for kind, of_kind in values.items():
        yield f"catalog_product_entity_{kind}", of_kind
    yield (
        "catalog_product_website",
        [
            {"product_id": product.entity_id, "website_id": store.website_id}
            for product in PRODUCTS
            for store in STORES.values()
        ],
    )


def _attribute_values(product: Product) -> dict[str, Any]:
    parents = [other for other in PRODUCTS if product.sku in other.variants.values()]
    values: dict[str, Any] = {
        "name": product.name,
        "url_key": product.sku.lower(),
        "status": 1,
        # A variant is not visible by itself (1); everything else is in catalogue and search (4).
        "visibility": 1 if parents else 4,
        "tax_class_id": product.tax_class_id,
        "quantity_and_stock_status": 1,
        "price": product.price,
        "short_description": f"{product.name} – <b>{product.sku}</b>",
    }
    if product.weight is not None:
        values["weight"] = product.weight
    if product.type_id == "bundle":
        values["price_type"] = int(product.fixed_price)
    return values


def _inventory() -> Iterator[tuple[str, Sequence[Row]]]:
    yield (
        "inventory_source",
        [
            {
                "source_code": "default",
                "name": "Default Source",
                "enabled": 1,
                "country_id": "DE",
                "postcode": "10115",
                "use_default_carrier_config": 1,
                "frontend_name": "",
            }
        ],
    )
    yield "inventory_stock", [{"stock_id": 1, "name": "Default Stock"}]
    yield "inventory_source_stock_link", [{"stock_id": 1, "source_code": "default", "priority": 1}]
    yield (
        "inventory_stock_sales_channel",
        [
            {"type": "website", "code": store.website_code, "stock_id": 1}
            for store in STORES.values()
        ],
    )
    yield "cataloginventory_stock", [{"stock_id": 1, "website_id": 0, "stock_name": "Default"}]
    stocked = [product for product in PRODUCTS if product.has_stock]
    yield (
        "inventory_source_item",
        [
            {"source_code": "default", "sku": product.sku, "quantity": STOCK_QTY, "status": 1}
            for product in stocked
        ],
    )
    yield (
        "cataloginventory_stock_item",
        [
            {
                "product_id": product.entity_id,
                "stock_id": 1,
                "qty": STOCK_QTY if product.has_stock else 0,
                "is_qty_decimal": int(product.is_qty_decimal),
                "is_in_stock": 1,
                "manage_stock": 1,
                "website_id": 0,
            }
            for product in PRODUCTS
        ],
    )
    yield (
        "cataloginventory_stock_status",
        [
            {
                "product_id": product.entity_id,
                "website_id": 0,
                "stock_id": 1,
                "qty": STOCK_QTY if product.has_stock else 0,
                "stock_status": 1,
            }
            for product in PRODUCTS
        ],
    )
