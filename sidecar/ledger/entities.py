"""What the ledger remembers of each Magento entity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

from sidecar.database.connection import insert_rows
from sidecar.domains.orders.compare import FINGERPRINT_GENERATION, Facts, Overwritten
from sidecar.ledger.tables import Tables

#: A fingerprint of the present generation that no content has.
ANOTHER = f"{FINGERPRINT_GENERATION}:"
_FACTS = msgspec.json.Encoder(decimal_format="number")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class KnownEntity:
    """One row of `entity`; `revision` grows with every change of it.

    `odd`: columns of it that cannot be read (somebody changed the ledger by hand), and are None.
    """

    kind: str
    entity_id: int
    increment_id: str
    store_id: int | None
    state: str
    status: str
    ext_order_id: str | None
    held_by_us: bool
    overwritten: Overwritten | None
    grand_total: Decimal | None
    currency: str | None
    fingerprint: str | None
    facts: Facts | None
    sequence: int
    revision: int
    vanished: bool
    placed_at: datetime | None
    looked_at: datetime | None
    as_is: bool = False
    odd: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class EntityRow:
    """What was seen at a look; `looked_at`: when its view was opened, by the database's clock."""

    kind: str
    entity_id: int
    increment_id: str
    store_id: int | None
    state: str
    status: str
    held_by_us: bool
    grand_total: Decimal | None
    currency: str | None
    fingerprint: str | None
    address_mark: int | None
    facts: Facts | None
    sequence: int
    updated_at: datetime | None
    looked_at: datetime
    placed_at: datetime | None = None
    vanished: bool = False


@dataclass(frozen=True, slots=True)
class WrittenBack:
    """What our own write made of an order; `ext_order_id`: None where the ERP's is not there."""

    kind: str
    entity_id: int
    increment_id: str
    state: str
    status: str
    ext_order_id: str | None
    held_by_us: bool
    overwritten: Overwritten | None


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

    def by_number(self, connection: sa.Connection, increment_id: str) -> list[KnownEntity]:
        """All entities that carry an increment id (several stores may use the same)."""
        return self._select(connection, "WHERE increment_id = %s", (increment_id,))

    def namesakes(
        self, connection: sa.Connection, kind: str, increment_ids: Sequence[str]
    ) -> list[tuple[int, str, int | None]]:
        """(entity id, number, store id) of all that carry one of these numbers."""
        if not increment_ids:
            return []
        rows = connection.exec_driver_sql(
            f"SELECT entity_id, increment_id, store_id FROM {self._names('entity')} "
            "WHERE kind = %s AND increment_id IN %s ORDER BY entity_id",
            (kind, sorted(set(increment_ids))),
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
            f"{self._names('entity')} (kind, entity_id, increment_id, state, status, "
            "ext_order_id, held_by_us, overwritten)",
            "(%s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (
                    row.kind,
                    row.entity_id,
                    row.increment_id,
                    row.state,
                    row.status,
                    row.ext_order_id,
                    int(row.held_by_us),
                    msgspec.json.encode(row.overwritten).decode() if row.overwritten else None,
                )
                for row in rows
            ],
            "ON DUPLICATE KEY UPDATE state = VALUES(state), status = VALUES(status), "
            "ext_order_id = VALUES(ext_order_id), held_by_us = VALUES(held_by_us), "
            "overwritten = VALUES(overwritten), revision = revision + 1",
        )

    def forget_write_back(self, connection: sa.Connection, kind: str, entity_id: int) -> None:
        """Nothing of ours stands on this order: Magento has another one in its place."""
        connection.execute(
            sa.update(self._table)
            .where(self._table.c.kind == kind, self._table.c.entity_id == entity_id)
            .values(ext_order_id=None, held_by_us=0, overwritten=None)
        )

    def forget_look(self, connection: sa.Connection, known: Sequence[KnownEntity]) -> None:
        """Let the next look find every content changed: what was parked is read anew."""
        for entity in known:
            connection.execute(
                sa.update(self._table)
                .where(
                    self._table.c.kind == entity.kind, self._table.c.entity_id == entity.entity_id
                )
                .values(fingerprint=ANOTHER, revision=self._table.c.revision + 1)
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
            "SELECT kind, entity_id, increment_id, store_id, state, status, ext_order_id, "
            "held_by_us, overwritten, grand_total, currency, fingerprint, facts, sequence, "
            "revision, placed_at, vanished_at, looked_at, as_is "
            f"FROM {self._names('entity')} {where}",
            parameters,
        )
        return [_known(row) for row in rows]


_OF_ENTITIES = "WHERE kind = %s AND entity_id IN %s ORDER BY entity_id"


def _known(row: Any) -> KnownEntity:
    odd: set[str] = set()
    return KnownEntity(
        kind=row.kind,
        entity_id=row.entity_id,
        increment_id=row.increment_id,
        store_id=row.store_id,
        state=row.state,
        status=row.status,
        ext_order_id=row.ext_order_id,
        held_by_us=bool(row.held_by_us),
        overwritten=_decoded(row, "overwritten", Overwritten, odd),
        grand_total=row.grand_total,
        currency=row.currency,
        fingerprint=row.fingerprint,
        facts=_decoded(row, "facts", Facts, odd),
        sequence=row.sequence,
        revision=row.revision,
        vanished=row.vanished_at is not None,
        placed_at=row.placed_at,
        looked_at=row.looked_at,
        as_is=bool(row.as_is),
        odd=frozenset(odd),
    )


def _decoded(row: Any, column: str, type_: type[_T], odd: set[str]) -> _T | None:
    """What a column of JSON holds; whoever needs one that is `odd` must not go on without it."""
    text = getattr(row, column)
    try:
        return msgspec.json.decode(text, type=type_) if text else None
    except (msgspec.MsgspecError, RecursionError):
        odd.add(column)
        return None


_SAVED = (
    "kind", "entity_id", "increment_id", "store_id", "state", "status", "held_by_us",
    "grand_total", "currency", "fingerprint", "address_mark", "facts", "sequence", "placed_at",
    "updated_at", "looked_at",
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
    values = {name: getattr(row, name) for name in _SAVED}
    values["held_by_us"] = int(row.held_by_us)
    values["facts"] = _FACTS.encode(row.facts).decode() if row.facts else None
    values["updated_at"] = row.updated_at.replace(tzinfo=None) if row.updated_at else None
    return (*values.values(), int(row.vanished))
