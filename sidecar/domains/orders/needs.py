"""What the orders domain needs of Magento's schema; the same in Magento 2.3 and 2.4."""

from __future__ import annotations

from sidecar.domains.orders.columns import (
    ADDRESS,
    CREDIT_COLUMNS,
    HISTORY,
    ITEM,
    ORDER,
    PAYMENT,
    TAX_ITEM,
    TAX_RATE,
    TRANSACTION,
)
from sidecar.magento.live_schema import MagentoSchema
from sidecar.model.domain_spec import Needs, Watch

_TABLES = {
    "catalog_product_entity": ("entity_id", "sku"),
    "customer_group": ("customer_group_id", "customer_group_code"),
    "sales_order": (*ORDER.columns, "hold_before_state", "hold_before_status"),
    "sales_order_address": (*ADDRESS.columns, "parent_id"),
    "sales_order_grid": ("entity_id", "status"),
    "sales_order_item": (*ITEM.columns, "order_id", "product_options"),
    "sales_order_payment": (*PAYMENT.columns, "parent_id", "additional_information"),
    "sales_order_status": ("status", "label"),
    "sales_order_status_history": (*HISTORY.columns, "parent_id"),
    "sales_order_status_state": ("status", "state", "is_default", "visible_on_front"),
    "sales_order_tax": (*TAX_RATE.columns, "order_id"),
    "sales_order_tax_item": TAX_ITEM.columns,
    "sales_payment_transaction": (*TRANSACTION.columns, "order_id"),
    "salesrule": ("rule_id", "name"),
}

#: What we read where a shop has it → the column by which that is seen, of another table where one
#: tells it also to a user that may not read this one.  Not sales_order.gift_message_id: the
#: column outlives its table, and then the daemon would ask for a right that nobody can grant.
_OPTIONAL = {
    "downloadable_link_purchased_item": ("downloadable_link_purchased_item", "link_id"),
    "gift_message": ("gift_message", "gift_message_id"),
    "inventory_pickup_location_order": ("sales_order_grid", "pickup_location_code"),
}

NEEDS = Needs(
    _TABLES,
    _OPTIONAL,
    # The write-back: these columns of these three tables, nothing else in Magento.  It locks an
    # order first, for which MySQL wants the right UPDATE, and on some columns is enough
    # (test_ledger_grants.py).
    (
        (
            "UPDATE (state, status, ext_order_id, hold_before_state, hold_before_status)",
            "sales_order",
        ),
        ("UPDATE (status)", "sales_order_grid"),
        (
            "INSERT (parent_id, is_customer_notified, is_visible_on_front, comment, status, "
            "entity_name)",
            "sales_order_status_history",
        ),
    ),
)
#: No item-like table: a hint costs 1 % of an order transaction.
WATCHES = (
    Watch("sales_order_payment", "INSERT", "parent_id"),
    Watch("sales_order_payment", "UPDATE", "parent_id"),
    Watch("sales_order_address", "UPDATE", "parent_id", compare=True),
)


def has_pickup_locations(schema: MagentoSchema) -> bool:
    """Whether in-store pickup is installed."""
    return schema.has_table("inventory_pickup_location_order")


def has_download_links(schema: MagentoSchema) -> bool:
    """Whether downloadable products may be sold."""
    return schema.has_table("downloadable_link_purchased_item")


def credit_columns(schema: MagentoSchema) -> tuple[str, ...]:
    """The columns of sales_order with what was paid by credit (Adobe Commerce), or none."""
    return tuple(
        column
        for column in CREDIT_COLUMNS
        if schema.has_column("sales_order", column)
        and schema.has_column("sales_order", f"base_{column}")
    )
