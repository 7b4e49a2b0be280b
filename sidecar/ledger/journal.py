"""What follows from an attempt: its record and the link."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from sidecar.database.connection import insert_rows
from sidecar.ledger import fit
from sidecar.ledger.claims import Claimed
from sidecar.ledger.tables import Tables
from sidecar.model.outcome import Booked, reference_key
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
