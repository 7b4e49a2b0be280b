"""Invoices as the stations look at them (`sidecar.magento.examiner`)."""

from __future__ import annotations

from collections.abc import Mapping

from sidecar.domains.invoices.events import INVOICE_CANCELED, INVOICE_ISSUED, INVOICE_PAID
from sidecar.domains.invoices.invariants import differences, problems
from sidecar.domains.invoices.payload import Invoice
from sidecar.domains.invoices.spec import CANCELED, OPEN, PAID, SPEC
from sidecar.magento.document_examiner import MoneyDocumentExaminer, description_of_money
from sidecar.model.entity import KnownEntity, Snapshot


class InvoiceExaminer(MoneyDocumentExaminer[Invoice]):
    """An invoice never changes but for its state; one whose data was corrected goes anew.

    One that is paid when it is issued, as most are, is one event: its `state` says so.
    """

    spec = SPEC
    payload = Invoice
    opens = INVOICE_ISSUED

    def first(self, snapshot: Snapshot) -> tuple[str, ...]:
        """See `DocumentExaminer`."""
        canceled = (INVOICE_CANCELED,) if snapshot.state == CANCELED else ()
        return (INVOICE_ISSUED, *canceled)

    def further(self, known: KnownEntity, snapshot: Snapshot, *, changed: bool) -> tuple[str, ...]:
        """See `DocumentExaminer`."""
        if snapshot.state == CANCELED:
            return () if known.state == CANCELED else (INVOICE_CANCELED,)
        is_now_paid = snapshot.state == PAID and known.state == OPEN
        return (INVOICE_ISSUED,) * changed + (INVOICE_PAID,) * is_now_paid

    def broken(self, document: Invoice) -> list[str]:
        """See `DocumentExaminer`."""
        return problems(document, self.tolerance)

    def tolerated(self, snapshot: Snapshot) -> list[str]:
        """See `Examiner`."""
        return differences(self.document(snapshot))

    def describe(self, snapshot: Snapshot) -> Mapping[str, object]:
        """See `Examiner`."""
        return description_of_money(self.document(snapshot))
