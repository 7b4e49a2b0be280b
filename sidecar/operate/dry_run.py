"""The exact calls that an entity would make, shown and not made."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import msgspec
import sqlalchemy as sa

from sidecar.database.connection import Database
from sidecar.ledger.records import Records, WholeEvent
from sidecar.ledger.store import LedgerStore
from sidecar.magento.domain import Parts
from sidecar.model.domain_spec import DomainSpec, Role
from sidecar.model.entity import KnownEntity, Snapshot
from sidecar.model.errors import BadData, UsageError
from sidecar.model.event import decode_payload, envelope, event_id, source_of
from sidecar.model.settlement import OPEN, EventStatus
from sidecar.operate.naming import named
from sidecar.ports import Delivery, ErpAdapter, Link, Parent, Preview, Previewing


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """One entity's calls, its own last; `calls` is empty where nothing carries such an event.

    `frozen`: the event waits in the ledger, so this is what the daemon sends next; else it was made
    of the entity as Magento has it now.  `broken`: why the daemon would park it instead.
    """

    kind: str
    number: str
    entity_id: int
    event: str
    event_id: str
    frozen: bool
    broken: tuple[str, ...]
    calls: tuple[Preview, ...]


@dataclass(frozen=True, slots=True)
class _Prepared:
    snapshot: Snapshot
    payload: msgspec.Struct
    event: str
    event_id: str
    sequence: int
    occurred_at: datetime
    frozen: bool
    link: Link | None
    parent: Parent | None = None


class DryRun:
    """Reads as intake does, and delivers as the courier does, up to the adapter's wire.

    `store` is None where the ledger is not installed yet.
    """

    def __init__(
        self,
        database: Database,
        store: LedgerStore | None,
        domains: Sequence[Parts],
        adapter_of: Callable[[str], ErpAdapter],
        shop: str,
    ) -> None:
        """`adapter_of`: by the name of a domain."""
        self._database = database
        self._store = store
        self._domains = {parts.examiner.spec.name: parts for parts in domains}
        self._adapter_of = adapter_of
        self._shop = shop

    def show(self, name: str, event: str | None = None, *, ask: bool = False) -> list[Rehearsed]:
        """The calls of each entity that carries this number (one per store).

        `ask`: with what the ERP tells when it is asked first.  `event` None: what waits to be
        delivered, else what opens a document.  BadData for a number that Magento does not have, and
        for an entity that cannot be mapped.
        """
        parts, number = self._meant(name, event)
        adapter = self._adapter_of(parts.examiner.spec.name)
        if not isinstance(adapter, Previewing):
            raise UsageError("this adapter cannot show its calls without making them")
        return [
            self._rehearsed(parts, one, adapter, ask=ask)
            for one in self._entities(parts, number, event, OPEN)
        ]

    def deliveries(self, name: str, event: str | None = None) -> list[tuple[DomainSpec, Delivery]]:
        """What is sent of each entity that carries this number, to be looked at by others.

        As the ledger has it, also where that is over; else made of the entity as Magento has it
        now.  `event` None: what opens a document.  Raises as `show`.
        """
        parts, number = self._meant(name, event)
        spec = parts.examiner.spec
        wanted = event or spec.opening or spec.types[0]
        prepared = self._entities(parts, number, wanted, frozenset(EventStatus))
        return [(spec, self._delivery(parts, _as_then(spec, one))) for one in prepared]

    def _meant(self, name: str, event: str | None) -> tuple[Parts, str]:
        specs = [parts.examiner.spec for parts in self._domains.values()]
        if event is not None and "/" not in name:
            specs = [spec for spec in specs if event in spec.types]
        spec, number = named(specs, name)
        return self._domains[spec.name], number

    def _entities(
        self, parts: Parts, number: str, event: str | None, of: Collection[EventStatus]
    ) -> list[_Prepared]:
        """`of`: which events of the ledger count."""
        with self._database.snapshot(f"reading {parts.examiner.spec.name}") as view:
            return [
                replace(one, parent=self._parent(view, one.snapshot))
                for one in self._prepared(view, parts, number, event, of)
            ]

    def _prepared(
        self,
        view: sa.Connection,
        parts: Parts,
        number: str,
        event: str | None,
        of: Collection[EventStatus],
    ) -> list[_Prepared]:
        examiner = parts.examiner
        there = examiner.read(view, examiner.ids_of(view, number))
        if not there:
            raise BadData(
                f"Magento has no {examiner.spec.noun} {number}",
                "the number is wanted as customers see it (increment_id)",
            )
        known: Mapping[int, KnownEntity] = {}
        links: Mapping[int, Link] = {}
        if self._store is not None:
            known = self._store.entities.read(view, examiner.spec.kind, list(there))
            links = self._store.journal.links(view, examiner.spec.kind, list(there))
        return [
            self._kept(view, examiner.spec, snapshot, event, links.get(entity_id), of)
            or self._made(parts, snapshot, event, known.get(entity_id), links.get(entity_id))
            for entity_id, snapshot in there.items()
        ]

    def _parent(self, view: sa.Connection, snapshot: Snapshot) -> Parent | None:
        """What the document belongs to, as Magento has it now."""
        if snapshot.parent is None:
            return None
        kind, entity_id = snapshot.parent
        for parts in self._domains.values():
            if parts.examiner.spec.kind == kind:
                above = parts.examiner.read(view, [entity_id]).get(entity_id)
                store = self._store
                links = store.journal.links(view, kind, [entity_id]) if store else {}
                return Parent(above.payload, links.get(entity_id)) if above else None
        return None

    def _kept(
        self,
        view: sa.Connection,
        spec: DomainSpec,
        snapshot: Snapshot,
        event: str | None,
        link: Link | None,
        of: Collection[EventStatus],
    ) -> _Prepared | None:
        """The entity's oldest event in one of these states, with its frozen payload."""
        if self._store is None:
            return None
        records = Records(self._store.tables)
        for row in records.events_of(view, spec.kind, snapshot.entity_id):
            if row.status in of and event in (None, row.type):
                whole = records.event(view, row.event_id)
                return None if whole is None else _frozen(spec, snapshot, whole, link)
        return None

    def _made(
        self,
        parts: Parts,
        snapshot: Snapshot,
        event: str | None,
        known: KnownEntity | None,
        link: Link | None,
    ) -> _Prepared:
        spec = parts.examiner.spec
        type_ = event or spec.opening or spec.types[0]
        sequence = (known.sequence if known else 0) + 1
        made_at, updated_at = snapshot.made_at, snapshot.updated_at
        moment = made_at if spec.role(type_) is Role.OPENS else updated_at or made_at
        return _Prepared(
            snapshot,
            parts.examiner.payload_of(type_, snapshot),
            type_,
            event_id(self._shop, spec.kind, snapshot.entity_id, sequence),
            sequence,
            (moment or datetime.now(UTC)).replace(tzinfo=UTC),
            False,
            link,
        )

    def _rehearsed(
        self, parts: Parts, one: _Prepared, adapter: Previewing, *, ask: bool
    ) -> Rehearsed:
        spec, snapshot = parts.examiner.spec, one.snapshot
        ending = spec.role(one.event) is Role.ENDS
        broken = [] if ending else parts.examiner.problems(snapshot, as_is=False)
        return Rehearsed(
            spec.kind,
            snapshot.number,
            snapshot.entity_id,
            one.event,
            one.event_id,
            one.frozen,
            tuple(broken),
            tuple(adapter.preview(self._delivery(parts, one), ask=ask)),
        )

    def _delivery(self, parts: Parts, one: _Prepared) -> Delivery:
        spec = parts.examiner.spec
        event = envelope(
            one.payload,
            id=one.event_id,
            event=spec.event(one.event),
            source=source_of(self._shop),
            subject=f"{spec.kind}/{one.snapshot.number}",
            time=one.occurred_at,
            sequence=one.sequence,
        )
        return Delivery(event, _ref(parts, one), one.link, one.parent)


def _as_then(spec: DomainSpec, one: _Prepared) -> _Prepared:
    """What opened a document had no link yet, but for that of one that ended before."""
    opened = spec.role(one.event) is Role.OPENS and one.link is not None and not one.link.ended
    return replace(one, link=None) if opened else one


def _ref(parts: Parts, one: _Prepared) -> str:
    """The external reference: as it was booked, or as it would be."""
    if one.link and one.link.ref:
        return one.link.ref
    snapshot = one.snapshot
    return parts.reference.of(snapshot.entity_id, snapshot.number, snapshot.store_id)


def _frozen(
    spec: DomainSpec, snapshot: Snapshot, event: WholeEvent, link: Link | None
) -> _Prepared:
    try:
        payload = decode_payload(spec.event(event.type), event.payload)
    except msgspec.MsgspecError as wrong:
        raise BadData(f"{event.event_id}: its payload cannot be read: {wrong}") from wrong
    return _Prepared(
        snapshot,
        payload,
        event.type,
        event.event_id,
        event.sequence,
        event.occurred_at,
        True,
        link,
    )
