"""What operators do to single events: make them due again, put aside, drop, edit.

The caller holds the lock of the entities.  No act touches an event in flight: only its fence may.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import sqlalchemy as sa

from sidecar.ledger import fit
from sidecar.ledger.journal import Journal
from sidecar.ledger.payloads import Key, Payloads
from sidecar.ledger.tables import NOW, Tables
from sidecar.model.settlement import (
    ANOTHER_DOCUMENT,
    AT_REST,
    CANCELED_DOCUMENT,
    DROPPED,
    NOT_IN_ERP,
    PUT_ASIDE,
    VOUCHED_FOR,
    EventStatus,
)


class Acts:
    """Table `event` under an operator's hand."""

    def __init__(self, tables: Tables, journal: Journal) -> None:
        self._event = tables.event
        self._journal = journal
        self._payloads = Payloads(tables)

    def requeue(
        self,
        connection: sa.Connection,
        ids: Sequence[int],
        *,
        keep_doubt: bool,
        opening: str | None = None,
    ) -> int:
        """Make parked, rejected or unknown events due now, with their attempts counted anew.

        `keep_doubt`: what the ERP may hold is asked for, or goes again as it was, before anything
        newer does; without (an ERP that does not tell) the operator has looked himself.  What
        waited for a look into the ERP is asked about too, and what is found then is believed:
        a canceled document that was opened again, or another one than the last.  `opening`: the
        type of event that opens a document of these.
        """
        if not ids:
            return 0
        self._vouch(connection, ids, keep_doubt=keep_doubt, opening=opening)
        c = self._event.c
        result = connection.execute(
            sa.update(self._event)
            .where(
                c.id.in_(ids),
                c.status.in_(AT_REST),
            )
            .values(
                status=sa.case(
                    (sa.or_(c.maybe_booked == 1, c.vouched == 1), EventStatus.UNKNOWN),
                    else_=EventStatus.PENDING,
                )
                if keep_doubt
                else EventStatus.PENDING,
                maybe_booked=c.maybe_booked if keep_doubt else 0,
                due_at=NOW,
                waiting=None,
                attempts=0,
                questions=0,
                crashes=0,
                first_sent_at=None,
                reason=None,
                remedy=None,
                error_code=None,
                error_print=None,
            )
        )
        return int(result.rowcount)

    def _vouch(
        self,
        connection: sa.Connection,
        ids: Sequence[int],
        *,
        keep_doubt: bool,
        opening: str | None,
    ) -> None:
        c = self._event.c
        looked_into = connection.execute(
            sa.select(c.id, c.kind, c.entity_id, c.error_code)
            .where(c.id.in_(ids), c.status == EventStatus.PARKED)
            .where(c.error_code.in_(VOUCHED_FOR))
        ).all()
        for row in looked_into:
            if row.error_code == CANCELED_DOCUMENT:
                self._journal.revive(connection, row.kind, row.entity_id)
            elif row.error_code == ANOTHER_DOCUMENT and keep_doubt:
                self._journal.forget(connection, row.kind, row.entity_id)
        # One that is no placement becomes one where the ERP could not be asked: he has looked.
        connection.execute(
            sa.update(self._event)
            .where(c.id.in_([row.id for row in looked_into]))
            .values(
                vouched=1,
                type=sa.case((c.error_code == NOT_IN_ERP, opening or c.type), else_=c.type),
            )
        )

    def park(self, connection: sa.Connection, ids: Sequence[int], reason: str) -> int:
        """Put events aside until they are requeued; what may be booked stays so."""
        c = self._event.c
        result = connection.execute(
            sa.update(self._event)
            .where(c.id.in_(ids), c.status.in_(AT_REST), c.status != EventStatus.PARKED)
            .values(
                status=EventStatus.PARKED,
                due_at=None,
                waiting=None,
                reason=fit.text("event", "reason", reason),
                remedy=sa.func.concat("erp-sidecar queue requeue ", c.kind, "/", c.number),
                error_code=PUT_ASIDE,
                error_print=None,
            )
        )
        return int(result.rowcount)

    def drop(self, connection: sa.Connection, ids: Sequence[int], reason: str) -> int:
        """Close events that shall never go."""
        c = self._event.c
        result = connection.execute(
            sa.update(self._event)
            .where(c.id.in_(ids), c.status.in_(AT_REST))
            .values(
                status=EventStatus.SUPERSEDED,
                due_at=None,
                waiting=None,
                reason=fit.text("event", "reason", reason),
                remedy=None,
                error_code=DROPPED,
                error_print=None,
                finished_at=NOW,
            )
        )
        return int(result.rowcount)

    def rewrite(
        self,
        connection: sa.Connection,
        event: Key,
        payload: str,
        amount: Decimal | None,
        currency: str | None,
    ) -> None:
        """Replace the payload of an event, and what the ledger tells of it."""
        c = self._event.c
        kind, entity_id, sequence = event
        connection.execute(
            sa.update(self._event)
            .where(c.kind == kind, c.entity_id == entity_id, c.sequence == sequence)
            .values(amount=amount, currency=currency)
        )
        self._payloads.replace(connection, event, payload)
