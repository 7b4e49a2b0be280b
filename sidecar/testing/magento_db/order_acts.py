"""What happens to an order after it was placed, documents excepted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, Self

from sidecar.model.errors import BadData
from sidecar.testing.magento_db import stock
from sidecar.testing.magento_db.cart import ZERO
from sidecar.testing.magento_db.grids import refresh_document_grid, refresh_order_grid
from sidecar.testing.magento_db.session import Row, Session

Via = Literal["api", "admin"]

_DEFAULT_STATUS = {
    "new": "pending",
    "processing": "processing",
    "complete": "complete",
    "closed": "closed",
    "canceled": "canceled",
    "holded": "holded",
}


@dataclass
class LoadedOrder:
    """An order as PHP holds it in memory: rows read once, changed there, written back whole.

    A save writes *every* column of `sales_order` as it was loaded, so what another client wrote
    in between is lost: there is no version column and no lock.
    """

    session: Session
    order: Row
    items: list[Row]
    payment: Row
    taxes: list[Row]
    _as_loaded: Row = field(default_factory=dict)
    _written_items: set[int] = field(default_factory=set)

    @classmethod
    def load(cls, session: Session, order_id: int) -> Self:
        """Read the order; `BadData` when there is none."""
        table = session.table
        rows = session.select(
            f"SELECT * FROM {table('sales_order')} WHERE entity_id = %s", [order_id]
        )
        if not rows:
            raise BadData(f"There is no order with entity_id {order_id}.")
        items = session.select(
            f"SELECT * FROM {table('sales_order_item')} WHERE order_id = %s ORDER BY item_id",
            [order_id],
        )
        payment = session.select(
            f"SELECT * FROM {table('sales_order_payment')} WHERE parent_id = %s", [order_id]
        )
        taxes = session.select(
            f"SELECT taxed.* FROM {table('sales_order_tax_item')} AS taxed "
            f"JOIN {table('sales_order_tax')} AS tax USING (tax_id) "
            "WHERE tax.order_id = %s ORDER BY taxed.item_id, taxed.tax_item_id",
            [order_id],
        )
        return cls(session, rows[0], items, payment[0], taxes, dict(rows[0]))

    @property
    def order_id(self) -> int:
        return int(self.order["entity_id"])

    def set_state(self, state: str, status: str | None = None) -> None:
        """Change the state; the status becomes the state's default unless one is given."""
        self.order["state"] = state
        self.order["status"] = status or _DEFAULT_STATUS[state]

    def save(self, *, within: Callable[[], None] | None = None) -> None:
        """Write everything back in one transaction, as `OrderRepository::save` does.

        `within` writes what is saved along with the order (a comment), after the payment.
        """
        with self.session.transaction():
            self.write(within=within)
        refresh_order_grid(self.session, self.order_id)

    def write(self, *, within: Callable[[], None] | None = None) -> None:
        """The statements of a save, without transaction borders."""
        if self.order != self._as_loaded:
            self.session.update(
                "sales_order",
                _without(self.order, "entity_id", "updated_at"),
                entity_id=self.order_id,
            )
            self._as_loaded = dict(self.order)
        for item in self.items:
            if item["item_id"] not in self._written_items:
                self.write_item(item)
        self._written_items.clear()
        self.session.update(
            "sales_order_payment",
            _without(self.payment, "entity_id"),
            entity_id=self.payment["entity_id"],
        )
        if within is not None:
            within()
        for tax in self.taxes:
            self.session.update(
                "sales_order_tax_item",
                _without(tax, "tax_item_id"),
                tax_item_id=tax["tax_item_id"],
            )
        refresh_order_grid(self.session, self.order_id)

    def write_item(self, item: Row) -> None:
        """Save one item now; the order's save then passes over it."""
        self.session.update(
            "sales_order_item",
            _without(item, "item_id", "updated_at"),
            item_id=item["item_id"],
        )
        self._written_items.add(item["item_id"])

    def parent_of(self, item: Row) -> Row | None:
        return next((i for i in self.items if i["item_id"] == item["parent_item_id"]), None)

    def children_of(self, item: Row) -> list[Row]:
        return [i for i in self.items if i["parent_item_id"] == item["item_id"]]

    def carries_price(self, item: Row) -> bool:
        """False for companions: children of a configurable or fixed bundle, a dynamic bundle."""
        parent = self.parent_of(item)
        if parent is not None:
            return _children_calculated(parent)
        return not (self.children_of(item) and _children_calculated(item))


