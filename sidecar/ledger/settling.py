"""Write down the ends of many attempts in one go.

A commit costs two disk syncs, a statement a round trip: settling fifty attempts one by one took
fifteen times as long as together (facts: mysql-outbox 3.2).  The statements are the same whatever
the number of attempts; what is uncommon (refused, in doubt, put off) is written row by row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from sidecar.ledger.claims import Claimed
from sidecar.ledger.differences import Differences
from sidecar.ledger.entities import Entities
from sidecar.ledger.events import Events
from sidecar.ledger.journal import Attempt, Journal
from sidecar.ledger.tables import Tables
from sidecar.ledger.write_backs import WriteBacks
from sidecar.model.outcome import reference_key
from sidecar.model.settlement import (
    DOCUMENT_TAKEN,
    EventStatus,
    Settlement,
)
from sidecar.model.write_back import NewWriteBack
from sidecar.ports import Link

#: Seconds for each time it was sent before.
_ASKED_AGAIN_IN = 60.0


@dataclass(frozen=True, slots=True)
class Ended:
    """One attempt that is over: what was sent (`payload`), what came of it.

    `link`: the entity's document as it was known before; `can_ask`: the ERP tells what it holds.
    """

    claimed: Claimed
    payload: Any
    settlement: Settlement
    attempt: Attempt
    link: Link | None = None
    can_ask: bool = True


def unkept(one: Ended, why: str) -> Ended:
    """The end of an attempt whose own end the ledger cannot keep."""
    name = f"{one.claimed.kind}/{one.claimed.number}"
    settlement = Settlement(
        EventStatus.PARKED,
        reason=f"what the ERP answered cannot be kept: {why}",
        remedy=f"look for {name} in the ERP ('erp-sidecar show {name}' asks it), then "
        f"'erp-sidecar queue requeue {name}': it is not sent again before the ERP was asked",
        code="unkept",
        maybe_booked=True,
    )
    attempt = Attempt(one.attempt.operation, one.attempt.outcome, settlement.reason or "")
    return Ended(one.claimed, one.payload, settlement, attempt)


class Settling:
    """All that follows from a batch of attempts, in the caller's transaction."""

    def __init__(
        self,
        tables: Tables,
        entities: Entities,
        events: Events,
        journal: Journal,
        differences: Differences,
        write_backs: WriteBacks,
    ) -> None:
        self._event = tables.event
        self._names = tables.names
        self._entities = entities
        self._events = events
        self._journal = journal
        self._differences = differences
        self._write_backs = write_backs

    def settle(self, connection: sa.Connection, owner: str, ended: Sequence[Ended]) -> list[Ended]:
        """Settle what is still ours; gives that.  The rest was taken over by somebody else."""
        entities: dict[str, list[int]] = defaultdict(list)
        for one in ended:
            entities[one.claimed.kind].append(one.claimed.entity_id)
        for kind, ids in entities.items():
            self._entities.lock(connection, kind, ids)
        ours = self._refuse_strangers(connection, self._still_ours(connection, owner, ended))
        self._accept(connection, [one for one in ours if _is_plain(one.settlement)])
        for one in ours:
            if not _is_plain(one.settlement):
                self._events.settle(connection, one.claimed, owner, one.settlement)
        self._journal.record(connection, owner, [(one.claimed, one.attempt) for one in ours])
        for one in ours:
            if _is_booked_anew(one):
                self._journal.part(connection, one.claimed.kind, one.claimed.entity_id)
        self._journal.link(
            connection,
            [
                (one.claimed, one.settlement.booked, one.settlement.ends)
                for one in ours
                if one.settlement.booked
            ],
        )
        for kind, ids in _compared_again(ours).items():
            self._differences.end(connection, kind, ids)
        self._differences.add(
            connection,
            [
                (one.claimed, difference)
                for one in ours
                for difference in one.settlement.differences
            ],
        )
        self._write_backs.add(
            connection,
            self._worth_a_word(connection, ours),
        )
        for kind, ids in entities.items():
            self._events.wake(connection, kind, ids)
            self.wake_children(connection, kind, ids)
        return ours

    def wake_children(self, connection: sa.Connection, kind: str, ids: Sequence[int]) -> None:
        """What waits for these documents is looked at again.

        Their rows are locked: a claim that saw no link yet, and is about to put a child to wait,
        ends first, so that no wake-up is lost.
        """
        children_of = self._events.with_pending
        for child_kind, family in self._entities.children(connection, kind, ids).items():
            children = children_of(connection, child_kind, family)
            self._entities.lock(connection, child_kind, children)
            self._events.wake(connection, child_kind, children)

    def _worth_a_word(
        self, connection: sa.Connection, ended: Sequence[Ended]
    ) -> list[tuple[Claimed, NewWriteBack]]:
        """What is to be carried into Magento; of changes that the ERP took, those that release."""
        standing = self._answered_already(connection, ended)
        answers = [
            (one.claimed, one.settlement.write_back)
            for one in ended
            if one.settlement.write_back and one.claimed.id not in standing
        ]
        changed: dict[tuple[str, str | None], list[int]] = defaultdict(list)
        for claimed, answer in answers:
            if answer.releases:
                changed[claimed.kind, answer.released].append(claimed.entity_id)
        held = {
            (kind, entity_id)
            for (kind, released), ids in changed.items()
            for entity_id in self._entities.held_by_us(connection, kind, ids, released)
        }
        return [
            (claimed, answer)
            for claimed, answer in answers
            if not answer.releases or (claimed.kind, claimed.entity_id) in held
        ]

    def _answered_already(self, connection: sa.Connection, ended: Sequence[Ended]) -> set[int]:
        """Events that were sent again, and of which the ERP says what stands in Magento already."""
        again: dict[str, list[Ended]] = defaultdict(list)
        for one in ended:
            if one.settlement.opens and one.link is not None and not _is_booked_anew(one):
                again[one.claimed.kind].append(one)
        return {
            event
            for kind, some in again.items()
            for event in self._write_backs.accepted(
                connection, kind, [one.claimed.entity_id for one in some]
            )
        }

    def _still_ours(
        self, connection: sa.Connection, owner: str, ended: Sequence[Ended]
    ) -> list[Ended]:
        if not ended:
            return []
        rows = connection.exec_driver_sql(
            # Forced: by the index of the status it would lock what others are sending.
            f"SELECT id, fence FROM {self._names('event')} FORCE INDEX (PRIMARY) "
            "WHERE id IN %s AND lease_owner = %s AND status = %s FOR UPDATE",
            ([one.claimed.id for one in ended], owner, EventStatus.SENDING),
        )
        fences = {row[0]: row[1] for row in rows}
        return [one for one in ended if fences.get(one.claimed.id) == one.claimed.fence]

    def _refuse_strangers(self, connection: sa.Connection, ended: list[Ended]) -> list[Ended]:
        """A document that is another entity's, or that two were given, is nobody's.

        ERPs reuse numbers, mix up answers (facts: real-erps.md), and take two entities of one
        number for the same.  The ERP is asked by our own reference what it has; where that is how
        it came by the document, or it cannot be asked, a person is.
        """
        owners = self._journal.owners(
            connection, [_reference(one) for one in ended if _reference(one)]
        )
        for one in ended:
            if _reference(one):
                owners.setdefault(_document(one), set()).add(one.claimed.entity_id)
        return [
            replace(one, settlement=refused(one, owners[_document(one)]))
            if _reference(one) and len(owners[_document(one)] | {one.claimed.entity_id}) > 1
            else one
            for one in ended
        ]

    def _accept(self, connection: sa.Connection, ended: Sequence[Ended]) -> None:
        if ended:
            marks = ", ".join(["%s"] * len(ended))
            connection.exec_driver_sql(
                f"UPDATE {self._names('event')} SET status = %s, due_at = NULL, "
                "lease_owner = NULL, lease_until = NULL, maybe_booked = 0, reason = NULL, "
                "remedy = NULL, error_code = NULL, error_print = NULL, "
                f"finished_at = UTC_TIMESTAMP(3) WHERE id IN ({marks})",
                (EventStatus.ACCEPTED, *(one.claimed.id for one in ended)),
            )


