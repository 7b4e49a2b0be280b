"""What must hold of a refund before it may go to an ERP (`sidecar.magento.money_document_sums`)."""

from __future__ import annotations

from decimal import Decimal

from sidecar.domains.refunds.payload import Refund
from sidecar.magento.money_document_sums import document_problems, imbalances
from sidecar.model.money import CENT


def problems(refund: Refund, tolerance: Decimal = CENT) -> list[str]:
    """Why the refund must not be sent, each a sentence for a person; empty when all is well."""
    broken = document_problems(refund, tolerance, called="credit memo", takes="refunds")
    return broken + differences(refund, tolerance)


def problems_of(payload: object) -> list[str]:
    """As `problems`, of any payload."""
    return problems(payload) if isinstance(payload, Refund) else []


def differences(refund: Refund, tolerance: Decimal = Decimal(0)) -> list[str]:
    """Where the parts are not the total, as arithmetic."""
    return imbalances(
        refund,
        tolerance,
        refund.adjustment_positive - refund.adjustment_negative,
        refund.base_adjustment_positive - refund.base_adjustment_negative,
    )
