"""What the customers domain needs of Magento's schema; the same in Magento 2.3 and 2.4."""

from __future__ import annotations

from sidecar.model.domain_spec import Needs, Watch

#: Columns that have the payload's names.
CUSTOMER_COLUMNS = (
    "entity_id", "email", "prefix", "firstname", "middlename", "lastname", "suffix", "dob",
    "gender", "taxvat", "group_id", "created_at", "updated_at",
)  # fmt: skip
ADDRESS_COLUMNS = (
    "entity_id", "prefix", "firstname", "middlename", "lastname", "suffix", "company", "street",
    "city", "postcode", "region", "region_id", "country_id", "telephone", "fax", "vat_id",
)  # fmt: skip
#: Where Magento keeps a customer's attribute, by its type.
ATTRIBUTE_TABLES = ("customer_entity_int", "customer_entity_varchar", "customer_entity_text")
_VALUE = ("attribute_id", "entity_id", "value")

NEEDS = Needs(
    {
        "customer_entity": (
            *CUSTOMER_COLUMNS, "website_id", "store_id", "default_billing", "default_shipping",
        ),
        "customer_address_entity": (*ADDRESS_COLUMNS, "parent_id", "updated_at"),
        "customer_group": ("customer_group_id", "customer_group_code"),
        "eav_attribute": ("attribute_id", "entity_type_id", "attribute_code", "backend_type"),
        "eav_entity_type": ("entity_type_id", "entity_type_code"),
        **dict.fromkeys(ATTRIBUTE_TABLES, _VALUE),
        # Of guests.
        "sales_order": (
            "entity_id", "customer_email", "customer_prefix", "customer_firstname",
            "customer_middlename", "customer_lastname", "customer_suffix", "customer_dob",
            "customer_gender", "customer_taxvat", "customer_group_id", "store_id", "created_at",
            "updated_at",
        ),
        "sales_order_address": (*ADDRESS_COLUMNS, "parent_id", "address_type"),
    },
    # Beside them stand the hash of the password, and the token that sets another one.
    by_column=frozenset({"customer_entity"}),
)  # fmt: skip
#: On Magento 2.4.8 both tables carry Mview triggers: there the plan leaves them to the sweep.  An
#: update writes them several times, mostly with equal values: only what differs is worth a hint.
WATCHES = (
    Watch("customer_entity", "INSERT", "entity_id"),
    Watch("customer_entity", "UPDATE", "entity_id", compare=True),
    Watch("customer_address_entity", "INSERT", "parent_id"),
    Watch("customer_address_entity", "UPDATE", "parent_id", compare=True),
)
