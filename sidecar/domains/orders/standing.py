"""Where the ERP's word takes an order: pure rules over Magento's states.

The state never moves backwards, a finished order keeps its status, and a hold is Magento's own
hold, so that *Unhold* in the admin works.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace

from sidecar.domains.orders.compare import Overwritten
from sidecar.domains.orders.writer import LockedOrder

HOLDED = "holded"
#: Magento's own rule for its Hold button (Order::canHold).
_CANNOT_HOLD = frozenset({"canceled", "payment_review", "complete", "closed", HOLDED})
#: States in which an order is still at work, so that a status of ours may stand on it.
_AT_WORK = frozenset({"new", "processing"})


def after_acceptance(
    before: LockedOrder, status: str | None, ext_order_id: str | None, *, held_by_us: bool
) -> LockedOrder:
    """Status and ERP number; a hold that was ours is taken back, one of a person stays."""
    after = replace(before, ext_order_id=ext_order_id or before.ext_order_id)
    if after.state == HOLDED and held_by_us:
        after = replace(
            after,
            state=before.hold_before_state or "new",
            status=before.hold_before_status or before.status,
            hold_before_state=None,
            hold_before_status=None,
        )
    if after.state == HOLDED:
        # Unhold restores what stands in hold_before_status: so our status comes back with it.
        if before.hold_before_state in _AT_WORK and status:
            return replace(after, hold_before_status=status)
        return after
    if after.state in _AT_WORK and status:
        return replace(after, status=status)
    return after


def after_refusal(
    before: LockedOrder,
    status: str | None,
    ext_order_id: str | None,
    *,
    hold: bool,
    released: str | None = None,
) -> LockedOrder:
    """On hold as Magento holds, with our status on top; without hold nothing changes.

    `released`: the status that *Unhold* gives it, instead of the one that it had.
    """
    after = replace(before, ext_order_id=ext_order_id or before.ext_order_id)
    if not hold or before.state in _CANNOT_HOLD:
        return after
    return replace(
        after,
        state=HOLDED,
        status=status or HOLDED,
        hold_before_state=before.state,
        hold_before_status=released or before.status,
    )


def released_status(
    before: LockedOrder,
    marker: str | None,
    earlier: Overwritten | None,
    assigned: Container[tuple[str, str]],
) -> str | None:
    """The status that *Unhold* is to give an order, so that it is no stale save; None: no such.

    Only where our status replaces it anyway when the ERP takes the order.  One that has it already,
    because it was refused and released before, gets the one back that it had in the beginning.
    """
    if marker is None or before.state not in _AT_WORK or (marker, before.state) not in assigned:
        return None
    if before.status != marker:
        return marker
    if earlier and earlier.state == before.state and earlier.status != marker:
        return earlier.status
    return None
