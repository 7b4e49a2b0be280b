"""What the invoices domain needs of Magento's schema; the same in Magento 2.3 and 2.4."""

from __future__ import annotations

from sidecar.domains.invoices.payload import Invoice
from sidecar.magento.document_columns import needs_of_money_document
from sidecar.model.domain_spec import Watch

TABLE = "sales_invoice"

NEEDS = needs_of_money_document(TABLE, Invoice)
#: In the recorded flows an update is written for an e-mail only; the rare change of state (a later
#: capture, a cancel) is the sweep's to find.
WATCHES = (Watch(TABLE, "INSERT", "entity_id"),)