def _compared_again(ended: Sequence[Ended]) -> dict[str, list[int]]:
    """Entities of which an earlier answer may have been compared already.

    What is found now stands in place of what was found then.
    """
    again: dict[str, list[int]] = defaultdict(list)
    for one in ended:
        claimed, booked = one.claimed, one.settlement.booked
        first = one.settlement.opens and not claimed.maybe_booked
        if booked is not None and booked.total is not None and not first:
            again[claimed.kind].append(claimed.entity_id)
    return again


def _reference(one: Ended) -> str:
    booked = one.settlement.booked
    return booked.reference if booked else ""


def _document(one: Ended) -> tuple[str, str]:
    return one.claimed.kind, reference_key(_reference(one))


def _is_booked_anew(one: Ended) -> bool:
    """Whether the document that was the entity's is its own no more."""
    return bool(
        _reference(one)
        and one.link
        and reference_key(one.link.reference) != reference_key(_reference(one))
    )


def refused(one: Ended, owners: set[int]) -> Settlement:
    """The end of an attempt that was answered with the document of other entities (`owners`)."""
    claimed = one.claimed
    others = ", ".join(str(other) for other in sorted(owners - {claimed.entity_id}))
    told = (
        f"the ERP answered {_reference(one)}, which is another {claimed.kind}'s document "
        f"({claimed.kind} with entity_id {others})"
    )
    if one.attempt.operation == "push" and one.can_ask:
        # The question has a back-off of its own from the second time on.
        return Settlement(
            EventStatus.UNKNOWN,
            due_in=_ASKED_AGAIN_IN * max(0, claimed.attempts - 1),
            reason=told,
            maybe_booked=True,
        )
    return Settlement(
        EventStatus.PARKED,
        reason=told,
        remedy=f"look in the ERP whose {_reference(one)} is; where stores share numbers set "
        f"domains.{claimed.domain}.ref and reload; then 'erp-sidecar queue requeue "
        f"{claimed.kind}/{claimed.number}': the ERP is asked before anything is sent",
        code=DOCUMENT_TAKEN,
        maybe_booked=claimed.maybe_booked or one.attempt.operation == "push",
    )


def _is_plain(settlement: Settlement) -> bool:
    """The common end, which says nothing but that it was accepted."""
    return settlement.status is EventStatus.ACCEPTED and not (
        settlement.reason or settlement.maybe_booked
    )
