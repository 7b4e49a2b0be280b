"""What follows from an attempt: the attempt's record, the link, differences, the write-back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sidecar.domain.outcome import Booked
from sidecar.domain.settlement import Difference, Verdict
from sidecar.ledger.claims import Claimed
from sidecar.ledger.tables import NOW, Tables, cut, in_seconds
from sidecar.ports import Exchange, Link


@dataclass(frozen=True, slots=True)
class Attempt:
    """One line of an event's history."""

    operation: str
    outcome: str
    message: str
    reference: str | None = None
    code: str | None = None
    exchange: Exchange | None = None


@dataclass(frozen=True, slots=True)
class WriteBack:
    """One thing to carry into Magento, as the ledger holds it."""

    id: int
    kind: str
    entity_id: int
    event: int
    verdict: str
    status: str | None
    ext_order_id: str | None
    comment: str | None
    hold: bool
    tries: int
    applied: int


class Journal:
    """Tables `attempt`, `link` and `difference`."""

    def __init__(self, tables: Tables) -> None:
        self._attempt = tables.attempt
        self._link = tables.link
        self._difference = tables.difference
        self._names = tables.names

    def record(
        self, connection: sa.Connection, claimed: Claimed, owner: str, attempt: Attempt
    ) -> None:
        """Append one attempt."""
        exchange = attempt.exchange
        connection.execute(
            sa.insert(self._attempt).values(
                event=claimed.id,
                number=claimed.attempts,
                operation=attempt.operation,
                fence=claimed.fence,
                owner=owner,
                outcome=attempt.outcome,
                reference=cut(attempt.reference, 100),
                code=cut(attempt.code, 64),
                message=attempt.message[:2000],
                request=exchange.request[:255] if exchange else None,
                http_status=exchange.status if exchange else None,
                milliseconds=round(exchange.seconds * 1000) if exchange else None,
                answer=exchange.answer[:2000] if exchange else None,
                at=NOW,
            )
        )

    def links(self, connection: sa.Connection, kind: str, ids: Iterable[int]) -> dict[int, Link]:
        """What the ERP called these entities."""
        c = self._link.c
        statement = sa.select(c.entity_id, c.reference, c.status).where(
            c.kind == kind, c.entity_id.in_(sorted(set(ids)))
        )
        return {
            row.entity_id: Link(row.reference, row.status) for row in connection.execute(statement)
        }

    def link(self, connection: sa.Connection, claimed: Claimed, booked: Booked) -> None:
        """Remember the ERP's document of an entity; a newer answer replaces the figures."""
        connection.exec_driver_sql(
            f"INSERT INTO {self._names('link')} (kind, entity_id, reference, status, total, tax, "
            "line_count, currency, event, booked_at, updated_at) VALUES (%s, %s, %s, %s, %s, %s, "
            "%s, %s, %s, UTC_TIMESTAMP(3), UTC_TIMESTAMP(3)) ON DUPLICATE KEY UPDATE "
            "reference = VALUES(reference), status = COALESCE(VALUES(status), status), "
            "total = COALESCE(VALUES(total), total), tax = COALESCE(VALUES(tax), tax), "
            "line_count = COALESCE(VALUES(line_count), line_count), event = VALUES(event), "
            "updated_at = VALUES(updated_at)",
            (
                claimed.kind,
                claimed.entity_id,
                cut(booked.reference, 100),
                cut(booked.status, 64),
                booked.total,
                booked.tax,
                booked.lines,
                claimed.currency,
                claimed.id,
            ),
        )

    def differ(
        self, connection: sa.Connection, claimed: Claimed, differences: Sequence[Difference]
    ) -> None:
        """Keep what the ERP's answer and our figures do not agree on."""
        for difference in differences:
            connection.execute(
                sa.insert(self._difference).values(
                    {
                        "domain": claimed.domain,
                        "kind": claimed.kind,
                        "entity_id": claimed.entity_id,
                        "increment_id": claimed.increment_id,
                        "class": difference.kind,
                        "ours": difference.ours[:100],
                        "theirs": difference.theirs[:100],
                        "amount": difference.amount,
                        "currency": claimed.currency,
                        "event": claimed.id,
                        "found_at": NOW,
                    }
                )
            )


