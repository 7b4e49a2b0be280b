"""Carry the ERP's verdicts into Magento: one short transaction per order.

Magento's order and the ledger's memory of it change in the same transaction (they live on one
server), so that intake can never see our write without knowing that it is ours.
"""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa

from sidecar.acknowledge.standing import HOLDED, after_acceptance, after_refusal
from sidecar.crash_point import passing
from sidecar.database import Database
from sidecar.domain.errors import TryAgain
from sidecar.ledger.entities import KnownEntity
from sidecar.ledger.journal import WriteBack
from sidecar.ledger.store import LedgerStore
from sidecar.magento.order_writer import OrderWriter, Standing
from sidecar.ports import Narrator

_BATCH = 100
_MOST_TRIES = 20
_FIRST_WAIT = 0.2
_LONGEST_WAIT = 60.0


class WriteBackStation:
    """The one room that writes to Magento."""

    def __init__(
        self,
        database: Database,
        ledger: LedgerStore,
        writer: OrderWriter,
        narrator: Narrator,
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._writer = writer
        self._narrator = narrator

    def run_once(self) -> int:
        """Apply what is due; gives how many were tried."""
        with self._database.transaction("reading write-backs") as connection:
            due = self._ledger.write_backs.due(connection, _BATCH)
        for write_back in due:
            self._apply(write_back)
        return len(due)

    def _apply(self, write_back: WriteBack) -> None:
        try:
            with self._database.transaction("writing to the Magento order") as connection:
                number, outcome, message = self._write(connection, write_back)
                passing("write_back.written")
            passing("write_back.committed")
        except TryAgain as error:
            # Somebody holds the order's row, a checkout or an admin: they come first.
            self._later(write_back, error.message)
            return
        self._narrator.tell(
            f"write_back.{outcome}",
            order=number,
            verdict=write_back.verdict,
            reference=write_back.ext_order_id,
            **({"message": message} if message else {}),
        )

    def _write(self, connection: sa.Connection, write_back: WriteBack) -> tuple[str, str, str]:
        ids = [write_back.entity_id]
        self._ledger.entities.lock(connection, write_back.kind, ids)
        known = self._ledger.entities.read(connection, write_back.kind, ids).get(
            write_back.entity_id
        )
        before = self._writer.standing(connection, write_back.entity_id)
        if before is None or known is None:
            self._ledger.write_backs.refused(connection, write_back, "the order is gone")
            return str(write_back.entity_id), "refused", "the order is gone from Magento"
        after, message = self._target(connection, write_back, before, known)
        if not self._writer.compare_and_set(connection, before, after):
            return before.increment_id, *self._put_off(connection, write_back)
        if not self._ledger.write_backs.applied(connection, write_back, message):
            raise TryAgain(f"order {before.increment_id}: another process wrote this answer")
        first_time = write_back.applied == 0
        if write_back.comment and first_time:
            self._writer.comment(connection, write_back.entity_id, after.status, write_back.comment)
        self._ledger.entities.written_back(
            connection,
            write_back.kind,
            write_back.entity_id,
            state=_remembered_state(before, after, known),
            status=after.status,
            ext_order_id=after.ext_order_id,
            held_by_us=_held_by_us(before, after, known),
        )
        return before.increment_id, "applied" if first_time else "applied_again", message

    def _target(
        self,
        connection: sa.Connection,
        write_back: WriteBack,
        before: Standing,
        known: KnownEntity,
    ) -> tuple[Standing, str]:
        # A verdict on a change brings no number: where a stale save took ours away, it returns.
        number = write_back.ext_order_id or known.ext_order_id
        if write_back.verdict == "rejected":
            after = after_refusal(before, write_back.status, number, hold=write_back.hold)
        else:
            after = after_acceptance(before, write_back.status, number, held_by_us=known.held_by_us)
        ours = after.status == write_back.status and after.status != before.status
        if not ours or self._writer.is_assigned(connection, after.status, after.state):
            return after, ""
        own = before.hold_before_status if before.state == HOLDED else before.status
        fallback = HOLDED if after.state == HOLDED else own or before.status
        return replace(after, status=fallback), (
            f"status {after.status} is not assigned to state {after.state}: run "
            "'erp-sidecar install' again"
        )

    def _put_off(self, connection: sa.Connection, write_back: WriteBack) -> tuple[str, str]:
        message = "the order changed in this moment"
        if write_back.tries >= _MOST_TRIES:
            self._ledger.write_backs.refused(connection, write_back, message)
            return "refused", message
        self._ledger.write_backs.later(connection, write_back, _wait(write_back), message)
        return "put_off", message

    def _later(self, write_back: WriteBack, message: str) -> None:
        with self._database.transaction("putting a write-back off") as connection:
            self._ledger.write_backs.later(connection, write_back, _wait(write_back), message)
        self._narrator.tell("write_back.put_off", entity=write_back.entity_id, message=message)


def _held_by_us(before: Standing, after: Standing, known: KnownEntity) -> bool:
    if after.state != HOLDED:
        return False
    return known.held_by_us if before.state == HOLDED else True


def _remembered_state(before: Standing, after: Standing, known: KnownEntity) -> str:
    """The state that the ledger may call known.

    A change by Magento that intake has not looked at yet (a cancel, say) must stay news to it.
    """
    seen = before.state == known.state
    ours = after.state != before.state
    return after.state if seen or ours else known.state


def _wait(write_back: WriteBack) -> float:
    return float(min(_LONGEST_WAIT, _FIRST_WAIT * 2**write_back.tries))
