"""What happens to customers."""

from __future__ import annotations

from typing import Any

from sidecar.model.errors import BadData
from sidecar.testing.magento_db.session import Row, Session


class CustomerActs:
    """Acts on customers.  Their admin list (`customer_grid_flat`) is not described and not
    written."""

    session: Session

    def create_customer(
        self, email: str, firstname: str, lastname: str, store_id: int = 1, group_id: int = 1
    ) -> int:
        """Register a customer without address; returns the entity_id."""
        stores = self.session.select(
            f"SELECT website_id, name FROM {self.session.table('store')} WHERE store_id = %s",
            [store_id],
        )
        if not stores:
            raise BadData(f"There is no store {store_id}.")
        with self.session.transaction():
            customer_id = self.session.insert(
                "customer_entity",
                {
                    "website_id": stores[0]["website_id"],
                    "email": email,
                    "group_id": group_id,
                    "store_id": store_id,
                    "created_in": stores[0]["name"],
                    "firstname": firstname,
                    "lastname": lastname,
                },
            )
            self._write_customer(self._customer(customer_id))
        return customer_id

    def save_customer(self, customer_id: int, **columns: Any) -> None:
        """Save a customer with addresses: two updates of each and a third of the customer, most
        of them without change."""
        customer = {**self._customer(customer_id), **columns}
        addresses = self.session.select(
            f"SELECT * FROM {self.session.table('customer_address_entity')} WHERE parent_id = %s",
            [customer_id],
        )
        with self.session.transaction():
            for _ in range(2):
                self._write_customer(customer)
                for address in addresses:
                    self._write_address(address)
            self._write_customer(customer)

    def save_customer_address(self, address_id: int, **columns: Any) -> None:
        """Save an address of the address book, and its customer along with it."""
        rows = self.session.select(
            f"SELECT * FROM {self.session.table('customer_address_entity')} WHERE entity_id = %s",
            [address_id],
        )
        if not rows:
            raise BadData(f"There is no customer address {address_id}.")
        with self.session.transaction():
            self._write_address({**rows[0], **columns})
            self._write_customer(self._customer(rows[0]["parent_id"]))

    def delete_customer(self, customer_id: int) -> None:
        """Delete an account; its orders stay, and name nobody any more."""
        with self.session.transaction():
            self.session.delete("customer_entity", entity_id=customer_id)

    def add_customer_attribute(self, code: str, backend_type: str = "int") -> int:
        """A further attribute of customers; returns the attribute_id."""
        with self.session.transaction():
            return self.session.insert(
                "eav_attribute",
                {"entity_type_id": 1, "attribute_code": code, "backend_type": backend_type},
            )

    def set_customer_attribute(self, customer_id: int, attribute_id: int, value: int) -> None:
        """A value of an attribute of whole numbers: nothing else of the customer is written."""
        with self.session.transaction():
            self.session.delete(
                "customer_entity_int", entity_id=customer_id, attribute_id=attribute_id
            )
            self.session.insert(
                "customer_entity_int",
                {"attribute_id": attribute_id, "entity_id": customer_id, "value": value},
            )

    def register_guest(self, order_id: int, customer_id: int) -> None:
        """Give a guest's order to the account that he made after it."""
        with self.session.transaction():
            self.session.update(
                "sales_order",
                {"customer_id": customer_id, "customer_is_guest": 0},
                entity_id=order_id,
            )

    def _customer(self, customer_id: int) -> Row:
        rows = self.session.select(
            f"SELECT * FROM {self.session.table('customer_entity')} WHERE entity_id = %s",
            [customer_id],
        )
        if not rows:
            raise BadData(f"There is no customer with entity_id {customer_id}.")
        return rows[0]

    def _write_customer(self, row: Row) -> None:
        columns = {name: row[name] for name in row if name not in ("entity_id", "updated_at")}
        self.session.update("customer_entity", columns, entity_id=row["entity_id"])

    def _write_address(self, row: Row) -> None:
        columns = {name: row[name] for name in row if name not in ("entity_id", "updated_at")}
        self.session.update("customer_address_entity", columns, entity_id=row["entity_id"])
