"""Orders out of Magento's tables, whole sets at a time.

The number of statements does not depend on the number of orders; every column is named.  Meant to
run inside `Database.snapshot()`, so that an order and all that hangs on it are of one moment.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from sidecar.domains.orders.addresses import (
    BILLING,
    SHIPPING,
    address,
    marked_addresses,
    no_billing_address,
)
from sidecar.domains.orders.amounts import rate_of
from sidecar.domains.orders.columns import (
    ADDRESS,
    DOWNLOAD_LINK,
    GIFT_MESSAGE,
    HISTORY,
    ITEM,
    ORDER,
    PAYMENT,
    TAX_ITEM,
    TAX_RATE,
    TRANSACTION,
)
from sidecar.domains.orders.extra import OrderExtra
from sidecar.domains.orders.items import ItemParts, order_items
from sidecar.domains.orders.needs import credit_columns, has_download_links, has_pickup_locations
from sidecar.domains.orders.payload import (
    AppliedRule,
    DownloadLink,
    GiftMessage,
    Order,
    OrderItem,
    Payment,
    PaymentTransaction,
    StatusHistory,
    TaxItem,
    TaxRate,
    Vanished,
)
from sidecar.domains.orders.totals import ExtraTotal
from sidecar.magento.live_schema import MagentoSchema
from sidecar.magento.moments import moment
from sidecar.model.errors import BadData

_SHIPPING_TAX = "shipping"

_Row = Sequence[Any]
_Rows = dict[int, list[_Row]]


class _MethodTitle(msgspec.Struct):
    """All that is taken of additional_information; the rest may be card or bank data."""

    method_title: str | None = None


_METHOD_TITLE = msgspec.json.Decoder(_MethodTitle)


class Outline(msgspec.Struct, frozen=True):
    """What can be read of an order of which nothing else can."""

    order: Vanished
    updated_at: datetime | None


class OrderReader:
    """Reads orders of one shop.  Safe to use from several threads."""

    def __init__(self, schema: MagentoSchema, totals: Sequence[ExtraTotal] = ()) -> None:
        """`totals`: the further totals that the configuration names (`extra_totals`)."""
        self._extra = OrderExtra(schema, totals)
        self._orders = _orders_statement(schema, self._extra)
        gift_message = _gift_message(schema, "sales_order_item")
        self._items = (
            f"SELECT order_id, {ITEM.select()}, product_options, {gift_message}"
            f"{self._extra.of_items} FROM {schema.table('sales_order_item')} "
            "WHERE order_id IN %(ids)s ORDER BY item_id"
        )
        self._skus = (
            f"SELECT entity_id, sku FROM {schema.table('catalog_product_entity')} "
            "WHERE entity_id IN %(ids)s"
        )
        self._transactions = (
            f"SELECT order_id, {TRANSACTION.select()} "
            f"FROM {schema.table('sales_payment_transaction')} "
            "WHERE order_id IN %(ids)s ORDER BY transaction_id"
        )
        self._gift_messages = (
            f"SELECT {GIFT_MESSAGE.select()} FROM {schema.table('gift_message')} "
            "WHERE gift_message_id IN %(ids)s"
        )
        self._has_gift_messages = schema.has_table("gift_message")
        self._links = (
            f"SELECT order_item_id, {DOWNLOAD_LINK.select()} "
            f"FROM {schema.table('downloadable_link_purchased_item')} "
            "WHERE order_item_id IN %(ids)s ORDER BY item_id"
        )
        self._has_links = has_download_links(schema)
        self._addresses = _children_statement(schema, "sales_order_address", ADDRESS.select())
        self._payments = _children_statement(
            schema, "sales_order_payment", f"{PAYMENT.select()}, additional_information"
        )
        self._histories = _children_statement(
            schema, "sales_order_status_history", HISTORY.select()
        )
        self._taxes = (
            f"SELECT order_id, {TAX_RATE.select()} FROM {schema.table('sales_order_tax')} "
            "WHERE order_id IN %(ids)s ORDER BY tax_id"
        )
        self._tax_items = (
            f"SELECT t.order_id, t.code, {TAX_ITEM.select('i')} "
            f"FROM {schema.table('sales_order_tax')} t "
            f"JOIN {schema.table('sales_order_tax_item')} i ON i.tax_id = t.tax_id "
            "WHERE t.order_id IN %(ids)s ORDER BY i.tax_item_id"
        )
        self._rules = (
            f"SELECT rule_id, name FROM {schema.table('salesrule')} WHERE rule_id IN %(ids)s"
        )
        self._ids = (
            f"SELECT entity_id FROM {schema.table('sales_order')} "
            "WHERE increment_id = %(number)s ORDER BY entity_id"
        )
        self._outline = (
            "SELECT entity_id, LEFT(COALESCE(increment_id, ''), 50), "
            "LEFT(COALESCE(state, ''), 32), LEFT(COALESCE(status, ''), 32), "
            "CAST(grand_total AS DECIMAL(20, 4)), LEFT(order_currency_code, 3), updated_at "
            f"FROM {schema.table('sales_order')} WHERE entity_id = %(id)s"
        )
        self._marks = (
            f"SELECT parent_id, {marked_addresses('a')} "
            f"FROM {schema.table('sales_order_address')} a "
            "WHERE parent_id IN %(ids)s GROUP BY parent_id"
        )

    def read(self, connection: sa.Connection, ids: Sequence[int]) -> dict[int, Order]:
        """The orders with these entity ids; one that Magento does not have is not in the result."""
        orders = _rows(connection, self._orders, ids)
        order_ids = [row[0] for row in orders]
        rule_ids = {rule for row in orders for rule in _rule_ids(_value(row, "applied_rule_ids"))}
        items = _grouped(_rows(connection, self._items, order_ids))
        parts = _Parts(
            items=items,
            of_items=self._item_parts(connection, orders, items),
            transactions=_grouped(_rows(connection, self._transactions, order_ids)),
            addresses=_grouped(_rows(connection, self._addresses, order_ids)),
            payments=_grouped(_rows(connection, self._payments, order_ids)),
            histories=_grouped(_rows(connection, self._histories, order_ids)),
            taxes=_grouped(_rows(connection, self._taxes, order_ids)),
            tax_items=_grouped(_rows(connection, self._tax_items, order_ids)),
            rule_names={row[0]: row[1] for row in _rows(connection, self._rules, rule_ids)},
        )
        return {row[0]: self._order(row, parts) for row in orders}

    def _item_parts(
        self, connection: sa.Connection, orders: Sequence[_Row], items: _Rows
    ) -> ItemParts:
        """What hangs on the lines, and the orders' own gift messages."""
        lines = [ITEM.raw(row) for of_order in items.values() for row in of_order]
        products = {line["product_id"] for line in lines if line["product_id"]}
        messages = {row[_GIFT_OF_ORDER] for row in orders} | {
            row[_GIFT_OF_ITEM] for of_order in items.values() for row in of_order
        }
        downloads = {line["item_id"] for line in lines if line["product_type"] == _DOWNLOADABLE}
        links = _rows(connection, self._links, downloads) if self._has_links else []
        return ItemParts(
            skus={row[0]: row[1] for row in _rows(connection, self._skus, products)},
            gift_messages=self._messages(connection, messages - {None, 0}),
            links={
                item_id: [DownloadLink(**DOWNLOAD_LINK.values(row)) for row in rows]
                for item_id, rows in _grouped(links).items()
            },
        )

    def _messages(self, connection: sa.Connection, ids: set[int]) -> dict[int, GiftMessage]:
        # A table that the user may not read looks like one that is not there, and an order must
        # not lose its message in silence (test_none_of_the_grants_can_be_left_out).
        if ids and not self._has_gift_messages:
            raise BadData(
                f"gift_message_id {min(ids)} is named, and table gift_message is not there or may "
                "not be read",
                "grant what 'erp-sidecar grants print' prints for a database user that sees the "
                "table, and reload; if the module is gone for good, set gift_message_id to NULL",
            )
        return {
            row[0]: GiftMessage(**GIFT_MESSAGE.values(row))
            for row in _rows(connection, self._gift_messages, ids)
        }

    def _order(self, row: _Row, parts: _Parts) -> Order:
        order = _order(row, parts, self._extra)
        more = row[len(row) - self._extra.width :]
        return self._extra.explained(order, more, rate_of(ORDER.raw(row)))

    def outline(self, connection: sa.Connection, entity_id: int) -> Outline | None:
        """The little of an order that can be read whatever else is wrong with it."""
        row = connection.exec_driver_sql(self._outline, {"id": entity_id}).first()
        if row is None:
            return None
        *values, updated_at = row
        order = Vanished(**dict(zip(Vanished.__struct_fields__, values, strict=True)))
        return Outline(order, moment(updated_at))

    def ids_of(self, connection: sa.Connection, number: str) -> list[int]:
        """The orders with this number: one per store that uses it."""
        rows = connection.exec_driver_sql(self._ids, {"number": number})
        return [int(row[0]) for row in rows]

    def address_marks(self, connection: sa.Connection, ids: Sequence[int]) -> dict[int, int]:
        """Checksum of each order's addresses, as the sweep computes it; 0 for none."""
        marks = {row[0]: int(row[1] or 0) for row in _rows(connection, self._marks, ids)}
        return {entity_id: marks.get(entity_id, 0) for entity_id in ids}


