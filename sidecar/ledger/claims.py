"""Claims on events: a lease by the database's clock, with a fence.

Whoever settles must name the fence that his claim was given; a settlement that comes after the
lease was taken over matches no row and is refused.  An expired lease means that a process died
between sending and settling: the event is *unknown* then, never pending.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from sidecar.ledger import fit
from sidecar.ledger.payloads import Payloads
from sidecar.ledger.tables import NOW, Tables, in_seconds
from sidecar.model.settlement import CLAIMABLE, OVER, EventStatus, Settlement, error_print

_SENT = (
    ", attempts = attempts + 1, sent_at = UTC_TIMESTAMP(3), "
    "first_sent_at = COALESCE(first_sent_at, UTC_TIMESTAMP(3))"
)
_DIED = "the process that was sending it, or asking about it, died: the ERP is asked first"
DEADLY = "process after process died while it was sending this event or asking about it"
_DEADLY_REMEDY = (
    "look at its payload (erp-sidecar queue show) and at the journal of the moment; then "
    "'erp-sidecar queue requeue': the ERP is asked before it is sent again"
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An event that is due."""

    id: int
    kind: str
    entity_id: int
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Claimed:
    """An event that is ours until its lease ends.

    `age`: seconds since it was first sent; `since_sent`: since it was last sent (None: never);
    `probing`: it is only asked for; `crashes`: processes that died at it; `questions`: put in a row
    without an answer to use.  `ref`: the external reference under which it goes.  `code` is the
    last attempt's.  `absent`: the ERP was asked and does not hold it; `vouched`: a person looked.
    `former`: keys of documents that were its entity's and are no more.  `not_ours`: why the
    entity is not the sidecar's to place, None where it is.  `posting_date` (UTC): the day on
    which it is to be posted instead of its own.
    """

    id: int
    event_id: str
    domain: str
    kind: str
    entity_id: int
    number: str
    sequence: int
    type: str
    payload: str
    amount: Decimal | None
    currency: str | None
    occurred_at: datetime
    attempts: int
    fence: int
    maybe_booked: bool
    age: float
    since_sent: float | None
    crashes: int = 0
    probing: bool = False
    ref: str = ""
    questions: int = 0
    code: str | None = None
    absent: bool = False
    vouched: bool = False
    former: frozenset[str] = frozenset()
    not_ours: str | None = None
    posting_date: datetime | None = None


