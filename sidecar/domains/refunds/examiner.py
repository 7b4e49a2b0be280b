"""Refunds as the stations look at them (`sidecar.magento.examiner`)."""

from __future__ import annotations

from collections.abc import Mapping

from sidecar.domains.refunds.events import REFUND_CANCELED, REFUND_ISSUED
from sidecar.domains.refunds.invariants import differences, problems
from sidecar.domains.refunds.payload import Refund
from sidecar.domains.refunds.spec import CANCELED, SPEC
from sidecar.magento.document_examiner import MoneyDocumentExaminer, description_of_money
from sidecar.model.entity import KnownEntity, Snapshot


class RefundExaminer(MoneyDocumentExaminer[Refund]):
    """A credit memo never changes but for its state; one whose data was corrected goes anew."""

    spec = SPEC
    payload = Refund
    opens = REFUND_ISSUED

    def first(self, snapshot: Snapshot) -> tuple[str, ...]:
        """See `DocumentExaminer`."""
        return (REFUND_ISSUED, REFUND_CANCELED) if _is_canceled(snapshot) else (REFUND_ISSUED,)

    def further(self, known: KnownEntity, snapshot: Snapshot, *, changed: bool) -> tuple[str, ...]:
        """See `DocumentExaminer`."""
        if _is_canceled(snapshot):
            return () if known.state == snapshot.state else (REFUND_CANCELED,)
        return (REFUND_ISSUED,) * changed

    def broken(self, document: Refund) -> list[str]:
        """See `DocumentExaminer`."""
        return problems(document, self.tolerance)

    def tolerated(self, snapshot: Snapshot) -> list[str]:
        """See `Examiner`."""
        return differences(self.document(snapshot))

    def describe(self, snapshot: Snapshot) -> Mapping[str, object]:
        """See `Examiner`."""
        refund = self.document(snapshot)
        return {**description_of_money(refund), "adjustment": refund.adjustment}


def _is_canceled(snapshot: Snapshot) -> bool:
    return snapshot.state == CANCELED