class _Parts(msgspec.Struct, frozen=True):
    """What hangs on the orders of one read, by order id (rule names by rule id)."""

    items: _Rows
    of_items: ItemParts
    transactions: _Rows
    addresses: _Rows
    payments: _Rows
    histories: _Rows
    taxes: _Rows
    tax_items: _Rows
    rule_names: dict[int, str | None]


_AFTER_ORDER = len(ORDER.columns)
#: Where the id of a gift message stands in a row of an order, and of a line.
_GIFT_OF_ORDER = _AFTER_ORDER
_GIFT_OF_ITEM = len(ITEM.columns) + 1
_DOWNLOADABLE = "downloadable"


def _orders_statement(schema: MagentoSchema, extra: OrderExtra) -> str:
    gift_message = _gift_message(schema, "sales_order", "o.")
    pickup, pickup_join = "NULL", ""
    if has_pickup_locations(schema):
        pickup = "p.pickup_location_code"
        pickup_join = (
            f" LEFT JOIN {schema.table('inventory_pickup_location_order')} p "
            "ON p.order_id = o.entity_id"
        )
    credit, base_credit = (
        " + ".join(f"COALESCE(o.`{basis}{column}`, 0)" for column in credit_columns(schema))
        or "CAST(0 AS DECIMAL(20, 4))"
        for basis in ("", "base_")
    )
    return (
        f"SELECT {ORDER.select('o')}, {gift_message}, s.code, w.code, g.customer_group_code, "
        f"{pickup}, {credit}, {base_credit}{extra.of_order} FROM {schema.table('sales_order')} o "
        f"LEFT JOIN {schema.table('store')} s ON s.store_id = o.store_id "
        f"LEFT JOIN {schema.table('store_website')} w ON w.website_id = s.website_id "
        f"LEFT JOIN {schema.table('customer_group')} g "
        f"ON g.customer_group_id = o.customer_group_id{pickup_join} "
        "WHERE o.entity_id IN %(ids)s ORDER BY o.entity_id"
    )


