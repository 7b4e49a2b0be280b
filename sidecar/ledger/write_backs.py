"""What is to be carried into Magento, and what was."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from msgspec import structs

from sidecar.database.connection import insert_rows
from sidecar.ledger import fit
from sidecar.ledger.claims import Claimed
from sidecar.ledger.tables import NOW, Tables, in_seconds
from sidecar.model.write_back import (
    Action,
    Applied,
    Detail,
    NewWriteBack,
    WriteBack,
    WriteBackState,
    detail_or_none,
    encoded_detail,
)

_UNWRITTEN = (WriteBackState.PENDING, WriteBackState.PARKED)


class WriteBacks:
    """Table `write_back`: what is to be carried into Magento survives a crash here."""

    def __init__(self, tables: Tables) -> None:
        self._table = tables.write_back
        self._names = tables.names

    def add(
        self, connection: sa.Connection, answers: Sequence[tuple[Claimed, NewWriteBack]]
    ) -> None:
        """Queue the ERP's answers to events.

        One on the placement itself replaces whatever was not written yet; one on a change (a
        refused cancel) goes after it.
        """
        placements: dict[str, list[int]] = defaultdict(list)
        for claimed, answer in answers:
            if answer.of_placement:
                placements[claimed.kind].append(claimed.entity_id)
        for kind, ids in placements.items():
            self._replace(connection, kind, ids)
        self._insert(
            connection,
            [
                _row(
                    claimed.kind, claimed.entity_id, claimed.id, None, answer.action, answer.detail
                )
                for claimed, answer in answers
            ],
        )

    def add_told(
        self, connection: sa.Connection, kind: str, entity_id: int, incoming: int, detail: Detail
    ) -> bool:
        """Queue what the ERP says of an entity's document by itself; False: that was done before.

        It goes after the answers to events, and after older ones that were not written yet and
        say what this one does not (a comment, a hold); one that it says more than, it replaces.
        `incoming`: the news that says so.
        """
        c = self._table.c
        same = sa.select(c.id).where(
            c.kind == kind, c.entity_id == entity_id, c.incoming == incoming
        )
        if connection.execute(same.limit(1)).first() is not None:
            return False
        older = connection.execute(
            sa.select(c.id, c.detail, c.state, c.applied)
            .where(c.kind == kind, c.entity_id == entity_id)
            .where(c.action == Action.STATUS, c.state.in_(_UNWRITTEN))
            .with_for_update()
        ).all()
        replaced = [row.id for row in older if _says_nothing_more(row, detail)]
        if replaced:
            self._replace(connection, kind, [entity_id], c.id.in_(replaced))
        self._insert(connection, [_row(kind, entity_id, None, incoming, Action.STATUS, detail)])
        return True

    def _replace(
        self,
        connection: sa.Connection,
        kind: str,
        ids: Sequence[int],
        *chosen: sa.ColumnElement[bool],
    ) -> None:
        """A newer one comes in the place of what was not written, parked ones too.

        Written later, it would take Magento's entity back to what the ERP said before.
        """
        c = self._table.c
        connection.execute(
            sa.update(self._table)
            .where(c.kind == kind, c.entity_id.in_(ids), c.state.in_(_UNWRITTEN), *chosen)
            .values(
                state=WriteBackState.REFUSED,
                due_at=None,
                message="a newer answer of the ERP replaced it",
            )
        )

    def _insert(self, connection: sa.Connection, rows: Sequence[tuple[object, ...]]) -> None:
        insert_rows(
            connection,
            f"{self._names('write_back')} (kind, entity_id, event, incoming, action, detail, "
            "changes, state, due_at, waiting_since, created_at)",
            f"({'%s, ' * 7}'{WriteBackState.PENDING}', "
            "UTC_TIMESTAMP(3), UTC_TIMESTAMP(3), UTC_TIMESTAMP(3))",
            rows,
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
                c.id, c.kind, c.entity_id, c.action, c.detail, c.event, c.incoming,
                c.tries, c.applied,
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

    def undone(
        self, connection: sa.Connection, kind: str, entity_id: int, most: int, *, held_by_us: bool
    ) -> str:
        """Magento's own save undid the last write: queue it again, at most `most` times.

        `held_by_us`: the entity was on a hold of ours, which went with it: that is repeated too.
        Gives "again", "too often", or "nothing" when there is none to repeat.
        """
        undone = [
            row
            for row in self._last(connection, kind, entity_id, held_by_us=held_by_us)
            if row.state == WriteBackState.APPLIED
        ]
        if not undone:
            return "nothing"
        times = max(row.applied for row in undone)
        again = times < most
        connection.execute(
            sa.update(self._table)
            .where(self._table.c.id.in_([row.id for row in undone]))
            .values(
                state=WriteBackState.PENDING if again else WriteBackState.REFUSED,
                due_at=NOW if again else None,
                waiting_since=NOW if again else None,
                message=f"Magento's own save undid it {times} time(s)",
            )
        )
        return "again" if again else "too often"

    def _last(
        self, connection: sa.Connection, kind: str, entity_id: int, *, held_by_us: bool
    ) -> list[Any]:
        """The newest that changes the entity and, beneath it, the newest that put it on hold.

        Whatever became of them: an older one (a refusal, say, of what the ERP has accepted since)
        must never come back in their place.  But a status that never stood there took no place.
        """
        c = self._table.c
        never_stood = sa.and_(
            c.action == Action.STATUS, c.state == WriteBackState.REFUSED, c.applied == 0
        )
        rows = connection.execute(
            sa.select(c.id, c.applied, c.state, c.detail)
            .where(c.kind == kind, c.entity_id == entity_id, c.changes == 1, ~never_stood)
            .order_by(c.id.desc())
        ).all()
        hold = next((row for row in rows if held_by_us and _holds(row.detail)), None)
        return [*rows[:1], *([hold] if hold and hold.id != rows[0].id else [])]


def _row(
    kind: str,
    entity_id: int,
    event: int | None,
    incoming: int | None,
    action: Action,
    detail: Detail,
) -> tuple[object, ...]:
    fitting = structs.replace(detail, comment=fit.text("write_back", "detail", detail.comment))
    changes = int(detail.changes_entity(action))
    return kind, entity_id, event, incoming, action, encoded_detail(fitting), changes


def _says_nothing_more(older: Any, newer: Detail) -> bool:
    """Whether nothing is lost with an older status that was not written, now that a newer is told.

    A comment and a hold are done once each, in their turn: an ERP that cancels and posts within a
    second has done both.  One that is parked would come out of its turn when a person lets it go.
    """
    detail = detail_or_none(older.detail)
    if detail is None or older.state == WriteBackState.PARKED:
        return True
    says = (detail.comment is not None and not older.applied) or detail.hold
    return not says and (detail.status is None or newer.status is not None)


def _holds(detail_json: str) -> bool:
    detail = detail_or_none(detail_json)
    return detail is not None and detail.hold


def _write_back(row: Any) -> WriteBack:
    return WriteBack(
        id=row.id,
        kind=row.kind,
        entity_id=row.entity_id,
        action=Action(row.action),
        detail_json=row.detail,
        event=row.event,
        incoming=row.incoming,
        tries=row.tries,
        applied=row.applied,
    )
