"""An ERP in memory that does to each call what a test tells it, and remembers every state it saw.

It has the outcomes of the port and the accidents that lie behind them: an answer that is lost after
the booking, a booking that comes after the answer was given up, a process that dies in the
middle of a call.  What must never reach an ERP is noted in `violations`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import Enum

from sidecar.domains.orders.events import (
    ORDER_CANCELED,
    ORDER_PLACED,
    ORDER_UPDATED,
    ORDER_VANISHED,
)
from sidecar.domains.orders.payload import Address, Order
from sidecar.domains.refunds.events import REFUND_CANCELED, REFUND_ISSUED
from sidecar.domains.refunds.payload import Refund
from sidecar.model.errors import Unavailable
from sidecar.model.outcome import (
    Accepted,
    Booked,
    Conflict,
    Duplicate,
    Misconfigured,
    Outcome,
    Partial,
    Rejected,
    Retry,
    Throttled,
    Unknown,
)
from sidecar.ports import (
    Capabilities,
    Clock,
    Delivery,
    Exchange,
    Listed,
    Page,
    Ping,
    PushCall,
    Result,
)

_OPENS = (ORDER_PLACED, REFUND_ISSUED)
_ENDS = (ORDER_CANCELED, ORDER_VANISHED, REFUND_CANCELED)

Line = tuple[str, Decimal, Decimal]
Place = tuple[str, str, str]


REFUNDS = frozenset({REFUND_ISSUED, REFUND_CANCELED})


class ProcessDied(BaseException):
    """Stands for a SIGKILL: nothing that is not in the database survives it."""


class Reaction(Enum):
    """What becomes of one call that sends something."""

    ACCEPT = "accept"
    LOSE_ANSWER = "lose the answer"
    LOSE_REQUEST = "lose the request"
    BOOK_LATE = "book after the answer was given up"
    RETRY = "ask to come again"
    THROTTLE = "throttle"
    REJECT = "reject"
    DUPLICATE = "book and call it a duplicate"
    PARTIAL = "book a draft"
    CONFLICT = "conflict"
    MISCONFIGURED = "refuse the login"
    DIE_BEFORE = "the process dies before it sends"
    DIE_AFTER = "the process dies before it hears the answer"
    FREEZE = "the process stands still past its lease"


_LATE = (Reaction.BOOK_LATE, Reaction.FREEZE)


@dataclass(frozen=True)
class Content:
    """What an ERP books of an order or a refund, which has no addresses; `streets` tell by their
    numbers which state is newer."""

    total: Decimal
    tax: Decimal
    lines: tuple[Line, ...]
    billing: Place | None = None
    shipping: Place | None = None

    def is_older_than(self, other: Content) -> bool:
        return any(mine < theirs for mine, theirs in zip(self.ages(), other.ages(), strict=True))

    def ages(self) -> tuple[int, int]:
        """How often each address was changed: the street says it."""
        return (_age(self.billing), _age(self.shipping))


@dataclass(frozen=True)
class Document:
    """One booked document in its newest state."""

    reference: str
    external: str
    content: Content
    sequence: int
    visible_at: float
    canceled: bool = False
    draft: bool = False


@dataclass
class RememberingErp:
    """See `sidecar.ports.ErpAdapter`.

    `subscriptions`: of orders; refunds it takes all.  `probes`: it can be asked by number;
    `dedupes`: it refuses a number that it has.
    `show_after` seconds what it booked is to be seen, `late` seconds after a call was given up it
    is booked at last; both must be less than `trust_absence_after`.
    """

    clock: Clock
    subscriptions: frozenset[str]
    probes: bool = True
    dedupes: bool = False
    batch: int = 1
    show_after: float = 0.0
    late: float = 25.0
    late_changes: bool = False
    freeze: Callable[[], None] = lambda: None
    script: deque[Reaction] = field(default_factory=deque)
    deaf_for: int = 0
    documents: dict[str, Document] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
    history: list[str] = field(default_factory=list)
    _late: list[tuple[float, Delivery]] = field(default_factory=list)

    # --- the port -----------------------------------------------------------------------------

    def capabilities(self, domain: str) -> Capabilities:
        return Capabilities(
            self.subscriptions | REFUNDS, batch=self.batch, probe=self.probes, dedupe=self.dedupes
        )

    def push(self, batch: Sequence[Delivery]) -> list[PushCall]:
        self.come_to_pass()
        exchange = Exchange("POST /documents", 200, 0.0)
        results = [Result(delivery, self._react(delivery)) for delivery in batch]
        return [PushCall(exchange, results)]

    def probe(self, domain: str, refs: Sequence[str]) -> Mapping[str, tuple[Booked, ...]]:
        self.come_to_pass()
        if not self.probes:
            self.violations.append("asked although it cannot be asked")
        if self.deaf_for:
            self.deaf_for -= 1
            raise Unavailable("no answer to the question")
        now = self.clock.monotonic()
        return {
            ref: tuple(_booked(each) for each in self.of(ref) if each.visible_at <= now)
            for ref in refs
        }

    def list(self, domain: str, since: datetime, page: str | int | None = None) -> Page[Listed]:
        return Page(())

    def ping(self) -> Ping:
        return Ping(reachable=True, authorised=True)

    def close(self) -> None:
        return

    @property
    def kind(self) -> str:
        """In words."""
        ways = ["can be asked"] * self.probes + ["refuses duplicates"] * self.dedupes
        return ", ".join(ways) or "neither can be asked nor refuses duplicates"

    # --- what a test looks at -------------------------------------------------------------------

    def of(self, external: str) -> tuple[Document, ...]:
        """The documents under one number."""
        return tuple(each for each in self.documents.values() if each.external == external)

    def finish(self, external: str) -> None:
        """A clerk finishes what was booked as a draft."""
        for document in self.of(external):
            self.documents[document.reference] = replace(document, draft=False)

    def open_again(self, external: str, content: Content) -> None:
        """A clerk opens the canceled document and fills it in from the order."""
        for document in self.of(external):
            self.documents[document.reference] = replace(document, canceled=False, content=content)

    def behave(self) -> None:
        """Accept everything, answer every question."""
        self.script.clear()
        self.deaf_for = 0

    def come_to_pass(self) -> None:
        """Book what was to be booked late by now."""
        now = self.clock.monotonic()
        for due, delivery in [each for each in self._late if each[0] <= now]:
            self._late.remove((due, delivery))
            self._apply(delivery, at=due)

    def is_working_on(self, external: str) -> bool:
        """Whether a booking of this order is still to come."""
        return any(delivery.ref == external for _, delivery in self._late)

    # --- what it does -----------------------------------------------------------------------------

    def _react(self, delivery: Delivery) -> Outcome:
        reaction = self.script.popleft() if self.script else Reaction.ACCEPT
        opens = delivery.event.type in _OPENS
        if not opens and reaction in (Reaction.PARTIAL, Reaction.DUPLICATE):
            reaction = Reaction.ACCEPT
        if not opens and not self.late_changes and reaction in _LATE:
            reaction = Reaction.LOSE_ANSWER
        self.history.append(
            f"{delivery.ref} {delivery.event.type} #{delivery.event.sequence}: {reaction.value}"
        )
        match reaction:
            case Reaction.LOSE_REQUEST:
                return Unknown(message="no answer")
            case Reaction.BOOK_LATE:
                self._late.append((self.clock.monotonic() + self.late, delivery))
                return Unknown(message="no answer in time")
            case Reaction.RETRY:
                return Retry(message="busy")
            case Reaction.THROTTLE:
                return Throttled(message="too many", after=3)
            case Reaction.REJECT:
                return Rejected(message="refused", code="refused")
            case Reaction.CONFLICT:
                return Conflict(message="changed meanwhile")
            case Reaction.MISCONFIGURED:
                return Misconfigured(message="login refused")
            case Reaction.DIE_BEFORE:
                raise ProcessDied
            case Reaction.FREEZE:
                self.freeze()
        answer = self._apply(delivery, draft=reaction is Reaction.PARTIAL)
        if reaction is Reaction.DIE_AFTER:
            raise ProcessDied
        if reaction is Reaction.LOSE_ANSWER:
            return Unknown(message="the answer was lost")
        if reaction is Reaction.DUPLICATE and isinstance(answer, Accepted):
            return Duplicate(reference=answer.booked.reference)
        return answer

    def _apply(
        self, delivery: Delivery, *, draft: bool = False, at: float | None = None
    ) -> Outcome:
        if delivery.event.type in _OPENS:
            booked_at = self.clock.monotonic() if at is None else at
            return self._book(delivery, draft=draft, at=booked_at)
        return self._change(delivery)

    def _book(self, delivery: Delivery, *, draft: bool, at: float) -> Outcome:
        known = self.of(delivery.ref)
        if known and self.dedupes:
            return Duplicate(reference=known[0].reference)
        if any(not document.canceled for document in known):
            self.violations.append(f"{delivery.ref} is booked a second time")
        if isinstance(delivery.event.data, Refund):
            self._check_order_of(delivery, delivery.event.data)
        document = Document(
            reference=f"D{len(self.documents) + 1}",
            external=delivery.ref,
            content=content_of(delivery.event.data),
            sequence=delivery.event.sequence,
            visible_at=at + self.show_after,
            draft=draft,
        )
        self.documents[document.reference] = document
        booked = _booked(document)
        if draft:
            return Partial(booked=booked, what="a draft")
        return Accepted(booked=booked)

    def _check_order_of(self, delivery: Delivery, refund: Refund) -> None:
        link = delivery.parent.link if delivery.parent else None
        order = self.documents.get(link.reference) if link else None
        if order is None or order.external != refund.order_increment_id:
            self.violations.append(
                f"{delivery.ref} is booked of {link}, not of order {refund.order_increment_id}"
            )

    def _change(self, delivery: Delivery) -> Outcome:
        event = delivery.event
        document = self.documents.get(delivery.link.reference) if delivery.link else None
        if document is None or document.external != delivery.ref:
            self.violations.append(f"{event.type} of {delivery.ref} names {delivery.link}")
            return Rejected(message="there is no such document", code="unknown_document")
        if event.sequence < document.sequence:
            self.violations.append(
                f"{delivery.ref} has #{document.sequence}, and got #{event.sequence} after it"
            )
        document = replace(document, sequence=event.sequence)
        if isinstance(event.data, Order) and event.type == ORDER_UPDATED:
            content = content_of(event.data)
            if document.canceled:
                self.violations.append(f"{delivery.ref} is canceled, and was changed after it")
            if content.is_older_than(document.content):
                self.violations.append(f"{delivery.ref} was given an older state after a newer one")
            document = replace(document, content=content)
        if event.type in _ENDS:
            document = replace(document, canceled=True)
        self.documents[document.reference] = document
        return Accepted(booked=_booked(document))


def content_of(payload: object) -> Content:
    """What is booked of a payload."""
    if isinstance(payload, Refund):
        return Content(
            total=payload.grand_total.normalize(),
            tax=payload.tax_amount.normalize(),
            lines=tuple(
                (item.sku, item.qty.normalize(), item.row_total.normalize())
                for item in payload.sellable_items
            ),
        )
    assert isinstance(payload, Order), payload
    shipping = payload.shipping_address
    return Content(
        total=payload.grand_total.normalize(),
        tax=payload.tax_amount.normalize(),
        lines=tuple(
            (item.sku, item.qty_ordered.normalize(), item.row_total.normalize())
            for item in payload.sellable_items
        ),
        billing=_place(payload.billing_address),
        shipping=_place(shipping) if shipping else None,
    )


def _place(address: Address) -> Place:
    return ("\n".join(address.street), address.city or "", address.postcode or "")


def _age(place: Place | None) -> int:
    """`Changed 7` → 7; a street that was never changed → 0."""
    word, _, number = (place[0] if place else "").partition(" ")
    return int(number) if word == "Changed" else 0


def _booked(document: Document) -> Booked:
    content = document.content
    status = "CANCELED" if document.canceled else "DRAFT" if document.draft else "OPEN"
    return Booked(
        reference=document.reference,
        status=status,
        total=content.total,
        tax=content.tax,
        lines=len(content.lines),
    )
