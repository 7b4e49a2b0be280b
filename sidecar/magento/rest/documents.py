"""Shipments, invoices and credit memos of an order, made by Magento's own business logic.

It owns e-mails, stock and reservations.  None of these routes knows an idempotency key: the same
call again makes a second document as long as something is open.  So each is sent once; after
`MagentoUnknown` look with `shipments_of`, `invoices_of`, `credit_memos_of` for one's own mark (a
comment or a track number) before it is sent again.  And 200 does not say that all was taken: more
than is open is cut in silence when shipping, so read the document back.

Every document names its lines: without any, Magento takes all that is open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from sidecar.magento.rest.client import ID, Filter, MagentoRest
from sidecar.magento.rest.exact import exact
from sidecar.magento.rest.order import order
from sidecar.model.errors import BadData

_NONE = Decimal(0)
_LINES = "items[order_item_id,sku,qty]"
_COMMENTS = "comments[comment]"
_OF_SHIPMENT = (
    f"entity_id,increment_id,order_id,{_LINES},{_COMMENTS},"
    "tracks[entity_id,track_number,title,carrier_code]"
)
_OF_DOCUMENT = (
    f"entity_id,increment_id,order_id,state,grand_total,base_grand_total,{_LINES},{_COMMENTS}"
)


@dataclass(frozen=True, slots=True)
class Quantity:
    """So many of a line of the order."""

    order_item_id: int
    qty: Decimal


@dataclass(frozen=True, slots=True)
class Track:
    """A parcel; an unknown carrier is stored as it is, `custom` is always right."""

    track_number: str
    title: str = ""
    carrier_code: str = "custom"


@dataclass(frozen=True, slots=True)
class CreditMemo:
    """What is refunded.

    `shipping_amount` has no default, because Magento's own is all the shipping that is left.
    Without `items` it is an adjustment alone.  `return_to_stock`: lines whose goods came back.
    """

    shipping_amount: Decimal
    items: Sequence[Quantity] = ()
    adjustment_positive: Decimal = _NONE
    adjustment_negative: Decimal = _NONE
    comment: str = ""
    notify: bool = False
    return_to_stock: Sequence[int] = ()


class DocumentLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a document that Magento holds."""

    order_item_id: int
    qty: Decimal = _NONE
    sku: str = ""


class DocumentComment(msgspec.Struct, frozen=True):
    """A comment of a document."""

    comment: str | None = None


class ShipmentTrack(msgspec.Struct, frozen=True, kw_only=True):
    """A parcel of a shipment that Magento holds."""

    entity_id: int
    track_number: str | None = None
    title: str | None = None
    carrier_code: str | None = None


class Shipment(msgspec.Struct, frozen=True, kw_only=True):
    """A shipment that Magento holds."""

    entity_id: int
    increment_id: str
    order_id: int
    items: list[DocumentLine] | None = None
    tracks: list[ShipmentTrack] | None = None
    comments: list[DocumentComment] | None = None


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice or credit memo that Magento holds; `state` in Magento's figures."""

    entity_id: int
    increment_id: str
    order_id: int
    state: int | None = None
    grand_total: Decimal = _NONE
    base_grand_total: Decimal = _NONE
    items: list[DocumentLine] | None = None
    comments: list[DocumentComment] | None = None


class _Made(msgspec.Struct):
    entity_id: int


_MADE = msgspec.json.Decoder(_Made, strict=False)
_SHIPMENT = msgspec.json.Decoder(Shipment, strict=False)
_DOCUMENT = msgspec.json.Decoder(Document, strict=False)


def ship(
    magento: MagentoRest,
    order_id: int,
    items: Sequence[Quantity],
    tracks: Sequence[Track] = (),
    *,
    comment: str = "",
    source_code: str | None = None,
    notify: bool = False,
) -> int:
    """Ship these lines; the shipment's entity id.

    `notify` sends the customer's mail within the call, which takes it half a second longer.
    """
    body: dict[str, Any] = {
        "items": _named(items, "a shipment"),
        "notify": notify,
        **_commented(comment, notify),
    }
    if tracks:
        body["tracks"] = [_track(track) for track in tracks]
    if source_code is not None:
        body["arguments"] = {"extension_attributes": {"source_code": source_code}}
    return magento.post(f"order/{order_id}/ship", body, ID)


