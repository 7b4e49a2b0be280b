"""Invoices, shipments and credit memos: what was ordered, paid, sent and given back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sidecar.model.errors import BadData
from sidecar.testing.magento_db import stock
from sidecar.testing.magento_db.cart import ZERO, cents
from sidecar.testing.magento_db.document_amounts import (
    PREFIXES,
    Part,
    Quantities,
    book_invoice,
    book_item,
    book_refund,
    document_item_row,
    document_row,
    invoice_amounts,
    is_shipped_itself,
    money_columns,
    refund_amounts,
    select_parts,
    settle_state,
    stocked_pieces,
    to_invoice,
    to_refund,
    to_ship,
)
from sidecar.testing.magento_db.grids import refresh_document_grid, refresh_order_grid
from sidecar.testing.magento_db.order_acts import LoadedOrder, OrderActs, Via, insert_comment
from sidecar.testing.magento_db.session import Row

_CURRENCY_SIGNS = {"EUR": "€", "USD": "$"}
# Both documents' state for a sum that needs nothing more: paid, refunded.
_DONE = 2


@dataclass(frozen=True)
class Document:
    """A document that was made of an order; `grand_total` in order currency (shipments: 0)."""

    entity_id: int
    increment_id: str
    grand_total: Decimal


@dataclass(frozen=True)
class Track:
    """A parcel's number."""

    track_number: str
    title: str = "UPS"
    carrier_code: str = "ups"


