"""What the shipments domain needs of Magento's schema; the same in Magento 2.3 and 2.4."""

from __future__ import annotations

from sidecar.domains.shipments.payload import Shipment, ShipmentItem, ShipmentTrack
from sidecar.magento.document_columns import columns_of, needs_of_document
from sidecar.magento.live_schema import MagentoSchema
from sidecar.model.domain_spec import Watch

TABLE = "sales_shipment"
ITEMS = f"{TABLE}_item"
TRACKS = f"{TABLE}_track"
#: Of multi-source inventory, which many shops remove.
SOURCES = "inventory_shipment_source"

NEEDS = needs_of_document(
    TABLE,
    {
        TABLE: columns_of(Shipment),
        ITEMS: (*columns_of(ShipmentItem), "parent_id"),
        TRACKS: (*columns_of(ShipmentTrack), "parent_id"),
        "sales_order": ("entity_id", "increment_id", "status"),
    },
    {SOURCES: (SOURCES, "source_code")},
)
#: A track may come long after its shipment, and touches no other table.
WATCHES = (Watch(TABLE, "INSERT", "entity_id"), Watch(TRACKS, "INSERT", "parent_id"))


def has_sources(schema: MagentoSchema) -> bool:
    """Whether the shop knows from which source a shipment left."""
    return schema.has_table(SOURCES)
