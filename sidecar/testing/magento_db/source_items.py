"""Stock as the inventory API writes it: source items, and the legacy copies of source `default`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sidecar.testing.magento_db.session import Row, Session

DEFAULT_SOURCE = "default"
# What has no pieces of its own has no legacy stock to keep in step.
_WITHOUT_PIECES = ("configurable", "bundle", "grouped")


@dataclass(frozen=True)
class SourceItem:
    """So many pieces of a SKU in a source; `status` 1 is in stock."""

    sku: str
    source_code: str
    quantity: Decimal
    status: int


def save_source_items(session: Session, items: Sequence[SourceItem]) -> None:
    """Save source items: an UPDATE of each that is there, one INSERT of those that are not, then
    two updates for each of the default source.

    There is no transaction around them, and nobody looks whether the SKU is one: the legacy rows
    are those of the product of exactly this SKU, if there is one.
    """
    new: dict[tuple[str, str], SourceItem] = {}
    for item in items:
        known = session.select(
            f"SELECT source_item_id FROM {session.table('inventory_source_item')} "
            "WHERE source_code = %s AND sku = %s",
            [item.source_code, item.sku],
        )
        if known:
            session.update(
                "inventory_source_item",
                {"quantity": item.quantity, "status": item.status},
                source_item_id=known[0]["source_item_id"],
            )
        else:
            new[item.source_code, item.sku.lower()] = item
    if new:
        session.insert("inventory_source_item", *(vars(item) for item in new.values()))
    for item in items:
        if item.source_code == DEFAULT_SOURCE:
            copy_to_legacy(session, item.sku, item.quantity, item.status)


def delete_source_items(session: Session, items: Sequence[tuple[str, str]]) -> None:
    """Delete source items by (SKU, source), there or not; the legacy stock becomes nothing."""
    for sku, source in items:
        session.delete("inventory_source_item", source_code=source, sku=sku)
        if source == DEFAULT_SOURCE:
            copy_to_legacy(session, sku, Decimal(0), 0)


def save_legacy_stock(session: Session, sku: str, quantity: Decimal, in_stock: bool) -> None:
    """Save the legacy stock item: a transaction that writes the default source item, too."""
    product_id = _product_with_pieces(session, sku)
    if product_id is None:
        return
    with session.transaction():
        write_default_stock(session, sku, quantity, in_stock)
    write_stock_status(session, product_id, quantity, in_stock)


def write_default_stock(session: Session, sku: str, quantity: Decimal, in_stock: bool) -> None:
    """What a save of the legacy stock item writes: itself, the source item, the status."""
    product_id = _product_with_pieces(session, sku)
    if product_id is None:
        return
    _write_stock_item(session, product_id, quantity, in_stock)
    session.update(
        "inventory_source_item",
        {"quantity": quantity, "status": int(in_stock)},
        source_code=DEFAULT_SOURCE,
        sku=sku,
    )
    write_stock_status(session, product_id, quantity, in_stock)


def copy_to_legacy(session: Session, sku: str, quantity: Decimal, status: int) -> None:
    """Keep the legacy stock in step; what is not above zero is out of stock there."""
    product_id = _product_with_pieces(session, sku)
    if product_id is not None:
        in_stock = bool(status) and quantity > 0
        _write_stock_item(session, product_id, quantity, in_stock)
        write_stock_status(session, product_id, quantity, in_stock)


def product_of(session: Session, sku: str) -> Row | None:
    """The product's own row; by the table's collation upper and lower case are one SKU."""
    found = session.select(
        f"SELECT * FROM {session.table('catalog_product_entity')} WHERE sku = %s", [sku]
    )
    return found[0] if found else None


def products_of(session: Session, skus: Collection[str]) -> dict[str, Row]:
    """Those of `product_of` that there are, by the SKU as it was asked for, in one question."""
    if not skus:
        return {}
    places = ", ".join(["%s"] * len(skus))
    rows = session.select(
        f"SELECT * FROM {session.table('catalog_product_entity')} WHERE sku IN ({places})",
        list(skus),
    )
    found = {row["sku"].casefold(): row for row in reversed(rows)}
    return {sku: found[sku.casefold()] for sku in skus if sku.casefold() in found}


def _product_with_pieces(session: Session, sku: str) -> int | None:
    product = product_of(session, sku)
    if product is None or product["sku"] != sku or product["type_id"] in _WITHOUT_PIECES:
        return None
    return int(product["entity_id"])


def _write_stock_item(session: Session, product_id: int, quantity: Decimal, in_stock: bool) -> None:
    session.update(
        "cataloginventory_stock_item",
        {"qty": quantity, "is_in_stock": int(in_stock)},
        product_id=product_id,
        website_id=0,
    )


def write_stock_status(
    session: Session, product_id: int, quantity: Decimal, in_stock: bool
) -> None:
    """Copy a quantity into the legacy index."""
    session.update(
        "cataloginventory_stock_status",
        {"qty": quantity, "stock_status": int(in_stock)},
        product_id=product_id,
        website_id=0,
    )
