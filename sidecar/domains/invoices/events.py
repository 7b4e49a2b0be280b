"""The business facts of the invoices domain."""

from __future__ import annotations

from typing import Final

from sidecar.domains.invoices.payload import Invoice
from sidecar.model.domain_spec import EventSpec, Role

INVOICE_ISSUED: Final = "invoice.issued"
INVOICE_PAID: Final = "invoice.paid"
INVOICE_CANCELED: Final = "invoice.canceled"

EVENTS = (
    # Told again where its data was corrected: what was parked or refused is tried anew with it.
    EventSpec(INVOICE_ISSUED, Role.OPENS, Invoice, revives=True),
    # An update of the table fires no trigger of ours: the sweep finds what becomes of an invoice.
    EventSpec(INVOICE_PAID, Role.CHANGES, Invoice, revives=True, announced=False),
    EventSpec(INVOICE_CANCELED, Role.ENDS, Invoice, announced=False),
)
