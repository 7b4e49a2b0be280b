"""What the refunds domain needs of Magento's schema; the same in Magento 2.3 and 2.4."""

from __future__ import annotations

from sidecar.domains.refunds.payload import Refund, RefundItem
from sidecar.magento.document_columns import columns_of, needs_of_document
from sidecar.model.domain_spec import Watch

TABLE = "sales_creditmemo"

NEEDS = needs_of_document(
    TABLE,
    {
        TABLE: columns_of(Refund),
        f"{TABLE}_item": (*columns_of(RefundItem), "parent_id"),
        "sales_order": ("entity_id", "increment_id", "grand_total", "status"),
        "sales_order_item": ("item_id", "parent_item_id", "product_type"),
    },
)
#: An update is written for an e-mail only; the rare change of state is the sweep's to find.
WATCHES = (Watch(TABLE, "INSERT", "entity_id"),)
