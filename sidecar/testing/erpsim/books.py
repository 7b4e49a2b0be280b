"""The ERP's books: what it believes it was ordered and gave back, by its own arithmetic.

The books are what the tests trust.  So they know nothing of HTTP, SOAP or misbehaviour, and a
document that was booked is in the journal before `submit` returns: a `kill -9` of the simulator
loses no booked document, whatever the client was or was not told.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Any

import msgspec

from sidecar.testing.erpsim.journal import Journal

OPEN, POSTED, CANCELED, DRAFT = "OPEN", "POSTED", "CANCELED", "DRAFT"
VALIDATED = "VALIDATED"
"""The states the simulator sets by itself.  The control face may set any other word, as ERPs do."""

CENT = Decimal("0.01")
UNIT = Decimal(1)
FIRST_NUMBER = 100_001


class DocumentKind(StrEnum):
    """The kinds of documents; an external number stands for one document of each."""

    SALES_ORDER = "sales_order"
    CREDIT_MEMO = "credit_memo"
    INVOICE = "invoice"
    PAYMENT = "payment"
    SHIPMENT = "shipment"


_PREFIX = {
    DocumentKind.SALES_ORDER: "SO",
    DocumentKind.CREDIT_MEMO: "CR",
    DocumentKind.INVOICE: "IV",
    DocumentKind.PAYMENT: "PY",
    DocumentKind.SHIPMENT: "SH",
}


class DuplicatePolicy(StrEnum):
    """What a second submission with a known external number does."""

    NONE = "none"  # books a second document, as most ERPs do
    REJECT = "reject"  # refused, with the number of the existing document
    IDEMPOTENCY_KEY = "idempotency-key"  # the same key answers the same document; no key books anew
    UPSERT = "upsert"  # updates the document in place; an older `revision` is refused


class Line(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One line of a document; `discount` and `tax` are for the whole line, not per unit."""

    line_id: int | str | None = None
    sku: str
    quantity: Decimal
    unit_price: Decimal
    discount: Decimal = Decimal(0)
    tax: Decimal = Decimal(0)

    @property
    def total(self) -> Decimal:
        """Quantity times price to the cent, before discount and tax."""
        return _rounded(self.quantity * self.unit_price, CENT)


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """A document as a client sent it, free of any wire format.

    `tax` is the tax of the document (None: the sum of the lines' taxes) and `total` what the
    client believes, which is kept and never honoured.  `order`: the number of the order that a
    document of another kind belongs to; `adjustment`: what a credit memo gives back beside lines
    and shipping, and all of a payment, which has no lines.
    `other` holds every field the simulator has no use for, so that a test can see that it arrived.
    """

    external: str
    lines: tuple[Line, ...]
    currency: str | None = None
    customer: dict[str, Any] | str | None = None
    shipping: Decimal = Decimal(0)
    tax: Decimal | None = None
    total: Decimal | None = None
    revision: int | None = None
    idempotency_key: str | None = None
    other: dict[str, Any] = {}
    kind: DocumentKind = DocumentKind.SALES_ORDER
    order: str | None = None
    adjustment: Decimal = Decimal(0)

    @property
    def booked_tax(self) -> Decimal:
        return sum((line.tax for line in self.lines), Decimal(0)) if self.tax is None else self.tax


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a booked document.

    `total` is the ERP's own sum over `lines`, `submitted_total` what the client sent.
    `sequence` counts the changes of the whole books, `version` those of this document.  `note`:
    what the clerk wrote who changed its state.  `discount`: of the document, beside those of its
    lines.
    """

    number: str
    external: str
    state: str
    lines: tuple[Line, ...]
    shipping: Decimal
    tax: Decimal
    total: Decimal
    submitted_total: Decimal | None
    currency: str | None
    customer: dict[str, Any] | str | None
    revision: int | None
    idempotency_key: str | None
    other: dict[str, Any]
    created: datetime
    changed: datetime
    version: int
    sequence: int
    kind: DocumentKind = DocumentKind.SALES_ORDER
    order: str | None = None
    adjustment: Decimal = Decimal(0)
    note: str | None = None
    discount: Decimal = Decimal(0)


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A business answer other than "booked": `number` names the document that stands in the way."""

    code: str
    message: str
    field: str | None = None
    number: str | None = None


