"""The prices domain."""

from __future__ import annotations

from sidecar.domains.prices.events import EVENTS
from sidecar.domains.prices.needs import INBOUND
from sidecar.domains.prices.news import NEWS
from sidecar.domains.prices.reader import WEBSITES
from sidecar.magento.product_values import PRODUCTS, TABLES
from sidecar.model.domain_spec import DomainSpec, Needs

#: Where Magento owns it.
NEEDS = Needs(
    {
        **{
            table: columns
            for table, columns in TABLES.items()
            if table not in (f"{PRODUCTS}_int", f"{PRODUCTS}_text", f"{PRODUCTS}_varchar")
        },
        PRODUCTS: ("entity_id", "sku"),
        f"{PRODUCTS}_tier_price": (
            "entity_id", "all_groups", "customer_group_id", "qty", "value", "website_id",
            "percentage_value",
        ),
        "catalog_product_website": ("product_id", "website_id"),
        "customer_group": ("customer_group_id", "customer_group_code"),
        "core_config_data": ("scope", "scope_id"),
    }
)  # fmt: skip

SPEC = DomainSpec(
    name="prices",
    kind="price",
    noun="price",
    payload="price",
    events=EVENTS,
    identity=("entity_id", "sku"),
    needs=NEEDS,
    sentence="{price} {currency} in {website}, special price {special_price}, {tiers} tier(s)",
    tells=NEWS,
    inbound=INBOUND,
    # Of product and website: 48 of 64 bits (docs/decisions/0055).
    stride=WEBSITES,
)
