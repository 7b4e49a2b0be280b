"""Shipments: what left the stock, in which parcels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sidecar.testing.magento_db import stock
from sidecar.testing.magento_db.cart import ZERO
from sidecar.testing.magento_db.document_amounts import (
    Choice,
    Part,
    Quantities,
    chosen_parts,
    is_shipped_itself,
    settle_state,
    ships_separately,
    stocked_pieces,
    to_ship,
    with_separate_bundles,
)
from sidecar.testing.magento_db.grids import refresh_document_grid, refresh_order_grid
from sidecar.testing.magento_db.order_acts import LoadedOrder, OrderActs, Remark, Via
from sidecar.testing.magento_db.session import Row


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


class ShipmentActs(OrderActs):
    """Sending, and what documents of every kind do: a comment, a mail."""

    def ship(
        self,
        order_id: int,
        qty: Quantities | Choice = None,
        via: Via = "api",
        notify: bool = False,
        tracks: Sequence[Track] | None = None,
        source: str = "default",
        remark: Remark | None = None,
    ) -> Document:
        """Ship all or part of what is not shipped, from a source (`tracks` None: one parcel).

        A part leaves the order's own row untouched.
        """
        session = self.session
        with session.transaction():
            if via == "api":
                session.lock_order(order_id)
            loaded = self.load_order(order_id)
            chosen = chosen_parts(loaded, qty, to_ship, "ship")
            parts = with_separate_bundles(loaded, chosen)
            taken = stocked_pieces(loaded, parts)
            order = loaded.order
            increment_id = self._next_number("shipment", order["store_id"])
            shipment_id = session.insert(
                "sales_shipment",
                {
                    "store_id": order["store_id"],
                    "total_qty": sum(
                        (part.qty for part in parts if _has_row(loaded, part, apart=False)), ZERO
                    ),
                    "order_id": order_id,
                    "customer_id": order["customer_id"],
                    "shipping_address_id": order["shipping_address_id"],
                    "billing_address_id": order["billing_address_id"],
                    "increment_id": increment_id,
                    "packages": "[]",
                },
            )
            stock.deduct(session, taken, source)
            stock.reserve(
                session, taken, stock.metadata("shipment_created", order_id, order["increment_id"])
            )
            self._insert_shipment_items(loaded, parts, shipment_id, via)
            for track in [Track(f"1Z{increment_id}")] if tracks is None else tracks:
                self._insert_track(track, order_id, shipment_id)
            if remark is not None:
                self._insert_remark("sales_shipment", shipment_id, remark)
            refresh_document_grid(session, "sales_shipment", shipment_id)
            session.insert(
                "inventory_shipment_source", {"shipment_id": shipment_id, "source_code": source}
            )
            for part in parts:
                if is_shipped_itself(loaded, part.item):
                    part.item["qty_shipped"] += part.qty
            settle_state(loaded)
            loaded.write()
            self._note_mail("sales_shipment", shipment_id, notify)
        refresh_document_grid(session, "sales_shipment", shipment_id)
        refresh_order_grid(session, order_id)
        return Document(shipment_id, increment_id, ZERO)

    def add_track(self, order_id: int, shipment_id: int, track: Track) -> int:
        """Add a parcel to a shipment that there is already; returns the track's id."""
        with self.session.transaction():
            return self._insert_track(track, order_id, shipment_id)

    def add_document_comment(self, table: str, document_id: int, remark: Remark) -> int:
        """Comment on a document (`sales_shipment`, …); returns the comment's id."""
        with self.session.transaction():
            return self._insert_remark(table, document_id, remark)

    def note_mail(self, table: str, document_id: int) -> None:
        """Mail a document that there is already."""
        self._note_mail(table, document_id, notify=True)

    def insert_bare_shipment(self, order: Row) -> int:
        """A shipment as its raw entity is saved: lines, stock and the order are not looked at."""
        with self.session.transaction():
            shipment_id = self.session.insert(
                "sales_shipment",
                {
                    "store_id": order["store_id"],
                    "order_id": order["entity_id"],
                    "increment_id": self._next_number("shipment", order["store_id"]),
                },
            )
            refresh_document_grid(self.session, "sales_shipment", shipment_id)
        return shipment_id

    def _insert_track(self, track: Track, order_id: int, shipment_id: int) -> int:
        return self.session.insert(
            "sales_shipment_track",
            {
                "parent_id": shipment_id,
                "order_id": order_id,
                "track_number": track.track_number,
                "title": track.title,
                "carrier_code": track.carrier_code,
            },
        )

    def _insert_shipment_items(
        self, loaded: LoadedOrder, parts: Sequence[Part], shipment_id: int, via: Via
    ) -> None:
        """One row per line that is sent; the admin saves and at once removes the companions."""
        for part in parts:
            item = part.item
            if not _has_row(loaded, part):
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

    def _insert_remark(self, table: str, document_id: int, remark: Remark) -> int:
        return self.session.insert(
            f"{table}_comment",
            {
                "parent_id": document_id,
                "is_customer_notified": int(remark.is_customer_notified),
                "is_visible_on_front": int(remark.is_visible_on_front),
                "comment": remark.comment,
            },
        )

    def _note_mail(self, table: str, entity_id: int, notify: bool) -> None:
        if notify:
            self.session.update(table, {"send_email": 1, "email_sent": 1}, entity_id=entity_id)


def _has_row(loaded: LoadedOrder, part: Part, *, apart: bool = True) -> bool:
    """Whether a line stands in the shipment; without `apart`, whether its pieces count there: of
    a bundle that is shipped separately its parts do, it does not."""
    parent = loaded.parent_of(part.item)
    if parent is not None:
        return ships_separately(parent)
    return apart or not ships_separately(part.item)
