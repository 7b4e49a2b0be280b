"""Carry what the ERP says onto Magento's orders: state, status, number, comment.

Called in a transaction over a few orders, in which the ledger's memory of them changes too (they
live on one server), so that intake can never see our write without knowing that it is ours.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

import sqlalchemy as sa

from sidecar.domains.orders import memory
from sidecar.domains.orders.compare import Overwritten
from sidecar.domains.orders.spec import SPEC
from sidecar.domains.orders.standing import HOLDED, after_acceptance, after_refusal, released_status
from sidecar.domains.orders.writer import LockedOrder, OrderWriter
from sidecar.model.entity import KnownEntity, WrittenBack
from sidecar.model.in_page import in_page
from sidecar.model.write_back import Action, Applied, NotApplied, WriteBack

#: Magento counts its orders from 1.
_NO_ORDER = LockedOrder(0, "", "", "", None, None, None)


@dataclass(frozen=True, slots=True)
class Rules:
    """What the configuration says of writing: where the ERP's number goes, what *Unhold* gives.

    `numbers`: into the order's own column, where that is free; else the comment alone has them.
    """

    numbers: bool = True
    released: str | None = None


@dataclass(frozen=True, slots=True)
class _Written:
    """One write-back that goes through, with how the order stood before and stands after."""

    write_back: WriteBack
    before: LockedOrder
    after: LockedOrder
    known: KnownEntity
    notes: tuple[str, ...]

    @property
    def applied(self) -> Applied:
        """What the ledger is told of it."""
        note = "; ".join(self.notes)
        return Applied(self.write_back, self.status, self.number, note, _memory(self))

    @property
    def number(self) -> str | None:
        """The ERP's number where it stands in the order's own column."""
        number = self.write_back.detail.reference or self.known.our_number
        return number if number and number == self.after.ext_order_id else None

    @property
    def status(self) -> str | None:
        """Our status where the order carries it, or *Unhold* will give it."""
        wanted = self.write_back.detail.status
        return wanted if wanted in (self.after.status, self.after.hold_before_status) else None

    @property
    def comment(self) -> str | None:
        """The comment; a number that stands nowhere else goes in whole."""
        detail = self.write_back.detail
        comment, number = detail.comment, detail.reference
        if number is None or self.number is not None or in_page(number) in (comment or ""):
            return comment
        return f"{comment or ''} ({in_page(number)})".strip()


class OrderAcknowledger:
    """See `sidecar.magento.acknowledger`."""

    spec = SPEC

    def __init__(self, writer: OrderWriter, rules: Rules = Rules()) -> None:
        self._writer = writer
        self._rules = rules

    def rehearse(self, connection: sa.Connection) -> None:
        """The same statements as a write-back's, at an order that is none."""
        self._writer.lock(connection, [_NO_ORDER.entity_id])
        self._writer.write(connection, [_NO_ORDER])

    def write(
        self,
        connection: sa.Connection,
        due: Sequence[WriteBack],
        known: Mapping[int, KnownEntity],
    ) -> tuple[list[Applied], list[NotApplied]]:
        """See `Acknowledger`."""
        ids = sorted({write_back.entity_id for write_back in due})
        standings = self._writer.lock(connection, ids)
        missing = [entity_id for entity_id in ids if entity_id not in standings]
        busy = self._writer.existing(connection, missing)
        statuses = {write_back.detail.status for write_back in due} | {self._rules.released}
        assigned = self._writer.assigned(connection, {status for status in statuses if status})
        written: list[_Written] = []
        refused: list[NotApplied] = []
        for write_back in due:
            before = standings.get(write_back.entity_id)
            entity = known.get(write_back.entity_id)
            if before is not None and entity is not None:
                after, notes = self._target(write_back, before, entity, assigned)
                written.append(_Written(write_back, before, after, entity, notes))
            elif write_back.entity_id in busy:
                refused.append(NotApplied(write_back, "the order is being saved", again=True))
            else:
                gone = "the order is gone from Magento"
                refused.append(NotApplied(write_back, gone, again=False))
        self._carry_out(connection, written)
        return [order.applied for order in written], refused

    def _carry_out(self, connection: sa.Connection, written: Sequence[_Written]) -> None:
        if not written:
            return
        self._writer.write(connection, [order.after for order in written])
        self._writer.comment(
            connection,
            [
                (order.after.entity_id, order.after.status, order.comment)
                for order in written
                if order.comment and order.write_back.is_first
            ],
        )

    def _target(
        self,
        write_back: WriteBack,
        before: LockedOrder,
        known: KnownEntity,
        assigned: Container[tuple[str, str]],
    ) -> tuple[LockedOrder, tuple[str, ...]]:
        """Where the order goes, and a note on each thing that was meant and cannot be."""
        detail = write_back.detail
        # An answer to a change brings no number: where a stale save took ours away, it returns.
        number, why_not = self._number(detail.reference or known.our_number, before, known)
        match write_back.action:
            case Action.ACCEPT:
                after = after_acceptance(before, detail.status, number, held_by_us=known.held_by_us)
            case Action.REJECT:
                earlier = memory.overwritten(known)
                released = released_status(before, self._rules.released, earlier, assigned)
                after = after_refusal(
                    before, detail.status, number, hold=detail.hold, released=released
                )
            case Action.STATUS if detail.hold:
                after = after_refusal(before, detail.status, number, hold=True)
            case Action.STATUS:
                # What was refused is refused still: its hold ends with Unhold, or once it is taken.
                after = after_acceptance(before, detail.status, number, held_by_us=False)
            case _:
                assert_never(write_back.action)
        after, unassigned = _with_assigned_status(detail.status, before, after, assigned)
        notes = (why_not, unassigned or _status_left(detail.status, after))
        return after, tuple(note for note in notes if note)

    def _number(
        self, number: str | None, before: LockedOrder, known: KnownEntity
    ) -> tuple[str | None, str]:
        """The number to write into the order's column, or None and why it stays out of it."""
        if number is None or not self._rules.numbers or number == before.ext_order_id:
            return (number if self._rules.numbers else None), ""
        if before.ext_order_id and before.ext_order_id != known.our_number:
            return None, "ext_order_id holds another system's number and is left alone"
        if not self._writer.number.holds(number):
            return None, (
                f"the ERP's number has {len(number)} characters and does not fit into "
                f"ext_order_id ({self._writer.number.length}, {self._writer.number.charset})"
            )
        return number, ""


