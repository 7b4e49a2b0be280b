"""Documents of an order as the stations look at them (`sidecar.magento.examiner`).

What two kinds of documents do alike stands here; a domain says what of a change is which event.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import ClassVar, Generic

import msgspec
import sqlalchemy as sa

from sidecar.magento.document_reader import Document, DocumentReader, Money
from sidecar.magento.documents import Outlines
from sidecar.magento.money_document import MoneyDocument
from sidecar.magento.stores import StoreLimit, is_taken
from sidecar.model.digest import digest
from sidecar.model.domain_spec import DomainSpec
from sidecar.model.entity import Comparison, KnownEntity, Snapshot, is_changed

#: Bumped when the fields below change: a fingerprint of another generation is replaced in silence.
_GENERATION = "1"
#: What Magento writes into a document after it was issued is no news for an ERP.
_NO_CONTENT = frozenset({"updated_at", "state", "customer_note", "store_code", "transaction_id"})


class DocumentExaminer(ABC, Generic[Document]):
    """`stores`: to which it is limited."""

    spec: DomainSpec
    payload: ClassVar[type[msgspec.Struct]]
    opens: ClassVar[str]

    def __init__(
        self, reader: DocumentReader[Document], outlines: Outlines, stores: StoreLimit
    ) -> None:
        self._reader = reader
        self._outlines = outlines
        self._stores = stores

    @abstractmethod
    def snapshot(self, document: Document, taken: Collection[int] | None) -> Snapshot:
        """A document with what the ledger keeps of it; `taken`: the stores that are carried."""

    @abstractmethod
    def first(self, snapshot: Snapshot) -> tuple[str, ...]:
        """The events of one that was not known."""

    @abstractmethod
    def further(self, known: KnownEntity, snapshot: Snapshot, *, changed: bool) -> tuple[str, ...]:
        """The events of one that is known; `changed`: an ERP must be told of its content."""

    @abstractmethod
    def broken(self, document: Document) -> list[str]:
        """Why it must not go."""

    @abstractmethod
    def tolerated(self, snapshot: Snapshot) -> list[str]:
        """See `Examiner`."""

    @abstractmethod
    def describe(self, snapshot: Snapshot) -> Mapping[str, object]:
        """See `Examiner`."""

    def read(self, view: sa.Connection, ids: Sequence[int]) -> Mapping[int, Snapshot]:
        """See `Examiner`."""
        documents = self._reader.read(view, ids)
        taken = self._stores.takes(view)
        return {entity_id: self.snapshot(one, taken) for entity_id, one in documents.items()}

    def outline(self, connection: sa.Connection, entity_id: int) -> Snapshot | None:
        """See `Examiner`."""
        return self._outlines.of(connection, entity_id)

    def compare(
        self, known: KnownEntity | None, snapshot: Snapshot, broken: Sequence[str]
    ) -> Comparison:
        """What a look comes to; a document of another moment is another one."""
        now = self.fingerprint(snapshot, broken)
        another = (
            known is not None
            and known.made_at not in (None, snapshot.made_at)
            and (known.vanished or known.fingerprint is None or is_changed(known.fingerprint, now))
        )
        if known is None or another:
            return Comparison(self.first(snapshot), another=another)
        changed = is_changed(known.fingerprint, now)
        return Comparison(self.further(known, snapshot, changed=changed))

    def fingerprint(self, snapshot: Snapshot, broken: Sequence[str]) -> str:
        """See `Examiner`."""
        content = {
            name: value
            for name, value in msgspec.to_builtins(self.document(snapshot)).items()
            if name not in _NO_CONTENT
        }
        return f"{_GENERATION}:{digest([content, *broken])}"

    def problems(self, snapshot: Snapshot, *, as_is: bool) -> list[str]:
        """Why it must not go; what an operator sends as it is needs no more than a number."""
        document = self.document(snapshot)
        return [] if as_is and snapshot.number.strip() else self.broken(document)

    def vanished(self, _known: KnownEntity) -> tuple[str, msgspec.Struct] | None:
        """Magento deletes no document: one that is gone went with its order, which says so."""
        return None

    def ids_of(self, connection: sa.Connection, number: str) -> list[int]:
        """See `Examiner`."""
        return self._reader.ids_of(connection, number)

    def payload_of(self, _type: str, snapshot: Snapshot) -> msgspec.Struct:
        """See `Examiner`."""
        return snapshot.payload

    def of_unread(self, _known: KnownEntity | None, _outline: Snapshot) -> str:
        """See `Examiner`."""
        return self.opens

    def document(self, snapshot: Snapshot) -> Document:
        """The payload as what it is."""
        if not isinstance(snapshot.payload, self.payload):
            raise TypeError(f"{snapshot.number} was read as an outline only")
        return snapshot.payload  # type: ignore[return-value]


class MoneyDocumentExaminer(DocumentExaminer[Money]):
    """Of invoices or credit memos; `tolerance`: how far a document's sums may be off."""

    def __init__(
        self,
        reader: DocumentReader[Money],
        outlines: Outlines,
        stores: StoreLimit,
        *,
        tolerance: Decimal,
    ) -> None:
        super().__init__(reader, outlines, stores)
        self.tolerance = tolerance

    def snapshot(self, document: Money, taken: Collection[int] | None) -> Snapshot:
        """See `DocumentExaminer`; its state is what a gate decides on."""
        return Snapshot(
            entity_id=document.entity_id,
            number=document.increment_id,
            payload=document,
            state=str(document.state),
            amount=document.grand_total,
            currency=document.order_currency_code,
            store_id=document.store_id,
            made_at=document.created_at.replace(tzinfo=None, microsecond=0),
            updated_at=document.updated_at,
            facts=str(document.state),
            parent=("order", document.order_id),
            is_carried=is_taken(document.store_id, taken),
        )


def description_of_money(document: MoneyDocument) -> dict[str, object]:
    """The few fields by which a person knows an invoice or a credit memo."""
    return {
        "state": document.state,
        "order": document.order_increment_id,
        "grand_total": document.grand_total,
        "tax_amount": document.tax_amount,
        "shipping_amount": document.shipping_amount,
        "currency": document.order_currency_code,
        "lines": len(document.sellable_items),
        "transaction_id": document.transaction_id,
        "store_code": document.store_code,
        "created_at": document.created_at,
    }
