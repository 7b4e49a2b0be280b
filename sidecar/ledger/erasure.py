"""Take a person out of the ledger: what a document says of him, and where others named him.

What is found by the person's own documents is erased in one transaction.  What others wrote is
searched for by his e-mail address and the like; the outbox holds ids alone, and is left in peace.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from msgspec import structs

from sidecar.ledger.entities import Entities
from sidecar.ledger.payloads import Key, Payloads
from sidecar.ledger.tables import Tables
from sidecar.model.erasure import ERASED, erased, names_one, without
from sidecar.model.errors import BadData
from sidecar.model.json_pointer import parse, render
from sidecar.model.settlement import DROPPED, EventStatus
from sidecar.model.write_back import Detail, detail_or_none, encoded_detail

#: (kind, entity id)
Document = tuple[str, int]

#: Entities whose payloads one search reads.
_PAGE = 500
#: Texts of a person's own rows that are taken away whole, by table.
_OWN = {
    "event": ("waiting", "reason", "remedy"),
    "event_archive": ("waiting", "reason", "remedy"),
    "attempt": ("message", "answer"),
    "write_back": ("message",),
    "incoming": ("what", "remedy"),
}
#: Texts in which others may name him: by table its key, the texts, and those that are JSON.
_OTHERS: Mapping[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "event": ("id", ("waiting", "reason", "remedy"), ()),
    "event_archive": ("id", ("waiting", "reason", "remedy"), ()),
    "attempt": ("id", ("message", "request", "answer"), ()),
    "write_back": ("id", ("message",), ("detail",)),
    "difference": ("id", ("ours", "theirs"), ()),
    "incoming": ("id", ("what", "remedy"), ("payload", "memory")),
    "audit": ("id", ("reason",), ("detail",)),
    "station": ("name", ("message", "remedy"), ()),
    "control": ("domain", ("paused_reason", "stopped_reason"), ()),
}


@dataclass(frozen=True, slots=True)
class EventOf:
    """An event of the person's, live or archived."""

    id: int
    kind: str
    entity_id: int
    number: str
    type: str
    status: EventStatus


