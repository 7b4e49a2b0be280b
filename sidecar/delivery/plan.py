"""What to do with the open events of one entity: which one goes, which ones it carries.

One event of an entity is in flight at a time, so that the ERP never sees an older state after a
newer one.  What the ERP has not seen yet is folded: a placement carries the newest payload, and
a cancel before the placement was sent leaves nothing to send at all.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from sidecar.domain.event import EventType
from sidecar.domain.settlement import EventStatus
from sidecar.ledger.events import OpenEvent

_ENDS = frozenset({EventType.ORDER_CANCELED, EventType.ORDER_VANISHED})
_MENDS = frozenset({EventType.ORDER_UPDATED, EventType.ORDER_RELEASED})
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
    unwanted = tuple(
        event.id
        for event in events
        if event.type.value not in subscriptions and event.status is EventStatus.PENDING
    )
    wanted = [event for event in events if event.id not in unwanted]
    return replace(_plan_events(wanted, linked=linked), unwanted=unwanted)


def _plan_events(events: Sequence[OpenEvent], *, linked: bool) -> EntityPlan:
    if not events:
        return EntityPlan()
    head, later = events[0], events[1:]
    if head.status is EventStatus.SENDING:
        return EntityPlan(behind=_due(later))
    if head.status is EventStatus.UNKNOWN or head.maybe_booked:
        probe = head if head.status is EventStatus.UNKNOWN and head.due else None
        return EntityPlan(probe=probe, behind=_due(later))
    if linked:
        return _plan_seen(head, later)
    if head.type is EventType.ORDER_PLACED:
        return _plan_unseen(head, later)
    # An order from before the sidecar: whether the ERP has it, only the ERP knows.
    return EntityPlan(probe=head if head.due else None, behind=_due(later))


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


def _plan_seen(head: OpenEvent, later: Sequence[OpenEvent]) -> EntityPlan:
    if head.type is EventType.ORDER_UPDATED:
        replaced = [event for event in later if event.type in (EventType.ORDER_UPDATED, *_ENDS)]
        if replaced:
            # The newer event carries the newer state; what was refused or not sent is history.
            rest = _plan_events(later, linked=True)
            return replace(rest, carried=(head.id, *rest.carried))
    if head.status in _WAITS_FOR_MENDING or not head.due:
        return EntityPlan(behind=_due(later))
    return EntityPlan(push=head, behind=_due(later))


def _folded(chosen: EntityPlan, head: OpenEvent, later: Sequence[OpenEvent]) -> EntityPlan:
    if not later:
        return chosen
    carried = tuple(event.id for event in later)
    return replace(chosen, carry=(head.id, later[-1].id), carried=carried)


def _due(events: Sequence[OpenEvent]) -> tuple[int, ...]:
    return tuple(event.id for event in events if event.due and event.status is EventStatus.PENDING)
