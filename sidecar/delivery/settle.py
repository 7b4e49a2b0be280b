"""From an outcome to what the ledger writes down: pure rules, one per outcome.

No history of answers makes a loop: whatever is sent or asked again waits for a back-off that grows
with what was sent, or asked, before (docs/decisions/0028).
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from sidecar.delivery.accept import (
    Acknowledgement,
    Answer,
    Backoff,
    Doubt,
    filled,
    names_another,
    unfinished,
)
from sidecar.delivery.question import Questions
from sidecar.ledger.events import Claimed
from sidecar.model.domain_spec import Role
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
    Taken,
    Throttled,
    Unfinished,
    Unknown,
    Unmapped,
    reference_key,
)
from sidecar.model.settlement import (
    DUPLICATE,
    MAPPING,
    TAKEN,
    EventStatus,
    Settlement,
)
from sidecar.model.write_back import Action, Detail, NewWriteBack
from sidecar.ports import Link

__all__ = ["Acknowledgement", "Answer", "Backoff", "Doubt", "Settler"]

#: So often may the ERP call a change a duplicate before a person hears of it.
MOST_DUPLICATES = 3


class Settler(Questions):
    """The rules of one domain."""

    def of_push(
        self, event: Claimed, payload: object, outcome: Outcome, link: Link | None = None
    ) -> Settlement:
        """The end of an attempt to deliver; `link`: what the ERP called the event's entity."""
        match outcome:
            case Accepted(booked=booked):
                return self._accepted(event, payload, booked, link)
            case Duplicate():
                return self._duplicate(event, payload, outcome, link)
            case Partial(booked=booked, what=what, message=message):
                return Settlement(
                    EventStatus.PARKED,
                    reason=f"the ERP booked {booked.reference}, but not whole: {what or message}",
                    remedy=f"finish {booked.reference} in the ERP, then 'erp-sidecar queue requeue "
                    f"{self._name(event)}': it is taken over, not sent again",
                    code="partial",
                    booked=booked,
                    maybe_booked=True,
                )
            case Unfinished():
                return self._to_be_finished(event, outcome, link)
            case Taken(message=message):
                return self._taken(message)
            case Rejected():
                return self._rejected(event, outcome)
            case Retry() | Throttled():
                return self._again(event, outcome, maybe_booked=event.maybe_booked)
            case Conflict(message=message) | Unknown(message=message):
                return self._doubtful(event, message)
            case Unmapped(message=message):
                return self._unmapped(event, message)
            case Misconfigured(message=message):
                return Settlement(
                    EventStatus.PENDING,
                    due_in=0,
                    reason=message,
                    code="misconfigured",
                    maybe_booked=event.maybe_booked,
                )
            case _:
                assert_never(outcome)

    def _rejected(self, event: Claimed, outcome: Rejected) -> Settlement:
        answer = self._acknowledgement.rejected
        where = f" (field {outcome.field})" if outcome.field else ""
        ending = self._spec.role(event.type) is Role.ENDS
        return Settlement(
            EventStatus.REJECTED,
            reason=f"{outcome.message}{where}",
            remedy=f"correct the {self._spec.noun} in Magento or the cause in the ERP, then "
            f"{self._requeue(event)}{self._spec.sent_again_by}",
            code=outcome.code,
            write_back=None
            if self._acknowledgement.is_silent
            else NewWriteBack(
                Action.REJECT,
                Detail(
                    status=answer.status,
                    comment=filled(
                        answer.comment, message=outcome.message, code=outcome.code or ""
                    ),
                    hold=answer.hold and not ending,
                ),
                of_placement=self._opens(event),
            ),
            # An ERP that cannot be asked was sent it again: what it says now is no word on the
            # first time (tests/unit/test_settle.py, …_the_doubt_of_the_first_time_stays).
            maybe_booked=event.maybe_booked,
        )

    def _to_be_finished(self, event: Claimed, outcome: Unfinished, link: Link | None) -> Settlement:
        """Its document is linked at once, so that no later event is taken for a placement."""
        if not self._opens(event) and names_another(outcome.booked, link):
            return self._another_document(event, outcome.booked, link)
        if event.age > self._backoff.give_up_after:
            given_up = self._given_up(event, outcome.message, maybe_booked=True)
            return replace(given_up, booked=outcome.booked)
        wait = self._backoff.delay(event.attempts)
        if outcome.cause == "unknown":
            # What is asked sooner may be answered from before the step.
            wait = max(wait, self._doubt.trust_absence_after)
        due_in = 0 if outcome.cause == "misconfigured" else max(wait, outcome.after or 0)
        return unfinished(outcome.booked, outcome.message, due_in)

    def _taken(self, message: str) -> Settlement:
        return Settlement(
            EventStatus.UNKNOWN,
            due_in=self._doubt.probe_after,
            reason=message or "the ERP took it and tells no number yet: it is asked for it",
            code=TAKEN,
            maybe_booked=True,
        )

    def _duplicate(
        self, event: Claimed, payload: object, outcome: Duplicate, link: Link | None
    ) -> Settlement:
        reference = outcome.reference
        if not self._opens(event) and event.attempts >= MOST_DUPLICATES:
            return self._never_changed(event)
        if self._capabilities.probe:
            if event.age > self._backoff.give_up_after:
                return self._given_up(event, outcome.message, maybe_booked=True)
            # The ERP says that it has it: what exactly, only a question tells.
            return Settlement(
                EventStatus.UNKNOWN,
                due_in=self._resend_in(event),
                reason=outcome.message or "the ERP calls it a duplicate: it is asked what it has",
                code=DUPLICATE,
                maybe_booked=True,
            )
        if reference and reference_key(reference) in event.former and not event.vouched:
            return self._canceled_document(event, reference)
        if reference:
            return self._accepted(event, payload, Booked(reference=reference), link)
        return self._parked_in_doubt(event, "the ERP calls it a duplicate and does not say of what")

    def _again(
        self, event: Claimed, outcome: Retry | Throttled, *, maybe_booked: bool
    ) -> Settlement:
        if event.age > self._backoff.give_up_after:
            return self._given_up(event, outcome.message, maybe_booked=maybe_booked)
        return Settlement(
            EventStatus.PENDING,
            due_in=max(self._backoff.delay(event.attempts), outcome.after or 0),
            reason=outcome.message,
            code="retry",
            maybe_booked=maybe_booked,
            counted=not isinstance(outcome, Retry) or outcome.sent,
        )

    def _doubtful(self, event: Claimed, message: str) -> Settlement:
        if self._spec.role(event.type) is Role.STATE:
            return self._again(event, Retry(message=message), maybe_booked=False)
        if self._capabilities.probe:
            if event.age > self._backoff.give_up_after:
                return self._given_up(event, message, maybe_booked=True)
            # What ends in doubt each time is sent again after each question: slower.
            return Settlement(
                EventStatus.UNKNOWN,
                due_in=max(self._doubt.probe_after, self._resend_in(event)),
                reason=message,
                maybe_booked=True,
            )
        if self._capabilities.dedupe or not self._opens(event):
            again = Retry(message=message)
            return self._again(event, again, maybe_booked=self._opens(event))
        return self._parked_in_doubt(event, message)

    def _unmapped(self, event: Claimed, message: str) -> Settlement:
        """A fault of ours: the shop hears nothing of it, the operator gets file and line."""
        return Settlement(
            EventStatus.PARKED,
            reason=f"our file of calls cannot express it, nothing was sent: {message}",
            remedy="correct the file and reload (systemctl reload, SIGHUP): it is then tried again "
            f"by itself, or now by {self._requeue(event)}",
            code=MAPPING,
            maybe_booked=event.maybe_booked,
        )

    def _never_changed(self, event: Claimed) -> Settlement:
        return Settlement(
            EventStatus.PARKED,
            reason=f"the ERP calls this {event.type} a duplicate of what it has, "
            f"{event.attempts} times: its document was most likely not changed",
            remedy=f"does the call for {event.type} in the file of calls change a document, or "
            "book a new one? Change the document by hand and 'erp-sidecar queue drop "
            f"{self._name(event)} --even-if-booked', or correct the call and 'erp-sidecar queue "
            f"requeue {self._name(event)}'",
            code=DUPLICATE,
            maybe_booked=True,
        )
