"""An entity's whole story, put together from Magento, the ledger and the ERP."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from msgspec import structs

from sidecar.database.connection import Database
from sidecar.ledger.incoming_records import IncomingRecord, IncomingRecords
from sidecar.ledger.records import (
    AttemptRow,
    AuditRow,
    DifferenceRow,
    EventHead,
    LinkRow,
    Records,
    WriteBackRow,
)
from sidecar.ledger.store import LedgerStore
from sidecar.magento.domain import Parts
from sidecar.magento.examiner import Examiner
from sidecar.model.entity import KnownEntity
from sidecar.model.errors import BadData, SidecarError, described
from sidecar.model.outcome import Booked
from sidecar.operate.naming import named
from sidecar.ports import ErpAdapter


@dataclass(frozen=True, slots=True)
class Remembered:
    """What the ledger knows of the entity itself."""

    entity_id: int
    state: str
    status: str
    held_by_us: bool
    vanished: bool
    sequence: int


class EventStory(EventHead, frozen=True, kw_only=True):
    """An event with every attempt."""

    attempts: tuple[AttemptRow, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """`magento`: what it has of the entity, None where it is gone or cannot be read.

    `link`: the document that one of its events opened; `further_links`: what belongs to it besides.
    `news`: what the ERP said of it by itself, and what became of that.
    `erp`: what the ERP holds now, a sentence where it could not be asked, None where it was not.
    """

    kind: str
    number: str
    magento: Mapping[str, object] | None
    magento_unread: str | None
    ledger: Remembered
    events: Sequence[EventStory]
    link: LinkRow | None
    further_links: Sequence[LinkRow]
    erp: tuple[Booked, ...] | str | None
    differences: Sequence[DifferenceRow]
    write_backs: Sequence[WriteBackRow]
    news: Sequence[IncomingRecord]
    audit: Sequence[AuditRow]


class Storyteller:
    """Everything can start from a number: so does this."""

    def __init__(self, database: Database, store: LedgerStore, domains: Sequence[Parts]) -> None:
        self._database = database
        self._store = store
        self._domains = {parts.examiner.spec.name: parts for parts in domains}
        self._records = Records(store.tables)
        self._news = IncomingRecords(store.tables)

    def stories(self, name: str, adapter_of: Callable[[str], ErpAdapter] | None) -> list[Story]:
        """One story per store that uses the number; raises BadData when nobody knows it.

        `adapter_of`: gives by domain whom to ask what the ERP holds now; None: what the ledger
        remembers is enough.
        """
        spec, number = named([parts.examiner.spec for parts in self._domains.values()], name)
        parts = self._domains[spec.name]
        with self._database.transaction(f"looking for {spec.noun} {number}") as connection:
            known = self._store.entities.by_number(connection, spec.kind, number)
        if not known:
            raise BadData(
                f"the ledger knows no {spec.noun} {number}",
                "look in Magento whether it exists; 'erp-sidecar run --once' sweeps for it",
            )
        adapter = adapter_of(spec.name) if adapter_of else None
        return [
            self._story(
                parts.examiner,
                entity,
                _asked(adapter, spec.name, self._ref(parts, entity)) if adapter else None,
            )
            for entity in known
        ]

    def _ref(self, parts: Parts, entity: KnownEntity) -> str:
        """What the ERP calls it: as it was booked, or as it would be."""
        with self._database.transaction("looking for an external reference") as connection:
            links = self._store.journal.links(connection, entity.kind, [entity.entity_id])
        link = links.get(entity.entity_id)
        if link and link.ref:
            return link.ref
        return parts.reference.of(entity.entity_id, entity.number, entity.store_id)

    def _story(
        self, examiner: Examiner, entity: KnownEntity, erp: tuple[Booked, ...] | str | None
    ) -> Story:
        kind, entity_id = entity.kind, entity.entity_id
        with self._database.snapshot("reading an entity's story") as view:
            magento, unread = _in_magento(view, examiner, entity_id)
            link, further = self._records.links_of(view, kind, entity_id)
            return Story(
                kind=kind,
                number=entity.number,
                magento=magento,
                magento_unread=unread,
                ledger=Remembered(
                    entity_id=entity_id,
                    state=entity.state,
                    status=entity.status,
                    held_by_us=entity.held_by_us,
                    vanished=entity.vanished,
                    sequence=entity.sequence,
                ),
                events=self._events(view, kind, entity_id),
                link=link,
                further_links=further,
                erp=erp,
                differences=self._records.differences_of(view, kind, entity_id),
                write_backs=self._records.write_backs_of(view, kind, entity_id),
                news=self._news.of(view, kind, entity_id),
                audit=self._records.audit_of(view, entity.number),
            )

    def _events(self, view: sa.Connection, kind: str, entity_id: int) -> list[EventStory]:
        events = self._records.events_of(view, kind, entity_id)
        attempts = self._records.attempts_of(view, [event.id for event in events])
        return [
            EventStory(
                **structs.asdict(event)
                | {"attempts": tuple(one for one in attempts if one.event == event.id)}
            )
            for event in events
        ]


def _in_magento(
    view: sa.Connection, examiner: Examiner, entity_id: int
) -> tuple[dict[str, object] | None, str | None]:
    """What Magento has of it, and why that cannot be read: the rest of the story is told anyway."""
    try:
        snapshot = examiner.read(view, [entity_id]).get(entity_id)
    except Exception as wrong:  # noqa: BLE001 - whatever is wrong with its rows, it has a story
        return None, described(wrong)
    return (dict(examiner.describe(snapshot)) if snapshot else None), None


def _asked(adapter: ErpAdapter, domain: str, ref: str) -> tuple[Booked, ...] | str | None:
    if not adapter.capabilities(domain).probe:
        return None
    try:
        return tuple(adapter.probe(domain, [ref]).get(ref, ()))
    except SidecarError as error:
        return f"the ERP could not be asked: {error.message}"
