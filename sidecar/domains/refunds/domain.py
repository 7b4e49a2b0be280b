"""The refunds domain, opened beside a shop."""

from __future__ import annotations

from sidecar.domains.refunds.acknowledge import RefundAcknowledger
from sidecar.domains.refunds.examiner import RefundExaminer
from sidecar.domains.refunds.gate import RefundGate
from sidecar.domains.refunds.inbound import open_inbound
from sidecar.domains.refunds.reader import RefundReader
from sidecar.domains.refunds.spec import SPEC
from sidecar.magento.documents import DocumentSearch, Outlines
from sidecar.magento.domain import Beside, Parts, RegisteredDomain
from sidecar.model.reference import Reference

_TABLE = "sales_creditmemo"


def open_refunds(shop: Beside) -> Parts:
    """See `sidecar.magento.domain.RegisteredDomain`."""
    return Parts(
        examiner=RefundExaminer(
            RefundReader(shop.schema),
            Outlines(shop.schema, _TABLE),
            shop.stores,
            tolerance=shop.settings.tolerance,
        ),
        search=DocumentSearch(SPEC, shop.schema, _TABLE, shop.entity_table),
        reference=Reference(shop.settings.ref),
        gate=RefundGate(),
        acknowledger=RefundAcknowledger(shop.schema),
    )


DOMAIN = RegisteredDomain(SPEC, open_refunds, inbound=open_inbound)