def _children_calculated(bundle: Row) -> bool:
    return '"product_calculations":0' in bundle["product_options"]


def _without(row: Row, *columns: str) -> Row:
    return {column: value for column, value in row.items() if column not in columns}


@dataclass(frozen=True)
class Remark:
    """A comment as it is given with an order or a document."""

    comment: str
    is_visible_on_front: bool = False
    is_customer_notified: bool = False


def insert_comment(
    session: Session, loaded: LoadedOrder, remark: Remark, entity: str | None = "order"
) -> None:
    """A row of the order's history with the status it has now."""
    session.insert(
        "sales_order_status_history",
        {
            "parent_id": loaded.order_id,
            "is_customer_notified": int(remark.is_customer_notified),
            "is_visible_on_front": int(remark.is_visible_on_front),
            "comment": remark.comment,
            "status": loaded.order["status"],
            "entity_name": entity,
        },
    )


class OrderActs:
    """Acts on an order that make no document."""

    session: Session

    def load_order(self, order_id: int) -> LoadedOrder:
        """Load an order as PHP does; change it and `save()` it later."""
        return LoadedOrder.load(self.session, order_id)

    def save_without_change(self, order_id: int) -> None:
        """Load and save: items, payment, taxes and grid are written, the order is not."""
        self.load_order(order_id).save()

    def hold(self, order_id: int) -> None:
        """Put on hold; state and status are remembered for `unhold`."""
        loaded = self.load_order(order_id)
        loaded.order["hold_before_state"] = loaded.order["state"]
        loaded.order["hold_before_status"] = loaded.order["status"]
        loaded.set_state("holded")
        loaded.save()

    def unhold(self, order_id: int) -> None:
        """Release: state and status from before the hold come back."""
        loaded = self.load_order(order_id)
        if loaded.order["state"] != "holded":
            raise BadData(f"Order {loaded.order['increment_id']} is not on hold.")
        loaded.set_state(loaded.order["hold_before_state"], loaded.order["hold_before_status"])
        loaded.order["hold_before_state"] = loaded.order["hold_before_status"] = None
        loaded.save()

    def cancel(self, order_id: int) -> None:
        """Cancel what is not invoiced; reservations are compensated item by item.

        An order that is invoiced in part lives on: there is something to ship, or all of it is
        done.
        """
        with self.session.transaction():
            self.session.lock_order(order_id)
            loaded = self.load_order(order_id)
            state = _state_after_cancel(loaded)
            for item in loaded.items:
                self._cancel_item(loaded, item)
            _cancel_totals(loaded.order)
            if state != loaded.order["state"]:
                loaded.set_state(state)
            loaded.write()
        refresh_order_grid(self.session, order_id)

    def _cancel_item(self, loaded: LoadedOrder, item: Row) -> None:
        """Companions are not canceled themselves; what they took from the stock is released."""
        if not loaded.carries_price(item):
            return
        open_qty = item["qty_ordered"] - item["qty_invoiced"] - item["qty_canceled"]
        item["qty_canceled"] += open_qty
        item["tax_canceled"] = item["tax_amount"] - item["tax_invoiced"]
        item["discount_tax_compensation_canceled"] = item["discount_tax_compensation_amount"]
        for part in loaded.children_of(item) or [item]:
            released = part["qty_ordered"] * open_qty / item["qty_ordered"]
            if released:
                stock.reserve(
                    self.session,
                    {part["sku"]: released},
                    stock.metadata("order_canceled", loaded.order_id, loaded.order["increment_id"]),
                )

    def reopen(self, order_id: int) -> None:
        """Take a cancel back, as payment modules do when the money comes late."""
        loaded = self.load_order(order_id)
        with self.session.transaction():
            self.session.lock_order(order_id)
            for item in loaded.items:
                item["qty_canceled"] = item["tax_canceled"] = ZERO
                item["discount_tax_compensation_canceled"] = ZERO
            for column in loaded.order:
                if column.endswith("_canceled"):
                    loaded.order[column] = None
            loaded.set_state("new")
            loaded.write()
        refresh_order_grid(self.session, order_id)

    def change_address(
        self,
        order_id: int,
        kind: Literal["shipping", "billing"] = "shipping",
        via: Via = "admin",
        **columns: Any,
    ) -> None:
        """Change columns of an address.  No order column moves; by the API not even the grid."""
        rows = self.session.select(
            f"SELECT * FROM {self.session.table('sales_order_address')} "
            "WHERE parent_id = %s AND address_type = %s",
            [order_id, kind],
        )
        if not rows:
            raise BadData(f"Order {order_id} has no {kind} address.")
        with self.session.transaction():
            self.session.update(
                "sales_order_address",
                _without({**rows[0], **columns}, "entity_id"),
                entity_id=rows[0]["entity_id"],
            )
        if via == "admin":
            refresh_order_grid(self.session, order_id)
            for document in ("sales_invoice", "sales_shipment", "sales_creditmemo"):
                refresh_document_grid(self.session, document, order_id, "order_id")

    def comment(self, order_id: int, remark: str | Remark = "A comment", via: Via = "api") -> None:
        """Add a comment; `sales_order` itself is not written."""
        loaded = self.load_order(order_id)
        given = Remark(remark) if isinstance(remark, str) else remark
        if via == "api":
            loaded.save(within=lambda: insert_comment(self.session, loaded, given, None))
            return
        with self.session.transaction():
            insert_comment(self.session, loaded, given)
        loaded.save()

    def save_columns(self, order_id: int, **columns: Any) -> None:
        """Write single columns, as a save of an order with nothing but them does.

        State and status are taken as they come, but for one thing: Magento's state handler, which
        runs in every save, makes an order in `processing` complete when nothing of it is left.
        """
        loaded = self.load_order(order_id)
        given = dict(columns)
        top = [item for item in loaded.items if not item["parent_item_id"]]
        if given.get("state") == "processing" and all(_is_done(item) for item in top):
            given |= {"state": "complete", "status": _DEFAULT_STATUS["complete"]}
        with self.session.transaction():
            if given:
                self.session.update("sales_order", given, entity_id=order_id)
            loaded.write(within=lambda: self._write_address_ids(loaded))
        refresh_order_grid(self.session, order_id)

    def _write_address_ids(self, loaded: LoadedOrder) -> None:
        """Every save of an order with addresses ends with these two, changed or not."""
        ids = ("billing_address_id", "shipping_address_id")
        self.session.update(
            "sales_order", {name: loaded.order[name] for name in ids}, entity_id=loaded.order_id
        )

    def delete(self, order_id: int) -> None:
        """Delete: everything else of the order goes by cascade, which fires no trigger."""
        with self.session.transaction():
            self.session.delete("sales_order", entity_id=order_id)
            self.session.delete("sales_order_grid", entity_id=order_id)

    def save_stock(self, sku: str, quantity: Decimal | int) -> None:
        """Set the quantity in source `default` through the inventory API (no transaction)."""
        stock.set_quantity(self.session, sku, quantity)

    def _next_number(self, kind: str, store_id: int) -> str:
        """The next increment id of a document of a store; a number burns when its row does not
        come to be."""
        table = f"sequence_{kind}_{store_id}"
        value = self.session.execute(
            f"INSERT {table}", f"INSERT INTO {self.session.table(table)} () VALUES ()"
        )
        return f"{'' if store_id == 1 else store_id}{value:09d}"


