"""What to do with the open events of one entity: which one goes, which ones it carries.

One event of an entity is in flight at a time, so that the ERP never sees an older state after a
newer one.  What the ERP has not seen yet is folded: a placement carries the newest payload, and
a cancel before the placement was sent leaves nothing to send at all.

Nothing is final but the order's own end: a change of an order that lives and that the ERP does not
hold is a placement (docs/decisions/0026).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from sidecar.ledger.events import OpenEvent
from sidecar.model.event import EventType
from sidecar.model.settlement import BAD_DATA, EventStatus

_ENDS = frozenset({EventType.ORDER_CANCELED, EventType.ORDER_VANISHED})
_MENDS = frozenset({EventType.ORDER_UPDATED, EventType.ORDER_RELEASED})
_HOLDS = frozenset({EventType.ORDER_HELD, EventType.ORDER_RELEASED})
_STATES = _MENDS | _HOLDS
_PLACES = frozenset({EventType.ORDER_PLACED, EventType.ORDER_UPDATED})
_WAITS_FOR_MENDING = frozenset({EventStatus.REJECTED, EventStatus.PARKED})
NEVER_SEEN = "the ERP never saw this order: there is nothing to book and nothing to cancel"


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
    *,
    linked: bool,
    subscriptions: Collection[str],
    ended: bool = False,
) -> EntityPlan:
    """The plan for one entity's open events, in the order of their sequence.

    `linked`: the ERP holds a living document of this entity; `ended`: one that it took a cancel of.
    `subscriptions`: the event types that the mapping has a call for.
    """
    overtaken = _overtaken(events)
    events = [event for event in events if event not in overtaken]
    link = _LIVING if linked else _ENDED if ended else _NONE
    chosen = _plan_wanted(events, link, subscriptions)
    if not overtaken:
        return chosen
    return replace(chosen, carried=(*(event.id for event in overtaken), *chosen.carried))


def _overtaken(events: Sequence[OpenEvent]) -> list[OpenEvent]:
    """Ends that the ERP has not heard of, of an order that lives again: what follows them says so.

    One that was sent, and of which the ERP's last word is no refusal, goes first: it may have been
    carried out.
    """
    return [
        event
        for number, event in enumerate(events)
        if event.type in _ENDS
        and any(later.type not in _ENDS for later in events[number + 1 :])
        and not _may_be_in_the_erp(event)
        and (not event.attempts or event.status is EventStatus.REJECTED or event.code == "retry")
    ]


def _plan_wanted(
    events: Sequence[OpenEvent], link: _Link, subscriptions: Collection[str]
) -> EntityPlan:
    if link is _NONE and events and events[0].type is EventType.ORDER_PLACED:
        # Also an event that no call takes counts here: what it says goes with the placement.
        return _plan_events(events, link)
    # One that was parked or refused counts too: nobody could ever send it, and a cancel would wait
    # behind it for good.
    unwanted = [
        event
        for number, event in enumerate(events)
        if event.type.value not in subscriptions
        and not _may_be_in_the_erp(event)
        and not _may_place(event, events[:number], link)
    ]
    wanted = [event for event in events if event not in unwanted]
    chosen = _mended(_plan_events(wanted, link), events, unwanted)
    return replace(chosen, unwanted=tuple(event.id for event in unwanted))


def _may_place(event: OpenEvent, earlier: Sequence[OpenEvent], link: _Link) -> bool:
    """Whether the ERP may hold nothing living of the order, so that this would place it."""
    ends = any(one.type in _ENDS for one in earlier)
    return event.type in _PLACES and (link is not _LIVING or ends)


def _plan_events(events: Sequence[OpenEvent], link: _Link) -> EntityPlan:
    if not events:
        return EntityPlan()
    head, later = events[0], events[1:]
    if _may_be_in_the_erp(head):
        return _plan_doubtful(head, later)
    if head.type is EventType.ORDER_PLACED and (link is _NONE or head.absent):
        return _plan_unseen(head, later)
    return _plan_change(head, later, link)


def _plan_doubtful(head: OpenEvent, later: Sequence[OpenEvent]) -> EntityPlan:
    waiting = EntityPlan(behind=_due(later))
    if head.due and head.status is EventStatus.UNKNOWN:
        return replace(waiting, probe=head)
    if head.due and head.status is EventStatus.PENDING:
        # To an ERP that cannot be asked but refuses doubles: the very same again, unfolded, or it
        # would call the newer state a duplicate of the older one.
        return replace(waiting, push=head)
    return waiting


def _plan_unseen(head: OpenEvent, later: Sequence[OpenEvent]) -> EntityPlan:
    if any(event.type in _ENDS for event in later):
        return EntityPlan(moot=tuple(event.id for event in (head, *later)))
    if later and later[-1].status is EventStatus.PARKED:
        # The order's newest state breaks an invariant: an older one must not go in its place.
        return EntityPlan(behind=_due((head, *later)))
    if head.status in _WAITS_FOR_MENDING:
        mended = any(event.type in _MENDS for event in later)
        if not mended:
            return EntityPlan(behind=_due(later))
        return _folded(EntityPlan(revive=head), head, later)
    if not head.due:
        return EntityPlan(behind=_due(later))
    return _folded(EntityPlan(push=head), head, later)


def _plan_change(head: OpenEvent, later: Sequence[OpenEvent], link: _Link) -> EntityPlan:
    if _is_replaced(head, later):
        # The newer event carries the newer state; what was refused or not sent is history.
        rest = _plan_events(later, link)
        return replace(rest, carried=(head.id, *rest.carried))
    if head.status in _WAITS_FOR_MENDING or not head.due:
        return EntityPlan(behind=_due(later))
    goes = link is _LIVING or (link is _ENDED and head.type in _ENDS)
    if goes and head.type is not EventType.ORDER_PLACED:
        return EntityPlan(push=head, behind=_due(later))
    # An order from before the sidecar, or one that lives again: whether the ERP has it, only the
    # ERP knows.  Or a placement of which it booked a part: to send that again would book it twice.
    return EntityPlan(probe=head, behind=_due(later))


def _is_replaced(head: OpenEvent, later: Sequence[OpenEvent]) -> bool:
    types = {event.type for event in later}
    if head.type is EventType.ORDER_UPDATED:
        return EventType.ORDER_UPDATED in types or bool(types & _ENDS)
    return head.status in _WAITS_FOR_MENDING and head.type in _HOLDS and bool(types & _ENDS)


def _broke_an_invariant(event: OpenEvent) -> bool:
    return event.status is EventStatus.PARKED and event.code == BAD_DATA


def _is_sound(event: OpenEvent) -> bool:
    return event.type in _STATES and event.status is EventStatus.PENDING


def _mended(
    chosen: EntityPlan, events: Sequence[OpenEvent], unwanted: Sequence[OpenEvent]
) -> EntityPlan:
    """`chosen`, or the first event revived because a later one, also one that no call takes,
    mended what kept it.
    """
    closed = {*chosen.carried, *(event.id for event in unwanted)}
    head = next((event for event in events if event.id not in closed), None)
    if head is None or _may_be_in_the_erp(head):
        return chosen
    later = [event for event in events if event.sequence > head.sequence]
    # The first that is sound, not the newest: those in between go after it.
    sound = next((event for event in later if _is_sound(event)), None)
    if sound and _broke_an_invariant(head):
        return replace(chosen, revive=head, carry=(head.id, sound.id))
    unhold = any(event.type is EventType.ORDER_RELEASED and event in unwanted for event in later)
    refused = head.type is EventType.ORDER_UPDATED and head.status is EventStatus.REJECTED
    return replace(chosen, revive=head) if refused and unhold else chosen


def _may_be_in_the_erp(event: OpenEvent) -> bool:
    return event.maybe_booked or event.status in (EventStatus.SENDING, EventStatus.UNKNOWN)


def _folded(chosen: EntityPlan, head: OpenEvent, later: Sequence[OpenEvent]) -> EntityPlan:
    if not later:
        return chosen
    carried = tuple(event.id for event in later)
    return replace(chosen, carry=(head.id, later[-1].id), carried=carried)


def _due(events: Sequence[OpenEvent]) -> tuple[int, ...]:
    return tuple(event.id for event in events if event.due and event.status is EventStatus.PENDING)
