"""A writer that acts on the database as Magento's PHP does."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import TracebackType
from typing import Any, Self

import pymysql

from sidecar.model.errors import BadData
from sidecar.testing.magento_db import order_rows, stock
from sidecar.testing.magento_db.cart import Line, PricedCart, price_cart
from sidecar.testing.magento_db.catalogue import (
    BERLIN,
    STORES,
    Address,
    Customer,
    Store,
)
from sidecar.testing.magento_db.customers import CustomerActs
from sidecar.testing.magento_db.documents import DocumentActs
from sidecar.testing.magento_db.grids import refresh_order_grid
from sidecar.testing.magento_db.schema import MagentoDatabase, RunningMagento
from sidecar.testing.magento_db.session import Between, Session

DEFAULT_LINES = (Line("MUG", 2), Line("TEAPOT"))


@dataclass(frozen=True)
class PlacedOrder:
    """What the checkout shows the customer; `grand_total` is in the order's currency."""

    entity_id: int
    increment_id: str
    grand_total: Decimal


class Shop(DocumentActs, CustomerActs):
    """Places orders and does with them what an admin, a customer or an API client does.

    Same tables, same order of statements, same transaction borders as Magento 2.4.7 (reads are
    left out).  `between` is called after each statement with its name, e.g. "INSERT sales_order";
    what it does on other connections happens in the middle of the shop's transaction.

        shop = Shop(create_magento(server))
        placed = shop.place([Line("TEASET"), Line("SHIRT", 2, option="Red")], coupon="SAVE10")
        shop.invoice(placed.entity_id)
        shop.ship(placed.entity_id, qty=1)
    """

    def __init__(
        self,
        database: MagentoDatabase | RunningMagento,
        connection: pymysql.Connection[Any] | None = None,
        between: Between | None = None,
    ) -> None:
        self.database = database
        self.session = Session(connection or database.connect(), database.prefix, between)

    def close(self) -> None:
        """Close the connection."""
        self.session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def place(
        self,
        lines: Sequence[Line] = DEFAULT_LINES,
        *,
        customer: Customer | None = None,
        store: str = "default",
        coupon: str | None = None,
        payment: str = "checkmo",
        po_number: str | None = None,
        shipping: Decimal | None = None,
        address: Address | None = None,
        billing_address: Address | None = None,
        email: str = "guest@example.com",
        prices_include_tax: bool = False,
    ) -> PlacedOrder:
        """Place an order as the checkout does.

        `customer` None is a guest with `email`; `address` is the shipping address (None: the
        customer's, or one in Berlin), `billing_address` None the same.  `shipping` is the base
        amount without tax (None: flat rate).  See `cart.price_cart` for the rest.
        """
        if store not in STORES:
            raise BadData(f"There is no store {store!r}.", f"There are {', '.join(STORES)}.")
        seller = STORES[store]
        deliver_to = address or (customer.address if customer else BERLIN)
        cart = price_cart(
            lines,
            deliver_to,
            base_to_order_rate=seller.base_to_order_rate,
            coupon=coupon,
            shipping=shipping,
            prices_include_tax=prices_include_tax,
        )
        if customer is not None:
            email = customer.email
        quote_id = self._open_quote(cart, seller, customer)
        if cart.coupon is not None:
            self._use_coupon(cart.coupon.rule_id, customer)
        increment_id = self._next_number("order", seller.store_id)
        stock.reserve(
            self.session,
            {sku: -qty for sku, qty in order_rows.reservations(cart).items()},
            stock.metadata("order_placed", None, increment_id),
        )
        with self.session.transaction():
            order_id = self.session.insert(
                "sales_order",
                order_rows.order_row(
                    cart,
                    store=seller,
                    customer=customer,
                    email=email,
                    name=billing_address or deliver_to,
                    quote_id=quote_id,
                    increment_id=increment_id,
                    protect_code=secrets.token_hex(16),
                ),
            )
            item_ids = self._insert_items(cart, order_id, seller)
            self.session.insert(
                "sales_order_payment", order_rows.payment_row(cart, order_id, payment, po_number)
            )
            self._insert_addresses(
                order_id, cart, customer, email, deliver_to, billing_address or deliver_to
            )
            self._insert_taxes(cart, order_id, item_ids)
            refresh_order_grid(self.session, order_id)
        refresh_order_grid(self.session, order_id)
        # The mail is rendered and sent here; the flags follow in a transaction of their own.
        with self.session.transaction():
            self.session.update(
                "sales_order", {"send_email": 1, "email_sent": 1}, entity_id=order_id
            )
        with self.session.transaction():
            self.session.update(
                "quote", {"is_active": 0, "reserved_order_id": increment_id}, entity_id=quote_id
            )
        return PlacedOrder(order_id, increment_id, cart.totals("order")["grand_total"])

    def _open_quote(self, cart: PricedCart, store: Store, customer: Customer | None) -> int:
        totals = cart.totals("order")
        return self.session.insert(
            "quote",
            {
                "store_id": store.store_id,
                "is_active": 1,
                "is_virtual": int(cart.is_virtual),
                "items_count": len([item for item in cart.items if item.parent is None]),
                "base_currency_code": store.base_currency,
                "quote_currency_code": store.order_currency,
                "customer_id": customer and customer.entity_id,
                "grand_total": totals["grand_total"],
                "base_grand_total": cart.totals("base")["grand_total"],
            },
        )

    def _use_coupon(self, rule_id: int, customer: Customer | None) -> None:
        table = self.session.table
        with self.session.transaction():
            self.session.execute(
                "UPDATE salesrule_coupon",
                f"UPDATE {table('salesrule_coupon')} SET times_used = times_used + 1 "
                "WHERE coupon_id = %s",
                [rule_id],
            )
        if customer is None:
            return
        key = {"rule_id": rule_id, "customer_id": customer.entity_id}
        known = self.session.select(
            f"SELECT times_used FROM {table('salesrule_customer')} "
            "WHERE rule_id = %s AND customer_id = %s",
            list(key.values()),
        )
        usage = {"coupon_id": rule_id, "customer_id": customer.entity_id}
        times = {"times_used": known[0]["times_used"] + 1} if known else {"times_used": 1}
        with self.session.transaction():
            if known:
                self.session.update("salesrule_customer", times, **key)
            else:
                self.session.insert("salesrule_customer", key | times)
        if known:
            self.session.update("salesrule_coupon_usage", times, **usage)
        else:
            self.session.insert("salesrule_coupon_usage", usage | times)

    def _insert_items(self, cart: PricedCart, order_id: int, store: Store) -> dict[int, int]:
        """Item ids by identity of the cart's item."""
        ids: dict[int, int] = {}
        for item in cart.items:
            parent_id = ids[id(item.parent)] if item.parent else None
            ids[id(item)] = self.session.insert(
                "sales_order_item",
                order_rows.item_row(
                    item, cart, order_id=order_id, parent_item_id=parent_id, store=store
                ),
            )
        return ids

    def _insert_addresses(
        self,
        order_id: int,
        cart: PricedCart,
        customer: Customer | None,
        email: str,
        shipping: Address,
        billing: Address,
    ) -> None:
        known: dict[str, int] = {}
        for kind, address in (("shipping", shipping), ("billing", billing)):
            if kind == "billing" or not cart.is_virtual:
                known[f"{kind}_address_id"] = self.session.insert(
                    "sales_order_address",
                    order_rows.address_row(address, order_id, kind, email, customer),
                )
        self.session.update("sales_order", known, entity_id=order_id)

    def _insert_taxes(self, cart: PricedCart, order_id: int, item_ids: dict[int, int]) -> None:
        for row, taxes in order_rows.tax_rows(cart, order_id):
            tax_id = self.session.insert("sales_order_tax", row)
            for tax in taxes:
                item_id = item_ids[id(tax.item)] if tax.item else None
                self.session.insert(
                    "sales_order_tax_item", order_rows.tax_item_row(tax, tax_id, item_id)
                )
