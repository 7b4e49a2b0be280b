"""What follows from an attempt: its record, the link, the write-back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sidecar.database import insert_rows
from sidecar.domain.outcome import Booked
from sidecar.domain.settlement import Verdict
from sidecar.ledger import fit
from sidecar.ledger.claims import Claimed
from sidecar.ledger.tables import NOW, Tables, in_seconds
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
    number: str | None
    comment: str | None
    hold: bool
    tries: int
    applied: int


@dataclass(frozen=True, slots=True)
class Applied:
    """A write-back that stands in Magento: what was really written (None: left), and a note."""

    write_back: WriteBack
    status: str | None
    number: str | None
    note: str


class Journal:
    """Tables `attempt` and `link`."""

    def __init__(self, tables: Tables) -> None:
        self._attempt = tables.attempt
        self._link = tables.link
        self._names = tables.names

    def record(
        self,
        connection: sa.Connection,
        owner: str,
        attempts: Sequence[tuple[Claimed, Attempt]],
    ) -> None:
        """Append attempts."""
        insert_rows(
            connection,
            f"{self._names('attempt')} (event, number, operation, fence, owner, outcome, "
            "reference, code, message, request, http_status, milliseconds, answer, at)",
            f"({'%s, ' * 13}UTC_TIMESTAMP(3))",
            [_attempt_row(owner, claimed, attempt) for claimed, attempt in attempts],
        )

    def links(self, connection: sa.Connection, kind: str, ids: Iterable[int]) -> dict[int, Link]:
        """What the ERP called these entities."""
        wanted = sorted(set(ids))
        if not wanted:
            return {}
        rows = connection.exec_driver_sql(
            f"SELECT entity_id, reference, status FROM {self._names('link')} "
            "WHERE kind = %s AND entity_id IN %s",
            (kind, wanted),
        )
        return {row[0]: Link(row[1], row[2]) for row in rows}

    def references(
        self, connection: sa.Connection, references: Sequence[str]
    ) -> dict[tuple[str, str], int]:
        """(kind, reference) → the entity whose document it is."""
        if not references:
            return {}
        rows = connection.exec_driver_sql(
            f"SELECT kind, reference, entity_id FROM {self._names('link')} WHERE reference IN %s",
            (list(references),),
        )
        return {(row[0], row[1]): row[2] for row in rows}

    def link(self, connection: sa.Connection, documents: Sequence[tuple[Claimed, Booked]]) -> None:
        """Remember the ERP's documents; a newer answer replaces the figures it has."""
        insert_rows(
            connection,
            f"{self._names('link')} (kind, entity_id, reference, status, total, tax, line_count, "
            "currency, event, booked_at, updated_at)",
            f"({'%s, ' * 9}UTC_TIMESTAMP(3), UTC_TIMESTAMP(3))",
            [_link_row(claimed, booked) for claimed, booked in documents],
            "ON DUPLICATE KEY UPDATE "
            "reference = VALUES(reference), status = COALESCE(VALUES(status), status), "
            "total = COALESCE(VALUES(total), total), tax = COALESCE(VALUES(tax), tax), "
            "line_count = COALESCE(VALUES(line_count), line_count), event = VALUES(event), "
            "updated_at = VALUES(updated_at)",
        )


