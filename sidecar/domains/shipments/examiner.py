"""Shipments as the stations look at them (`sidecar.magento.examiner`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import msgspec
import sqlalchemy as sa

from sidecar.domains.shipments.events import SHIPMENT_CREATED, SHIPMENT_TRACKED
from sidecar.domains.shipments.invariants import problems
from sidecar.domains.shipments.payload import Shipment
from sidecar.domains.shipments.reader import ShipmentReader
from sidecar.domains.shipments.spec import SPEC
from sidecar.magento.document_examiner import DocumentExaminer
from sidecar.magento.documents import Outlines
from sidecar.magento.stores import StoreLimit, is_taken
from sidecar.model.digest import digest
from sidecar.model.entity import KnownEntity, Snapshot


class ShipmentExaminer(DocumentExaminer[Shipment]):
    """A shipment never changes but for its tracks; one whose data was corrected goes anew."""

    spec = SPEC
    payload = Shipment
    opens = SHIPMENT_CREATED

    def __init__(self, reader: ShipmentReader, outlines: Outlines, stores: StoreLimit) -> None:
        super().__init__(reader, outlines, stores)
        self._marks = reader.marks

    def read(self, view: sa.Connection, ids: Sequence[int]) -> Mapping[int, Snapshot]:
        """See `Examiner`."""
        marks = self._marks(view, ids)
        return {
            entity_id: replace(one, mark=marks[entity_id])
            for entity_id, one in super().read(view, ids).items()
        }

    def snapshot(self, document: Shipment, taken: Collection[int] | None) -> Snapshot:
        """See `DocumentExaminer`; what is kept of the tracks tells a change of them from others."""
        return Snapshot(
            entity_id=document.entity_id,
            number=document.increment_id,
            payload=document,
            store_id=document.store_id,
            made_at=document.created_at.replace(tzinfo=None, microsecond=0),
            updated_at=document.updated_at,
            facts=digest(msgspec.to_builtins(document.tracks)),
            parent=("order", document.order_id),
            is_carried=is_taken(document.store_id, taken),
        )

    def first(self, snapshot: Snapshot) -> tuple[str, ...]:  # noqa: ARG002
        """See `DocumentExaminer`."""
        return (SHIPMENT_CREATED,)

    def further(self, known: KnownEntity, snapshot: Snapshot, *, changed: bool) -> tuple[str, ...]:
        """See `DocumentExaminer`.

        Of one that was in the shop before the sidecar nothing was told, so nothing of its tracks.
        """
        if not changed or not known.sequence:
            return ()
        return (SHIPMENT_CREATED if known.facts == snapshot.facts else SHIPMENT_TRACKED,)

    def broken(self, document: Shipment) -> list[str]:
        """See `DocumentExaminer`."""
        return problems(document)

    def tolerated(self, snapshot: Snapshot) -> list[str]:  # noqa: ARG002
        """See `Examiner`."""
        return []

    def describe(self, snapshot: Snapshot) -> Mapping[str, object]:
        """See `Examiner`."""
        shipment = self.document(snapshot)
        return {
            "order": shipment.order_increment_id,
            "total_qty": shipment.total_qty,
            "lines": len(shipment.items),
            "tracks": len(shipment.tracks),
            "source_code": shipment.source_code,
            "store_code": shipment.store_code,
            "created_at": shipment.created_at,
        }
