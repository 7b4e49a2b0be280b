"""The products domain."""

from __future__ import annotations

from sidecar.domains.products.events import EVENTS
from sidecar.magento.product_values import PRODUCTS, TABLES
from sidecar.model.domain_spec import DomainSpec, Needs

NEEDS = Needs(
    {
        **TABLES,
        PRODUCTS: ("entity_id", "attribute_set_id", "type_id", "sku", "created_at", "updated_at"),
        "catalog_product_website": ("product_id", "website_id"),
        "eav_attribute_set": ("attribute_set_id", "attribute_set_name"),
        "eav_attribute_option_value": ("option_id", "store_id", "value"),
        "tax_class": ("class_id", "class_name"),
    }
)

SPEC = DomainSpec(
    name="products",
    kind="product",
    noun="product",
    payload="product",
    events=EVENTS,
    identity=("entity_id", "sku"),
    needs=NEEDS,
    sentence="{name}, {type_id}, {enabled}, in {websites}, changed {updated_at}",
)
