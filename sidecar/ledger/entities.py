"""What the ledger remembers of each Magento entity."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from sidecar.database.connection import insert_rows
from sidecar.ledger.tables import Tables
from sidecar.model.entity import FORGOTTEN, EntityRow, KnownEntity, WrittenBack


class Entities:
    """The ledger's memory.  Every writer locks the row first: intake, claim, settle, write-back.

    That lock serialises them per entity, so that none decides on what another is changing.
    """

    def __init__(self, tables: Tables) -> None:
        self._table = tables.entity
        self._names = tables.names

    def read(
        self, connection: sa.Connection, kind: str, ids: Sequence[int], *, locked: bool = False
    ) -> dict[int, KnownEntity]:
        """By entity id; ids that are not known are missing.  `locked`: as `lock` does."""
        if not ids:
            return {}
        where = _OF_ENTITIES + (" FOR UPDATE" if locked else "")
        found = self._select(connection, where, (kind, sorted(set(ids))))
        return {known.entity_id: known for known in found}

    def highest(self, connection: sa.Connection, kind: str) -> int:
        """The highest id that was ever seen; 0 where none was."""
        found = connection.exec_driver_sql(
            f"SELECT MAX(entity_id) FROM {self._names('entity')} WHERE kind = %s", (kind,)
        ).scalar_one()
        return int(found or 0)

    def by_number(self, connection: sa.Connection, kind: str, number: str) -> list[KnownEntity]:
        """All entities of a kind that carry a number (several stores may use the same).

        Another kind's are others: Magento numbers invoices and credit memos each from 000000001.
        """
        return self._select(connection, "WHERE kind = %s AND number = %s", (kind, number))

    def children(
        self, connection: sa.Connection, kind: str, ids: Sequence[int]
    ) -> dict[str, list[int]]:
        """Kind → entities whose parent is one of these."""
        if not ids:
            return {}
        rows = connection.exec_driver_sql(
            f"SELECT kind, entity_id FROM {self._names('entity')} FORCE INDEX (parent) "
            "WHERE parent_kind = %s AND parent_id IN %s ORDER BY kind, entity_id",
            (kind, sorted(set(ids))),
        )
        found: dict[str, list[int]] = defaultdict(list)
        for child_kind, entity_id in rows:
            found[child_kind].append(entity_id)
        return found

    def unseeded(
        self, connection: sa.Connection, kind: str, after: int, finished: Sequence[str], most: int
    ) -> list[int]:
        """Ids above `after` that are known by the baseline only and still change, lowest first.

        `finished`: the states in which nothing changes any more.
        """
        rows = connection.exec_driver_sql(
            f"SELECT entity_id FROM {self._names('entity')} WHERE kind = %s AND entity_id > %s "
            "AND fingerprint IS NULL AND state NOT IN %s ORDER BY entity_id LIMIT %s",
            (kind, after, tuple(finished) or ("",), most),
        )
        return [int(row[0]) for row in rows]

    def namesakes(
        self, connection: sa.Connection, kind: str, numbers: Sequence[str]
    ) -> list[tuple[int, str, int | None]]:
        """(entity id, number, store id) of all that carry one of these numbers."""
        if not numbers:
            return []
        rows = connection.exec_driver_sql(
            f"SELECT entity_id, number, store_id FROM {self._names('entity')} "
            "WHERE kind = %s AND number IN %s ORDER BY entity_id",
            (kind, sorted(set(numbers))),
        )
        return [(row[0], row[1], row[2]) for row in rows]

    def lock(self, connection: sa.Connection, kind: str, ids: Sequence[int]) -> dict[int, int]:
        """Lock the rows, in the order of their keys; gives each one's revision."""
        if not ids:
            return {}
        rows = connection.exec_driver_sql(
            f"SELECT entity_id, revision FROM {self._names('entity')} {_OF_ENTITIES} FOR UPDATE",
            (kind, sorted(set(ids))),
        )
        return {row[0]: row[1] for row in rows}

    def held_by_us(
        self, connection: sa.Connection, kind: str, ids: Sequence[int], released: str | None
    ) -> set[int]:
        """Those that are on hold because the ERP refused something of them.

        And those that a person released from that hold: they still carry the status `released`.
        """
        rows = connection.exec_driver_sql(
            f"SELECT entity_id FROM {self._names('entity')} "
            "WHERE kind = %s AND entity_id IN %s AND (held_by_us = 1 OR status = %s)",
            (kind, sorted(set(ids)), released or ""),
        )
        return {row[0] for row in rows}

    def save(self, connection: sa.Connection, rows: Sequence[EntityRow]) -> None:
        """Write what a look found; the revision grows."""
        insert_rows(
            connection,
            f"{self._names('entity')} ({', '.join(_SAVED)}, vanished_at)",
            f"({', '.join(['%s'] * len(_SAVED))}, IF(%s, UTC_TIMESTAMP(3), NULL))",
            [_parameters(row) for row in rows],
            f"ON DUPLICATE KEY UPDATE {_REPLACED}, vanished_at = VALUES(vanished_at), "
            "revision = revision + 1",
        )

    def written_back(self, connection: sa.Connection, rows: Sequence[WrittenBack]) -> None:
        """Remember our own writes, so that the next look does not take them for Magento's.

        The rows exist and are locked by the caller; INSERT is only the form in which many rows go
        into one statement.
        """
        insert_rows(
            connection,
            f"{self._names('entity')} (kind, entity_id, number, state, status, "
            "our_number, held_by_us, overwritten)",
            "(%s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (
                    row.kind,
                    row.entity_id,
                    row.number,
                    row.state,
                    row.status,
                    row.our_number,
                    int(row.held_by_us),
                    row.overwritten,
                )
                for row in rows
            ],
            "ON DUPLICATE KEY UPDATE state = VALUES(state), status = VALUES(status), "
            "our_number = VALUES(our_number), held_by_us = VALUES(held_by_us), "
            "overwritten = VALUES(overwritten), revision = revision + 1",
        )

    def forget_write_back(self, connection: sa.Connection, kind: str, entity_id: int) -> None:
        """Nothing of ours stands on it: Magento has another one in its place."""
        connection.execute(
            sa.update(self._table)
            .where(self._table.c.kind == kind, self._table.c.entity_id == entity_id)
            .values(our_number=None, held_by_us=0, overwritten=None)
        )

    def forget_look(self, connection: sa.Connection, known: Sequence[KnownEntity]) -> None:
        """Let the next look find every content changed: what was parked is read anew."""
        for entity in known:
            connection.execute(
                sa.update(self._table)
                .where(
                    self._table.c.kind == entity.kind, self._table.c.entity_id == entity.entity_id
                )
                .values(fingerprint=FORGOTTEN, revision=self._table.c.revision + 1)
            )

    def send_as_is(self, connection: sa.Connection, kind: str, ids: Sequence[int]) -> None:
        """Let the entities go whatever their amounts are, now and after each later change."""
        connection.execute(
            sa.update(self._table)
            .where(self._table.c.kind == kind, self._table.c.entity_id.in_(sorted(set(ids))))
            .values(as_is=1, revision=self._table.c.revision + 1)
        )

    def _select(
        self, connection: sa.Connection, where: str, parameters: tuple[object, ...]
    ) -> list[KnownEntity]:
        rows = connection.exec_driver_sql(
            "SELECT kind, entity_id, number, store_id, state, status, our_number, "
            "held_by_us, overwritten, amount, currency, fingerprint, facts, sequence, "
            "revision, made_at, vanished_at, looked_at, as_is, parent_kind, parent_id "
            f"FROM {self._names('entity')} {where}",
            parameters,
        )
        return [_known(row) for row in rows]


