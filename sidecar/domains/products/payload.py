"""A product as one immutable value: the payload of the product events.

Field names are those of Magento's REST API and tables.  Times are UTC.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from sidecar.model.columns import Decimal20, Text32, Text50, Text255


class CustomAttribute(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A further attribute (`domains.products.attributes`), as it counts for all stores.

    `label`: what the options are called whose ids are the value, where it is one of a list.
    """

    attribute_code: str
    value: str
    label: str | None = None


class StoreValue(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A value that a store view has for itself, where all others have the product's own."""

    store_code: str
    attribute_code: str
    value: str


class Product(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Row of catalog_product_entity with its values, as they count for all stores.

    `status` 1 is enabled, 2 disabled; `visibility` 1 not visible, 2 in the catalogue, 3 in search,
    4 both.  `price` is the base price, of which the domain of prices tells more.  Ours:
    `attribute_set` and `tax_class` by their names, `websites` by their codes, `store_values`.
    """

    entity_id: int
    sku: Text50
    type_id: Text32
    attribute_set_id: int
    attribute_set: Text255 | None
    name: Text255 | None
    status: int | None
    visibility: int | None
    price: Decimal20 | None
    weight: Decimal20 | None
    tax_class_id: int | None
    tax_class: Text255 | None
    url_key: Text255 | None
    websites: tuple[str, ...]
    created_at: datetime
    updated_at: datetime | None
    custom_attributes: tuple[CustomAttribute, ...] = ()
    store_values: tuple[StoreValue, ...] = ()


class ProductRemoved(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is left of a product that was deleted in Magento."""

    entity_id: int
    sku: Text50
