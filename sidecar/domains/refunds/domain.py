"""The refunds domain, opened beside a shop."""

from __future__ import annotations

from sidecar.domains.refunds.examiner import RefundExaminer
from sidecar.domains.refunds.gate import RefundGate
from sidecar.domains.refunds.inbound import open_inbound
from sidecar.domains.refunds.needs import TABLE
from sidecar.domains.refunds.payload import Refund
from sidecar.domains.refunds.spec import SPEC
from sidecar.magento.document_acknowledger import DocumentAcknowledger
from sidecar.magento.document_reader import MoneyDocumentReader
from sidecar.magento.documents import DocumentSearch, DocumentTable, Outlines
from sidecar.magento.domain import Beside, Parts, RegisteredDomain
from sidecar.model.reference import Reference

_MEMOS = DocumentTable(TABLE)


def open_refunds(shop: Beside) -> Parts:
    """See `sidecar.magento.domain.RegisteredDomain`."""
    return Parts(
        examiner=RefundExaminer(
            MoneyDocumentReader(shop.schema, TABLE, Refund),
            Outlines(shop.schema, _MEMOS),
            shop.stores,
            tolerance=shop.settings.tolerance,
        ),
        search=DocumentSearch(SPEC, shop.schema, _MEMOS, shop.entity_table),
        reference=Reference(shop.settings.ref),
        gate=RefundGate(),
        acknowledger=DocumentAcknowledger(SPEC, shop.schema, TABLE, "credit memo"),
    )


DOMAIN = RegisteredDomain(SPEC, open_refunds, inbound=open_inbound)
