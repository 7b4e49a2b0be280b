"""Events of a domain that wait by the thousand, written straight into the tables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pymysql.cursors import Cursor

from sidecar.testing.magento_db import MagentoDatabase

#: Has the domain `payments`.
PACKAGE = Path(__file__).parent / "other_package"
#: This ERP keeps refunds and payments as documents with one line.
CALLS = "".join(
    f"""
{domain}:
  push:
    on: [{event}]
    call:
      method: POST
      path: /sales-orders
      json:
        externalNumber: =ref
        currency: ={payload}.order_currency_code
        orderDate: "2026-01-01"
        customer: {{guest: true, email: =order.customer_email, city: =order_link.reference}}
        lines:
          - lineId: 1
            sku: MUG
            quantity: 1
            unitPrice: ={payload}.grand_total
            discount: 0
            tax: 0
        shipping: 0
        tax: 0
        total: ={payload}.grand_total
    answer:
      accepted: =response.status == 201
      rejected: =response.status == 422
      reference: =response.body.number
      message: =response.body.error.message
"""
    for domain, event, payload in (
        ("refunds", "refund.issued", "refund"),
        ("payments", "payment.received", "payment"),
    )
)
_CHUNK = 5000


def calls_beside(calls: str) -> str:
    """The demonstration's file of calls with these in the place of its refunds.

    Its ERP gives no more back of an order than was paid, and here thousands belong to one order.
    """
    return calls.partition("\nrefunds:")[0] + CALLS


#: Ids and numbers of copies begin here, beyond those that Magento gives in a test.
_FIRST = 10_000_000
#: What Magento and the ledger know of a copy is so old that no sweep looks at it again.
_AGE = "INTERVAL 1 DAY"


def copy_waiting(magento: MagentoDatabase, ledger: str, table: str, kind: str, count: int) -> None:
    """`count` copies of the newest document in `table` and of its event, which wait to be sent.

    As if intake had read them: in Magento, in the ledger's memory, and due.  No daemon may run.
    """
    with magento.connect(autocommit=False) as connection, connection.cursor() as cursor:
        cursor.execute("SET SESSION sql_mode = ''")
        cursor.execute("CREATE TEMPORARY TABLE copies (id int unsigned PRIMARY KEY)")
        cursor.execute(f"SELECT MAX(entity_id) FROM {table}")
        ((template,),) = cursor.fetchall()
        for ids in _chunks(count):
            cursor.execute("DELETE FROM copies")
            cursor.executemany("INSERT INTO copies VALUES (%s)", [(one,) for one in ids])
            _copy(cursor, ledger, table, kind, int(template))
            # The triggers pointed at each: intake has been there.
            cursor.execute(f"DELETE FROM {ledger}.outbox WHERE kind = %s", (kind,))
            connection.commit()


def _copy(cursor: Cursor, ledger: str, table: str, kind: str, template: int) -> None:
    _insert(
        cursor, table, f"entity_id = {template}",
        entity_id="copies.id", increment_id="copies.id", updated_at=f"updated_at - {_AGE}",
    )  # fmt: skip
    of_template = f"kind = '{kind}' AND entity_id = {template}"
    _insert(
        cursor, f"{ledger}.entity", of_template,
        entity_id="copies.id", number="copies.id", updated_at=f"updated_at - {_AGE}",
    )  # fmt: skip
    _insert(
        cursor, f"{ledger}.event", of_template,
        id="NULL", entity_id="copies.id", number="copies.id", status="'pending'",
        event_id=f"CONCAT('copy.{kind}.', copies.id, '.', sequence)", ref="NULL",
        due_at="UTC_TIMESTAMP(3)", attempts="0", fence="0", sent_at="NULL", first_sent_at="NULL",
        finished_at="NULL",
    )  # fmt: skip
    _insert(cursor, f"{ledger}.payload", of_template, entity_id="copies.id")


def _insert(cursor: Cursor, table: str, template: str, **changed: str) -> None:
    """A row like that of the template for each copy, but for what is changed."""
    cursor.execute(f"SHOW COLUMNS FROM {table}")
    columns = [str(row[0]) for row in cursor.fetchall()]
    values = [changed.get(name, f"`{name}`") for name in columns]
    cursor.execute(
        f"INSERT INTO {table} ({', '.join(f'`{name}`' for name in columns)}) "
        f"SELECT {', '.join(values)} FROM copies JOIN {table} ON {template}"
    )


def _chunks(count: int) -> Iterator[range]:
    for start in range(_FIRST, _FIRST + count, _CHUNK):
        yield range(start, min(start + _CHUNK, _FIRST + count))
