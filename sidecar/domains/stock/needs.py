"""What the stock domain needs of Magento's schema: its multi-source inventory (MSI).

Where Magento owns it, a shop without MSI has the tables from before it.
"""

from __future__ import annotations

from sidecar.model.domain_spec import Needs, Watch

#: The changelog of each index that quantities feed, into which Magento's own triggers write.
SOURCE_CHANGELOG = "inventory_cl"
LEGACY_CHANGELOG = "cataloginventory_stock_cl"

#: Where Magento owns it.
NEEDS = Needs(
    {
        "catalog_product_entity": ("entity_id", "sku"),
        "cataloginventory_stock_item": ("item_id", "product_id", "qty", "is_in_stock"),
    },
    # Each is seen by another one: a right that is missing for one of them is named, and is not
    # taken for a shop without MSI.
    {
        "inventory_source_item": ("inventory_reservation", "reservation_id"),
        "inventory_source_stock_link": ("inventory_source_item", "source_item_id"),
        "inventory_reservation": ("inventory_source_item", "source_item_id"),
    },
)
#: Magento copies each quantity of the default source there; on the source items themselves sit its
#: own triggers.  Written with equal values in every save of a product.
WATCHES = tuple(
    Watch("cataloginventory_stock_status", event, "product_id", event == "UPDATE", "stock_product")
    for event in ("INSERT", "UPDATE")
)

#: Where the ERP owns it.
INBOUND = Needs(
    {
        "catalog_product_entity": ("entity_id", "sku", "type_id"),
        "cataloginventory_stock_item": (
            "item_id",
            "product_id",
            "website_id",
            "qty",
            "is_in_stock",
            "is_qty_decimal",
            "min_qty",
            "use_config_min_qty",
            "backorders",
            "use_config_backorders",
            "manage_stock",
            "use_config_manage_stock",
        ),
        "inventory_reservation": ("stock_id", "sku", "quantity", "metadata"),
        "inventory_source": ("source_code", "enabled"),
        "inventory_source_item": ("source_item_id", "source_code", "sku", "quantity", "status"),
        "inventory_source_stock_link": ("stock_id", "source_code"),
        "mview_state": ("view_id", "mode"),
    },
    # Magento makes them with the first "Update by Schedule"; 2.4.8 drops them with the last.
    {
        LEGACY_CHANGELOG: (LEGACY_CHANGELOG, "version_id"),
        SOURCE_CHANGELOG: (SOURCE_CHANGELOG, "version_id"),
    },
    (
        ("UPDATE (quantity, status)", "inventory_source_item"),
        ("INSERT (source_code, sku, quantity, status)", "inventory_source_item"),
        ("UPDATE (qty, is_in_stock)", "cataloginventory_stock_item"),
    ),
)
