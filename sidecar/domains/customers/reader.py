"""Read customers, with no more of them than may leave Magento."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from sidecar.domains.customers.consent import OTHER_STORE, Only
from sidecar.domains.customers.guests import GuestReader
from sidecar.domains.customers.needs import ADDRESS_COLUMNS, CUSTOMER_COLUMNS
from sidecar.domains.customers.payload import Customer
from sidecar.domains.customers.rows import address_of, day
from sidecar.magento.live_schema import MagentoSchema
from sidecar.magento.moments import moment
from sidecar.magento.stores import StoreLimit
from sidecar.model.guest import GUESTS_FROM, guest_id

# Neither a change of an address nor one of an attribute need move the customer's updated_at.
_DIGEST = "CAST(CONV(LEFT(SHA2({text}, 256), 16), 16, 10) AS UNSIGNED)"


@dataclass(frozen=True, slots=True)
class Found:
    """A customer as he may be sent, and what the ledger keeps of him.

    `left_out`: why he is not sent, and then nothing but his id was kept; `namesake`: another
    customer of his e-mail address and website whom the ERP knows, and who was there first.
    """

    customer: Customer
    store_id: int | None
    made_at: datetime | None
    updated_at: datetime | None
    mark: int
    left_out: str = ""
    namesake: int | None = None


class CustomerReader:
    """Of one shop; safe to use from several threads.

    `fields`: what may leave Magento; `entity_table`: the ledger's memory, its full name quoted.
    """

    def __init__(
        self,
        schema: MagentoSchema,
        entity_table: str,
        stores: StoreLimit,
        *,
        fields: Collection[str],
        only: Only,
        guests: GuestReader | None,
    ) -> None:
        self._fields = frozenset(fields)
        self._stores = stores
        self._only = only
        self._guests = guests
        self.mark = mark_expression(schema, only)
        columns = ", ".join(f"c.`{name}`" for name in CUSTOMER_COLUMNS)
        self._customers = (
            f"SELECT {columns}, c.website_id, c.store_id, c.default_billing, c.default_shipping, "
            "g.customer_group_code AS group_code, w.code AS website_code, s.code AS store_code, "
            f"{only.value(schema)} AS consent, {self.mark} AS mark "
            f"FROM {schema.table('customer_entity')} c "
            f"LEFT JOIN {schema.table('customer_group')} g ON g.customer_group_id = c.group_id "
            f"LEFT JOIN {schema.table('store_website')} w ON w.website_id = c.website_id "
            f"LEFT JOIN {schema.table('store')} s ON s.store_id = c.store_id "
            "WHERE c.entity_id IN %(ids)s ORDER BY c.entity_id"
        )
        self._addresses = (
            f"SELECT parent_id, {', '.join(f'`{name}`' for name in ADDRESS_COLUMNS)} "
            f"FROM {schema.table('customer_address_entity')} "
            "WHERE parent_id IN %(ids)s ORDER BY entity_id"
        )
        self._websites = (
            f"SELECT website_id FROM {schema.table('store')} WHERE store_id IN %(stores)s"
        )
        self._by_email = (
            f"SELECT entity_id FROM {schema.table('customer_entity')} WHERE email = %(email)s "
            "ORDER BY entity_id"
        )
        self._codes = f"SELECT code FROM {schema.table('store_website')}"
        self._first_as_guest = (
            f"SELECT entity_id, made_at FROM {entity_table} WHERE kind = 'customer' "
            "AND entity_id IN %(ids)s AND sequence > 0"
        )

    def read(self, view: sa.Connection, ids: Sequence[int]) -> dict[int, Found]:
        """The customers with these ids; one that is not there is not in the result."""
        registered = tuple(one for one in ids if one < GUESTS_FROM)
        guests = [one for one in ids if one >= GUESTS_FROM]
        found = self._registered(view, registered) if registered else {}
        if guests and self._guests is not None:
            found |= {
                guest.entity_id: Found(
                    self._allowed(guest.customer),
                    guest.store_id,
                    guest.made_at,
                    guest.customer.updated_at,
                    0,
                    namesake=guest.registered,
                )
                for guest in self._guests.read(view, guests)
            }
        return found

    def ids_of(self, connection: sa.Connection, name: str) -> list[int]:
        """The customers with this id, or with this e-mail address, guests among them."""
        if name.isdecimal():
            return [int(name)]
        if "@" not in name:
            return []
        rows = connection.exec_driver_sql(self._by_email, {"email": name.strip()})
        websites = connection.exec_driver_sql(self._codes).all()
        return [int(row[0]) for row in rows] + [guest_id(name, str(row[0])) for row in websites]

    def _registered(self, view: sa.Connection, ids: tuple[int, ...]) -> dict[int, Found]:
        wanted = {"ids": ids, "consent": self._only.consent}
        rows = [dict(row) for row in view.exec_driver_sql(self._customers, wanted).mappings()]
        addresses: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
        if "addresses" in self._fields:
            for row in view.exec_driver_sql(self._addresses, wanted).mappings():
                addresses[row["parent_id"]].append(dict(row))
        websites = self._websites_taken(view)
        guests = self._first_guests(view, rows)
        return {
            row["entity_id"]: self._found(row, addresses[row["entity_id"]], websites, guests)
            for row in rows
        }

    def _found(
        self,
        row: Mapping[str, Any],
        addresses: Sequence[Mapping[str, Any]],
        websites: Collection[int] | None,
        guests: Mapping[int, datetime | None],
    ) -> Found:
        left_out = self._only.left_out(row["group_code"], row["consent"])
        if websites is not None and row["website_id"] not in websites:
            left_out = OTHER_STORE
        made_at = moment(row["created_at"])
        guest = _guest_of(row)
        came = guests.get(guest) if guest else None
        return Found(
            Customer(entity_id=row["entity_id"])
            if left_out
            else self._allowed(_customer(row, addresses)),
            row["store_id"],
            made_at,
            moment(row["updated_at"]),
            int(row["mark"] or 0),
            left_out,
            guest if came and made_at and came.replace(tzinfo=UTC) < made_at else None,
        )

    def _first_guests(
        self, view: sa.Connection, rows: Sequence[Mapping[str, Any]]
    ) -> dict[int, datetime | None]:
        """Guests of these customers' e-mail addresses whom the ERP was told of → since when."""
        ids = tuple(guest for row in rows if (guest := _guest_of(row)))
        if not ids or self._guests is None:
            return {}
        return {row[0]: row[1] for row in view.exec_driver_sql(self._first_as_guest, {"ids": ids})}

    def _websites_taken(self, view: sa.Connection) -> Collection[int] | None:
        taken = self._stores.takes(view)
        if taken is None:
            return None
        stores = {"stores": tuple(taken) or (-1,)}
        return {int(row[0]) for row in view.exec_driver_sql(self._websites, stores)}

    def _allowed(self, customer: Customer) -> Customer:
        """With what may leave Magento alone."""
        kept = {name: getattr(customer, name) for name in self._fields}
        if "group_code" in self._fields:
            kept["group_id"] = customer.group_id
        return Customer(
            entity_id=customer.entity_id,
            is_guest=customer.is_guest,
            updated_at=customer.updated_at,
            **kept,
        )


