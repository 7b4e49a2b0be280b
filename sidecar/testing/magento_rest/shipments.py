"""Shipments: `order/:id/ship`, parcels, comments, reading."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from sidecar.testing.magento_db import LoadedOrder, Track
from sidecar.testing.magento_db.document_amounts import (
    Part,
    left_to_ship,
    named_lines,
    ships_separately,
    to_ship,
    with_companions,
)
from sidecar.testing.magento_db.order_acts import Remark
from sidecar.testing.magento_db.session import Row
from sidecar.testing.magento_rest import sales_json
from sidecar.testing.magento_rest.body import ANYTHING, BOOL, FLOAT, INT, TEXT, ListOf, Record
from sidecar.testing.magento_rest.document_body import (
    COMMENT,
    asked,
    is_fraction,
    line_of,
    lines,
    refuse,
    remark,
    stored,
)
from sidecar.testing.magento_rest.lookup import by_id, by_search
from sidecar.testing.magento_rest.refusals import bad
from sidecar.testing.magento_rest.route import Call, Route
from sidecar.testing.magento_rest.rows import of_parents, one
from sidecar.testing.magento_rest.values import Json

_WITHOUT_PRODUCTS = "You can't create a shipment without products."
_TOGETHER = (
    'Cannot create shipment as bundle product "{sku}" has shipment type "Together". '
    "Bundle product itself should be shipped instead."
)
_SEPARATELY = (
    'Cannot create shipment as bundle product "{sku}" has shipment type "Separately". '
    "Bundle product options should be shipped instead."
)


def ship(call: Call) -> str:
    """`order/:orderId/ship`."""
    order_id = call.number("orderId")
    one(call.shop.session, "sales_order", "entity_id", order_id)
    body = call.body
    tracks = [
        Track(
            track.get("track_number") or "", track.get("title") or "", track.get("carrier_code", "")
        )
        for track in body.get("tracks", [])
    ]
    source = _source(body)

    def choose(loaded: LoadedOrder) -> list[Part]:
        parts = _parts(loaded, body)
        refuse("Shipment", _faults(loaded, body, parts, tracks))
        if not of_parents(call.shop.session, "inventory_source", "source_code", [source]):
            raise bad("Could not save a shipment, see error log for details")
        return parts

    shipment = call.shop.ship(
        order_id,
        choose,
        notify=bool(body.get("notify")),
        tracks=tracks,
        source=source,
        remark=remark(body),
    )
    return str(shipment.entity_id)


def _source(body: Json) -> str:
    extension = (body.get("arguments") or {}).get("extension_attributes") or {}
    return str(extension.get("source_code") or "default")


def _parts(loaded: LoadedOrder, body: Json) -> list[Part]:
    """What is shipped of what was asked for: too much is cut to what is open, a line that is none
    and a part of a piece are left out, all without a word."""
    wanted = asked(body)
    parts: list[Part] = []
    for item in named_lines(loaded, "ship"):
        qty = wanted.get(item["item_id"], Decimal(0)) if wanted else to_ship(item)
        qty = Decimal(0) if is_fraction(item, qty) else min(qty, to_ship(item))
        if qty > 0:
            parts += with_companions(loaded, item, qty)
    return parts


def _faults(
    loaded: LoadedOrder, body: Json, parts: list[Part], tracks: list[Track]
) -> Iterator[str]:
    order = loaded.order
    if order["state"] in ("payment_review", "holded", "canceled") or order["is_virtual"]:
        yield (f"A shipment cannot be created when an order has a status of {order['status']}")
    elif not left_to_ship(loaded):
        yield "The order does not allow a shipment to be created."
    if not parts:
        yield _WITHOUT_PRODUCTS
    yield from (_bundle_faults(loaded, body))
    if any(not track.track_number for track in tracks):
        yield "Please enter a tracking number."


def _bundle_faults(loaded: LoadedOrder, body: Json) -> Iterator[str]:
    for item_id in asked(body):
        item = line_of(loaded, item_id)
        if item is None:
            continue
        parent = loaded.parent_of(item)
        if ships_separately(item):
            yield _SEPARATELY.format(sku=item["sku"])
        elif parent is not None and _is_together(parent):
            yield _TOGETHER.format(sku=parent["sku"])


def _is_together(parent: Row) -> bool:
    return parent["product_type"] == "bundle" and not ships_separately(parent)


def add_track(call: Call) -> Json:
    """`shipment/track`: twice makes two."""
    entity, session = call.body["entity"], call.shop.session
    shipments = of_parents(session, "sales_shipment", "entity_id", [entity.get("parent_id")])
    if not shipments or shipments[0]["order_id"] != entity.get("order_id"):
        raise bad("Could not save the shipment tracking.")
    if not entity.get("track_number"):
        raise bad("Please enter a tracking number.")
    track_id = call.shop.add_track(
        entity["order_id"],
        entity["parent_id"],
        Track(entity["track_number"], entity.get("title") or "", entity.get("carrier_code") or ""),
    )
    return sales_json.track(one(session, "sales_shipment_track", "entity_id", track_id))


def add_comment(call: Call) -> Json:
    """`shipment/:id/comments`."""
    session, entity = call.shop.session, call.body["entity"]
    shipment = one(session, "sales_shipment", "entity_id", call.number("id"))
    comment_id = call.shop.add_document_comment(
        "sales_shipment",
        shipment["entity_id"],
        Remark(
            stored(entity.get("comment") or ""),
            bool(entity.get("is_visible_on_front")),
            bool(entity.get("is_customer_notified")),
        ),
    )
    said = sales_json.comments(session, "sales_shipment", [shipment["entity_id"]])
    return next(
        comment for comment in said[shipment["entity_id"]] if comment["entity_id"] == comment_id
    )


def comments(call: Call) -> Json:
    """`shipment/:id/comments`, read."""
    session = call.shop.session
    shipment_id = one(session, "sales_shipment", "entity_id", call.number("id"))["entity_id"]
    items = sales_json.comments(session, "sales_shipment", [shipment_id]).get(shipment_id, [])
    return {"items": items, "search_criteria": {}, "total_count": len(items)}


def mail(call: Call) -> bool:
    """`shipment/:id/emails`."""
    shipment = one(call.shop.session, "sales_shipment", "entity_id", call.number("id"))
    call.shop.note_mail("sales_shipment", shipment["entity_id"])
    return True


def save_raw(call: Call) -> Json:
    """`shipment`: a row and nothing else, which is why nobody should use it."""
    session, entity = call.shop.session, call.body["entity"]
    order = one(session, "sales_order", "entity_id", entity.get("order_id"))
    shipment_id = call.shop.insert_bare_shipment(order)
    row = one(session, "sales_shipment", "entity_id", shipment_id)
    return sales_json.shipments(session, [row])[0]


_TRACK: dict[str, Any] = {
    "track_number": TEXT, "title": TEXT, "carrier_code": TEXT, "extension_attributes": ANYTHING,
}  # fmt: skip
_TRACK_ENTITY = Record(
    {**_TRACK, "order_id": INT, "parent_id": INT, "weight": FLOAT, "qty": FLOAT,
     "description": TEXT, "entity_id": INT, "created_at": TEXT, "updated_at": TEXT}
)  # fmt: skip
_COMMENT_ENTITY = Record(
    {"comment": TEXT, "is_visible_on_front": INT, "is_customer_notified": INT, "parent_id": INT,
     "entity_id": INT, "created_at": TEXT, "extension_attributes": ANYTHING}
)  # fmt: skip
_RAW = Record(
    {"order_id": INT},
    ignored=frozenset({"items", "tracks", "comments", "packages", "extension_attributes"}),
)
_ENTITY = frozenset({"entity"})
_RIGHT = "Magento_Sales::shipment"

ROUTES = (
    Route(
        "POST", "order/:orderId/ship", "Magento_Sales::ship", ship,
        {
            "items": lines("ShipmentItemCreationInterface"),
            "tracks": ListOf(
                Record(_TRACK), "\\Magento\\Sales\\Api\\Data\\ShipmentTrackCreationInterface"
            ),
            "notify": BOOL,
            "appendComment": BOOL,
            "comment": COMMENT,
            "packages": ANYTHING,
            "arguments": Record({"extension_attributes": Record({"source_code": TEXT},
                ignored=frozenset({"ext_shipping_method"}))}),
        },
    ),
    Route("POST", "shipment/track", _RIGHT, add_track, {"entity": _TRACK_ENTITY}, _ENTITY),
    Route("POST", "shipment", _RIGHT, save_raw, {"entity": _RAW}, _ENTITY),
    Route("GET", "shipment/:id", _RIGHT, by_id("sales_shipment", sales_json.shipments)),
    Route("GET", "shipments", _RIGHT, by_search("sales_shipment", sales_json.shipments)),
    Route("GET", "shipment/:id/comments", _RIGHT, comments),
    Route("POST", "shipment/:id/comments", _RIGHT, add_comment,
          {"entity": _COMMENT_ENTITY}, _ENTITY),
    Route("POST", "shipment/:id/emails", _RIGHT, mail),
)  # fmt: skip
