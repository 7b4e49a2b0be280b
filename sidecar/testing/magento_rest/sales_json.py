"""Orders and their documents as objects."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sidecar.testing.magento_db.session import Row, Session
from sidecar.testing.magento_rest.rows import by_parent, of_parents
from sidecar.testing.magento_rest.values import Json, shown

_SHIPPING_TOTALS = ("shipping_", "base_shipping_")
_NOT_SHOWN = ("product_options", "shipping_method", "shipping_address_id", "send_email",
              "paypal_ipn_customer_notified")  # fmt: skip


def orders(session: Session, rows: Sequence[Row]) -> list[Json]:
    """Orders with lines, addresses, payment and history."""
    ids = [row["entity_id"] for row in rows]
    items = by_parent(of_parents(session, "sales_order_item", "order_id", ids, "item_id"),
                      "order_id")  # fmt: skip
    addresses = by_parent(of_parents(session, "sales_order_address", "parent_id", ids), "parent_id")
    payments = by_parent(of_parents(session, "sales_order_payment", "parent_id", ids), "parent_id")
    histories = by_parent(
        of_parents(session, "sales_order_status_history", "parent_id", ids, "entity_id"),
        "parent_id",
    )
    return [
        _order(
            row,
            items.get(row["entity_id"], []),
            addresses.get(row["entity_id"], []),
            payments.get(row["entity_id"], []),
            histories.get(row["entity_id"], []),
        )
        for row in rows
    ]


def _order(
    row: Row,
    items: Sequence[Row],
    addresses: Sequence[Row],
    payments: Sequence[Row],
    histories: Sequence[Row],
) -> Json:
    lines = _lines(items)
    kinds = {address["address_type"]: _address(address) for address in addresses}
    shipping: Json = {
        "total": {
            name: value for name, value in shown(row).items() if name.startswith(_SHIPPING_TOTALS)
            and name not in _NOT_SHOWN
        }
    }  # fmt: skip
    if "shipping" in kinds:
        shipping |= {"address": kinds["shipping"], "method": row["shipping_method"]}
    return {
        **shown(row, *_NOT_SHOWN),
        "items": lines,
        "billing_address": kinds.get("billing"),
        "payment": _payment(payments[0]) if payments else None,
        # The newest first, as Magento has it.
        "status_histories": [history(entry) for entry in reversed(histories)],
        "extension_attributes": {
            "shipping_assignments": [{"shipping": shipping, "items": lines}],
        },
    }


def _lines(items: Sequence[Row]) -> list[Json]:
    """Every line, a child with its parent inside."""
    by_id = {item["item_id"]: item for item in items}
    lines: list[Json] = []
    for item in items:
        line = shown(item, *_NOT_SHOWN)
        parent = by_id.get(item["parent_item_id"])
        if parent is not None:
            line["parent_item"] = shown(parent, *_NOT_SHOWN)
        lines.append(line)
    return lines


def _address(row: Row) -> Json:
    return shown(row) | {"street": row["street"].split("\n")}


def _payment(row: Row) -> Json:
    information = json.loads(row["additional_information"] or "{}")
    return {
        "account_status": None,
        "cc_last4": None,
        **shown(row),
        "additional_information": [str(value) for value in information.values()],
    }


def history(row: Row) -> Json:
    """A row of the order's history; who wrote it for is null with a comment of the API."""
    return shown(row) | {"entity_name": row["entity_name"]}


def shipments(session: Session, rows: Sequence[Row]) -> list[Json]:
    """Shipments with lines, parcels, comments and the source that they left."""
    ids = [row["entity_id"] for row in rows]
    tracks = by_parent(of_parents(session, "sales_shipment_track", "parent_id", ids, "entity_id"),
                       "parent_id")  # fmt: skip
    sources = by_parent(
        of_parents(session, "inventory_shipment_source", "shipment_id", ids), "shipment_id"
    )
    documents = _documents(session, "sales_shipment", rows)
    for document in documents:
        number = document["entity_id"]
        document["packages"] = []
        document["tracks"] = [track(row) for row in tracks.get(number, [])]
        if number in sources:
            document["extension_attributes"] = {"source_code": sources[number][0]["source_code"]}
    return documents


def track(row: Row) -> Json:
    """A parcel."""
    empty: Json = {"weight": None, "qty": None, "description": None}
    return empty | shown(row)


def invoices(session: Session, rows: Sequence[Row]) -> list[Json]:
    """Invoices with lines and comments."""
    return _documents(session, "sales_invoice", rows)


def creditmemos(session: Session, rows: Sequence[Row]) -> list[Json]:
    """Credit memos with lines and comments."""
    return _documents(session, "sales_creditmemo", rows)


def comments(session: Session, table: str, document_ids: Sequence[object]) -> dict[Any, list[Json]]:
    """Comments by document."""
    rows = of_parents(session, f"{table}_comment", "parent_id", document_ids, "entity_id")
    return {
        parent: [shown(row, "user_id", "user_type", "updated_at") for row in of_parent]
        for parent, of_parent in by_parent(rows, "parent_id").items()
    }


def _documents(session: Session, table: str, rows: Sequence[Row]) -> list[Json]:
    ids = [row["entity_id"] for row in rows]
    items = by_parent(of_parents(session, f"{table}_item", "parent_id", ids, "entity_id"),
                      "parent_id")  # fmt: skip
    said = comments(session, table, ids)
    return [
        {
            **shown(row, "packages"),
            "items": [shown(item) for item in items.get(row["entity_id"], [])],
            "comments": said.get(row["entity_id"], []),
        }
        for row in rows
    ]
