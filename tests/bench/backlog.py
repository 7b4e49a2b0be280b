"""Many real orders, made quickly: a few are placed as Magento does, the rest are copies of them."""

from __future__ import annotations

import random
from typing import Any

import pymysql

from sidecar.testing.magento_db import MagentoDatabase, Shop
from sidecar.testing.magento_db.cart import Line

#: Five sellable items: 138 columns of the order, 80 of each item.
FIVE_ITEMS = (
    Line("MUG", 2),
    Line("TEAPOT"),
    Line("SCREW", 10),
    Line("CHAIR-A"),
    Line("RIBBON", 3),
)
_COPIED = (
    ("sales_order_item", "item_id", "order_id"),
    ("sales_order_address", "entity_id", "parent_id"),
    ("sales_order_tax", "tax_id", "order_id"),
    ("sales_order_grid", None, "entity_id"),
    ("sales_order_payment", "entity_id", "parent_id"),
)


def place_many(magento: MagentoDatabase, count: int, *, templates: int = 10) -> None:
    """`count` orders of five items, each in a transaction of its own, triggers firing."""
    rng = random.Random(5)
    with Shop(magento) as shop:
        placed = [shop.place(FIVE_ITEMS) for _ in range(min(templates, count))]
    with magento.connect() as connection, connection.cursor() as cursor:
        columns = {table: _columns(cursor, table) for table, _, _ in _COPIED}
        columns["sales_order"] = _columns(cursor, "sales_order")
        for number in range(len(placed), count):
            _copy(cursor, columns, rng.choice(placed).entity_id, 100_000_000 + number)


def _copy(cursor: Any, columns: dict[str, list[str]], template: int, number: int) -> None:
    cursor.execute("START TRANSACTION")
    names = [name for name in columns["sales_order"] if name not in {"entity_id", "increment_id"}]
    cursor.execute(
        f"INSERT INTO sales_order (increment_id, {', '.join(names)}) "
        f"SELECT %s, {', '.join(names)} FROM sales_order WHERE entity_id = %s",
        (str(number), template),
    )
    entity_id = cursor.lastrowid
    for table, key, parent in _COPIED:
        names = [name for name in columns[table] if name not in {key, parent, "increment_id"}]
        listed = ", ".join(names)
        extra, value = (", increment_id", f", '{number}'") if table.endswith("grid") else ("", "")
        cursor.execute(
            f"INSERT INTO {table} ({parent}{extra}, {listed}) "
            f"SELECT %s{value}, {listed} FROM {table} WHERE {parent} = %s",
            (entity_id, template),
        )
    cursor.execute(
        "UPDATE sales_order o JOIN sales_order_address a ON a.parent_id = o.entity_id "
        "SET o.billing_address_id = IF(a.address_type = 'billing', a.entity_id, "
        "o.billing_address_id), o.shipping_address_id = IF(a.address_type = 'shipping', "
        "a.entity_id, o.shipping_address_id) WHERE o.entity_id = %s",
        (entity_id,),
    )
    cursor.execute("COMMIT")


def _columns(cursor: pymysql.cursors.Cursor, table: str) -> list[str]:
    cursor.execute(f"SHOW COLUMNS FROM {table}")
    return [str(row[0]) for row in cursor.fetchall()]