def _gift_message(schema: MagentoSchema, table: str, alias: str = "") -> str:
    has_column = schema.has_column(table, "gift_message_id")
    return f"{alias}gift_message_id" if has_column else "NULL"


def _children_statement(schema: MagentoSchema, table: str, columns: str) -> str:
    return (
        f"SELECT parent_id, {columns} FROM {schema.table(table)} "
        "WHERE parent_id IN %(ids)s ORDER BY entity_id"
    )


def _rows(connection: sa.Connection, statement: str, ids: Sequence[int] | set[int]) -> list[_Row]:
    if not ids:
        return []
    return list(connection.exec_driver_sql(statement, {"ids": tuple(ids)}).fetchall())


def _grouped(rows: Sequence[_Row]) -> _Rows:
    groups: _Rows = defaultdict(list)
    for row in rows:
        groups[row[0]].append(row[1:])
    return groups


def _order(row: _Row, parts: _Parts, extra: OrderExtra) -> Order:
    values = ORDER.raw(row)
    entity_id = values["entity_id"]
    rate = rate_of(values)
    dob = values["customer_dob"]
    addresses = [address(child) for child in parts.addresses.get(entity_id, ())]
    by_type = {child.address_type: child for child in reversed(addresses)}
    by_item, shipping_taxes = _tax_items(parts.tax_items.get(entity_id, ()))
    items, of_items = order_items(
        parts.items.get(entity_id, ()),
        replace(parts.of_items, taxes=by_item),
        rate=rate,
        extra=extra.values_of_item,
    )
    _say_what_is_unsaid(values, items)
    of_order = ORDER.complete(values, rate)
    message, store_code, website_code, group_code, pickup, credit, base_credit, *more = row[
        _AFTER_ORDER:
    ]
    return Order(
        **values
        | {
            "created_at": _required(moment(values["created_at"]), "created_at", entity_id),
            "updated_at": moment(values["updated_at"]),
            "customer_dob": dob if isinstance(dob, datetime) else None,
        },
        store_code=store_code,
        website_code=website_code,
        customer_group_code=group_code,
        pickup_location_code=pickup,
        credits_amount=credit,
        base_credits_amount=base_credit,
        surcharges=extra.surcharges(more, items, rate),
        extra=extra.values_of_order(more),
        base_is_derived=of_order or of_items,
        applied_rules=tuple(
            AppliedRule(rule_id=rule, name=parts.rule_names.get(rule))
            for rule in _rule_ids(values["applied_rule_ids"])
        ),
        gift_message=parts.of_items.gift_messages.get(message) if message else None,
        billing_address=by_type.get(BILLING) or no_billing_address(),
        shipping_address=by_type.get(SHIPPING),
        payment=_payment(parts.payments.get(entity_id, ()), parts.transactions.get(entity_id, ())),
        items=items,
        taxes=tuple(TaxRate(**TAX_RATE.values(child)) for child in parts.taxes.get(entity_id, ())),
        shipping_taxes=shipping_taxes,
        status_histories=tuple(_history(child) for child in parts.histories.get(entity_id, ())),
    )