class Claims:
    """Table `event` as delivery takes from it and gives back to it."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._event = tables.event
        self._payloads = Payloads(tables)

    def candidates(
        self, connection: sa.Connection, domain: str, limit: int, low: datetime | None = None
    ) -> list[Candidate]:
        """What is due, oldest first.

        `low` is the low-water guard: rows before it are known to be gone, and InnoDB cannot purge
        their index entries while anybody holds an old read view (facts: mysql-outbox 2.4).
        The index is forced: MySQL was seen to choose a full scan with a filesort
        (test_a_claim_reads_its_index_in_order_however_many_events_there_are).
        """
        above = "" if low is None else "AND due_at >= %(low)s "
        rows = connection.exec_driver_sql(
            f"SELECT id, kind, entity_id, due_at FROM {self._tables.names('event')} "
            "FORCE INDEX (claim) WHERE domain = %(domain)s AND due_at <= UTC_TIMESTAMP(3) "
            f"{above}AND crashes = 0 AND status IN %(taken)s ORDER BY due_at, id LIMIT %(limit)s",
            {"domain": domain, "low": low, "limit": limit, "taken": CLAIMABLE},
        )
        return [Candidate(*row) for row in rows]

    def suspects(self, connection: sa.Connection, domain: str) -> list[Candidate]:
        """The oldest due event that a process died of while it was sending it, if any."""
        c = self._event.c
        statement = (
            sa.select(c.id, c.kind, c.entity_id, c.due_at)
            .with_hint(self._event, "FORCE INDEX (suspect)")
            .where(c.crashes > 0, c.due_at <= NOW, c.domain == domain, c.status.in_(CLAIMABLE))
            .order_by(c.due_at)
            .limit(1)
        )
        return [
            Candidate(row.id, row.kind, row.entity_id, row.due_at)
            for row in connection.execute(statement)
        ]

    def take(
        self,
        connection: sa.Connection,
        refs: Mapping[int, str],
        owner: str,
        seconds: float,
        *,
        probing: bool = False,
    ) -> list[Claimed]:
        """Claim events for `seconds`; those that somebody else has meanwhile are left out.

        `refs`: event → external reference under which it goes.  `probing`: only to ask the ERP
        about them, which is no attempt to deliver.
        """
        if not refs:
            return []
        ids = sorted(refs)
        named = [value for event in ids for value in (event, refs[event])]
        taken = CLAIMABLE if probing else (EventStatus.PENDING,)
        connection.exec_driver_sql(
            f"UPDATE {self._tables.names('event')} FORCE INDEX (PRIMARY) "
            f"SET status = '{EventStatus.SENDING}', due_at = NULL, "
            "waiting = NULL, fence = fence + 1, lease_owner = %s, lease_until = UTC_TIMESTAMP(3) "
            f"+ INTERVAL %s MICROSECOND, asking = %s{'' if probing else _SENT}, "
            f"ref = CASE id {'WHEN %s THEN %s ' * len(ids)}END "
            "WHERE id IN %s AND due_at IS NOT NULL AND status IN %s",
            (owner, int(seconds * 1_000_000), int(probing), *named, ids, taken),
        )
        return self._claims(
            connection,
            "WHERE e.id IN %s AND e.status = %s AND e.lease_owner = %s ORDER BY e.id",
            (ids, EventStatus.SENDING, owner),
            hint="FORCE INDEX (PRIMARY)",
            probing=probing,
        )

    def renew(
        self, connection: sa.Connection, ids: Sequence[int], owner: str, seconds: float
    ) -> int:
        """Extend leases that are still ours; gives how many were."""
        c = self._event.c
        result = connection.execute(
            sa.update(self._event)
            .where(c.id.in_(ids), c.lease_owner == owner, c.status == EventStatus.SENDING)
            .where(c.lease_until > NOW)
            .values(lease_until=in_seconds(seconds))
        )
        return int(result.rowcount)

    def settle(
        self, connection: sa.Connection, claimed: Claimed, owner: str, settlement: Settlement
    ) -> bool:
        """Write the end of an attempt; False when the fence says that the claim is not ours."""
        c = self._event.c
        over = settlement.status in OVER
        result = connection.execute(
            sa.update(self._event)
            .where(
                c.id == claimed.id,
                c.fence == claimed.fence,
                c.lease_owner == owner,
                c.status == EventStatus.SENDING,
            )
            .values(
                status=settlement.status,
                type=settlement.becomes or claimed.type,
                absent=int(settlement.absent or (claimed.absent and not settlement.maybe_booked)),
                attempts=claimed.attempts - (not settlement.counted),
                questions=settlement.questions,
                due_at=None if settlement.due_in is None else in_seconds(settlement.due_in),
                lease_owner=None,
                lease_until=None,
                maybe_booked=int(settlement.maybe_booked),
                reason=fit.text("event", "reason", settlement.reason),
                remedy=fit.text("event", "remedy", settlement.remedy),
                error_code=fit.text("event", "error_code", settlement.code),
                error_print=error_print(settlement.code, settlement.reason)
                if settlement.reason and not over
                else None,
                finished_at=NOW if over else None,
            )
        )
        return int(result.rowcount) == 1

    def release(self, connection: sa.Connection, claimed: Sequence[Claimed], owner: str) -> None:
        """Give back claims that were certainly not sent (a stop before the call)."""
        c = self._event.c
        for event in claimed:
            doubtful = event.probing and event.maybe_booked
            status = EventStatus.UNKNOWN if doubtful else EventStatus.PENDING
            connection.execute(
                sa.update(self._event)
                .where(
                    c.id == event.id,
                    c.fence == event.fence,
                    c.lease_owner == owner,
                    c.status == EventStatus.SENDING,
                )
                .values(
                    status=status,
                    due_at=NOW,
                    lease_owner=None,
                    lease_until=None,
                    attempts=event.attempts - (not event.probing),
                )
            )

    def claimers(self, connection: sa.Connection) -> list[str]:
        """Who has claims that have not run out, in all domains."""
        c = self._event.c
        rows = connection.execute(sa.select(c.lease_owner).where(c.lease_until > NOW).distinct())
        return [owner for (owner,) in rows if owner is not None]

    def end(self, connection: sa.Connection, owners: Sequence[str]) -> int:
        """Let the claims of dead processes run out now; `expire` finds them.  Gives how many."""
        if not owners:
            return 0
        c = self._event.c
        result = connection.execute(
            sa.update(self._event)
            .where(c.lease_owner.in_(owners), c.lease_until > NOW)
            .values(lease_until=in_seconds(-0.001))
        )
        return int(result.rowcount)

    def expire(self, connection: sa.Connection, domain: str, most: int) -> list[Claimed]:
        """Leases that ran out: the process died in the middle.  They become unknown, due now.

        One that `most` processes died of is parked: it would take the next one down as well.
        """
        found = connection.exec_driver_sql(
            f"SELECT id FROM {self._tables.names('event')} "
            "WHERE domain = %s AND lease_until < UTC_TIMESTAMP(3) AND status = %s LIMIT 500",
            (domain, EventStatus.SENDING),
        )
        ids = [row[0] for row in found]
        if not ids:
            return []
        expired = self._claims(connection, "WHERE e.id IN %s", (ids,))
        c = self._event.c
        deadly = c.crashes + 1 >= most
        connection.execute(
            sa.update(self._event)
            .where(
                c.id.in_(ids),
                c.lease_until < NOW,
                c.status == EventStatus.SENDING,
            )
            # The server assigns from left to right: `crashes` comes last.
            .ordered_values(
                (
                    c.status,
                    sa.case((deadly, EventStatus.PARKED), else_=EventStatus.UNKNOWN),
                ),
                (c.due_at, sa.case((deadly, None), else_=NOW)),
                # It waited for its turn since it was claimed: when it was sent is not known, only
                # that it was not later.  From here counts when the ERP's "not there" is believed.
                (c.sent_at, sa.case((c.asking == 0, c.lease_until), else_=c.sent_at)),
                (c.lease_owner, None),
                (c.lease_until, None),
                # Who only asked has sent nothing.
                (c.maybe_booked, sa.case((c.asking == 1, c.maybe_booked), else_=1)),
                (c.reason, sa.case((deadly, DEADLY), else_=_DIED)),
                (c.remedy, sa.case((deadly, _DEADLY_REMEDY), else_=None)),
                # Who only asked learnt nothing: what the answer before it said still holds
                # (tests/database/test_claim.py, …_what_the_erp_took_is_still_taken…).
                (
                    c.error_code,
                    sa.case((deadly, "deadly"), (c.asking == 1, c.error_code), else_=None),
                ),
                (c.crashes, c.crashes + 1),
            )
        )
        return expired

    def _claims(
        self,
        connection: sa.Connection,
        where: str,
        parameters: tuple[object, ...],
        *,
        hint: str = "",
        probing: bool = False,
    ) -> list[Claimed]:
        names = self._tables.names
        rows = connection.exec_driver_sql(
            "SELECT e.id, e.event_id, e.domain, e.kind, e.entity_id, e.number, e.sequence, "
            "e.type, COALESCE(p.payload, '') AS payload, e.amount, e.currency, "
            "e.occurred_at, e.posting_date, e.attempts, e.fence, "
            "e.maybe_booked, e.crashes, e.ref, e.questions, e.error_code, e.absent, e.vouched, "
            "TIMESTAMPDIFF(MICROSECOND, e.first_sent_at, UTC_TIMESTAMP(3)) / 1000000 AS age, "
            "TIMESTAMPDIFF(MICROSECOND, e.sent_at, UTC_TIMESTAMP(3)) / 1000000 AS since_sent "
            # One that somebody deleted is an empty one, which cannot be read: its event is parked.
            f"FROM {names('event')} e {hint} LEFT JOIN {names('payload')} p "
            "ON p.kind = e.kind AND p.entity_id = e.entity_id AND p.sequence = e.sequence "
            f"{where}",
            parameters,
        )
        return [_claimed(row, probing=probing) for row in rows]


def _claimed(row: Any, *, probing: bool = False) -> Claimed:
    return Claimed(
        id=row.id,
        event_id=row.event_id,
        domain=row.domain,
        kind=row.kind,
        entity_id=row.entity_id,
        number=row.number,
        sequence=row.sequence,
        type=row.type,
        payload=row.payload,
        amount=row.amount,
        currency=row.currency,
        occurred_at=row.occurred_at,
        posting_date=row.posting_date,
        attempts=row.attempts,
        fence=row.fence,
        maybe_booked=bool(row.maybe_booked),
        age=float(row.age or 0),
        since_sent=None if row.since_sent is None else float(row.since_sent),
        crashes=row.crashes,
        probing=probing,
        ref=row.ref or row.number,
        questions=row.questions,
        code=row.error_code,
        absent=bool(row.absent),
        vouched=bool(row.vouched),
    )