class WriteBacks:
    """Table `write_back`: what is to be carried into Magento survives a crash here."""

    def __init__(self, tables: Tables) -> None:
        self._table = tables.write_back
        self._names = tables.names

    def add(self, connection: sa.Connection, verdicts: Sequence[tuple[Claimed, Verdict]]) -> None:
        """Queue verdicts.

        One on the placement itself replaces an older one that was not applied yet; one on a change
        (a refused cancel) goes after it.
        """
        placements: dict[str, list[int]] = defaultdict(list)
        for claimed, verdict in verdicts:
            if verdict.of_placement:
                placements[claimed.kind].append(claimed.entity_id)
        c = self._table.c
        for kind, ids in placements.items():
            connection.execute(
                sa.update(self._table)
                .where(c.kind == kind, c.entity_id.in_(ids), c.due_at.is_not(None))
                .values(
                    state="refused", due_at=None, message="a newer answer of the ERP replaced it"
                )
            )
        insert_rows(
            connection,
            f"{self._names('write_back')} (kind, entity_id, event, verdict, status, number, "
            "comment, hold, state, due_at, waiting_since, created_at)",
            f"({'%s, ' * 8}'pending', UTC_TIMESTAMP(3), UTC_TIMESTAMP(3), UTC_TIMESTAMP(3))",
            [_verdict_row(claimed, verdict) for claimed, verdict in verdicts],
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
                c.id, c.kind, c.entity_id, c.event, c.verdict, c.status, c.number,
                c.comment, c.hold, c.tries, c.applied,
            )
            .where(c.due_at <= NOW, ~before)
            .order_by(c.due_at, c.id)
            .limit(limit)
        )  # fmt: skip
        return [_write_back(row) for row in connection.execute(statement)]

    def applied(self, connection: sa.Connection, applied: Sequence[Applied]) -> bool:
        """Note them as standing in Magento; False when one was no longer due."""
        if not applied:
            return True
        ids = [one.write_back.id for one in applied]
        marks = ", ".join(["%s"] * len(ids))
        case = f"CASE id {'WHEN %s THEN %s ' * len(ids)}END"
        values = [
            value
            for column in ("status", "number", "note")
            for one in applied
            for value in (one.write_back.id, getattr(one, column) or None)
        ]
        result = connection.exec_driver_sql(
            f"UPDATE {self._names('write_back')} SET state = 'applied', due_at = NULL, "
            "tries = tries + 1, applied = applied + 1, applied_at = UTC_TIMESTAMP(3), "
            f"wrote_status = {case}, wrote_number = {case}, message = {case} "
            f"WHERE id IN ({marks}) AND due_at IS NOT NULL",
            (*values, *ids),
        )
        return int(result.rowcount) == len(ids)

    def refused(self, connection: sa.Connection, write_back: WriteBack, message: str) -> None:
        """Note that it cannot be applied, and why."""
        connection.execute(
            sa.update(self._table)
            .where(self._table.c.id == write_back.id)
            .values(
                state="refused",
                due_at=None,
                tries=self._table.c.tries + 1,
                message=fit.text("write_back", "message", message),
            )
        )

    def parked(self, connection: sa.Connection, write_back: WriteBack, message: str) -> None:
        """Note that it cannot be written for a cause that a person has to find, until `again`."""
        connection.execute(
            sa.update(self._table)
            .where(self._table.c.id == write_back.id)
            .values(
                state="parked",
                due_at=None,
                tries=self._table.c.tries + 1,
                message=fit.text("write_back", "message", message),
            )
        )

    def again(self, connection: sa.Connection, kind: str, entity_ids: Sequence[int]) -> int:
        """Let those that were parked be tried anew; gives how many."""
        if not entity_ids:
            return 0
        c = self._table.c
        result = connection.execute(
            sa.update(self._table)
            .where(c.kind == kind, c.entity_id.in_(entity_ids), c.state == "parked")
            .values(state="pending", due_at=NOW, waiting_since=NOW, tries=0)
        )
        return int(result.rowcount)

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
                message=fit.text("write_back", "message", message),
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
                sa.or_(c.number.is_not(None), c.hold == 1),
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
                waiting_since=NOW if again else None,
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
        number=row.number,
        comment=row.comment,
        hold=bool(row.hold),
        tries=row.tries,
        applied=row.applied,
    )


def _attempt_row(owner: str, claimed: Claimed, attempt: Attempt) -> tuple[object, ...]:
    exchange = attempt.exchange
    return (
        claimed.id,
        claimed.attempts,
        attempt.operation,
        claimed.fence,
        owner,
        attempt.outcome,
        fit.text("attempt", "reference", attempt.reference),
        fit.text("attempt", "code", attempt.code),
        fit.text("attempt", "message", attempt.message),
        fit.text("attempt", "request", exchange.request) if exchange else None,
        fit.number("attempt", "http_status", exchange.status) if exchange else None,
        fit.number("attempt", "milliseconds", round(exchange.seconds * 1000)) if exchange else None,
        fit.text("attempt", "answer", exchange.answer) if exchange else None,
    )


def _link_row(claimed: Claimed, booked: Booked) -> tuple[object, ...]:
    return (
        claimed.kind,
        claimed.entity_id,
        booked.reference,
        fit.text("link", "status", booked.status),
        fit.number("link", "total", booked.total),
        fit.number("link", "tax", booked.tax),
        fit.number("link", "line_count", booked.lines),
        claimed.currency,
        claimed.id,
    )


def _verdict_row(claimed: Claimed, verdict: Verdict) -> tuple[object, ...]:
    return (
        claimed.kind,
        claimed.entity_id,
        claimed.id,
        verdict.verdict,
        verdict.status,
        verdict.number,
        fit.text("write_back", "comment", verdict.comment),
        int(verdict.hold),
    )
