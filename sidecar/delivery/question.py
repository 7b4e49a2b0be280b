"""From what the ERP answers when it is asked to what the ledger writes down.

Presence is believed, but not blindly: a document that is another order's by its figures, that was
canceled, or that is not the one that is linked, is not the answer to the question.  Absence is
believed late (docs/decisions/0004).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from sidecar.delivery.accept import Acceptance, names_another, unfinished
from sidecar.ledger.events import Claimed
from sidecar.model.domain_spec import Role
from sidecar.model.outcome import Booked, reference_key
from sidecar.model.settlement import (
    BAD_DATA,
    DUPLICATE,
    NOT_IN_ERP,
    OTHER_FIGURES,
    TAKEN,
    Difference,
    EventStatus,
    Settlement,
)
from sidecar.ports import Link

#: Questions in a row without an answer to use, after which a person is asked.
MOST_QUESTIONS = 50
#: Seconds between two questions, whatever the configuration says.
_LEAST_PAUSE = 1.0
#: Of the total: a document that is further off is taken for another one's.
_OFF = Decimal("0.01")


class Questions(Acceptance):
    """What becomes of an event that the ERP was asked about."""

    def of_probe(
        self,
        event: Claimed,
        payload: object,
        found: tuple[Booked, ...],
        link: Link | None = None,
    ) -> Settlement:
        """The end of a question: what the ERP has under the event's reference."""
        if self._spec.role(event.type) is Role.STATE:
            return self._said_again(event)
        living = _living(event, _each_once(found))
        if len(living) > 1:
            return self._doubled(event, living)
        if living and not event.vouched:
            if names_another(living[0], link):
                return self._another_document(event, living[0], link)
            is_linked = link is not None and not link.ended
            if not is_linked and self._is_anothers(event, payload, living[0]):
                return self._other_figures(event, payload, living[0])
        if not self._opens(event):
            return self._of_change(event, living, link)
        if living and event.type in self._capabilities.finishes:
            return self._found_unfinished(event, living[0])
        if living:
            return self._accepted(event, payload, living[0], link)
        if found and event.code == DUPLICATE:
            return self._canceled_document(event, found[0].reference)
        return self._absent(event)

    def of_unaskable(self, event: Claimed, payload: object, link: Link | None) -> Settlement:
        """Instead of a question, for an ERP that cannot be asked."""
        if self._spec.role(event.type) is Role.STATE:
            return self._said_again(event)
        is_living = link is not None and not link.ended
        if not self._opens(event):
            if is_living or event.not_ours is None:
                return self._of_change(event, (), link)
            return self._parked_in_doubt(event, event.not_ours)
        if link and (is_living or event.vouched):
            # Booked in part or canceled, and finished or opened by a human, who asked for it again.
            return self._accepted(event, payload, Booked(reference=link.reference), link)
        if not event.maybe_booked:
            return Settlement(EventStatus.PENDING, due_in=self._resend_in(event), absent=True)
        if self._capabilities.dedupe:
            return Settlement(EventStatus.PENDING, due_in=self._resend_in(event), maybe_booked=True)
        return self._parked_in_doubt(event, "sent without a trustworthy answer")

    def _said_again(self, event: Claimed) -> Settlement:
        """A state is not booked: what may have arrived is said again."""
        return Settlement(EventStatus.PENDING, due_in=self._resend_in(event))

    def of_unreadable(self, event: Claimed, message: str) -> Settlement:
        """Instead of an attempt, for an event whose payload in the ledger cannot be read."""
        return Settlement(
            EventStatus.PARKED,
            reason=f"its payload cannot be read: {message}",
            remedy=f"{self._requeue(event)} reads the {self._spec.noun} anew",
            code=BAD_DATA,
            maybe_booked=event.maybe_booked,
        )

    def of_failed_probe(self, event: Claimed, message: str, *, reached: bool) -> Settlement:
        """No answer to use.  `reached`: the question left the machine, and counts."""
        questions = event.questions + reached
        is_old = event.age > self._backoff.give_up_after or questions >= MOST_QUESTIONS
        if reached and is_old:
            return self._given_up(event, message, maybe_booked=event.maybe_booked)
        pause = max(_LEAST_PAUSE, self._doubt.probe_after)
        return Settlement(
            EventStatus.UNKNOWN,
            due_in=max(pause, self._backoff.delay(questions)) if reached else pause,
            reason=message,
            code=event.code,
            maybe_booked=event.maybe_booked,
            questions=questions,
        )

    def _found_unfinished(self, event: Claimed, booked: Booked) -> Settlement:
        """Which of its steps were done is asked when none of them can be under way any more."""
        since = event.since_sent
        wait = 0.0 if since is None else max(0.0, self._doubt.trust_absence_after - since)
        return unfinished(
            booked, f"the ERP holds {booked.reference}; what is still to be done is asked for", wait
        )

    def _absent(self, event: Claimed) -> Settlement:
        """A placement that the ERP does not show."""
        since = event.since_sent
        if event.code == TAKEN:
            return self._not_shown_yet(event, since or 0.0)
        if since is None or since >= self._doubt.trust_absence_after:
            return Settlement(EventStatus.PENDING, due_in=self._resend_in(event), absent=True)
        step = max(self._doubt.probe_after, since, _LEAST_PAUSE)
        return Settlement(
            EventStatus.UNKNOWN,
            due_in=min(self._doubt.trust_absence_after - since, step),
            reason="sent without a trustworthy answer; the ERP does not show it yet",
            code=event.code,
            maybe_booked=True,
        )

    def _not_shown_yet(self, event: Claimed, since: float) -> Settlement:
        """The ERP said that it took it: however late it shows it, it is not sent a second time."""
        if event.age > self._backoff.give_up_after:
            return self._given_up(
                event, "the ERP said that it took it, and does not show it", maybe_booked=True
            )
        return Settlement(
            EventStatus.UNKNOWN,
            due_in=min(self._backoff.most, max(self._doubt.probe_after, since / 2, _LEAST_PAUSE)),
            reason="the ERP said that it took it and does not show it yet: it is asked again",
            code=TAKEN,
            maybe_booked=True,
        )

    def _of_change(self, event: Claimed, living: Sequence[Booked], link: Link | None) -> Settlement:
        """A change acts on the ERP's own document, so repeating it books nothing twice.

        A change of what lives and has no document opens one, where that is the sidecar's to do.
        """
        is_living = link is not None and not link.ended
        if living or is_living or (link and self._spec.role(event.type) is Role.ENDS):
            return Settlement(
                EventStatus.PENDING,
                due_in=self._resend_in(event),
                booked=living[0] if living else None,
            )
        if not self._spec.event(event.type).replaces:
            return Settlement(
                EventStatus.SUPERSEDED,
                reason=f"the ERP does not hold this {self._spec.noun}: nothing to change in it",
            )
        if event.not_ours is not None:
            return self._not_in_erp(event)
        return Settlement(EventStatus.PENDING, due_in=0, absent=True, becomes=self._spec.opening)

    def _is_anothers(self, event: Claimed, payload: object, booked: Booked) -> bool:
        """Whether a document's figures say that it was not booked from this payload.

        Another currency, or a total that is off by more than a hundredth: roundings, which an ERP
        that is asked after a lost answer may have made, are differences and no more.  The total of
        what is finished in steps says nothing before the last: a discount may be one of them.
        """
        total, currency = self._spec.worth(payload) or (None, None)
        if (
            booked.currency
            and currency
            and reference_key(booked.currency) != reference_key(currency)
        ):
            return True
        if booked.total is None or total is None or event.type in self._capabilities.finishes:
            return False
        return abs(booked.total - total) > max(self._tolerances.total, abs(total) * _OFF)

    def _doubled(self, event: Claimed, documents: Sequence[Booked]) -> Settlement:
        references = ", ".join(booked.reference for booked in documents)
        return Settlement(
            EventStatus.PARKED,
            reason=f"the ERP holds {len(documents)} documents for this {self._spec.noun}: "
            f"{references}",
            remedy="cancel the surplus ones in the ERP, then 'erp-sidecar queue requeue "
            f"{self._name(event)}'",
            code="doubled",
            differences=(Difference("doubled", "1 document", references[:100], event.amount),),
            maybe_booked=True,
        )

    def _other_figures(self, event: Claimed, payload: object, booked: Booked) -> Settlement:
        noun = self._spec.noun
        total, currency = self._spec.worth(payload) or (None, None)
        ours = f"{'?' if total is None else f'{total:f}'} {currency or ''}"
        theirs = f"{'?' if booked.total is None else f'{booked.total:f}'} {booked.currency or ''}"
        return Settlement(
            EventStatus.PARKED,
            reason=f"the ERP shows {booked.reference} under its reference, with {theirs.strip()} "
            f"where the {noun} has {ours.strip()}: that looks like another {noun}'s document",
            remedy=f"compare {booked.reference} with the {noun}; if it is the {noun}'s: "
            f"{self._requeue(event)} takes it over; otherwise free the "
            f"reference in the ERP (or set domains.{self._spec.name}.ref) first",
            code=OTHER_FIGURES,
            maybe_booked=event.maybe_booked,
        )

    def _not_in_erp(self, event: Claimed) -> Settlement:
        noun = self._spec.noun
        return Settlement(
            EventStatus.PARKED,
            reason=f"the {noun} changed, and the ERP holds none under its reference; "
            f"{event.not_ours}",
            remedy="if the ERP has it under another number, or shall not have it: 'erp-sidecar "
            f"queue drop {self._name(event)}'; if it is to be booked: 'erp-sidecar queue requeue "
            f"{self._name(event)}' sends it as a new {noun}",
            code=NOT_IN_ERP,
        )


def _each_once(found: Sequence[Booked]) -> tuple[Booked, ...]:
    """A document that is listed several times (a join, two pages) is one, as it was said first."""
    once: dict[str, Booked] = {}
    for booked in found:
        once.setdefault(reference_key(booked.reference), booked)
    return tuple(once.values())


def _living(event: Claimed, found: tuple[Booked, ...]) -> tuple[Booked, ...]:
    """Without the documents that the entity has had before; those too where a person says so."""
    living = tuple(each for each in found if reference_key(each.reference) not in event.former)
    return found if event.vouched and not living else living
