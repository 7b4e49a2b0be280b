"""The invoices domain, opened beside a shop."""

from __future__ import annotations

from sidecar.domains.invoices.examiner import InvoiceExaminer
from sidecar.domains.invoices.gate import InvoiceGate
from sidecar.domains.invoices.inbound import open_inbound
from sidecar.domains.invoices.needs import TABLE
from sidecar.domains.invoices.payload import Invoice
from sidecar.domains.invoices.spec import SPEC
from sidecar.magento.document_acknowledger import DocumentAcknowledger
from sidecar.magento.document_reader import MoneyDocumentReader
from sidecar.magento.documents import DocumentSearch, DocumentTable, Outlines
from sidecar.magento.domain import Beside, Parts, RegisteredDomain
from sidecar.model.reference import Reference

_INVOICES = DocumentTable(TABLE)


def open_invoices(shop: Beside) -> Parts:
    """See `sidecar.magento.domain.RegisteredDomain`."""
    return Parts(
        examiner=InvoiceExaminer(
            MoneyDocumentReader(shop.schema, TABLE, Invoice),
            Outlines(shop.schema, _INVOICES),
            shop.stores,
            tolerance=shop.settings.tolerance,
        ),
        search=DocumentSearch(SPEC, shop.schema, _INVOICES, shop.entity_table),
        reference=Reference(shop.settings.ref),
        gate=InvoiceGate(shop.settings.gate.payment),
        acknowledger=DocumentAcknowledger(SPEC, shop.schema, TABLE, "invoice"),
    )


DOMAIN = RegisteredDomain(SPEC, open_invoices, inbound=open_inbound)