class Erasure:
    """Of one ledger; every method in the caller's transaction."""

    def __init__(self, tables: Tables, entities: Entities) -> None:
        self._tables = tables
        self._names = tables.names
        self._entities = entities
        self._payloads = Payloads(tables)

    def family(self, connection: sa.Connection, people: Iterable[Document]) -> list[Document]:
        """These entities and all that belongs to them, and to that in its turn."""
        found: list[Document] = []
        wanted = list(dict.fromkeys(people))
        while wanted:
            found += wanted
            ids: dict[str, list[int]] = defaultdict(list)
            for kind, entity_id in wanted:
                ids[kind].append(entity_id)
            below = [
                (child_kind, child)
                for kind, of_kind in ids.items()
                for child_kind, children in self._entities.children(
                    connection, kind, of_kind
                ).items()
                for child in children
            ]
            wanted = [one for one in dict.fromkeys(below) if one not in found]
        return found

    def naming(self, connection: sa.Connection, emails: Sequence[str]) -> Iterator[Document]:
        """Entities whose payloads hold one of these addresses, whoever they belong to.

        Reads every payload there is, some hundred at a time: nothing else finds what was written
        before its entity named a person.
        """
        if not emails:
            return
        table = self._names("payload")
        kinds = [row[0] for row in connection.exec_driver_sql(f"SELECT DISTINCT kind FROM {table}")]
        # A text in JSON is escaped where it is not plain.
        wanted = sorted({form for email in emails for form in _written(email)})
        hit = " OR ".join(["LOCATE(%s, payload) > 0"] * len(wanted))
        statement = (
            f"SELECT entity_id, MAX({hit}) FROM {table} WHERE kind = %s AND entity_id > %s "
            f"GROUP BY entity_id ORDER BY entity_id LIMIT {_PAGE}"
        )
        for kind in kinds:
            after = -1
            while rows := connection.exec_driver_sql(statement, (*wanted, kind, after)).all():
                yield from ((kind, int(row[0])) for row in rows if row[1])
                after = rows[-1][0]

    def payloads(self, connection: sa.Connection, documents: Sequence[Document]) -> dict[Key, str]:
        """What was ever said of these entities."""
        rows = [
            row
            for kind, ids in _by_kind(documents).items()
            for row in connection.exec_driver_sql(
                f"SELECT kind, entity_id, sequence, payload FROM {self._names('payload')} "
                "WHERE kind = %s AND entity_id IN %s",
                (kind, ids),
            )
        ]
        return {(row[0], row[1], row[2]): row[3] for row in rows}

    def events(self, connection: sa.Connection, documents: Sequence[Document]) -> list[EventOf]:
        """All events of these entities, archived ones too."""
        return [
            EventOf(row[0], row[1], row[2], row[3], row[4], EventStatus(row[5]))
            for kind, ids in _by_kind(documents).items()
            for table in ("event", "event_archive")
            for row in connection.exec_driver_sql(
                f"SELECT id, kind, entity_id, number, type, status FROM {self._names(table)} "
                "WHERE kind = %s AND entity_id IN %s",
                (kind, ids),
            )
        ]

    def erase(
        self, connection: sa.Connection, documents: Sequence[Document], events: Sequence[EventOf]
    ) -> Counter[str]:
        """Erase the person out of his own documents; table → how many rows held something."""
        done: Counter[str] = Counter()
        for key, payload in self.payloads(connection, documents).items():
            clean = _erased_text(payload)
            if clean != payload:
                self._payloads.replace(connection, key, clean)
                done["payload"] += 1
        of_documents = [(kind, ids) for kind, ids in _by_kind(documents).items() if ids]
        for table in ("event", "event_archive", "write_back", "incoming"):
            for kind, ids in of_documents:
                c = self._table(table).c
                where = sa.and_(c.kind == kind, c.entity_id.in_(ids))
                done[table] += self._blank(connection, table, _OWN[table], where)
        for table in ("event", "event_archive"):
            self._forget_codes(connection, table, of_documents)
        ids_of_events = [event.id for event in events]
        if ids_of_events:
            c = self._tables.attempt.c
            where = c.event.in_(ids_of_events)
            done["attempt"] += self._blank(connection, "attempt", _OWN["attempt"], where)
            self._forget_calls(connection, ids_of_events)
        done["incoming"] += self._erase_incoming(connection, of_documents)
        done["write_back"] += self._erase_comments(connection, of_documents)
        done["audit"] += self._erase_edits(connection, events)
        return +done

    def erase_elsewhere(self, connection: sa.Connection, values: frozenset[str]) -> Counter[str]:
        """Erase what others wrote of the person; table → how many rows held something."""
        done: Counter[str] = Counter()
        if not values:
            return done
        forms = sorted({form for value in values for form in _written(value)})
        for table, (key, texts, documents) in _OTHERS.items():
            columns = [*texts, *documents]
            hit = " OR ".join(
                f"LOCATE(%s, COALESCE({column}, '')) > 0" for column in columns for _ in forms
            )
            rows = connection.exec_driver_sql(
                f"SELECT {key}, {', '.join(columns)} FROM {self._names(table)} WHERE {hit}",
                tuple(form for _ in columns for form in forms),
            ).mappings()
            for row in rows.all():
                clean = {
                    name: _without(str(row[name]), values, is_json=name in documents)
                    for name in columns
                    if row[name] is not None
                }
                changed = {name: value for name, value in clean.items() if value != row[name]}
                if changed:
                    self._update(connection, table, key, row[key], changed)
                    done[table] += 1
        return done

    def told(self, connection: sa.Connection, kind: str, entity_id: int, sequence: int) -> None:
        """Remember that an entity has one more event."""
        c = self._tables.entity.c
        connection.execute(
            sa.update(self._tables.entity)
            .where(c.kind == kind, c.entity_id == entity_id)
            .values(sequence=sequence, revision=c.revision + 1)
        )

    def _table(self, name: str) -> sa.TableClause:
        table: sa.TableClause = getattr(self._tables, name)
        return table

    def _blank(
        self,
        connection: sa.Connection,
        table: str,
        columns: Sequence[str],
        where: sa.ColumnElement[bool],
    ) -> int:
        """A mark in place of each text; gives how many rows had one."""
        t = self._table(table)
        there = [t.c[name] for name in columns]
        says = sa.or_(*(sa.and_(c.is_not(None), c != ERASED) for c in there))
        result = connection.execute(
            sa.update(t)
            .where(where, says)
            .values({c.name: sa.case((c.is_(None), None), else_=ERASED) for c in there})
        )
        return int(result.rowcount)

    def _forget_codes(
        self, connection: sa.Connection, table: str, documents: Sequence[tuple[str, list[int]]]
    ) -> None:
        """An ERP may put its words where a code is wanted; our own one is kept."""
        t = self._table(table)
        for kind, ids in documents:
            connection.execute(
                sa.update(t)
                .where(t.c.kind == kind, t.c.entity_id.in_(ids))
                .where(sa.or_(t.c.error_code.is_(None), t.c.error_code != DROPPED))
                .values(error_code=None, error_print=None)
            )

    def _forget_calls(self, connection: sa.Connection, events: Sequence[int]) -> None:
        """A path may name the person; the method alone stays."""
        connection.exec_driver_sql(
            f"UPDATE {self._names('attempt')} SET code = NULL, "
            f"request = CONCAT(SUBSTRING_INDEX(request, ' ', 1), ' {ERASED}') "
            "WHERE event IN %s",
            (sorted(events),),
        )

    def _erase_incoming(
        self, connection: sa.Connection, documents: Sequence[tuple[str, list[int]]]
    ) -> int:
        count = 0
        for kind, ids in documents:
            rows = connection.exec_driver_sql(
                f"SELECT id, payload FROM {self._names('incoming')} "
                "WHERE kind = %s AND entity_id IN %s",
                (kind, ids),
            ).all()
            for row in rows:
                clean = _erased_text(row.payload)
                if clean != row.payload:
                    self._update(connection, "incoming", "id", row.id, {"payload": clean})
                    count += 1
        return count

    def _erase_comments(
        self, connection: sa.Connection, documents: Sequence[tuple[str, list[int]]]
    ) -> int:
        """What the ERP said of his documents; what it made of them (a status, a hold) stays."""
        count = 0
        for kind, ids in documents:
            rows = connection.exec_driver_sql(
                f"SELECT id, detail FROM {self._names('write_back')} "
                "WHERE kind = %s AND entity_id IN %s",
                (kind, ids),
            ).all()
            for row in rows:
                detail = detail_or_none(row.detail)
                if detail is not None and detail.comment in (None, ERASED):
                    continue
                clean = structs.replace(detail or Detail(), comment=ERASED)
                values = {"detail": encoded_detail(clean)}
                self._update(connection, "write_back", "id", row.id, values)
                count += 1
        return count

    def _erase_edits(self, connection: sa.Connection, events: Sequence[EventOf]) -> int:
        """What an operator changed in a payload stands in the audit, old and new."""
        numbers = sorted({event.number for event in events})
        if not numbers:
            return 0
        rows = connection.exec_driver_sql(
            f"SELECT id, detail FROM {self._names('audit')} "
            "WHERE subject IN %s AND detail LIKE '%%\"changes\"%%'",
            (numbers,),
        ).all()
        count = 0
        for row in rows:
            detail = json.loads(row.detail)
            for change in detail.get("changes", ()):
                change |= {"old": ERASED, "new": ERASED}
            clean = json.dumps(detail)
            if clean != row.detail:
                self._update(connection, "audit", "id", row.id, {"detail": clean})
                count += 1
        return count

    def _update(
        self, connection: sa.Connection, table: str, key: str, at: object, values: dict[str, Any]
    ) -> None:
        t = self._table(table)
        connection.execute(sa.update(t).where(t.c[key] == at).values(values))


def _by_kind(documents: Iterable[Document]) -> dict[str, list[int]]:
    kinds: dict[str, list[int]] = defaultdict(list)
    for kind, entity_id in sorted(set(documents)):
        kinds[kind].append(entity_id)
    return kinds


def _erased_text(payload: str) -> str:
    """What cannot be read may say anything of anybody."""
    try:
        return render(erased(parse(payload)))
    except BadData:
        return json.dumps(ERASED)


def _without(text: str, values: frozenset[str], *, is_json: bool) -> str:
    if is_json:
        try:
            document = parse(text)
        except BadData:
            return json.dumps(ERASED) if names_one(text, values) else text
        clean = without(document, values)
        return text if clean == document else render(clean)
    forms = frozenset(form for value in values for form in _written(value))
    return ERASED if names_one(text, forms) else text


def _written(value: str) -> set[str]:
    """A text as it is, and as JSON escapes it."""
    return {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
