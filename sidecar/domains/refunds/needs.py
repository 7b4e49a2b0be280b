"""What the refunds domain needs of Magento's schema; the same in Magento 2.3 and 2.4."""

from __future__ import annotations

from sidecar.domains.refunds.payload import Refund
from sidecar.magento.document_columns import needs_of_money_document
from sidecar.model.domain_spec import Watch

TABLE = "sales_creditmemo"

NEEDS = needs_of_money_document(TABLE, Refund)
#: An update is written for an e-mail only; the rare change of state is the sweep's to find.
WATCHES = (Watch(TABLE, "INSERT", "entity_id"),)
