"""What follows from an attempt: its record, the link, the write-back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sidecar.database.connection import insert_rows
from sidecar.ledger import fit
from sidecar.ledger.claims import Claimed
from sidecar.ledger.tables import NOW, Tables, in_seconds
from sidecar.model.outcome import Booked, reference_key
from sidecar.model.settlement import Verdict
from sidecar.model.write_back import Applied, WriteBack, WriteBackState
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
            "SELECT entity_id, reference, status, ref, ended_at, erp_key "
            f"FROM {self._names('link')} WHERE kind = %s AND entity_id IN %s",
            (kind, wanted),
        )
        return {row[0]: Link(row[1], row[2], row[3], row[4] is not None, row[5]) for row in rows}

    def former(
        self, connection: sa.Connection, kind: str, ids: Iterable[int]
    ) -> dict[int, frozenset[str]]:
        """Keys of the documents that these entities have had and that are no more."""
        wanted = sorted(set(ids))
        if not wanted:
            return {}
        rows = connection.exec_driver_sql(
            f"SELECT entity_id, reference FROM {self._names('former_link')} "
            "WHERE kind = %(kind)s AND entity_id IN %(ids)s "
            f"UNION ALL SELECT entity_id, reference FROM {self._names('link')} "
            "WHERE kind = %(kind)s AND entity_id IN %(ids)s AND ended_at IS NOT NULL",
            {"kind": kind, "ids": wanted},
        )
        found: dict[int, set[str]] = defaultdict(set)
        for entity_id, reference in rows:
            found[entity_id].add(reference_key(reference))
        return {entity_id: frozenset(keys) for entity_id, keys in found.items()}

    def owners(
        self, connection: sa.Connection, references: Sequence[str]
    ) -> dict[tuple[str, str], set[int]]:
        """(kind, key of a reference) → the entities whose document it is or was."""
        if not references:
            return {}
        one = "SELECT kind, reference, entity_id FROM {} WHERE reference IN %(references)s"
        rows = connection.exec_driver_sql(
            f"{one.format(self._names('link'))} UNION ALL {one.format(self._names('former_link'))}",
            {"references": sorted(set(references))},
        )
        found: dict[tuple[str, str], set[int]] = defaultdict(set)
        for kind, reference, entity_id in rows:
            found[kind, reference_key(reference)].add(entity_id)
        return found

    def holders(
        self, connection: sa.Connection, kind: str, refs: Sequence[str]
    ) -> list[tuple[str, int, str]]:
        """(external reference, entity, its document) of all that was booked under one of these."""
        if not refs:
            return []
        one = "SELECT ref, entity_id, reference FROM {} WHERE kind = %(kind)s AND ref IN %(refs)s "
        rows = connection.exec_driver_sql(
            f"{one.format(self._names('link'))} UNION ALL {one.format(self._names('former_link'))}",
            {"kind": kind, "refs": sorted(set(refs))},
        )
        return [(row[0], row[1], row[2]) for row in rows]

    def part(self, connection: sa.Connection, kind: str, entity_id: int) -> None:
        """The entity's document is its own no more: it may be booked under another one."""
        connection.exec_driver_sql(
            f"INSERT IGNORE INTO {self._names('former_link')} "
            "(kind, entity_id, reference, ref, ended_at) "
            "SELECT kind, entity_id, reference, ref, COALESCE(ended_at, UTC_TIMESTAMP(3)) "
            f"FROM {self._names('link')} WHERE kind = %s AND entity_id = %s",
            (kind, entity_id),
        )
        self.forget(connection, kind, entity_id)

    def forget(self, connection: sa.Connection, kind: str, entity_id: int) -> None:
        """Which document is the entity's is open: the ERP is asked."""
        connection.exec_driver_sql(
            f"DELETE FROM {self._names('link')} WHERE kind = %s AND entity_id = %s",
            (kind, entity_id),
        )

    def link(
        self, connection: sa.Connection, documents: Sequence[tuple[Claimed, Booked, bool]]
    ) -> None:
        """Remember the ERP's documents and whether each has ended.

        A newer answer replaces the figures; the external reference stays for life.
        """
        insert_rows(
            connection,
            f"{self._names('link')} (kind, entity_id, reference, erp_key, status, total, tax, "
            "line_count, currency, ref, event, booked_at, updated_at, ended_at)",
            f"({'%s, ' * 11}UTC_TIMESTAMP(3), UTC_TIMESTAMP(3), IF(%s, UTC_TIMESTAMP(3), NULL))",
            [_link_row(*document) for document in documents],
            # First, while `reference` is still the former one: another document has another key.
            "ON DUPLICATE KEY UPDATE erp_key = IF(VALUES(reference) = reference, "
            "COALESCE(VALUES(erp_key), erp_key), VALUES(erp_key)), reference = VALUES(reference), "
            # What a canceled document was before is no word on what it is.
            "status = IF(VALUES(ended_at) IS NULL, COALESCE(VALUES(status), status), "
            "VALUES(status)), ref = COALESCE(ref, VALUES(ref)), ended_at = VALUES(ended_at), "
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
                    state=WriteBackState.REFUSED,
                    due_at=None,
                    message="a newer answer of the ERP replaced it",
                )
            )
        insert_rows(
            connection,
            f"{self._names('write_back')} (kind, entity_id, event, verdict, status, reference, "
            "comment, hold, state, due_at, waiting_since, created_at)",
            f"({'%s, ' * 8}'{WriteBackState.PENDING}', "
            "UTC_TIMESTAMP(3), UTC_TIMESTAMP(3), UTC_TIMESTAMP(3))",
            [_verdict_row(claimed, verdict) for claimed, verdict in verdicts],
        )

    def due(self, connection: sa.Connection, limit: int, kinds: Sequence[str]) -> list[WriteBack]:
        """What wants to be applied now to entities of these kinds, oldest first.

        Of one entity only the oldest that waits.
        """
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
                c.id, c.kind, c.entity_id, c.event, c.verdict, c.status, c.reference,
                c.comment, c.hold, c.tries, c.applied,
            )
            .where(c.due_at <= NOW, c.kind.in_(kinds), ~before)
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
            for column in ("status", "reference", "note")
            for one in applied
            for value in (one.write_back.id, getattr(one, column) or None)
        ]
        result = connection.exec_driver_sql(
            f"UPDATE {self._names('write_back')} "
            f"SET state = '{WriteBackState.APPLIED}', due_at = NULL, "
            "tries = tries + 1, applied = applied + 1, applied_at = UTC_TIMESTAMP(3), "
            f"wrote_status = {case}, wrote_reference = {case}, message = {case} "
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
                state=WriteBackState.REFUSED,
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
                state=WriteBackState.PARKED,
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
            .where(c.kind == kind, c.entity_id.in_(entity_ids), c.state == WriteBackState.PARKED)
            .values(state=WriteBackState.PENDING, due_at=NOW, waiting_since=NOW, tries=0)
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

    def withdraw(self, connection: sa.Connection, kind: str, entity_id: int, why: str) -> None:
        """Nothing that waits for this entity is to be written any more."""
        c = self._table.c
        connection.execute(
            sa.update(self._table)
            .where(c.kind == kind, c.entity_id == entity_id, c.due_at.is_not(None))
            .values(state=WriteBackState.REFUSED, due_at=None, message=why)
        )

    def undone(self, connection: sa.Connection, kind: str, entity_id: int, most: int) -> str:
        """Magento's own save undid the last write: queue it again, at most `most` times.

        Gives "again", "too often", or "nothing" when there is none to repeat.
        """
        c = self._table.c
        # The newest that changes the entity, whatever became of it: an older one (a refusal, say,
        # of what the ERP has accepted since) must never come back in its place.
        last = connection.execute(
            sa.select(c.id, c.applied, c.state)
            .where(
                c.kind == kind,
                c.entity_id == entity_id,
                sa.or_(c.reference.is_not(None), c.hold == 1),
            )
            .order_by(c.id.desc())
            .limit(1)
        ).first()
        if last is None or last.state != WriteBackState.APPLIED:
            return "nothing"
        again = last.applied < most
        connection.execute(
            sa.update(self._table)
            .where(c.id == last.id)
            .values(
                state=WriteBackState.PENDING if again else WriteBackState.REFUSED,
                due_at=NOW if again else None,
                waiting_since=NOW if again else None,
                message=f"Magento's own save undid it {last.applied} time(s)",
            )
        )
        return "again" if again else "too often"


def _write_back(row: Any) -> WriteBack:
    return WriteBack(
        id=row.id,
        kind=row.kind,
        entity_id=row.entity_id,
        event=row.event,
        verdict=row.verdict,
        status=row.status,
        reference=row.reference,
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


def _link_row(claimed: Claimed, booked: Booked, ended: bool) -> tuple[object, ...]:
    return (
        claimed.kind,
        claimed.entity_id,
        booked.reference,
        booked.key,
        fit.text("link", "status", booked.status),
        fit.number("link", "total", booked.total),
        fit.number("link", "tax", booked.tax),
        fit.number("link", "line_count", booked.lines),
        claimed.currency,
        claimed.ref,
        claimed.id,
        int(ended),
    )


def _verdict_row(claimed: Claimed, verdict: Verdict) -> tuple[object, ...]:
    return (
        claimed.kind,
        claimed.entity_id,
        claimed.id,
        verdict.verdict,
        verdict.status,
        verdict.reference,
        fit.text("write_back", "comment", verdict.comment),
        int(verdict.hold),
    )
