"""The admin's lists: one upsert from the entity's own tables, as Magento's grid resource does it.

Magento writes a grid row again at every save of its entity, mostly with equal values.
"""

from __future__ import annotations

from collections.abc import Mapping

from sidecar.testing.magento_db.session import Session


def _name(table: str) -> str:
    return f"TRIM(CONCAT_WS(' ', NULLIF({table}.firstname, ''), NULLIF({table}.lastname, '')))"


def _address(table: str) -> str:
    parts = ("company", "street", "city", "region", "postcode")
    fields = ", ".join(f"NULLIF({table}.{part}, '')" for part in parts)
    return f"TRIM(CONCAT_WS(',', {fields}))"


_CUSTOMER_NAME = (
    "TRIM(CONCAT_WS(' ', NULLIF(sales_order.customer_firstname, ''), "
    "NULLIF(sales_order.customer_lastname, '')))"
)
_ORDER = {
    "entity_id": "sales_order.entity_id",
    "status": "sales_order.status",
    "store_id": "sales_order.store_id",
    "store_name": "sales_order.store_name",
    "customer_id": "sales_order.customer_id",
    "base_grand_total": "sales_order.base_grand_total",
    "base_total_paid": "sales_order.base_total_paid",
    "grand_total": "sales_order.grand_total",
    "total_paid": "sales_order.total_paid",
    "increment_id": "sales_order.increment_id",
    "base_currency_code": "sales_order.base_currency_code",
    "order_currency_code": "sales_order.order_currency_code",
    "shipping_name": _name("shipping"),
    "billing_name": _name("billing"),
    "created_at": "sales_order.created_at",
    "updated_at": "sales_order.updated_at",
    "billing_address": _address("billing"),
    "shipping_address": _address("shipping"),
    "shipping_information": "sales_order.shipping_description",
    "customer_email": "sales_order.customer_email",
    "customer_group": "sales_order.customer_group_id",
    "subtotal": "sales_order.base_subtotal",
    "shipping_and_handling": "sales_order.base_shipping_amount",
    "customer_name": _CUSTOMER_NAME,
    "payment_method": "payment.method",
    "total_refunded": "sales_order.total_refunded",
    "pickup_location_code": "pickup.pickup_location_code",
}


def _document(**special: str) -> Mapping[str, str]:
    """Columns that the three documents' grids share, in terms of document and order."""
    return {
        "entity_id": "document.entity_id",
        "increment_id": "document.increment_id",
        "store_id": "document.store_id",
        "order_id": "document.order_id",
        "order_increment_id": "sales_order.increment_id",
        "order_created_at": "sales_order.created_at",
        "customer_name": _CUSTOMER_NAME,
        "billing_name": _name("billing"),
        "billing_address": _address("billing"),
        "shipping_address": _address("shipping"),
        "customer_group_id": "sales_order.customer_group_id",
        "payment_method": "payment.method",
        "shipping_information": "sales_order.shipping_description",
        "created_at": "document.created_at",
        "updated_at": "document.updated_at",
        **special,
    }


_MONEY = {
    "state": "document.state",
    "customer_email": "sales_order.customer_email",
    "base_grand_total": "document.base_grand_total",
}
_DOCUMENTS: Mapping[str, Mapping[str, str]] = {
    "sales_invoice": _document(
        **_MONEY,
        store_name="sales_order.store_name",
        subtotal="document.base_subtotal",
        shipping_and_handling="document.base_shipping_amount",
        grand_total="document.grand_total",
        store_currency_code="document.store_currency_code",
        order_currency_code="document.order_currency_code",
        base_currency_code="document.base_currency_code",
        global_currency_code="document.global_currency_code",
    ),
    "sales_shipment": _document(
        total_qty="document.total_qty",
        order_status="sales_order.status",
        shipment_status="document.shipment_status",
        customer_email="sales_order.customer_email",
        shipping_name=_name("shipping"),
    ),
    "sales_creditmemo": _document(
        **_MONEY,
        order_status="sales_order.status",
        subtotal="document.subtotal",
        shipping_and_handling="document.shipping_amount",
        order_base_grand_total="sales_order.base_grand_total",
        adjustment_positive="document.adjustment_positive",
        adjustment_negative="document.adjustment_negative",
    ),
}


def refresh_order_grid(session: Session, order_id: int) -> None:
    """Write the order's row of `sales_order_grid` from the order as it is now."""
    table = session.table
    source = (
        f"{table('sales_order')} AS sales_order {_addresses(session)} "
        f"LEFT JOIN {table('inventory_pickup_location_order')} AS pickup "
        "ON sales_order.entity_id = pickup.order_id WHERE sales_order.entity_id = %s"
    )
    _upsert(session, "sales_order_grid", _ORDER, source, order_id)


def refresh_document_grid(
    session: Session, table: str, key: int, column: str = "entity_id"
) -> None:
    """Write the grid rows of a document (`sales_invoice`, …), found by its id or its order's."""
    source = (
        f"{session.table(table)} AS document JOIN {session.table('sales_order')} AS sales_order "
        f"ON document.order_id = sales_order.entity_id {_addresses(session)} "
        f"WHERE document.{column} = %s"
    )
    _upsert(session, f"{table}_grid", _DOCUMENTS[table], source, key)


def _addresses(session: Session) -> str:
    address = session.table("sales_order_address")
    return (
        f"LEFT JOIN {address} AS shipping ON sales_order.shipping_address_id = shipping.entity_id "
        f"LEFT JOIN {address} AS billing ON sales_order.billing_address_id = billing.entity_id "
        f"LEFT JOIN {session.table('sales_order_payment')} AS payment "
        "ON sales_order.entity_id = payment.parent_id"
    )


def _upsert(session: Session, grid: str, columns: Mapping[str, str], source: str, key: int) -> None:
    names = ", ".join(f"`{name}`" for name in columns)
    update = ", ".join(f"`{name}` = VALUES(`{name}`)" for name in columns)
    session.execute(
        f"INSERT {grid}",
        f"INSERT INTO {session.table(grid)} ({names}) SELECT {', '.join(columns.values())} "
        f"FROM {source} ON DUPLICATE KEY UPDATE {update}",
        [key],
    )