def _is_done(item: Row) -> bool:
    """Whether nothing of the line is left to invoice or to ship."""
    wanted = item["qty_ordered"] - item["qty_canceled"]
    gone = wanted if item["is_virtual"] else item["qty_shipped"] + item["qty_refunded"]
    return bool(item["qty_invoiced"] >= wanted and gone >= wanted)


def _state_after_cancel(loaded: LoadedOrder) -> str:
    """Canceled, unless something is invoiced: then what is left to ship decides."""
    invoiced = [item for item in loaded.items if item["qty_invoiced"] > item["qty_refunded"]]
    if not invoiced:
        return "canceled"
    waits = any(item["qty_invoiced"] > item["qty_shipped"] for item in invoiced)
    return "processing" if waits else "complete"


def _cancel_totals(order: Row) -> None:
    for prefix in ("base_", ""):
        for total in ("subtotal", "tax", "shipping", "discount"):
            column = total if total == "subtotal" else f"{total}_amount"
            invoiced = order[f"{prefix}{total}_invoiced"] or ZERO
            order[f"{prefix}{total}_canceled"] = abs(order[f"{prefix}{column}"]) - invoiced
        paid = order[f"{prefix}total_paid"] or ZERO
        order[f"{prefix}total_canceled"] = order[f"{prefix}grand_total"] - paid