def add_track(magento: MagentoRest, order_id: int, shipment_id: int, track: Track) -> int:
    """A later parcel of a shipment; the track's entity id.  Twice makes two."""
    entity = {
        "order_id": order_id,
        "parent_id": shipment_id,
        **_track(track),
        "weight": 1,
        "qty": 1,
        "description": "",
    }
    return magento.post("shipment/track", {"entity": entity}, _MADE).entity_id


def shipments_of(magento: MagentoRest, order_id: int) -> list[Shipment]:
    """All shipments of an order."""
    return magento.search("shipments", _SHIPMENT, _of(order_id), _OF_SHIPMENT)


def shipment(magento: MagentoRest, shipment_id: int) -> Shipment:
    """One shipment.  Raises NoSuchEntity."""
    return magento.get(f"shipment/{shipment_id}", _SHIPMENT, (("fields", _OF_SHIPMENT),))


def invoice(
    magento: MagentoRest,
    order_id: int,
    items: Sequence[Quantity],
    *,
    capture: bool,
    comment: str = "",
    notify: bool = False,
) -> int:
    """Invoice these lines; the invoice's entity id.

    The first invoice carries all of the shipping, and an offline method is paid at once even where
    `capture` is false.
    """
    body = {
        "capture": capture,
        "items": _named(items, "an invoice"),
        "notify": notify,
        **_commented(comment, notify),
    }
    return magento.post(f"order/{order_id}/invoice", body, ID)


def invoices_of(magento: MagentoRest, order_id: int) -> list[Document]:
    """All invoices of an order."""
    return magento.search("invoices", _DOCUMENT, _of(order_id), _OF_DOCUMENT)


def refund(magento: MagentoRest, order_id: int, memo: CreditMemo) -> int:
    """Refund offline: no money moves; the credit memo's entity id."""
    return magento.post(f"order/{order_id}/refund", _refunded(magento, order_id, memo), ID)


def refund_invoice(
    magento: MagentoRest, order_id: int, invoice_id: int, memo: CreditMemo, *, online: bool
) -> int:
    """Refund an invoice of the order; `online` gives the money back by its payment method."""
    body = {"isOnline": online, **_refunded(magento, order_id, memo)}
    return magento.post(f"invoice/{invoice_id}/refund", body, ID)


def credit_memos_of(magento: MagentoRest, order_id: int) -> list[Document]:
    """All credit memos of an order."""
    return magento.search("creditmemos", _DOCUMENT, _of(order_id), _OF_DOCUMENT)


def _refunded(magento: MagentoRest, order_id: int, memo: CreditMemo) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        name: exact(getattr(memo, name), name, least=_NONE)
        for name in ("shipping_amount", "adjustment_positive", "adjustment_negative")
    }
    if memo.return_to_stock:
        returned = {"return_to_stock_items": list(memo.return_to_stock)}
        arguments["extension_attributes"] = returned
    # No items would refund every line that is open: an adjustment alone names each with none.
    items = memo.items or [Quantity(line.item_id, _NONE) for line in order(magento, order_id).items]
    return {
        "items": [_quantity(item, least=_NONE) for item in items],
        "notify": memo.notify,
        **_commented(memo.comment, memo.notify),
        "arguments": arguments,
    }


def _named(items: Sequence[Quantity], what: str) -> list[dict[str, Any]]:
    if not items:
        raise BadData(f"{what} names no line; Magento would take all that is open")
    lines = [_quantity(item) for item in items]
    if any(not line["qty"] for line in lines):
        raise BadData(f"{what} names a line with quantity 0")
    return lines


def _quantity(item: Quantity, least: Decimal = _NONE) -> dict[str, Any]:
    qty = exact(item.qty, f"qty of order_item_id {item.order_item_id}", least=least)
    return {"order_item_id": item.order_item_id, "qty": qty}


def _track(track: Track) -> dict[str, str]:
    if not track.track_number.strip():
        raise BadData("a track has no number")
    return {
        "track_number": track.track_number,
        "title": track.title,
        "carrier_code": track.carrier_code,
    }


def _commented(comment: str, notify: bool) -> dict[str, Any]:
    """The comment, which goes into the mail where there is one."""
    if not comment:
        return {}
    kept = {"comment": comment, "is_visible_on_front": 0}
    return {"comment": kept, "appendComment": notify}


def _of(order_id: int) -> tuple[Filter, ...]:
    return (Filter("order_id", str(order_id)),)
