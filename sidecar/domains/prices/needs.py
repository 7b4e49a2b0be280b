"""What the prices domain needs of Magento's schema where the ERP owns it: it reads, and writes by
Magento's API alone."""

from __future__ import annotations

from sidecar.model.domain_spec import Needs

_VALUE = ("attribute_id", "store_id", "entity_id", "value")

INBOUND = Needs(
    {
        "catalog_product_entity": ("entity_id", "sku", "type_id"),
        "catalog_product_entity_datetime": _VALUE,
        "catalog_product_entity_decimal": _VALUE,
        "catalog_product_entity_int": _VALUE,
        "catalog_product_entity_tier_price": (
            "entity_id",
            "all_groups",
            "customer_group_id",
            "qty",
            "value",
            "website_id",
            "percentage_value",
        ),
        "catalog_product_website": ("product_id", "website_id"),
        "core_config_data": ("scope", "scope_id", "path", "value"),
        "customer_group": ("customer_group_id", "customer_group_code"),
        "eav_attribute": ("attribute_id", "entity_type_id", "attribute_code"),
        "eav_entity_type": ("entity_type_id", "entity_type_code"),
    }
)