class Books:
    """All documents with all their versions; every method may be called from any thread."""

    def __init__(
        self,
        duplicates: DuplicatePolicy = DuplicatePolicy.NONE,
        journal: Journal[Document] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._duplicates = duplicates
        self._journal = journal
        self._clock = clock
        self._lock = threading.Lock()
        self._forget()
        for document in journal.replay() if journal else ():
            self._remember(document)

    @property
    def sequence(self) -> int:
        """How many changes the books have seen."""
        return self._sequence

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    def submit(
        self, submission: Submission, *, state: str = OPEN, total_to: Decimal = CENT
    ) -> Document | Refusal:
        """Book a document as the duplicate policy has it; `total_to` is the unit of the total."""
        with self._lock:
            known = self._known(submission)
            if known is None:
                return self._book(submission, state, total_to)
            if self._duplicates is DuplicatePolicy.UPSERT:
                return self._update(known, submission, total_to)
        if self._duplicates is DuplicatePolicy.REJECT:
            return duplicate(known.external, known.number)
        if known.external != submission.external:
            return Refusal(
                code="idempotency_key_reused",
                message=f"the key was used for {known.external}",
                field="Idempotency-Key",
                number=known.number,
            )
        return known

    def cancel(self, number: str) -> Document | Refusal:
        """Cancel what is not yet delivered; a second time is answered like the first."""

        def canceled(known: Document) -> dict[str, Any] | Refusal:
            if known.state == CANCELED:
                return {}
            if known.state not in (OPEN, DRAFT, VALIDATED):
                return _closed(known, "already_delivered")
            return {"state": CANCELED}

        return self.change(number, canceled)

    def set_state(
        self,
        number: str,
        state: str,
        note: str | None = None,
        changed: datetime | None = None,
    ) -> Document | Refusal:
        """What a clerk or a nightly job of the ERP does; `changed`: when, by the ERP's own word."""
        told = {} if changed is None else {"changed": changed}
        return self.change(number, lambda _: {"state": state, "note": note, **told})

    def change(
        self, number: str, decide: Callable[[Document], dict[str, Any] | Refusal]
    ) -> Document | Refusal:
        """Change the fields that `decide` gives of what is booked; none: nothing happens."""
        with self._lock:
            known = self._current(number)
            if known is None:
                return unknown_document(number)
            fields = decide(known)
            if isinstance(fields, Refusal):
                return fields
            return self._change(known, **fields) if fields else known

    def known(self, submission: Submission) -> Document | None:
        """The document that the duplicate policy takes the submission for, where it is booked."""
        with self._lock:
            return self._known(submission)

    def document(self, number: str) -> Document | None:
        return self._current(number)

    def history(self, external: str) -> list[Document]:
        """Every version of all that carries the number, in the order of the changes."""
        with self._lock:
            numbers = self._numbers.get(external, ())
            versions = [version for number in numbers for version in self._versions[number]]
        return sorted(versions, key=lambda version: version.sequence)

    def documents(
        self,
        external: str | None = None,
        as_of: Callable[[Document], bool] | None = None,
        kind: DocumentKind | None = None,
    ) -> list[Document]:
        """Documents by number; `as_of` says which versions are visible to a stale read."""
        with self._lock:
            numbers = self._versions if external is None else self._numbers.get(external, ())
            histories = [list(self._versions[number]) for number in numbers]
        if kind is not None:
            histories = [history for history in histories if history[0].kind is kind]
        if as_of is None:
            return [history[-1] for history in histories]
        visible = ([version for version in history if as_of(version)] for history in histories)
        return [versions[-1] for versions in visible if versions]

    def count(self) -> int:
        """How many documents there are."""
        return len(self._versions)

    def first(self) -> Document | None:
        """The oldest document."""
        with self._lock:
            return next((versions[-1] for versions in self._versions.values()), None)

    def reset(self) -> None:
        """Forget everything, the journal included; numbers start anew."""
        with self._lock:
            self._forget()
            if self._journal:
                self._journal.clear()

    def close(self) -> None:
        if self._journal:
            self._journal.close()

    def _known(self, submission: Submission) -> Document | None:
        if self._duplicates is DuplicatePolicy.NONE:
            return None
        if self._duplicates is DuplicatePolicy.IDEMPOTENCY_KEY:
            number = self._keys.get(submission.idempotency_key or "")
            return None if number is None else self._current(number)
        numbers = self._numbers.get(submission.external, ())
        known = (self._versions[number][-1] for number in numbers)
        return next((one for one in known if one.kind is submission.kind), None)

    def _book(self, submission: Submission, state: str, total_to: Decimal) -> Document:
        now = self.now()
        return self._write(
            Document(
                number=f"{_PREFIX[submission.kind]}-{FIRST_NUMBER + self._booked[submission.kind]}",
                external=submission.external,
                state=state,
                lines=submission.lines,
                shipping=submission.shipping,
                tax=submission.booked_tax,
                total=total_of(submission, total_to),
                submitted_total=submission.total,
                currency=submission.currency,
                customer=submission.customer,
                revision=submission.revision,
                idempotency_key=submission.idempotency_key,
                other=submission.other,
                created=now,
                changed=now,
                version=1,
                sequence=self._sequence + 1,
                kind=submission.kind,
                order=submission.order,
                adjustment=submission.adjustment,
            )
        )

    def _update(
        self, known: Document, submission: Submission, total_to: Decimal
    ) -> Document | Refusal:
        if known.state not in (OPEN, DRAFT):
            return _closed(known, "document_closed")
        if (submission.revision or 0) < (known.revision or 0):
            return Refusal(
                code="stale_revision",
                message=f"revision {known.revision} is booked already",
                field="revision",
                number=known.number,
            )
        return self._change(
            known,
            lines=submission.lines,
            shipping=submission.shipping,
            tax=submission.booked_tax,
            total=total_of(submission, total_to),
            submitted_total=submission.total,
            currency=submission.currency,
            customer=submission.customer,
            revision=submission.revision,
            other=submission.other,
            order=submission.order,
            adjustment=submission.adjustment,
        )

    def _change(self, known: Document, **fields: Any) -> Document:
        changed = msgspec.structs.replace(
            known,
            version=known.version + 1,
            sequence=self._sequence + 1,
            **{"changed": self.now(), **fields},
        )
        return self._write(changed)

    def _write(self, document: Document) -> Document:
        # Journal first: what memory shows and a reader saw must survive a kill.
        if self._journal:
            self._journal.append(document)
        self._remember(document)
        return document

    def _remember(self, document: Document) -> None:
        self._sequence = document.sequence
        if document.number not in self._versions:
            self._booked[document.kind] += 1
            self._numbers[document.external].append(document.number)
            if document.idempotency_key:
                self._keys[document.idempotency_key] = document.number
        self._versions[document.number].append(document)

    def _forget(self) -> None:
        self._sequence = 0
        self._versions: defaultdict[str, list[Document]] = defaultdict(list)
        self._numbers: defaultdict[str, list[str]] = defaultdict(list)
        self._keys: dict[str, str] = {}
        self._booked: Counter[DocumentKind] = Counter()

    def _current(self, number: str) -> Document | None:
        versions = self._versions.get(number)
        return versions[-1] if versions else None


def duplicate(external: str, number: str) -> Refusal:
    return Refusal(
        code="duplicate",
        message=f"{external} is booked as {number}",
        field="externalNumber",
        number=number,
    )


def unknown_document(number: str) -> Refusal:
    return Refusal(code="unknown_document", message=f"there is no document {number}")


def _closed(document: Document, code: str) -> Refusal:
    return Refusal(
        code=code,
        message=f"{document.number} is {document.state} and cannot be changed",
        number=document.number,
    )


def total_of(submission: Submission, to: Decimal = CENT) -> Decimal:
    """The ERP's own sum, in the unit `to`."""
    net = sum((line.total - line.discount for line in submission.lines), Decimal(0))
    beside = submission.booked_tax + submission.shipping + submission.adjustment
    return _rounded(net + beside, to)


def _rounded(value: Decimal, to: Decimal) -> Decimal:
    return value.quantize(to, ROUND_HALF_UP)
