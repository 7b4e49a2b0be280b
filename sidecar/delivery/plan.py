"""What to do with the open events of one entity: which one goes, which ones it carries.

One event of an entity is in flight at a time, so that the ERP never sees an older state after a
newer one.  What the ERP has not seen yet is folded: a placement carries the newest payload, and
a cancel before the placement was sent leaves nothing to send at all.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from sidecar.domain.event import EventType
from sidecar.domain.settlement import BAD_DATA, EventStatus
from sidecar.ledger.events import OpenEvent

_ENDS = frozenset({EventType.ORDER_CANCELED, EventType.ORDER_VANISHED})
_MENDS = frozenset({EventType.ORDER_UPDATED, EventType.ORDER_RELEASED})
_HOLDS = frozenset({EventType.ORDER_HELD, EventType.ORDER_RELEASED})
_WAITS_FOR_MENDING = frozenset({EventStatus.REJECTED, EventStatus.PARKED})
NEVER_SEEN = "the ERP never saw this order: there is nothing to book and nothing to cancel"


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
    events: Sequence[OpenEvent], *, linked: bool, subscriptions: Collection[str]
) -> EntityPlan:
    """The plan for one entity's open events, in the order of their sequence.

    `linked`: the ERP has accepted a document of this entity before.  `subscriptions`: the event
    types that the mapping has a call for.
    """
    if not linked and events and events[0].type is EventType.ORDER_PLACED:
        # Also an event that no call takes counts here: what it says goes with the placement.
        return _plan_events(events, linked=False)
    # One that was parked or refused counts too: nobody could ever send it, and a cancel would wait
    # behind it for good.
    unwanted = [
        event
        for event in events
        if event.type.value not in subscriptions and not _may_be_in_the_erp(event)
    ]
    wanted = [event for event in events if event not in unwanted]
    chosen = _plan_events(wanted, linked=linked)
    if _unhold_mends(wanted, unwanted, chosen):
        chosen = replace(chosen, revive=wanted[0])
    return replace(chosen, unwanted=tuple(event.id for event in unwanted))


def _plan_events(events: Sequence[OpenEvent], *, linked: bool) -> EntityPlan:
    if not events:
        return EntityPlan()
    head, later = events[0], events[1:]
    if _may_be_in_the_erp(head):
        probe = head if head.status is EventStatus.UNKNOWN and head.due else None
        return EntityPlan(probe=probe, behind=_due(later))
    if head.type is EventType.ORDER_PLACED and not linked:
        return _plan_unseen(head, later)
    return _plan_change(head, later, linked=linked)


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


def _plan_change(head: OpenEvent, later: Sequence[OpenEvent], *, linked: bool) -> EntityPlan:
    if _is_replaced(head, later):
        # The newer event carries the newer state; what was refused or not sent is history.
        rest = _plan_events(later, linked=linked)
        return replace(rest, carried=(head.id, *rest.carried))
    if _broke_an_invariant(head) and later and _is_sound_update(later[-1]):
        return EntityPlan(revive=head, carry=(head.id, later[-1].id), behind=_due(later))
    if head.status in _WAITS_FOR_MENDING or not head.due:
        return EntityPlan(behind=_due(later))
    if linked and head.type is not EventType.ORDER_PLACED:
        return EntityPlan(push=head, behind=_due(later))
    # An order from before the sidecar: whether the ERP has it, only the ERP knows.  Or a placement
    # of which it booked a part: to send that again would book it twice.
    return EntityPlan(probe=head, behind=_due(later))


def _is_replaced(head: OpenEvent, later: Sequence[OpenEvent]) -> bool:
    types = {event.type for event in later}
    if head.type is EventType.ORDER_UPDATED:
        return EventType.ORDER_UPDATED in types or bool(types & _ENDS)
    return head.status in _WAITS_FOR_MENDING and head.type in _HOLDS and bool(types & _ENDS)


def _broke_an_invariant(event: OpenEvent) -> bool:
    return event.status is EventStatus.PARKED and event.code == BAD_DATA


def _is_sound_update(event: OpenEvent) -> bool:
    return event.type is EventType.ORDER_UPDATED and event.status is EventStatus.PENDING


def _unhold_mends(
    wanted: Sequence[OpenEvent], unwanted: Sequence[OpenEvent], chosen: EntityPlan
) -> bool:
    """Whether a human's Unhold, of which the ERP need not be told, sends a refused update again."""
    if not wanted or wanted[0].id in chosen.carried:
        return False
    head = wanted[0]
    return (
        head.type is EventType.ORDER_UPDATED
        and head.status is EventStatus.REJECTED
        and any(
            event.type is EventType.ORDER_RELEASED and event.sequence > head.sequence
            for event in unwanted
        )
    )


def _may_be_in_the_erp(event: OpenEvent) -> bool:
    return event.maybe_booked or event.status in (EventStatus.SENDING, EventStatus.UNKNOWN)


def _folded(chosen: EntityPlan, head: OpenEvent, later: Sequence[OpenEvent]) -> EntityPlan:
    if not later:
        return chosen
    carried = tuple(event.id for event in later)
    return replace(chosen, carry=(head.id, later[-1].id), carried=carried)


def _due(events: Sequence[OpenEvent]) -> tuple[int, ...]:
    return tuple(event.id for event in events if event.due and event.status is EventStatus.PENDING)