def _say_what_is_unsaid(values: dict[str, Any], items: Sequence[OrderItem]) -> None:
    """Flags that an importer left NULL, which must not read as no."""
    if values["is_virtual"] is None:
        values["is_virtual"] = bool(items) and all(item.is_virtual for item in items)
    if values["customer_is_guest"] is None:
        values["customer_is_guest"] = values["customer_id"] is None


def _payment(rows: Sequence[_Row], transactions: Sequence[_Row]) -> Payment:
    if not rows:
        return Payment(entity_id=0, method="")
    return Payment(
        **PAYMENT.values(rows[0]),
        method_title=_method_title(rows[0][-1]),
        transactions=tuple(PaymentTransaction(**TRANSACTION.values(row)) for row in transactions),
    )


def _method_title(additional_information: str | None) -> str | None:
    if not additional_information:
        return None
    try:
        return _METHOD_TITLE.decode(additional_information).method_title
    except msgspec.DecodeError:
        return None


def _history(row: _Row) -> StatusHistory:
    values = HISTORY.values(row)
    values["created_at"] = moment(values["created_at"])
    return StatusHistory(**values)


def _tax_items(rows: Sequence[_Row]) -> tuple[dict[int, list[TaxItem]], tuple[TaxItem, ...]]:
    """Rows of (code, the columns of TAX_ITEM): by the line they are for, and of the shipping."""
    by_item: dict[int, list[TaxItem]] = defaultdict(list)
    shipping = []
    for row in rows:
        tax = TaxItem(tax_code=row[0], **TAX_ITEM.values(row, 1))
        # Tax on a fixed product tax has no line of its own but an associated one.
        item_id = tax.item_id or tax.associated_item_id
        if item_id is not None:
            by_item[item_id].append(tax)
        elif tax.taxable_item_type == _SHIPPING_TAX:
            shipping.append(tax)
    return by_item, tuple(shipping)


def _rule_ids(applied_rule_ids: str | None) -> list[int]:
    parts = (applied_rule_ids or "").split(",")
    return [int(part) for part in parts if part.strip().isdecimal()]


def _value(row: _Row, column: str) -> Any:
    return row[ORDER.columns.index(column)]


def _required(moment: datetime | None, column: str, entity_id: int) -> datetime:
    if moment is None:
        raise BadData(
            f"order {entity_id} has no date in sales_order.{column}", "write one there in Magento"
        )
    return moment
