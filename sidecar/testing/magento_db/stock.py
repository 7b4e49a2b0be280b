"""What acts on orders do to the stock: reservations, and the source with its two legacy copies."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from sidecar.testing.magento_db.catalogue import CATALOGUE
from sidecar.testing.magento_db.order_rows import php_json
from sidecar.testing.magento_db.session import Session

STOCK_ID = 1
# Number of the queue that updates salability, and "new" as its messages' status.
_SALABILITY_QUEUE, _NEW = 11, 2


def metadata(event: str, order_id: int | None, increment_id: str) -> str:
    """Why a reservation was made.  At placing the order has no id yet, only its number."""
    return php_json(
        {
            "event_type": event,
            "object_type": "order",
            "object_id": "" if order_id is None else str(order_id),
            "object_increment_id": increment_id,
        }
    )


def reserve(session: Session, quantities: Mapping[str, Decimal], why: str) -> None:
    """Add reservations (negative: demand; positive: its compensation) and queue the reindex."""
    session.insert(
        "inventory_reservation",
        *(
            {"stock_id": STOCK_ID, "sku": sku, "quantity": qty, "metadata": why}
            for sku, qty in quantities.items()
        ),
    )
    queue_salability(session, list(quantities))


def queue_salability(session: Session, skus: list[str]) -> None:
    """Queue the message that lets a consumer recompute what is salable."""
    message_id = session.insert(
        "queue_message",
        {
            "topic_name": "inventory.reservations.updateSalabilityStatus",
            "body": php_json({"skus": skus, "stock": STOCK_ID}),
        },
    )
    session.insert(
        "queue_message_status",
        {"queue_id": _SALABILITY_QUEUE, "message_id": message_id, "status": _NEW},
    )


def deduct(session: Session, quantities: Mapping[str, Decimal], source: str = "default") -> None:
    """Take pieces from a source (negative: put back), then from the legacy copies of `default`."""
    for sku, qty in quantities.items():
        session.execute(
            "UPDATE inventory_source_item",
            f"UPDATE {session.table('inventory_source_item')} SET quantity = quantity - %s "
            "WHERE source_code = %s AND sku = %s",
            [qty, source, sku],
        )
    if source != "default":
        return
    for sku, qty in quantities.items():
        session.execute(
            "UPDATE cataloginventory_stock_item",
            f"UPDATE {session.table('cataloginventory_stock_item')} SET qty = qty - %s, "
            "is_in_stock = 1 WHERE product_id = %s AND website_id = 0",
            [qty, CATALOGUE[sku].entity_id],
        )
    for sku in quantities:
        _copy_status(session, sku)


def set_quantity(session: Session, sku: str, quantity: Decimal | int) -> None:
    """Save a source item: three autocommitted updates, as the inventory API does it."""
    session.update(
        "inventory_source_item",
        {"quantity": quantity, "status": int(quantity > 0)},
        source_code="default",
        sku=sku,
    )
    session.update(
        "cataloginventory_stock_item",
        {"qty": quantity, "is_in_stock": int(quantity > 0)},
        product_id=CATALOGUE[sku].entity_id,
        website_id=0,
    )
    _copy_status(session, sku)


def _copy_status(session: Session, sku: str) -> None:
    found = session.select(
        f"SELECT quantity FROM {session.table('inventory_source_item')} "
        "WHERE source_code = 'default' AND sku = %s",
        [sku],
    )
    quantity = found[0]["quantity"]
    session.update(
        "cataloginventory_stock_status",
        {"qty": quantity, "stock_status": int(quantity > 0)},
        product_id=CATALOGUE[sku].entity_id,
        website_id=0,
    )
