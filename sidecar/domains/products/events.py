"""The business facts of the products domain."""

from __future__ import annotations

from typing import Final

from sidecar.domains.products.payload import Product, ProductRemoved
from sidecar.model.domain_spec import EventSpec, Role

PRODUCT_SAVED: Final = "product.saved"
PRODUCT_REMOVED: Final = "product.removed"

EVENTS = (
    # No trigger may sit on Magento's tables of products.
    EventSpec(PRODUCT_SAVED, Role.STATE, Product, announced=False),
    EventSpec(PRODUCT_REMOVED, Role.ENDS, ProductRemoved, announced=False),
)