class DocumentActs(OrderActs):
    """Acts on an order that make a document.

    `via="api"` is the service class behind REST, `via="admin"` the admin's controller: same
    tables, other order.  `notify` mails the document and notes that on it.
    """

    def invoice(
        self, order_id: int, qty: Quantities = None, via: Via = "api", notify: bool = False
    ) -> Document:
        """Invoice (and capture offline) all or part of what is not invoiced."""
        loaded = self._load_open(order_id)
        parts = select_parts(loaded, qty, to_invoice, "invoice")
        first = not loaded.order["total_invoiced"]
        amounts = {
            prefix: invoice_amounts(loaded, parts, prefix, "invoiced", first) for prefix in PREFIXES
        }
        session = self.session
        with session.transaction():
            if via == "api":
                session.lock_order(order_id)
            increment_id = self._next_number("invoice", loaded.order["store_id"])
            invoice_id = session.insert(
                "sales_invoice",
                {
                    **document_row(loaded, increment_id),
                    **money_columns(amounts),
                    "total_qty": sum(
                        (part.qty for part in parts if not part.item["parent_item_id"]), ZERO
                    ),
                    "state": _DONE,
                },
            )
            self._deliver_virtual(loaded, parts)
            for part in parts:
                session.insert(
                    "sales_invoice_item", document_item_row(loaded, part, invoice_id, "invoiced")
                )
                book_item(loaded, part, "invoiced")
                loaded.write_item(part.item)
            refresh_document_grid(session, "sales_invoice", invoice_id)
            book_invoice(loaded, amounts)
            settle_state(loaded)
            loaded.write()
            self._note_mail("sales_invoice", invoice_id, notify)
        refresh_document_grid(session, "sales_invoice", invoice_id)
        refresh_order_grid(session, order_id)
        return Document(invoice_id, increment_id, amounts[""]["grand_total"])

    def ship(
        self,
        order_id: int,
        qty: Quantities = None,
        via: Via = "api",
        notify: bool = False,
        tracks: Sequence[Track] | None = None,
    ) -> Document:
        """Ship all or part of what is not shipped, from source `default` (None: one parcel).

        A part leaves the order's own row untouched.
        """
        loaded = self._load_open(order_id)
        parts = select_parts(loaded, qty, to_ship, "ship")
        taken = stocked_pieces(loaded, parts)
        session, order = self.session, loaded.order
        with session.transaction():
            if via == "api":
                session.lock_order(order_id)
            increment_id = self._next_number("shipment", order["store_id"])
            shipment_id = session.insert(
                "sales_shipment",
                {
                    "store_id": order["store_id"],
                    "total_qty": sum(
                        (part.qty for part in parts if not part.item["parent_item_id"]), ZERO
                    ),
                    "order_id": order_id,
                    "customer_id": order["customer_id"],
                    "shipping_address_id": order["shipping_address_id"],
                    "billing_address_id": order["billing_address_id"],
                    "increment_id": increment_id,
                    "packages": "[]",
                },
            )
            stock.deduct(session, taken)
            stock.reserve(
                session, taken, stock.metadata("shipment_created", order_id, order["increment_id"])
            )
            self._insert_shipment_items(parts, shipment_id, via)
            for track in [Track(f"1Z{increment_id}")] if tracks is None else tracks:
                session.insert(
                    "sales_shipment_track",
                    {
                        "parent_id": shipment_id,
                        "order_id": order_id,
                        "track_number": track.track_number,
                        "title": track.title,
                        "carrier_code": track.carrier_code,
                    },
                )
            refresh_document_grid(session, "sales_shipment", shipment_id)
            session.insert(
                "inventory_shipment_source", {"shipment_id": shipment_id, "source_code": "default"}
            )
            for part in parts:
                if is_shipped_itself(loaded, part.item, via):
                    part.item["qty_shipped"] += part.qty
            settle_state(loaded)
            loaded.write()
            self._note_mail("sales_shipment", shipment_id, notify)
        refresh_document_grid(session, "sales_shipment", shipment_id)
        refresh_order_grid(session, order_id)
        return Document(shipment_id, increment_id, ZERO)

    def _insert_shipment_items(self, parts: Sequence[Part], shipment_id: int, via: Via) -> None:
        """One row per top-level line; the admin saves and at once removes the companions."""
        for part in parts:
            item = part.item
            if item["parent_item_id"]:
                if via == "admin":
                    self.session.delete("sales_shipment_item", entity_id=0)
                continue
            self.session.insert(
                "sales_shipment_item",
                {
                    "parent_id": shipment_id,
                    "price": item["price"],
                    "weight": item["weight"],
                    "qty": part.qty,
                    "product_id": item["product_id"],
                    "order_item_id": item["item_id"],
                    "name": item["name"],
                    "sku": item["sku"],
                },
            )

    def refund(
        self,
        order_id: int,
        qty: Quantities = None,
        via: Via = "api",
        notify: bool = False,
        *,
        shipping: Decimal | None = None,
        adjustment_positive: Decimal = ZERO,
        adjustment_negative: Decimal = ZERO,
    ) -> Document:
        """Refund offline all or part of what was invoiced.

        `shipping` (order currency, without tax; None: all that is left) and the adjustments go
        into the grand total.  The admin puts the goods back into the stock, the API does not.
        """
        loaded = self.load_order(order_id)
        parts = select_parts(loaded, qty, to_refund, "refund")
        amounts = {
            prefix: refund_amounts(
                loaded, parts, prefix, shipping, adjustment_positive, adjustment_negative
            )
            for prefix in PREFIXES
        }
        items = [document_item_row(loaded, part, 0, "refunded") for part in parts]
        for part in parts:
            book_item(loaded, part, "refunded")
        book_refund(loaded, amounts)
        settle_state(loaded)
        session = self.session
        with session.transaction():
            if via == "api":
                session.lock_order(order_id)
                self._write_refunded_order(loaded, amounts)
                document = self._write_creditmemo(loaded, parts, items, amounts, via)
            else:
                document = self._write_creditmemo(loaded, parts, items, amounts, via)
                self._write_refunded_order(loaded, amounts)
            self._note_mail("sales_creditmemo", document.entity_id, notify)
        refresh: list[Callable[[], None]] = [
            lambda: refresh_order_grid(session, order_id),
            lambda: refresh_document_grid(session, "sales_creditmemo", document.entity_id),
        ]
        for write in refresh if via == "api" else reversed(refresh):
            write()
        return document

    def _write_refunded_order(
        self, loaded: LoadedOrder, amounts: Mapping[str, Mapping[str, Decimal]]
    ) -> None:
        sign = _CURRENCY_SIGNS[loaded.order["order_currency_code"]]
        text = f"We refunded {sign}{cents(amounts['']['grand_total'])} offline."
        loaded.write(within=lambda: insert_comment(self.session, loaded, text, "creditmemo"))

    def _write_creditmemo(
        self,
        loaded: LoadedOrder,
        parts: Sequence[Part],
        items: Sequence[Row],
        amounts: Mapping[str, Mapping[str, Decimal]],
        via: Via,
    ) -> Document:
        session = self.session
        increment_id = self._next_number("creditmemo", loaded.order["store_id"])
        creditmemo_id = session.insert(
            "sales_creditmemo",
            {
                **document_row(loaded, increment_id),
                **money_columns(amounts),
                **{
                    f"{prefix}{name}": amounts[prefix][name]
                    for prefix in PREFIXES
                    for name in ("adjustment", "adjustment_positive", "adjustment_negative")
                },
                "state": _DONE,
            },
        )
        self._return_stock(loaded, parts, via)
        for item in items:
            session.insert("sales_creditmemo_item", {**item, "parent_id": creditmemo_id})
        refresh_document_grid(session, "sales_creditmemo", creditmemo_id)
        return Document(creditmemo_id, increment_id, amounts[""]["grand_total"])

    def _return_stock(self, loaded: LoadedOrder, parts: Sequence[Part], via: Via) -> None:
        """What was never shipped gets its reservation back, what was shipped may come back."""
        shipped: dict[str, Decimal] = {}
        unshipped: dict[str, Decimal] = {}
        for part in parts:
            top = loaded.parent_of(part.item) or part.item
            gone = shipped if top["qty_shipped"] or top["is_virtual"] else unshipped
            for sku, qty in stocked_pieces(loaded, [part]).items():
                gone[sku] = gone.get(sku, ZERO) + qty
        if via == "admin":
            stock.deduct(self.session, {sku: -qty for sku, qty in shipped.items()})
        if unshipped:
            stock.reserve(
                self.session,
                unshipped,
                stock.metadata("creditmemo_created", loaded.order_id, loaded.order["increment_id"]),
            )
        elif via == "admin":
            stock.queue_salability(self.session, [])

    def _deliver_virtual(self, loaded: LoadedOrder, parts: Sequence[Part]) -> None:
        """What has no parcel leaves the stock with its invoice."""
        taken = stocked_pieces(loaded, [part for part in parts if part.item["is_virtual"]])
        if taken:
            stock.deduct(self.session, taken)
            why = stock.metadata("invoice_created", loaded.order_id, loaded.order["increment_id"])
            stock.reserve(self.session, taken, why)

    def _note_mail(self, table: str, entity_id: int, notify: bool) -> None:
        if notify:
            self.session.update(table, {"send_email": 1, "email_sent": 1}, entity_id=entity_id)

    def _load_open(self, order_id: int) -> LoadedOrder:
        loaded = self.load_order(order_id)
        if loaded.order["state"] in ("canceled", "closed", "holded"):
            raise BadData(
                f"Order {loaded.order['increment_id']} is {loaded.order['state']}.",
                "Only an open order that is not on hold can be invoiced or shipped.",
            )
        return loaded
