"""What to do with the open events of one entity: which one goes, which ones it carries.

One event of an entity is in flight at a time, so that the ERP never sees an older state after a
newer one.  What the ERP has not seen yet is folded: a placement carries the newest payload, and
a cancel before the placement was sent leaves nothing to send at all.

Nothing is final but the entity's own end: a change of what lives and the ERP does not hold opens a
document (docs/decisions/0026).  What an event means stands in its domain's specification.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from sidecar.ledger.events import OpenEvent
from sidecar.model.domain_spec import DomainSpec, Role
from sidecar.model.settlement import BAD_DATA, EventStatus

_WAITS_FOR_A_CHANGE = frozenset({EventStatus.REJECTED, EventStatus.PARKED})
NEVER_SEEN = "the ERP never saw it: there is nothing to book and nothing to cancel"


class _Link(Enum):
    """What the ERP holds of the entity, as far as the ledger knows."""

    NONE = "none"
    LIVING = "living"
    ENDED = "ended"


_NONE, _LIVING, _ENDED = _Link


@dataclass(frozen=True, slots=True)
class EntityPlan:
    """At most one of `push`, `probe` and `revive` is set.

    `carry`: (target, source) when the event to push takes over the payload of a later one.
    `carried`, `moot` and `unwanted` are superseded (a newer state went; nothing left to say to the
    ERP; no call of the mapping takes it); `behind` waits until the event in flight is over.
    """

    push: OpenEvent | None = None
    probe: OpenEvent | None = None
    revive: OpenEvent | None = None
    carry: tuple[int, int] | None = None
    carried: tuple[int, ...] = ()
    moot: tuple[int, ...] = ()
    unwanted: tuple[int, ...] = ()
    behind: tuple[int, ...] = ()


def plan(
    events: Sequence[OpenEvent],
    spec: DomainSpec,
    *,
    linked: bool,
    subscriptions: Collection[str],
    ended: bool = False,
) -> EntityPlan:
    """The plan for one entity's open events, in the order of their sequence.

    `linked`: the ERP holds a living document of this entity; `ended`: one that it took a cancel of.
    `subscriptions`: the event types that the mapping has a call for.
    """
    link = _LIVING if linked else _ENDED if ended else _NONE
    return _Planner(spec, link, subscriptions).plan(events)


class _Planner:
    """The rules for one entity: what its events mean, what the ERP holds, what it is told of."""

    def __init__(self, spec: DomainSpec, link: _Link, subscriptions: Collection[str]) -> None:
        self._spec = spec
        self._link = link
        self._subscriptions = subscriptions

    def plan(self, events: Sequence[OpenEvent]) -> EntityPlan:
        overtaken = self._overtaken(events)
        chosen = self._plan_wanted([event for event in events if event not in overtaken])
        if not overtaken:
            return chosen
        return replace(chosen, carried=(*(event.id for event in overtaken), *chosen.carried))

    def _is(self, event: OpenEvent, role: Role) -> bool:
        return self._spec.role(event.type) is role

    def _any(self, events: Sequence[OpenEvent], role: Role) -> bool:
        return any(self._is(event, role) for event in events)

    def _replaces(self, event: OpenEvent) -> bool:
        return self._spec.event(event.type).replaces

    def _revives(self, event: OpenEvent) -> bool:
        return self._spec.event(event.type).revives

    def _overtaken(self, events: Sequence[OpenEvent]) -> list[OpenEvent]:
        """Ends that the ERP has not heard of, of what lives again: what follows them says so.

        One that was sent, and of which the ERP's last word is no refusal, goes first: it may have
        been carried out.
        """
        return [
            event
            for number, event in enumerate(events)
            if self._is(event, Role.ENDS)
            and any(not self._is(later, Role.ENDS) for later in events[number + 1 :])
            and not _may_be_in_the_erp(event)
            and (
                not event.attempts or event.status is EventStatus.REJECTED or event.code == "retry"
            )
        ]

    def _plan_wanted(self, events: Sequence[OpenEvent]) -> EntityPlan:
        if self._link is _NONE and events and self._is(events[0], Role.OPENS):
            # Also an event that no call takes counts here: what it says goes with the placement.
            return self._plan_events(events)
        # One that was parked or refused counts too: nobody could ever send it, and a cancel would
        # wait behind it for good.
        unwanted = [
            event
            for number, event in enumerate(events)
            if event.type not in self._subscriptions
            and not _may_be_in_the_erp(event)
            and not self._may_open(event, events[:number])
        ]
        wanted = [event for event in events if event not in unwanted]
        chosen = self._revived(self._plan_events(wanted), events, unwanted)
        return replace(chosen, unwanted=tuple(event.id for event in unwanted))

    def _may_open(self, event: OpenEvent, earlier: Sequence[OpenEvent]) -> bool:
        """Whether the ERP may hold nothing living of the entity, so that this would open it."""
        opens = self._is(event, Role.OPENS) or self._replaces(event)
        return opens and (self._link is not _LIVING or self._any(earlier, Role.ENDS))

    def _plan_events(self, events: Sequence[OpenEvent]) -> EntityPlan:
        if not events:
            return EntityPlan()
        head, later = events[0], events[1:]
        if self._is(head, Role.STATE):
            return self._plan_state(head, later)
        if _may_be_in_the_erp(head):
            return _plan_doubtful(head, later)
        if self._is(head, Role.OPENS) and (self._link is _NONE or head.absent):
            return self._plan_unseen(head, later)
        return self._plan_change(head, later)

    def _plan_state(self, head: OpenEvent, later: Sequence[OpenEvent]) -> EntityPlan:
        """Only the newest state counts, and to say it twice does no harm."""
        if head.status is EventStatus.SENDING:
            return EntityPlan(behind=_due(later))
        if later:
            rest = self._plan_events(later)
            return replace(rest, carried=(head.id, *rest.carried))
        if head.status in _WAITS_FOR_A_CHANGE or not head.due:
            return EntityPlan()
        if head.status is EventStatus.UNKNOWN:
            return EntityPlan(probe=head)
        return EntityPlan(push=head)

    def _plan_unseen(self, head: OpenEvent, later: Sequence[OpenEvent]) -> EntityPlan:
        if self._any(later, Role.ENDS):
            return EntityPlan(moot=tuple(event.id for event in (head, *later)))
        if later and later[-1].status is EventStatus.PARKED:
            # The newest state breaks an invariant: an older one must not go in its place.
            return EntityPlan(behind=_due((head, *later)))
        if head.status in _WAITS_FOR_A_CHANGE:
            if not any(self._revives(event) for event in later):
                return EntityPlan(behind=_due(later))
            return _folded(EntityPlan(revive=head), head, later)
        if not head.due:
            return EntityPlan(behind=_due(later))
        return _folded(EntityPlan(push=head), head, later)

    def _plan_change(self, head: OpenEvent, later: Sequence[OpenEvent]) -> EntityPlan:
        if self._is_replaced(head, later):
            # The newer event carries the newer state; what was refused or not sent is history.
            rest = self._plan_events(later)
            return replace(rest, carried=(head.id, *rest.carried))
        if head.status in _WAITS_FOR_A_CHANGE or not head.due:
            return EntityPlan(behind=_due(later))
        ends_again = self._link is _ENDED and self._is(head, Role.ENDS)
        if (self._link is _LIVING or ends_again) and not self._is(head, Role.OPENS):
            return EntityPlan(push=head, behind=_due(later))
        # One from before the sidecar, or one that lives again: whether the ERP has it, only the
        # ERP knows.  Or a placement of which it booked a part: that would be booked twice.
        return EntityPlan(probe=head, behind=_due(later))

    def _is_replaced(self, head: OpenEvent, later: Sequence[OpenEvent]) -> bool:
        ends = self._any(later, Role.ENDS)
        if self._replaces(head):
            return ends or any(self._replaces(event) for event in later)
        return ends and head.status in _WAITS_FOR_A_CHANGE and self._is(head, Role.CHANGES)

    def _revived(
        self, chosen: EntityPlan, events: Sequence[OpenEvent], unwanted: Sequence[OpenEvent]
    ) -> EntityPlan:
        """`chosen`, or the first event revived because a later one, also one that no call takes,
        took away what kept it.
        """
        closed = {*chosen.carried, *(event.id for event in unwanted)}
        head = next((event for event in events if event.id not in closed), None)
        if head is None or _may_be_in_the_erp(head):
            return chosen
        later = [event for event in events if event.sequence > head.sequence]
        # The first that is sound, not the newest: those in between go after it.
        sound = next((event for event in later if self._is_sound(event)), None)
        if sound and _broke_an_invariant(head):
            return replace(chosen, revive=head, carry=(head.id, sound.id))
        asked_again = any(
            self._revives(event) and not self._replaces(event) and event in unwanted
            for event in later
        )
        refused = self._replaces(head) and head.status is EventStatus.REJECTED
        return replace(chosen, revive=head) if refused and asked_again else chosen

    def _is_sound(self, event: OpenEvent) -> bool:
        return self._is(event, Role.CHANGES) and event.status is EventStatus.PENDING


def _plan_doubtful(head: OpenEvent, later: Sequence[OpenEvent]) -> EntityPlan:
    waiting = EntityPlan(behind=_due(later))
    if head.due and head.status is EventStatus.UNKNOWN:
        return replace(waiting, probe=head)
    if head.due and head.status is EventStatus.PENDING:
        # To an ERP that cannot be asked but refuses doubles: the very same again, unfolded, or it
        # would call the newer state a duplicate of the older one.
        return replace(waiting, push=head)
    return waiting


def _broke_an_invariant(event: OpenEvent) -> bool:
    return event.status is EventStatus.PARKED and event.code == BAD_DATA


def _may_be_in_the_erp(event: OpenEvent) -> bool:
    return event.maybe_booked or event.status in (EventStatus.SENDING, EventStatus.UNKNOWN)


def _folded(chosen: EntityPlan, head: OpenEvent, later: Sequence[OpenEvent]) -> EntityPlan:
    if not later:
        return chosen
    carried = tuple(event.id for event in later)
    return replace(chosen, carry=(head.id, later[-1].id), carried=carried)


def _due(events: Sequence[OpenEvent]) -> tuple[int, ...]:
    return tuple(event.id for event in events if event.due and event.status is EventStatus.PENDING)
