"""Many real orders, made quickly: a few are placed as Magento does, the rest are copies of them."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

from pymysql.cursors import Cursor

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
#: Table, its own key, its reference to the order, the number that it repeats.
_CHILDREN = (
    ("sales_order_item", "item_id", "order_id", None),
    ("sales_order_address", "entity_id", "parent_id", None),
    ("sales_order_tax", "tax_id", "order_id", None),
    ("sales_order_grid", None, "entity_id", "increment_id"),
    ("sales_order_payment", "entity_id", "parent_id", None),
)
_TEMPLATES = 10
_CHUNK = 500


def place_many(magento: MagentoDatabase, count: int) -> None:
    """`count` orders of five items, triggers firing; the copies in transactions of 500 orders."""
    with Shop(magento) as shop:
        placed = [shop.place(FIVE_ITEMS).entity_id for _ in range(min(_TEMPLATES, count))]
    with magento.connect(autocommit=False) as connection, connection.cursor() as cursor:
        cursor.execute("SET SESSION sql_mode = ''")
        cursor.execute(
            "CREATE TEMPORARY TABLE copies (number varchar(50) CHARACTER SET utf8mb3 PRIMARY KEY, "
            "template int unsigned, new_id int unsigned)"
        )
        for numbers in _numbers(cursor, count - len(placed)):
            cursor.execute("DELETE FROM copies")
            cursor.executemany(
                "INSERT INTO copies (number, template) VALUES (%s, %s)",
                [(number, random.choice(placed)) for number in numbers],
            )
            _copy(cursor)
            connection.commit()


def _numbers(cursor: Cursor, count: int) -> Iterator[list[str]]:
    """Increment ids that no order has, in chunks."""
    cursor.execute("SELECT COALESCE(MAX(entity_id), 0) FROM sales_order")
    row = cursor.fetchone()
    first = 100_000_000 + int(row[0] if row else 0)
    for start in range(first, first + count, _CHUNK):
        yield [str(number) for number in range(start, min(start + _CHUNK, first + count))]


def _copy(cursor: Cursor) -> None:
    named = _columns(cursor, "sales_order", {"entity_id", "increment_id"})
    cursor.execute(
        f"INSERT INTO sales_order (increment_id, {named}) SELECT copies.number, {named} "
        "FROM copies JOIN sales_order ON entity_id = template ORDER BY number"
    )
    cursor.execute(
        "UPDATE copies JOIN sales_order ON increment_id = number "
        "SET copies.new_id = sales_order.entity_id"
    )
    for table, key, parent, number in _CHILDREN:
        named = _columns(cursor, table, {key, parent, number}, f"{table}.")
        extra, value = (f", {number}", ", copies.number") if number else ("", "")
        cursor.execute(
            f"INSERT INTO {table} ({parent}{extra}, {named.replace(f'{table}.', '')}) "
            f"SELECT copies.new_id{value}, {named} FROM copies "
            f"JOIN {table} ON {table}.{parent} = copies.template"
        )
    _copy_tax_items(cursor)
    cursor.execute(
        "UPDATE copies JOIN sales_order o ON o.entity_id = new_id "
        "JOIN sales_order_address s ON s.parent_id = new_id AND s.address_type = 'shipping' "
        "JOIN sales_order_address b ON b.parent_id = new_id AND b.address_type = 'billing' "
        "SET o.shipping_address_id = s.entity_id, o.billing_address_id = b.entity_id"
    )


def _copy_tax_items(cursor: Cursor) -> None:
    """They hang on two copied rows: found again by the tax's code and the line's SKU."""
    named = _columns(cursor, "sales_order_tax_item", {"tax_item_id", "tax_id", "item_id"}, "old.")
    cursor.execute(
        f"INSERT INTO sales_order_tax_item (tax_id, item_id, {named.replace('old.', '')}) "
        f"SELECT tax.tax_id, line.item_id, {named} FROM copies "
        "JOIN sales_order_tax old_tax ON old_tax.order_id = copies.template "
        "JOIN sales_order_tax_item old ON old.tax_id = old_tax.tax_id "
        "JOIN sales_order_tax tax "
        "ON tax.order_id = copies.new_id AND tax.code = old_tax.code "
        "LEFT JOIN sales_order_item old_line ON old_line.item_id = old.item_id "
        "LEFT JOIN sales_order_item line "
        "ON line.order_id = copies.new_id AND line.sku = old_line.sku"
    )


def _columns(cursor: Cursor, table: str, without: set[str | None], before: str = "") -> str:
    cursor.execute(f"SHOW COLUMNS FROM {table}")
    names = [str(row[0]) for row in cursor.fetchall()]
    return ", ".join(f"{before}{name}" for name in names if name not in without)


def sell(
    magento: MagentoDatabase, orders: int, shortest: float, longest: float
) -> dict[str, float]:
    """Place orders with so many seconds between; when each one's COMMIT returned, by number."""
    rng = random.Random(7)
    committed: dict[str, float] = {}
    moments: list[float] = []

    def note(statement: str) -> None:
        if statement == "COMMIT":
            moments.append(time.time())

    with Shop(magento, between=note) as shop:
        for _ in range(orders):
            moments.clear()
            placed = shop.place(FIVE_ITEMS)
            # The first COMMIT is the order's; mail flags and quote follow in their own.
            committed[placed.increment_id] = moments[0]
            time.sleep(rng.uniform(shortest, longest))
    return committed
