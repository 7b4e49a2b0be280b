"""People who order without an account, as customers made of their orders' billing addresses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from sidecar.domains.customers.needs import ADDRESS_COLUMNS
from sidecar.domains.customers.payload import Customer
from sidecar.domains.customers.rows import address_of, day
from sidecar.magento.live_schema import MagentoSchema
from sidecar.magento.moments import moment

_NAMES = ("prefix", "firstname", "middlename", "lastname", "suffix")


@dataclass(frozen=True, slots=True)
class FoundGuest:
    """`made_at`: of his first order; `registered`: who has an account of that e-mail address, and
    had it before that order."""

    entity_id: int
    customer: Customer
    store_id: int | None
    made_at: datetime | None
    registered: int | None


class GuestReader:
    """A guest's orders are found by the ledger's memory, which names him as their parent."""

    def __init__(self, schema: MagentoSchema, entity_table: str) -> None:
        self._orders = (
            "SELECT parent_id AS guest, MIN(entity_id) AS oldest, MAX(entity_id) AS newest "
            f"FROM {entity_table} FORCE INDEX (parent) WHERE parent_kind = 'customer' "
            "AND parent_id IN %(ids)s AND kind = 'order' AND vanished_at IS NULL GROUP BY parent_id"
        )
        names = ", ".join(f"o.customer_{name}" for name in _NAMES)
        columns = ", ".join(f"a.`{name}`" for name in ADDRESS_COLUMNS)
        self._newest = (
            f"SELECT o.entity_id AS order_id, o.customer_email, {names}, o.customer_dob, "
            "o.customer_gender, o.customer_taxvat, o.customer_group_id, o.store_id, o.updated_at, "
            "g.customer_group_code AS group_code, w.code AS website_code, s.code AS store_code, "
            f"w.website_id, {columns} "
            f"FROM {schema.table('sales_order')} o "
            f"LEFT JOIN {schema.table('sales_order_address')} a ON a.parent_id = o.entity_id "
            "AND a.address_type = 'billing' "
            f"LEFT JOIN {schema.table('customer_group')} g "
            "ON g.customer_group_id = o.customer_group_id "
            f"LEFT JOIN {schema.table('store')} s ON s.store_id = o.store_id "
            f"LEFT JOIN {schema.table('store_website')} w ON w.website_id = s.website_id "
            "WHERE o.entity_id IN %(ids)s"
        )
        self._made = (
            f"SELECT entity_id, created_at FROM {schema.table('sales_order')} "
            "WHERE entity_id IN %(ids)s"
        )
        self._accounts = (
            "SELECT o.entity_id AS order_id, c.entity_id, c.created_at "
            f"FROM {schema.table('sales_order')} o "
            f"JOIN {schema.table('store')} s ON s.store_id = o.store_id "
            f"JOIN {schema.table('customer_entity')} c ON c.email = o.customer_email "
            "AND c.website_id = s.website_id WHERE o.entity_id IN %(ids)s ORDER BY c.entity_id"
        )

    def read(self, view: sa.Connection, ids: Sequence[int]) -> list[FoundGuest]:
        """Those of these guests whose orders are there."""
        orders = view.exec_driver_sql(self._orders, {"ids": tuple(ids)}).all()
        if not orders:
            return []
        newest = {"ids": tuple(row.newest for row in orders)}
        oldest = {"ids": tuple(row.oldest for row in orders)}
        rows = view.exec_driver_sql(self._newest, newest).mappings()
        by_order = {row["order_id"]: dict(row) for row in rows}
        made = {row[0]: row[1] for row in view.exec_driver_sql(self._made, oldest)}
        accounts: dict[int, list[tuple[int, datetime | None]]] = defaultdict(list)
        for order_id, account, since in view.exec_driver_sql(self._accounts, newest):
            accounts[order_id].append((account, moment(since)))
        return [
            _found(
                row.guest,
                by_order[row.newest],
                moment(made.get(row.oldest)),
                accounts[row.newest],
            )
            for row in orders
            if row.newest in by_order
        ]


def _found(
    guest: int,
    row: Mapping[str, Any],
    made_at: datetime | None,
    accounts: Sequence[tuple[int, datetime | None]],
) -> FoundGuest:
    had_one = [
        account for account, since in accounts if made_at is None or (since or made_at) <= made_at
    ]
    return FoundGuest(
        guest,
        _customer(guest, row, made_at),
        row["store_id"],
        made_at,
        had_one[0] if had_one else None,
    )


def _customer(guest: int, row: Mapping[str, Any], made_at: datetime | None) -> Customer:
    # A guest gives his name in the address; Magento copies it to the order most of the time.
    names = {name: row[f"customer_{name}"] or row[name] for name in _NAMES}
    return Customer(
        entity_id=guest,
        is_guest=True,
        email=row["customer_email"],
        **names,
        dob=day(row["customer_dob"]),
        gender=row["customer_gender"],
        taxvat=row["customer_taxvat"],
        group_id=row["customer_group_id"],
        group_code=row["group_code"],
        website_code=row["website_code"],
        store_code=row["store_code"],
        created_at=made_at,
        updated_at=moment(row["updated_at"]),
        addresses=(address_of(row, default_billing=True),) if row["entity_id"] is not None else (),
    )
