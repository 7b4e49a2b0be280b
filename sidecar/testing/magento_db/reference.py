"""The rows that a shop has before its first order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sidecar.testing.magento_db import mview
from sidecar.testing.magento_db.catalogue import COUPONS, CUSTOMERS, STORES
from sidecar.testing.magento_db.reference_products import Row, product_rows

SEQUENCES = ("order", "invoice", "creditmemo", "shipment")
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
    yield from product_rows()
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
