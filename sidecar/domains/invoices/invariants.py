"""What must hold of an invoice before it may go (`sidecar.magento.money_document_sums`)."""

from __future__ import annotations

from decimal import Decimal

from sidecar.domains.invoices.payload import Invoice
from sidecar.magento.money_document_sums import document_problems, imbalances
from sidecar.model.money import CENT


def problems(invoice: Invoice, tolerance: Decimal = CENT) -> list[str]:
    """Why the invoice must not be sent, each a sentence for a person; empty when all is well."""
    broken = document_problems(invoice, tolerance, called="invoice", takes="invoices")
    return broken + imbalances(invoice, tolerance)


def problems_of(payload: object) -> list[str]:
    """As `problems`, of any payload."""
    return problems(payload) if isinstance(payload, Invoice) else []


def differences(invoice: Invoice) -> list[str]:
    """Where the parts are not the total, however little, as arithmetic."""
    return imbalances(invoice, Decimal(0))