def mark_expression(schema: MagentoSchema, only: Only) -> str:
    """SQL for a checksum of what hangs on customer `c` and need not move its updated_at."""
    of_address = _DIGEST.format(text="CONCAT_WS(',', a.entity_id, a.updated_at, a.parent_id)")
    addresses = (
        f"(SELECT BIT_XOR({of_address}) FROM {schema.table('customer_address_entity')} a "
        "WHERE a.parent_id = c.entity_id)"
    )
    if only.consent is None:
        return addresses
    return f"({addresses} ^ {_DIGEST.format(text=f'QUOTE({only.value(schema)})')})"


def _guest_of(row: Mapping[str, Any]) -> int | None:
    """As whom the ERP would know him if he had ordered without his account."""
    email, website = row["email"], row["website_code"]
    return guest_id(email, website) if email and website else None


def _customer(row: Mapping[str, Any], addresses: Sequence[Mapping[str, Any]]) -> Customer:
    values = {name: row[name] for name in CUSTOMER_COLUMNS}
    return Customer(
        **values
        | {
            "dob": day(row["dob"]),
            "created_at": moment(row["created_at"]),
            "updated_at": moment(row["updated_at"]),
        },
        group_code=row["group_code"],
        website_code=row["website_code"],
        store_code=row["store_code"],
        addresses=tuple(
            address_of(
                one,
                default_billing=one["entity_id"] == row["default_billing"],
                default_shipping=one["entity_id"] == row["default_shipping"],
            )
            for one in addresses
        ),
    )
