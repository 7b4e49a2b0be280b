"""Refunds as the stations look at them (`sidecar.magento.examiner`)."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

import msgspec
import sqlalchemy as sa

from sidecar.domains.refunds.events import REFUND_CANCELED, REFUND_ISSUED
from sidecar.domains.refunds.invariants import differences, problems
from sidecar.domains.refunds.payload import Refund
from sidecar.domains.refunds.reader import RefundReader
from sidecar.domains.refunds.spec import CANCELED, SPEC
from sidecar.magento.documents import Outlines
from sidecar.magento.stores import StoreLimit, is_taken
from sidecar.model.entity import Comparison, KnownEntity, Snapshot, is_changed

#: Bumped when the fields below change: a fingerprint of another generation is replaced in silence.
_GENERATION = "1"
#: What Magento writes into a credit memo after it was issued is no news for an ERP.
_NO_CONTENT = frozenset({"updated_at", "state", "customer_note", "store_code", "transaction_id"})
_ENCODER = msgspec.msgpack.Encoder()


class RefundExaminer:
    """`stores`: to which it is limited; `tolerance`: how far a refund's sums may be off."""

    spec = SPEC

    def __init__(
        self,
        reader: RefundReader,
        outlines: Outlines,
        stores: StoreLimit,
        *,
        tolerance: Decimal,
    ) -> None:
        self._reader = reader
        self._stores = stores
        self._outlines = outlines
        self._tolerance = tolerance

    def read(self, view: sa.Connection, ids: Sequence[int]) -> Mapping[int, Snapshot]:
        """See `Examiner`."""
        refunds = self._reader.read(view, ids)
        taken = self._stores.takes(view)
        return {entity_id: snapshot(refund, taken) for entity_id, refund in refunds.items()}

    def outline(self, connection: sa.Connection, entity_id: int) -> Snapshot | None:
        """See `Examiner`."""
        return self._outlines.of(connection, entity_id)

    def compare(
        self, known: KnownEntity | None, snapshot: Snapshot, broken: Sequence[str]
    ) -> Comparison:
        """A credit memo never changes but for its state; one whose data was corrected goes anew."""
        now = self.fingerprint(snapshot, broken)
        another = (
            known is not None
            and known.made_at not in (None, snapshot.made_at)
            and (known.vanished or known.fingerprint is None or is_changed(known.fingerprint, now))
        )
        canceled = (REFUND_CANCELED,) if snapshot.state == CANCELED else ()
        if known is None or another:
            return Comparison((REFUND_ISSUED, *canceled), another=another)
        if known.state == snapshot.state:
            canceled = ()
        changed = snapshot.state != CANCELED and is_changed(known.fingerprint, now)
        return Comparison((REFUND_ISSUED,) * changed + canceled)

    def fingerprint(self, snapshot: Snapshot, broken: Sequence[str]) -> str:
        """See `Examiner`."""
        refund = _refund(snapshot)
        content = {
            name: value
            for name, value in msgspec.to_builtins(refund).items()
            if name not in _NO_CONTENT
        }
        digest = hashlib.blake2b(_ENCODER.encode([content, *broken]), digest_size=24).hexdigest()
        return f"{_GENERATION}:{digest}"

    def problems(self, snapshot: Snapshot, *, as_is: bool) -> list[str]:
        """Why it must not go; what an operator sends as it is needs no more than a number."""
        refund = _refund(snapshot)
        return [] if as_is and refund.increment_id.strip() else problems(refund, self._tolerance)

    def tolerated(self, snapshot: Snapshot) -> list[str]:
        """See `Examiner`."""
        return differences(_refund(snapshot))

    def vanished(self, _known: KnownEntity) -> tuple[str, msgspec.Struct] | None:
        """Magento deletes no credit memo: one that is gone went with its order, which says so."""
        return None

    def ids_of(self, connection: sa.Connection, number: str) -> list[int]:
        """See `Examiner`."""
        return self._reader.ids_of(connection, number)

    def payload_of(self, _type: str, snapshot: Snapshot) -> msgspec.Struct:
        """See `Examiner`."""
        return snapshot.payload

    def describe(self, snapshot: Snapshot) -> Mapping[str, object]:
        """See `Examiner`."""
        refund = _refund(snapshot)
        return {
            "state": refund.state,
            "order": refund.order_increment_id,
            "grand_total": refund.grand_total,
            "tax_amount": refund.tax_amount,
            "shipping_amount": refund.shipping_amount,
            "adjustment": refund.adjustment,
            "currency": refund.order_currency_code,
            "lines": len(refund.sellable_items),
            "transaction_id": refund.transaction_id,
            "store_code": refund.store_code,
            "created_at": refund.created_at,
        }

    def of_unread(self, _known: KnownEntity | None, _outline: Snapshot) -> str:
        """See `Examiner`."""
        return REFUND_ISSUED


def snapshot(refund: Refund, taken: Collection[int] | None = None) -> Snapshot:
    """A refund with what the ledger keeps of it; `taken`: the stores that are carried."""
    return Snapshot(
        entity_id=refund.entity_id,
        number=refund.increment_id,
        payload=refund,
        state=str(refund.state),
        amount=refund.grand_total,
        currency=refund.order_currency_code,
        store_id=refund.store_id,
        made_at=refund.created_at.replace(tzinfo=None, microsecond=0),
        updated_at=refund.updated_at,
        facts=str(refund.state),
        parent=("order", refund.order_id),
        is_carried=is_taken(refund.store_id, taken),
    )


def _refund(snapshot: Snapshot) -> Refund:
    if not isinstance(snapshot.payload, Refund):
        raise TypeError(f"{snapshot.number} was read as an outline only")
    return snapshot.payload
