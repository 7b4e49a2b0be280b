"""Reads shipments with their lines, parcels and source, of one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from sidecar.domains.shipments.needs import ITEMS, SOURCES, TABLE, TRACKS, has_sources
from sidecar.domains.shipments.payload import Shipment, ShipmentItem, ShipmentTrack
from sidecar.magento.document_columns import amounts_of, columns_of
from sidecar.magento.document_reader import DocumentReader, Row, by_document, filled
from sidecar.magento.live_schema import MagentoSchema
from sidecar.magento.row_mark import mark_expression

_ITEM = columns_of(ShipmentItem)
_ITEM_AMOUNTS = amounts_of(ShipmentItem)
_TRACK = columns_of(ShipmentTrack)


def marked_tracks(schema: MagentoSchema, shipment: str) -> str:
    """SQL for the checksum of a shipment's tracks, which move no `updated_at` of it."""
    return (
        f"(SELECT {mark_expression('t', _TRACK)} FROM {schema.table(TRACKS)} t "
        f"WHERE t.parent_id = {shipment})"
    )


class ShipmentReader(DocumentReader[Shipment]):
    """Reads shipments of one shop.  Safe to use from several threads."""

    def __init__(self, schema: MagentoSchema) -> None:
        there = has_sources(schema)
        super().__init__(
            schema,
            TABLE,
            Shipment,
            ["m.source_code" if there else "NULL AS source_code"],
            f"LEFT JOIN {schema.table(SOURCES)} m ON m.shipment_id = d.entity_id" if there else "",
        )
        self._items = (
            f"SELECT parent_id, {', '.join(_ITEM)} FROM {schema.table(ITEMS)} "
            "WHERE parent_id IN %(ids)s ORDER BY entity_id"
        )
        self._tracks = (
            f"SELECT parent_id, {', '.join(_TRACK)} FROM {schema.table(TRACKS)} "
            "WHERE parent_id IN %(ids)s ORDER BY entity_id"
        )
        self._marks = (
            f"SELECT d.entity_id, {marked_tracks(schema, 'd.entity_id')} "
            f"FROM {schema.table(TABLE)} d WHERE d.entity_id IN %(ids)s"
        )

    def marks(self, view: sa.Connection, ids: Sequence[int]) -> dict[int, int]:
        """The checksum of each shipment's tracks."""
        if not ids:
            return {}
        return {
            row[0]: int(row[1]) for row in view.exec_driver_sql(self._marks, {"ids": tuple(ids)})
        }

    def parts(self, view: sa.Connection, ids: Sequence[int]) -> Mapping[str, Mapping[int, Any]]:
        """See `DocumentReader`."""
        return {
            "items": by_document(view, self._items, ids),
            "tracks": by_document(view, self._tracks, ids),
        }

    def document(self, row: Row, parts: Mapping[str, Mapping[int, Any]]) -> Shipment:
        """See `DocumentReader`."""
        entity_id = row["entity_id"]
        return Shipment(
            **self.head(row),
            source_code=row["source_code"],
            items=tuple(_item(item) for item in parts["items"].get(entity_id, ())),
            tracks=tuple(_track(track) for track in parts["tracks"].get(entity_id, ())),
        )


def _item(row: Row) -> ShipmentItem:
    values = filled({name: row[name] for name in _ITEM}, _ITEM_AMOUNTS)
    values |= {"sku": values["sku"] or "", "order_item_id": values["order_item_id"] or 0}
    return ShipmentItem(**values)


def _track(row: Row) -> ShipmentTrack:
    values = {name: row[name] for name in _TRACK}
    return ShipmentTrack(**values | {"track_number": values["track_number"] or ""})
