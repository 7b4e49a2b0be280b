"""From an outcome to what the ledger writes down: pure rules, one per outcome."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import assert_never

from sidecar.delivery.verify import differences
from sidecar.domain.event import EventType
from sidecar.domain.in_page import in_page
from sidecar.domain.order import Order
from sidecar.domain.outcome import (
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
from sidecar.domain.settlement import BAD_DATA, Difference, EventStatus, Settlement, Verdict
from sidecar.ledger.events import Claimed
from sidecar.ports import Capabilities, Link, Tolerances


@dataclass(frozen=True, slots=True)
class Backoff:
    """Full jitter: between zero and a bound that grows by `factor` up to `most` (seconds)."""

    first: float
    factor: float
    most: float
    give_up_after: float
    draw: Callable[[float, float], float] = random.uniform

    def delay(self, attempts: int) -> float:
        """Seconds before the next attempt, after `attempts` of them."""
        bound = min(self.most, self.first * self.factor ** max(0, attempts - 1))
        return self.draw(0.0, bound)


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
    """What one verdict writes into Magento: templates over {reference}, {status}…"""

    status: str | None = None
    comment: str | None = None
    hold: bool = False


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """The `acknowledge` section of a domain; `statuses`: ERP status → answer.

    `released`: the status that *Unhold* gives to what was refused.
    """

    accepted: Answer = field(default_factory=Answer)
    rejected: Answer = field(default_factory=Answer)
    statuses: Mapping[str, Answer] = field(default_factory=dict)
    released: str | None = None


class Settler:
    """The rules of one domain."""

    def __init__(
        self,
        backoff: Backoff,
        doubt: Doubt,
        tolerances: Tolerances,
        acknowledgement: Acknowledgement,
        capabilities: Capabilities,
    ) -> None:
        self._backoff = backoff
        self._doubt = doubt
        self._tolerances = tolerances
        self._acknowledgement = acknowledgement
        self._capabilities = capabilities

    def of_push(self, event: Claimed, payload: object, outcome: Outcome) -> Settlement:
        """The end of an attempt to deliver."""
        match outcome:
            case Accepted(booked=booked):
                return self._accepted(event, payload, booked)
            case Duplicate(reference=reference, message=message):
                return self._duplicate(event, payload, reference, message)
            case Partial(booked=booked, what=what, message=message):
                return Settlement(
                    EventStatus.PARKED,
                    reason=f"the ERP booked {booked.reference}, but not whole: {what or message}",
                    remedy=f"finish {booked.reference} in the ERP, then 'erp-sidecar queue requeue "
                    f"{event.increment_id}': it is taken over, not sent again",
                    code="partial",
                    booked=booked,
                    maybe_booked=True,
                )
            case Rejected():
                return self._rejected(event, outcome)
            case Retry(after=after, message=message) | Throttled(after=after, message=message):
                return self._again(event, message, after, maybe_booked=event.maybe_booked)
            case Conflict(message=message) | Unknown(message=message):
                return self._doubtful(event, message)
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

    def wants_figures(self, event_type: str, booked: Booked) -> bool:
        """Whether an acceptance leaves out what is to be compared."""
        if event_type == EventType.ORDER_CANCELED.value:
            return False
        lines_wanted = self._tolerances.lines_exact and booked.lines is None
        items_wanted = self._capabilities.probe_items and booked.items is None
        return booked.total is None or booked.tax is None or lines_wanted or items_wanted

    def of_probe(
        self, event: Claimed, payload: object, found: tuple[Booked, ...], *, linked: bool
    ) -> Settlement:
        """The end of a question: what the ERP has under the event's reference."""
        if len(found) > 1:
            references = ", ".join(booked.reference for booked in found)
            return Settlement(
                EventStatus.PARKED,
                reason=f"the ERP holds {len(found)} documents for this order: {references}",
                remedy="cancel the surplus ones in the ERP, then 'erp-sidecar queue requeue "
                f"{event.increment_id}'",
                code="doubled",
                differences=(Difference("doubled", "1 document", references, event.grand_total),),
                maybe_booked=True,
            )
        if not _is_placement(event):
            return _of_change(found, linked=linked)
        if found:
            return self._accepted(event, payload, found[0])
        if event.since_sent < self._doubt.trust_absence_after:
            return Settlement(
                EventStatus.UNKNOWN,
                due_in=min(
                    self._doubt.trust_absence_after - event.since_sent,
                    max(self._doubt.probe_after, event.since_sent),
                ),
                reason="sent without a trustworthy answer; the ERP does not show it yet",
                maybe_booked=True,
            )
        return Settlement(EventStatus.PENDING, due_in=0)

    def of_unaskable(self, event: Claimed, payload: object, link: Link | None) -> Settlement:
        """Instead of a question, for an ERP that cannot be asked."""
        if not _is_placement(event):
            if link:
                return _of_change((), linked=True)
            return self._parked_in_doubt(event, "it was placed before the sidecar came")
        if link:
            # Booked in part, finished by a human since: he asked for it again.
            return self._accepted(event, payload, Booked(reference=link.reference))
        if self._capabilities.dedupe:
            return Settlement(EventStatus.PENDING, due_in=0, maybe_booked=True)
        return self._parked_in_doubt(event, "sent without a trustworthy answer")

    def of_unreadable(self, event: Claimed, message: str) -> Settlement:
        """Instead of an attempt, for an event whose payload in the ledger cannot be read."""
        return Settlement(
            EventStatus.PARKED,
            reason=f"its payload cannot be read: {message}",
            remedy=f"'erp-sidecar queue requeue {event.increment_id}' reads the order anew",
            code=BAD_DATA,
            maybe_booked=event.maybe_booked,
        )

    def of_failed_probe(self, event: Claimed, message: str) -> Settlement:
        """The ERP could not even be asked."""
        return Settlement(
            EventStatus.UNKNOWN,
            due_in=max(self._doubt.probe_after, self._backoff.delay(event.attempts)),
            reason=message,
            maybe_booked=True,
        )

    def _accepted(self, event: Claimed, payload: object, booked: Booked) -> Settlement:
        found: tuple[Difference, ...] = ()
        if isinstance(payload, Order) and event.type is not EventType.ORDER_CANCELED:
            found = differences(payload, booked, self._tolerances)
        return Settlement(
            EventStatus.ACCEPTED,
            booked=booked,
            verdict=self._verdict_of(event.type, booked),
            differences=found,
        )

    def _verdict_of(self, event_type: EventType, booked: Booked) -> Verdict | None:
        """What Magento hears of an acceptance: of a change nothing, unless it ends our hold."""
        match event_type:
            case EventType.ORDER_PLACED:
                return self._verdict_accepted(booked)
            case EventType.ORDER_UPDATED:
                released = self._acknowledgement.released
                return replace(self._verdict_accepted(booked), releases=True, released=released)
            case _:
                return None

    def _verdict_accepted(self, booked: Booked) -> Verdict:
        rules = self._acknowledgement
        answer = rules.statuses.get(booked.status or "", rules.accepted)
        comment = answer.comment or rules.accepted.comment
        return Verdict(
            verdict="accepted",
            status=answer.status,
            number=booked.reference,
            comment=_filled(comment, reference=booked.reference, status=booked.status or ""),
            of_placement=True,
        )

    def _rejected(self, event: Claimed, outcome: Rejected) -> Settlement:
        answer = self._acknowledgement.rejected
        where = f" (field {outcome.field})" if outcome.field else ""
        canceling = event.type is EventType.ORDER_CANCELED
        return Settlement(
            EventStatus.REJECTED,
            reason=f"{outcome.message}{where}",
            remedy="mend the order in Magento or the cause in the ERP, then 'erp-sidecar queue "
            f"requeue {event.increment_id}' (a mended address or Unhold sends it by itself)",
            code=outcome.code,
            verdict=Verdict(
                verdict="rejected",
                status=answer.status,
                number=None,
                comment=_filled(answer.comment, message=outcome.message, code=outcome.code or ""),
                hold=answer.hold and not canceling,
                of_placement=_is_placement(event),
            ),
            # An ERP that cannot be asked was sent it again: what it says now is no word on the
            # first time (tests/unit/test_settle.py, …_the_doubt_of_the_first_time_stays).
            maybe_booked=event.maybe_booked,
        )

    def _duplicate(
        self, event: Claimed, payload: object, reference: str | None, message: str
    ) -> Settlement:
        if self._capabilities.probe and event.age > self._backoff.give_up_after:
            return self._given_up(event, message, maybe_booked=True)
        if self._capabilities.probe:
            # The ERP says that it has it: what exactly, only a question tells.
            return Settlement(
                EventStatus.UNKNOWN,
                due_in=0,
                reason=message or "the ERP calls it a duplicate: it is asked what it has",
                maybe_booked=True,
            )
        if reference:
            return self._accepted(event, payload, Booked(reference=reference))
        return self._parked_in_doubt(event, "the ERP calls it a duplicate and does not say of what")

    def _again(
        self, event: Claimed, message: str, after: float | None, *, maybe_booked: bool
    ) -> Settlement:
        if event.age > self._backoff.give_up_after:
            return self._given_up(event, message, maybe_booked=maybe_booked)
        delay = self._backoff.delay(event.attempts)
        return Settlement(
            EventStatus.PENDING,
            due_in=max(delay, after or 0),
            reason=message,
            code="retry",
            maybe_booked=maybe_booked,
        )

    def _given_up(self, event: Claimed, message: str, *, maybe_booked: bool) -> Settlement:
        return Settlement(
            EventStatus.PARKED,
            reason=f"given up after {event.attempts} attempts, the last answer: {message}",
            remedy=f"when the ERP works again: 'erp-sidecar queue requeue {event.increment_id}'",
            code="gave_up",
            maybe_booked=maybe_booked,
        )

    def _doubtful(self, event: Claimed, message: str) -> Settlement:
        if self._capabilities.probe:
            if event.age > self._backoff.give_up_after:
                return self._given_up(event, message, maybe_booked=True)
            # A change that ends in doubt each time is sent again after each question: slower.
            again = self._backoff.delay(event.attempts) if event.attempts > 1 else 0
            return Settlement(
                EventStatus.UNKNOWN,
                due_in=max(self._doubt.probe_after, again),
                reason=message,
                maybe_booked=True,
            )
        if self._capabilities.dedupe or not _is_placement(event):
            return self._again(event, message, None, maybe_booked=_is_placement(event))
        return self._parked_in_doubt(event, message)

    def _parked_in_doubt(self, event: Claimed, message: str) -> Settlement:
        return Settlement(
            EventStatus.PARKED,
            reason=f"{message}; this ERP can neither be asked nor does it refuse duplicates",
            remedy=f"look for order {event.increment_id} in the ERP; if it is not there: "
            f"'erp-sidecar queue requeue {event.increment_id}'",
            code="unknown",
            maybe_booked=True,
        )


def _of_change(found: tuple[Booked, ...], *, linked: bool) -> Settlement:
    """An update or a cancel acts on the ERP's own document, so repeating it books nothing twice."""
    if found or linked:
        return Settlement(EventStatus.PENDING, due_in=0, booked=found[0] if found else None)
    return Settlement(
        EventStatus.SUPERSEDED, reason="the ERP does not hold this order: nothing to change in it"
    )


def _is_placement(event: Claimed) -> bool:
    return event.type is EventType.ORDER_PLACED


def _filled(template: str | None, **values: str) -> str | None:
    if template is None:
        return None
    blank = {"reference": "", "message": "", "status": "", "code": ""}
    return template.format_map(blank | {name: in_page(text) for name, text in values.items()})
