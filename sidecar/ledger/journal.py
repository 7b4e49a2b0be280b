"""What follows from an attempt: its record and the link."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import sqlalchemy as sa

from sidecar.database.connection import insert_rows
from sidecar.ledger import fit
from sidecar.ledger.claims import Claimed
from sidecar.ledger.tables import Tables
from sidecar.model.errors import BadData
from sidecar.model.outcome import Booked, reference_key
from sidecar.ports import Exchange, Link, Reading


@dataclass(frozen=True, slots=True)
class Attempt:
    """One line of an event's history.

    `reading`: what of a file of calls took the answer; `events`: how many the call was about.
    """

    operation: str
    outcome: str
    message: str
    reference: str | None = None
    code: str | None = None
    exchange: Exchange | None = None
    reading: Reading | None = None
    events: int = 1


class Attempted(Protocol):
    """An event, at one of its attempts."""

    @property
    def id(self) -> int: ...
    @property
    def attempts(self) -> int: ...
    @property
    def fence(self) -> int: ...


#: Of the documents of an entity the one that an event opened, which the word *link* means wherever
#: nothing else is said: the one that is verified, changed, canceled and asked for.
_MAIN = "is_main = 1"


def main_link(link: sa.TableClause) -> sa.ColumnElement[bool]:
    """The same for statements that are built."""
    return link.c.is_main == 1


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
        attempts: Sequence[tuple[Attempted, Attempt]],
    ) -> None:
        """Append attempts."""
        insert_rows(
            connection,
            f"{self._names('attempt')} (event, number, operation, fence, owner, outcome, "
            "reference, code, message, request, http_status, milliseconds, timed_out, answer, "
            "predicate, doubt, events, at)",
            f"({'%s, ' * 17}UTC_TIMESTAMP(3))",
            [_attempt_row(owner, event, attempt) for event, attempt in attempts],
        )

    def links(self, connection: sa.Connection, kind: str, ids: Iterable[int]) -> dict[int, Link]:
        """What the ERP called these entities."""
        wanted = sorted(set(ids))
        if not wanted:
            return {}
        rows = connection.exec_driver_sql(
            "SELECT entity_id, reference, status, ref, ended_at, erp_key "
            f"FROM {self._names('link')} WHERE kind = %s AND entity_id IN %s AND {_MAIN}",
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
            f"WHERE kind = %(kind)s AND entity_id IN %(ids)s AND {_MAIN} AND ended_at IS NOT NULL",
            {"kind": kind, "ids": wanted},
        )
        found: dict[int, set[str]] = defaultdict(set)
        for entity_id, reference in rows:
            found[entity_id].add(reference_key(reference))
        return {entity_id: frozenset(keys) for entity_id, keys in found.items()}

    def owners(
        self, connection: sa.Connection, references: Sequence[str]
    ) -> dict[tuple[str, str], set[int]]:
        """(kind, key of a reference) → the entities whose document it is or was.

        Not further ones: an ERP counts deliveries apart from orders, maybe from the same number.
        """
        if not references:
            return {}
        one = "SELECT kind, reference, entity_id FROM {} WHERE reference IN %(references)s"
        rows = connection.exec_driver_sql(
            f"{one.format(self._names('link'))} AND {_MAIN} "
            f"UNION ALL {one.format(self._names('former_link'))}",
            {"references": sorted(set(references))},
        )
        found: dict[tuple[str, str], set[int]] = defaultdict(set)
        for kind, reference, entity_id in rows:
            found[kind, reference_key(reference)].add(entity_id)
        return found

    def holders(
        self, connection: sa.Connection, kind: str, refs: Sequence[str]
    ) -> list[tuple[str, int, str]]:
        """(external reference, entity, its document) of all that was booked under one of these.

        Further documents have no reference of ours.
        """
        if not refs:
            return []
        one = "SELECT ref, entity_id, reference FROM {} WHERE kind = %(kind)s AND ref IN %(refs)s "
        rows = connection.exec_driver_sql(
            f"{one.format(self._names('link'))} UNION ALL {one.format(self._names('former_link'))}",
            {"kind": kind, "refs": sorted(set(refs))},
        )
        return [(row[0], row[1], row[2]) for row in rows]

    def entity_of(self, connection: sa.Connection, kind: str, reference: str) -> list[int]:
        """The entities that the ERP's document of this number belongs to, main or further."""
        rows = connection.exec_driver_sql(
            f"SELECT DISTINCT entity_id FROM {self._names('link')} "
            "WHERE kind = %s AND reference = %s ORDER BY entity_id",
            (kind, reference),
        )
        return [int(row[0]) for row in rows]

    def entity_of_ref(self, connection: sa.Connection, kind: str, ref: str) -> list[int]:
        """The entities that were booked under this external reference.

        Where there is none, those of this number: all of them where several carry it, none where
        the only one was booked under another reference.
        """
        booked = connection.exec_driver_sql(
            f"SELECT entity_id FROM {self._names('link')} WHERE kind = %s AND ref = %s AND {_MAIN} "
            "ORDER BY entity_id",
            (kind, ref),
        )
        if found := [int(row[0]) for row in booked]:
            return found
        numbered = connection.exec_driver_sql(
            f"SELECT e.entity_id, l.ref FROM {self._names('entity')} e "
            f"LEFT JOIN {self._names('link')} l ON l.kind = e.kind AND l.entity_id = e.entity_id "
            f"AND l.{_MAIN} WHERE e.kind = %s AND e.number = %s ORDER BY e.entity_id",
            (kind, ref),
        ).all()
        if len(numbered) == 1 and numbered[0].ref is not None:
            return []
        return [int(row.entity_id) for row in numbered]

    def part(
        self, connection: sa.Connection, kind: str, entity_id: int, *, wholly: bool = False
    ) -> None:
        """The entity's document is its own no more: it may be booked under another one.

        `wholly`: nor is any further one, because Magento has another entity in its place.
        """
        connection.exec_driver_sql(
            f"INSERT IGNORE INTO {self._names('former_link')} "
            "(kind, entity_id, reference, ref, ended_at) "
            "SELECT kind, entity_id, reference, ref, COALESCE(ended_at, UTC_TIMESTAMP(3)) "
            f"FROM {self._names('link')} WHERE kind = %s AND entity_id = %s AND {_MAIN}",
            (kind, entity_id),
        )
        connection.exec_driver_sql(
            f"DELETE FROM {self._names('link')} WHERE kind = %s AND entity_id = %s "
            f"AND (%s OR {_MAIN})",
            (kind, entity_id, wholly),
        )

    def forget(self, connection: sa.Connection, kind: str, entity_id: int) -> None:
        """Which document is the entity's is open: the ERP is asked."""
        connection.exec_driver_sql(
            f"DELETE FROM {self._names('link')} WHERE kind = %s AND entity_id = %s AND {_MAIN}",
            (kind, entity_id),
        )

    def revive(self, connection: sa.Connection, kind: str, entity_id: int) -> None:
        """The entity's document, which had ended, lives again."""
        connection.exec_driver_sql(
            f"UPDATE {self._names('link')} SET ended_at = NULL "
            f"WHERE kind = %s AND entity_id = %s AND {_MAIN}",
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
            f"{self._names('link')} (kind, entity_id, reference, erp_key, is_main, status, total, "
            "tax, line_count, currency, ref, event, booked_at, updated_at, ended_at)",
            f"({'%s, ' * 4}1, {'%s, ' * 7}UTC_TIMESTAMP(3), UTC_TIMESTAMP(3), "
            "IF(%s, UTC_TIMESTAMP(3), NULL))",
            [_link_row(*document) for document in documents],
            # First, while `reference` is still the former one: another document has another key.
            "ON DUPLICATE KEY UPDATE erp_key = IF(VALUES(reference) = reference, "
            "COALESCE(VALUES(erp_key), erp_key), VALUES(erp_key)), reference = VALUES(reference), "
            # One that was known as a further document.
            "is_main = 1, "
            # What a canceled document was before is no word on what it is.
            "status = IF(VALUES(ended_at) IS NULL, COALESCE(VALUES(status), status), "
            "VALUES(status)), ref = COALESCE(ref, VALUES(ref)), ended_at = VALUES(ended_at), "
            "total = COALESCE(VALUES(total), total), tax = COALESCE(VALUES(tax), tax), "
            "line_count = COALESCE(VALUES(line_count), line_count), "
            "currency = COALESCE(currency, VALUES(currency)), event = VALUES(event), "
            "updated_at = VALUES(updated_at)",
        )

    def link_further(
        self,
        connection: sa.Connection,
        kind: str,
        entity_id: int,
        reference: str,
        erp_key: str | None,
    ) -> None:
        """Remember another document of the ERP's that belongs to the entity, or its newer key.

        Nothing is done where it is the entity's main one.  The caller holds the lock of the entity.
        Raises BadData for a reference or a key that the ledger cannot hold.
        """
        for column, text in (("reference", reference), ("erp_key", erp_key)):
            if text is not None and not (
                text.isprintable() and fit.whole_text("link", column, text)
            ):
                raise BadData(
                    f"the ERP names a document of {kind} {entity_id} by {len(text)} characters "
                    f"that are no {column}, or more than the ledger's column holds"
                )
        rows = connection.exec_driver_sql(
            f"SELECT reference, is_main FROM {self._names('link')} "
            "WHERE kind = %s AND entity_id = %s",
            (kind, entity_id),
        )
        known = {reference_key(row.reference): row for row in rows}.get(reference_key(reference))
        if known is None:
            connection.exec_driver_sql(
                f"INSERT INTO {self._names('link')} "
                "(kind, entity_id, reference, erp_key, booked_at, updated_at) "
                "VALUES (%s, %s, %s, %s, UTC_TIMESTAMP(3), UTC_TIMESTAMP(3))",
                (kind, entity_id, reference, erp_key),
            )
        elif not known.is_main:
            connection.exec_driver_sql(
                f"UPDATE {self._names('link')} SET erp_key = COALESCE(%s, erp_key), "
                "updated_at = UTC_TIMESTAMP(3) "
                "WHERE kind = %s AND entity_id = %s AND reference = %s",
                (erp_key, kind, entity_id, known.reference),
            )


def _attempt_row(owner: str, event: Attempted, attempt: Attempt) -> tuple[object, ...]:
    exchange, reading = attempt.exchange, attempt.reading
    return (
        event.id,
        event.attempts,
        attempt.operation,
        event.fence,
        owner,
        attempt.outcome,
        fit.text("attempt", "reference", attempt.reference),
        fit.text("attempt", "code", attempt.code),
        fit.text("attempt", "message", attempt.message),
        fit.text("attempt", "request", exchange.request) if exchange else None,
        fit.number("attempt", "http_status", exchange.status) if exchange else None,
        fit.number("attempt", "milliseconds", round(exchange.seconds * 1000)) if exchange else None,
        int(exchange.timed_out) if exchange else 0,
        fit.text("attempt", "answer", exchange.answer) if exchange else None,
        fit.text("attempt", "predicate", reading.predicate) if reading else None,
        fit.text("attempt", "doubt", reading.doubt) if reading else None,
        attempt.events,
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