_OF_ENTITIES = "WHERE kind = %s AND entity_id IN %s ORDER BY entity_id"


def _known(row: Any) -> KnownEntity:
    return KnownEntity(
        kind=row.kind,
        entity_id=row.entity_id,
        number=row.number,
        store_id=row.store_id,
        state=row.state,
        status=row.status,
        our_number=row.our_number,
        held_by_us=bool(row.held_by_us),
        overwritten=row.overwritten,
        amount=row.amount,
        currency=row.currency,
        fingerprint=row.fingerprint,
        facts=row.facts,
        sequence=row.sequence,
        revision=row.revision,
        vanished=row.vanished_at is not None,
        made_at=row.made_at,
        looked_at=row.looked_at,
        as_is=bool(row.as_is),
        parent=(row.parent_kind, row.parent_id) if row.parent_kind else None,
    )


_SAVED = (
    "kind", "entity_id", "number", "store_id", "state", "status", "held_by_us",
    "amount", "currency", "fingerprint", "mark", "facts", "sequence", "made_at",
    "updated_at", "looked_at", "parent_kind", "parent_id",
)  # fmt: skip


#: What a look renews of a row that is there.  VALUES(), here and elsewhere: MySQL deprecates it, a
#: warning that nobody is shown; MariaDB does not know the alias that MySQL has in its place.
_REPLACED = ", ".join(
    f"{name} = VALUES({name})" for name in _SAVED if name not in ("kind", "entity_id", "store_id")
)
#: Magento forgets the store of its orders when the store is deleted; an order's name may begin with
#: it (`domains.orders.ref`).
_REPLACED += ", store_id = COALESCE(VALUES(store_id), store_id)"


def _parameters(row: EntityRow) -> tuple[Any, ...]:
    parent_kind, parent_id = row.parent or (None, None)
    values = {name: getattr(row, name, None) for name in _SAVED}
    values |= {"parent_kind": parent_kind, "parent_id": parent_id}
    values["held_by_us"] = int(row.held_by_us)
    values["updated_at"] = row.updated_at.replace(tzinfo=None) if row.updated_at else None
    return (*values.values(), int(row.vanished))
