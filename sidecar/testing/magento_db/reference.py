"""The rows that a shop has before its first order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sidecar.testing.magento_db import mview
from sidecar.testing.magento_db.catalogue import (
    CATALOGUE,
    COUPONS,
    CUSTOMERS,
    PRODUCTS,
    STORES,
    Product,
)

Row = Mapping[str, Any]

SEQUENCES = ("order", "invoice", "creditmemo", "shipment")
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

_STATUSES = (
    # status, label, state, is_default, visible_on_front
    ("canceled", "Canceled", "canceled", 1, 1),
    ("closed", "Closed", "closed", 1, 1),
    ("complete", "Complete", "complete", 1, 1),
    ("fraud", "Suspected Fraud", "payment_review", 0, 1),
    ("fraud", "Suspected Fraud", "processing", 0, 1),
    ("holded", "On Hold", "holded", 1, 1),
    ("payment_review", "Payment Review", "payment_review", 1, 1),
    ("paypal_canceled_reversal", "PayPal Canceled Reversal", None, 0, 0),
    ("paypal_reversed", "PayPal Reversed", None, 0, 0),
    ("pending", "Pending", "new", 1, 1),
    ("pending_payment", "Pending Payment", "pending_payment", 1, 0),
    ("pending_paypal", "Pending PayPal", None, 0, 0),
    ("processing", "Processing", "processing", 1, 1),
)

_CONFIGURATION = {
    "web/unsecure/base_url": "http://shop.example/",
    "web/secure/base_url": "https://shop.example/",
    "web/seo/use_rewrites": "1",
    "general/locale/code": "en_US",
    "general/locale/timezone": "UTC",
    "general/country/default": "DE",
    "currency/options/base": "EUR",
    "currency/options/default": "EUR",
    "currency/options/allow": "EUR,USD",
    "catalog/category/root_id": "2",
    "catalog/search/engine": "opensearch",
    "tax/calculation/price_includes_tax": "0",
    "tax/classes/shipping_tax_class": "2",
    "shipping/origin/country_id": "DE",
    "carriers/flatrate/active": "1",
    "payment/checkmo/active": "1",
    "payment/banktransfer/active": "1",
    "payment/purchaseorder/active": "1",
    "trans_email/ident_sales/email": "sales@shop.example",
}

_MODULES = (
    "Magento_Store", "Magento_Eav", "Magento_Customer", "Magento_Catalog", "Magento_Quote",
    "Magento_Sales", "Magento_SalesRule", "Magento_SalesSequence", "Magento_Bundle",
    "Magento_ConfigurableProduct", "Magento_GroupedProduct", "Magento_Downloadable",
    "Magento_CatalogInventory", "Magento_Inventory", "Magento_InventoryApi",
    "Magento_InventorySales", "Magento_InventoryReservations", "Magento_SalesDataExporter",
    "Magento_StoreDataExporter", "Magento_PaymentServicesBase",
)  # fmt: skip


def rows(scheduled: bool, prefix: str) -> Iterator[tuple[str, Sequence[Row]]]:
    """(table, rows) in an order that respects the foreign keys.

    `scheduled`: the materialised views are in mode *Update by Schedule*.  `prefix` stands before
    table names that are themselves data.
    """
    yield from _scopes(prefix)
    yield from _system(scheduled)
    yield from _statuses()
    yield from _eav()
    yield from _products()
    yield from _inventory()
    yield from _customers()
    yield from _rules()


def _scopes(prefix: str) -> Iterator[tuple[str, Sequence[Row]]]:
    stores = list(STORES.values())
    yield (
        "store_website",
        [
            {"website_id": 0, "code": "admin", "name": "Admin", "default_group_id": 0},
            *(
                {
                    "website_id": store.website_id,
                    "code": store.website_code,
                    "name": store.website_name,
                    "default_group_id": store.store_id,
                    "is_default": int(store.store_id == 1),
                }
                for store in stores
            ),
        ],
    )
    yield (
        "store_group",
        [
            {"group_id": 0, "website_id": 0, "name": "Default", "code": "default"},
            *(
                {
                    "group_id": store.store_id,
                    "website_id": store.website_id,
                    "name": store.group_name,
                    "root_category_id": 2,
                    "default_store_id": store.store_id,
                    "code": f"{store.website_code}_store",
                }
                for store in stores
            ),
        ],
    )
    yield (
        "store",
        [
            {"store_id": 0, "code": "admin", "website_id": 0, "name": "Admin", "is_active": 1},
            *(
                {
                    "store_id": store.store_id,
                    "code": store.code,
                    "website_id": store.website_id,
                    "group_id": store.store_id,
                    "name": store.name,
                    "is_active": 1,
                }
                for store in stores
            ),
        ],
    )
    metas = [
        {
            "entity_type": kind,
            "store_id": store_id,
            "sequence_table": f"{prefix}sequence_{kind}_{store_id}",
        }
        for store_id in store_ids()
        for kind in SEQUENCES
    ]
    yield "sales_sequence_meta", [{"meta_id": n, **meta} for n, meta in enumerate(metas, 1)]
    yield (
        "sales_sequence_profile",
        [
            {
                "meta_id": n,
                # The default store's numbers carry no prefix, the others' the id of their store.
                "prefix": None if meta["store_id"] in (0, 1) else str(meta["store_id"]),
                "start_value": 1,
                "step": 1,
                "max_value": 4294967295,
                "warning_value": 4294966295,
                "is_active": 1,
            }
            for n, meta in enumerate(metas, 1)
        ],
    )


def store_ids() -> list[int]:
    """The admin's and every store's id: each has its own set of sequence tables."""
    return [0, *(store.store_id for store in STORES.values())]


def _system(scheduled: bool) -> Iterator[tuple[str, Sequence[Row]]]:
    yield (
        "core_config_data",
        [
            *({"path": path, "value": value} for path, value in _CONFIGURATION.items()),
            *(
                {
                    "scope": "stores",
                    "scope_id": store.store_id,
                    "path": "currency/options/default",
                    "value": store.order_currency,
                }
                for store in STORES.values()
                if store.order_currency != store.base_currency
            ),
        ],
    )
    yield (
        "setup_module",
        [{"module": module, "schema_version": None, "data_version": None} for module in _MODULES],
    )
    yield "flag", [{"flag_code": "report_order_aggregated", "state": 0, "flag_data": "0"}]
    yield (
        "mview_state",
        [
            {"view_id": view, "mode": "enabled" if scheduled else "disabled", "version_id": 0}
            for view in (*mview.views(), *mview.OTHER_VIEWS)
        ],
    )


def _statuses() -> Iterator[tuple[str, Sequence[Row]]]:
    labels = {status: label for status, label, *_ in _STATUSES}
    yield "sales_order_status", [{"status": s, "label": label} for s, label in labels.items()]
    yield (
        "sales_order_status_state",
        [
            {"status": status, "state": state, "is_default": default, "visible_on_front": visible}
            for status, _, state, default, visible in _STATUSES
            if state
        ],
    )


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
                "frontend_label": code.replace("_", " ").title(),
            }
            for number, (code, backend) in PRODUCT_ATTRIBUTES.items()
        ],
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
    for kind, found in values.items():
        yield f"catalog_product_entity_{kind}", found
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
            for product in CATALOGUE.values()
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
            for product in CATALOGUE.values()
        ],
    )


def _customers() -> Iterator[tuple[str, Sequence[Row]]]:
    yield (
        "customer_group",
        [
            {"customer_group_id": number, "customer_group_code": code, "tax_class_id": 3}
            for number, code in enumerate(("NOT LOGGED IN", "General", "Wholesale", "Retailer"))
        ],
    )
    stores = {store.store_id: store for store in STORES.values()}
    yield (
        "customer_entity",
        [
            {
                "entity_id": customer.entity_id,
                "website_id": stores[customer.store_id].website_id,
                "email": customer.email,
                "group_id": customer.group_id,
                "store_id": customer.store_id,
                "created_in": stores[customer.store_id].name,
                "firstname": customer.firstname,
                "lastname": customer.lastname,
                "default_billing": customer.address_id,
                "default_shipping": customer.address_id,
            }
            for customer in CUSTOMERS
        ],
    )
    yield (
        "customer_address_entity",
        [
            {
                "entity_id": customer.address_id,
                "parent_id": customer.entity_id,
                "firstname": customer.address.firstname,
                "lastname": customer.address.lastname,
                "company": customer.address.company,
                "street": customer.address.street,
                "city": customer.address.city,
                "postcode": customer.address.postcode,
                "region": customer.address.region,
                "region_id": customer.address.region_id,
                "country_id": customer.address.country_id,
                "telephone": customer.address.telephone,
                "vat_id": customer.address.vat_id,
            }
            for customer in CUSTOMERS
        ],
    )


def _rules() -> Iterator[tuple[str, Sequence[Row]]]:
    yield (
        "salesrule",
        [
            {
                "rule_id": coupon.rule_id,
                "name": coupon.name,
                "is_active": 1,
                "simple_action": coupon.simple_action,
                "discount_amount": coupon.amount,
                "coupon_type": 2,
            }
            for coupon in COUPONS.values()
        ],
    )
    yield (
        "salesrule_coupon",
        [
            {"coupon_id": coupon.rule_id, "rule_id": coupon.rule_id, "code": coupon.code}
            for coupon in COUPONS.values()
        ],
    )
