"""What follows when the ERP has taken an event: link, figures compared, word to Magento."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from sidecar.ledger.events import Claimed
from sidecar.model.domain_spec import DomainSpec, Role
from sidecar.model.in_page import in_page
from sidecar.model.outcome import Booked, reference_key
from sidecar.model.settlement import (
    ANOTHER_DOCUMENT,
    CANCELED_DOCUMENT,
    UNFINISHED,
    Difference,
    EventStatus,
    Settlement,
    Tolerances,
)
from sidecar.model.write_back import Action, Detail, NewWriteBack
from sidecar.ports import Capabilities, Link

#: Of a back-off's bound; what is drawn is never less.
_LEAST = 0.5


@dataclass(frozen=True, slots=True)
class Backoff:
    """Half to the whole of a bound that grows by `factor` up to `most` (seconds).

    Never less than half: with full jitter a run of small draws would be a loop without pause.
    """

    first: float
    factor: float
    most: float
    give_up_after: float
    draw: Callable[[float, float], float] = random.uniform

    def delay(self, attempts: int) -> float:
        """Seconds before the next attempt, after `attempts` of them."""
        # Beyond sixty doublings a float overflows, and `most` has long been reached.
        bound = min(self.most, self.first * self.factor ** min(60, max(0, attempts - 1)))
        return self.draw(bound * _LEAST, bound)


@dataclass(frozen=True, slots=True)
class Doubt:
    """How an unknown outcome is cleared up (seconds).

    The ERP may still be working on a request whose answer timed out, so its "I do not have it" is
    believed only `trust_absence_after` the request was sent; before that it is asked again.
    """

    probe_after: float
    trust_absence_after: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What one answer writes into Magento: templates over {reference}, {status}…"""

    status: str | None = None
    comment: str | None = None
    hold: bool = False


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """The `acknowledge` section of a domain; `statuses`: ERP status → answer.

    `released`: the status that *Unhold* gives to what was refused.  `is_silent`: Magento hears of
    nothing, because it has no place to say it.
    """

    accepted: Answer = field(default_factory=Answer)
    rejected: Answer = field(default_factory=Answer)
    statuses: Mapping[str, Answer] = field(default_factory=dict)
    released: str | None = None
    is_silent: bool = False