class WriteBacks:
    """Table `write_back`: what is to be carried into Magento survives a crash here."""

    def __init__(self, tables: Tables) -> None:
        self._table = tables.write_back

    def add(self, connection: sa.Connection, claimed: Claimed, verdict: Verdict) -> None:
        """Queue a verdict.

        One on the placement itself replaces an older one that was not applied yet; one on a change
        (a refused cancel) brings no number along, so it goes after it.
        """
        c = self._table.c
        if verdict.ext_order_id:
            connection.execute(
                sa.update(self._table)
                .where(
                    c.kind == claimed.kind,
                    c.entity_id == claimed.entity_id,
                    c.due_at.is_not(None),
                )
                .values(
                    state="refused", due_at=None, message="a newer answer of the ERP replaced it"
                )
            )
        connection.execute(
            sa.insert(self._table).values(
                kind=claimed.kind,
                entity_id=claimed.entity_id,
                event=claimed.id,
                verdict=verdict.verdict,
                status=verdict.status,
                ext_order_id=verdict.ext_order_id,
                comment=cut(verdict.comment, 2000),
                hold=int(verdict.hold),
                state="pending",
                due_at=NOW,
                created_at=NOW,
            )
        )

    def due(self, connection: sa.Connection, limit: int) -> list[WriteBack]:
        """What wants to be applied now, oldest first; of one entity only the oldest that waits."""
        c = self._table.c
        older = self._table.alias("older")
        before = sa.exists().where(
            older.c.kind == c.kind,
            older.c.entity_id == c.entity_id,
            older.c.due_at.is_not(None),
            older.c.id < c.id,
        )
        statement = (
            sa.select(
                c.id, c.kind, c.entity_id, c.event, c.verdict, c.status, c.ext_order_id,
                c.comment, c.hold, c.tries, c.applied,
            )
            .where(c.due_at <= NOW, ~before)
            .order_by(c.due_at, c.id)
            .limit(limit)
        )  # fmt: skip
        return [_write_back(row) for row in connection.execute(statement)]

    def applied(self, connection: sa.Connection, write_back: WriteBack, message: str) -> bool:
        """Note that it stands in Magento; False when somebody else noted it meanwhile."""
        c = self._table.c
        result = connection.execute(
            sa.update(self._table)
            .where(c.id == write_back.id, c.due_at.is_not(None), c.applied == write_back.applied)
            .values(
                state="applied",
                due_at=None,
                tries=c.tries + 1,
                applied=c.applied + 1,
                applied_at=NOW,
                message=message or None,
            )
        )
        return int(result.rowcount) == 1

    def refused(self, connection: sa.Connection, write_back: WriteBack, message: str) -> None:
        """Note that it cannot be applied, and why."""
        connection.execute(
            sa.update(self._table)
            .where(self._table.c.id == write_back.id)
            .values(
                state="refused", due_at=None, tries=self._table.c.tries + 1, message=message[:2000]
            )
        )

    def later(
        self, connection: sa.Connection, write_back: WriteBack, seconds: float, message: str
    ) -> None:
        """Try again after a while."""
        connection.execute(
            sa.update(self._table)
            .where(self._table.c.id == write_back.id, self._table.c.due_at.is_not(None))
            .values(
                due_at=in_seconds(seconds),
                tries=self._table.c.tries + 1,
                message=message[:2000],
            )
        )

    def undone(self, connection: sa.Connection, kind: str, entity_id: int, most: int) -> str:
        """Magento's own save undid the last write: queue it again, at most `most` times.

        Gives "again", "too often", or "nothing" when there is none to repeat.
        """
        c = self._table.c
        # The newest that changes the order, whatever became of it: an older one (a refusal, say,
        # of what the ERP has accepted since) must never come back in its place.
        last = connection.execute(
            sa.select(c.id, c.applied, c.state)
            .where(
                c.kind == kind,
                c.entity_id == entity_id,
                sa.or_(c.ext_order_id.is_not(None), c.hold == 1),
            )
            .order_by(c.id.desc())
            .limit(1)
        ).first()
        if last is None or last.state != "applied":
            return "nothing"
        again = last.applied < most
        connection.execute(
            sa.update(self._table)
            .where(c.id == last.id)
            .values(
                state="pending" if again else "refused",
                due_at=NOW if again else None,
                message=f"Magento's own save undid it {last.applied} time(s)",
            )
        )
        return "again" if again else "too often"

    def next_due_in(self, connection: sa.Connection) -> float | None:
        """Seconds until the next is due, None when none is waiting."""
        micro = sa.func.timestampdiff(
            sa.literal_column("MICROSECOND"), NOW, sa.func.min(self._table.c.due_at)
        )
        seconds = connection.execute(
            sa.select(micro / 1_000_000).where(self._table.c.due_at.is_not(None))
        ).scalar_one()
        return None if seconds is None else max(0.0, float(seconds))


def _write_back(row: Any) -> WriteBack:
    return WriteBack(
        id=row.id,
        kind=row.kind,
        entity_id=row.entity_id,
        event=row.event,
        verdict=row.verdict,
        status=row.status,
        ext_order_id=row.ext_order_id,
        comment=row.comment,
        hold=bool(row.hold),
        tries=row.tries,
        applied=row.applied,
    )