def _with_assigned_status(
    status: str | None,
    before: LockedOrder,
    after: LockedOrder,
    assigned: Container[tuple[str, str]],
) -> tuple[LockedOrder, str]:
    """The order without a status that Magento does not know in that state, and a note on it."""
    if status == after.status != before.status and (status, after.state) not in assigned:
        own = before.hold_before_status if before.state == HOLDED else before.status
        fallback = HOLDED if after.state == HOLDED else own or before.status
        return replace(after, status=fallback), _unassigned(status, after.state)
    state = after.hold_before_state
    beneath = before.state == HOLDED and status == after.hold_before_status
    if beneath and status != before.hold_before_status and (status, state) not in assigned:
        # Unhold would bring it out.
        own = before.hold_before_status
        return replace(after, hold_before_status=own), _unassigned(status, state)
    return after, ""


def _unassigned(status: str | None, state: str | None) -> str:
    return f"status {status} is not assigned to state {state}: run 'erp-sidecar install' again"


def _status_left(status: str | None, after: LockedOrder) -> str:
    if status in (None, after.status, after.hold_before_status):
        return ""
    return f"the order is {after.state} and keeps its status"


def _memory(written: _Written) -> WrittenBack:
    return WrittenBack(
        kind=written.write_back.kind,
        entity_id=written.after.entity_id,
        number=written.after.increment_id,
        state=_remembered_state(written.before, written.after, written.known),
        status=written.after.status,
        our_number=written.number,
        held_by_us=_held_by_us(written.before, written.after, written.known),
        overwritten=memory.encoded_overwritten(_overwritten(written)),
    )


def _overwritten(written: _Written) -> Overwritten | None:
    """What a stale save would bring back, where nothing else looks like it."""
    before, after = written.before, written.after
    if _seen(before) == _seen(after):
        # Also where only what *Unhold* gives is another: a save from before the hold is still told.
        return memory.overwritten_or_none(written.known)
    # Unhold gives back state and status from before the hold: where it gives the same, it cannot be
    # told from a stale save, and is taken for what a person did.
    unhold = (after.hold_before_state, after.hold_before_status)
    if after.state == HOLDED and unhold == (before.state, before.status):
        return None
    return Overwritten(
        before.state,
        before.status,
        before.ext_order_id,
        held_by_us=before.state == HOLDED and written.known.held_by_us,
    )


def _seen(order: LockedOrder) -> tuple[str, str, str | None]:
    """What a look at the order compares."""
    return order.state, order.status, order.ext_order_id


def _held_by_us(before: LockedOrder, after: LockedOrder, known: KnownEntity) -> bool:
    if after.state != HOLDED:
        return False
    return known.held_by_us if before.state == HOLDED else True


def _remembered_state(before: LockedOrder, after: LockedOrder, known: KnownEntity) -> str:
    """The state that the ledger may call known.

    A change by Magento that intake has not looked at yet (a cancel, say) must stay news to it.
    """
    seen = before.state == known.state
    ours = after.state != before.state
    return after.state if seen or ours else known.state