class Acceptance:
    """The rules of one domain for what the ERP has taken."""

    def __init__(
        self,
        spec: DomainSpec,
        backoff: Backoff,
        doubt: Doubt,
        tolerances: Tolerances,
        acknowledgement: Acknowledgement,
        capabilities: Capabilities,
    ) -> None:
        self._spec = spec
        self._backoff = backoff
        self._doubt = doubt
        self._tolerances = tolerances
        self._acknowledgement = acknowledgement
        self._capabilities = capabilities

    def wants_figures(self, event_type: str, booked: Booked) -> bool:
        """Whether an acceptance leaves out what is to be compared."""
        if self._spec.verify is None or self._spec.role(event_type) is Role.ENDS:
            return False
        lines_wanted = self._tolerances.lines_exact and booked.lines is None
        items_wanted = self._capabilities.probe_items and booked.items is None
        return booked.total is None or booked.tax is None or lines_wanted or items_wanted

    def _accepted(
        self, event: Claimed, payload: object, booked: Booked, link: Link | None
    ) -> Settlement:
        role = self._spec.role(event.type)
        if role is not Role.OPENS and names_another(booked, link):
            return self._another_document(event, booked, link)
        found: tuple[Difference, ...] = ()
        if self._spec.verify is not None and role is not Role.ENDS:
            found = self._spec.verify(payload, booked, self._tolerances)
        return Settlement(
            EventStatus.ACCEPTED,
            booked=booked,
            write_back=self._write_back_of(event.type, booked),
            differences=(*found, *self._reopened(event, booked, link)),
            opens=role is Role.OPENS,
            ends=role is Role.ENDS,
        )

    def _write_back_of(self, event_type: str, booked: Booked) -> NewWriteBack | None:
        """What Magento hears of an acceptance: of a change nothing, unless it ends our hold."""
        event = self._spec.event(event_type)
        if self._acknowledgement.is_silent:
            return None
        if event.role is Role.OPENS:
            return self._acceptance(booked)
        if event.replaces:
            released = self._acknowledgement.released
            return replace(self._acceptance(booked), releases=True, released=released)
        return None

    def _acceptance(self, booked: Booked) -> NewWriteBack:
        rules = self._acknowledgement
        answer = rules.statuses.get(booked.status or "", rules.accepted)
        comment = answer.comment or rules.accepted.comment
        detail = Detail(
            status=answer.status,
            reference=booked.reference,
            comment=filled(comment, reference=booked.reference, status=booked.status or ""),
        )
        return NewWriteBack(Action.ACCEPT, detail, of_placement=True)

    def _resend_in(self, event: Claimed) -> float:
        """Seconds before what was asked about is sent: at once the first times, then ever later."""
        return self._backoff.delay(event.attempts) if event.attempts > 1 else 0

    def _given_up(self, event: Claimed, message: str, *, maybe_booked: bool) -> Settlement:
        return Settlement(
            EventStatus.PARKED,
            reason=f"given up after {event.attempts} attempts, the last answer: {message}",
            remedy=f"when the ERP works again: {self._requeue(event)}",
            code="gave_up",
            maybe_booked=maybe_booked,
        )

    def _parked_in_doubt(self, event: Claimed, message: str) -> Settlement:
        return Settlement(
            EventStatus.PARKED,
            reason=f"{message}; this ERP can neither be asked nor does it refuse duplicates",
            remedy=f"look for {self._spec.noun} {self._name(event)} in the ERP; if not there: "
            f"{self._requeue(event)}",
            code="unknown",
            maybe_booked=True,
        )

    def _name(self, event: Claimed) -> str:
        """What an operator writes for the event's entity."""
        return self._spec.name_of(event.number)

    def _requeue(self, event: Claimed) -> str:
        return f"'erp-sidecar queue requeue {self._name(event)}'"

    def _opens(self, event: Claimed) -> bool:
        return self._spec.role(event.type) is Role.OPENS

    def _another_document(self, event: Claimed, booked: Booked, link: Link | None) -> Settlement:
        """The ERP speaks of a document that is not the one that is linked."""
        ours, noun = link.reference if link else "", self._spec.noun
        return Settlement(
            EventStatus.PARKED,
            reason=f"the ERP answers {booked.reference}, and the {noun}'s document is {ours}",
            remedy=f"decide in the ERP which of the two is the {noun}'s and cancel the other one, "
            f"then {self._requeue(event)}: what the ERP shows then is "
            "taken over",
            code=ANOTHER_DOCUMENT,
            differences=(
                Difference("another_document", ours[:100], booked.reference[:100], event.amount),
            ),
            maybe_booked=True,
        )

    def _canceled_document(self, event: Claimed, reference: str) -> Settlement:
        """One that lives again, and an ERP that has only the document that was canceled."""
        noun = self._spec.noun
        return Settlement(
            EventStatus.PARKED,
            reason=f"the {noun} lives again, and the ERP has only {reference}, which was canceled: "
            f"it takes no second document for the {noun}",
            remedy=f"open {reference} again in the ERP, or take the {noun}'s number from it; then "
            f"{self._requeue(event)}: what the ERP shows then is taken "
            "over",
            code=CANCELED_DOCUMENT,
            maybe_booked=True,
        )

    def _reopened(
        self, event: Claimed, booked: Booked, link: Link | None
    ) -> tuple[Difference, ...]:
        """An ERP that takes it under its canceled document's number opened that, if it says so.

        Otherwise it may have written into a document that stays canceled: a person looks.
        """
        if not self._opens(event) or reference_key(booked.reference) not in event.former:
            return ()
        was = link.status if link else None
        if booked.status and was and booked.status != was:
            return ()
        return (
            Difference(
                "reopened",
                f"the {self._spec.noun} lives again",
                f"{booked.reference}, canceled before, is {booked.status or 'of no status'}"[:100],
                event.amount,
            ),
        )


def unfinished(booked: Booked, why: str, due_in: float) -> Settlement:
    """The ERP holds it; what makes it whole is gone on with, and it is not sent again."""
    return Settlement(
        EventStatus.PENDING,
        due_in=due_in,
        reason=why,
        code=UNFINISHED,
        booked=booked,
        maybe_booked=True,
    )


def names_another(booked: Booked, link: Link | None) -> bool:
    """Whether this is another document than the living one that the ledger knows."""
    return (
        link is not None
        and not link.ended
        and reference_key(booked.reference) != reference_key(link.reference)
    )


def filled(template: str | None, **values: str) -> str | None:
    """A comment with its places filled in; what is not known is empty."""
    if template is None:
        return None
    blank = {"reference": "", "message": "", "status": "", "code": ""}
    return template.format_map(blank | {name: in_page(text) for name, text in values.items()})
