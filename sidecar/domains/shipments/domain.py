"""The shipments domain, opened beside a shop."""

from __future__ import annotations

from sidecar.domains.shipments.examiner import ShipmentExaminer
from sidecar.domains.shipments.inbound import open_inbound
from sidecar.domains.shipments.needs import TABLE
from sidecar.domains.shipments.reader import ShipmentReader, marked_tracks
from sidecar.domains.shipments.spec import SPEC
from sidecar.magento.document_acknowledger import DocumentAcknowledger
from sidecar.magento.documents import DocumentSearch, DocumentTable, Outlines
from sidecar.magento.domain import Beside, Parts, RegisteredDomain
from sidecar.model.reference import Reference

_SHIPMENTS = DocumentTable(TABLE, with_money=False, mark=marked_tracks)


def open_shipments(shop: Beside) -> Parts:
    """See `sidecar.magento.domain.RegisteredDomain`."""
    return Parts(
        examiner=ShipmentExaminer(
            ShipmentReader(shop.schema), Outlines(shop.schema, _SHIPMENTS), shop.stores
        ),
        search=DocumentSearch(SPEC, shop.schema, _SHIPMENTS, shop.entity_table),
        reference=Reference(shop.settings.ref),
        acknowledger=DocumentAcknowledger(SPEC, shop.schema, TABLE, "shipment"),
    )


DOMAIN = RegisteredDomain(SPEC, open_shipments, inbound=open_inbound)
