"""What the refunds domain needs of Magento's schema; the same in Magento 2.3 and 2.4."""

from __future__ import annotations

from sidecar.domains.refunds.columns import ITEM_COLUMNS, REFUND_COLUMNS
from sidecar.model.domain_spec import Needs, Watch

NEEDS = Needs(
    {
        "sales_creditmemo": REFUND_COLUMNS,
        "sales_creditmemo_item": (*ITEM_COLUMNS, "parent_id"),
        "sales_creditmemo_comment": ("parent_id", "comment"),
        "sales_order": ("entity_id", "increment_id", "grand_total", "status"),
        "sales_order_item": ("item_id", "parent_item_id", "product_type"),
        "sales_order_status_history": ("parent_id", "comment", "status", "entity_name"),
    },
    writes=(
        (
            "INSERT (parent_id, is_customer_notified, is_visible_on_front, comment)",
            "sales_creditmemo_comment",
        ),
        (
            "INSERT (parent_id, is_customer_notified, is_visible_on_front, comment, status, "
            "entity_name)",
            "sales_order_status_history",
        ),
    ),
    # What people wrote there is none of its business.
    unread=frozenset({"sales_creditmemo_comment", "sales_order_status_history"}),
)
#: An update is written for an e-mail only; the rare change of state is the sweep's to find.
WATCHES = (Watch("sales_creditmemo", "INSERT", "entity_id"),)
