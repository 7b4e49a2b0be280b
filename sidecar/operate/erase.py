"""Erase a person: out of the ledger, and out of the ERP that holds him.

Numbers, amounts and what became of each event stay, so that what was placed is still proven to have
arrived.  What is on its way is never touched: it would arrive with a mark for a name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
import sqlalchemy as sa

from sidecar.capture.events import EventMaker
from sidecar.database.connection import Database
from sidecar.ledger.erasure import Document, EventOf
from sidecar.ledger.store import LedgerStore
from sidecar.magento.domain import Parts
from sidecar.model.domain_spec import Role
from sidecar.model.erasure import emails, names_one, telling_values
from sidecar.model.errors import BadData, TryAgain, UsageError
from sidecar.model.guest import GUEST, GUESTS_FROM
from sidecar.model.json_pointer import parse
from sidecar.model.settlement import OPEN, REFUSED, EventStatus
from sidecar.operate.queue import By


@dataclass(frozen=True, slots=True)
class Erased:
    """What was done, or would be.

    `people`: the ids of the accounts and guests; `documents`: what belongs to them, by kind;
    `closed`: events that were refused or parked and go no more; `told`: of whom the ERP is told;
    `rows`: in which tables something of the person stood.
    """

    people: tuple[int, ...]
    documents: dict[str, int]
    closed: tuple[str, ...]
    told: tuple[int, ...]
    rows: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Person:
    """`documents`: the person's entities and all that belongs to them; `values`: what tells him
    from others."""

    ids: tuple[int, ...]
    documents: tuple[Document, ...]
    values: frozenset[str]


class Eraser:
    """Of one domain whose entities are people."""

    def __init__(self, database: Database, store: LedgerStore, parts: Parts, shop: str) -> None:
        self._database = database
        self._store = store
        self._examiner = parts.examiner
        self._spec = parts.examiner.spec
        self._maker = EventMaker(shop)

    def erase(self, name: str, by: By, *, dry_run: bool = False) -> Erased:
        """Erase the one with this id, or with this e-mail address.

        UsageError while Magento would send him again, or while something of his is on its way;
        BadData for one of whom the ledger knows nothing.  Nothing is changed then.
        """
        person = self._found(name)
        if by.reason and names_one(by.reason, person.values):
            raise UsageError(
                "the reason names the person, and the audit keeps it", "say why without a name"
            )
        with self._database.transaction("erasing a person") as connection:
            done = self._erase(connection, person, by)
            if dry_run:
                connection.rollback()
        return done

    def _found(self, name: str) -> _Person:
        with self._database.snapshot("looking for a person") as view:
            ids = set(self._examiner.ids_of(view, name))
            addresses = {name} if "@" in name else self._addresses(view, ids)
            guests = {
                one
                for address in addresses
                for one in self._examiner.ids_of(view, address)
                if one >= GUESTS_FROM
            }
            named = set(self._store.erasure.naming(view, sorted(addresses)))
            if "@" in name:
                ids |= {entity_id for kind, entity_id in named if kind == self._spec.kind}
            ids |= guests
            people = [(kind, one) for kind in (self._spec.kind, GUEST) for one in sorted(ids)]
            # Another account of the same address is another person's, where an id was given.
            others = {one for one in named if one[0] == self._spec.kind and one[1] not in ids}
            documents = self._store.erasure.family(view, [*people, *sorted(named - others)])
            payloads = self._store.erasure.payloads(view, documents)
            known = self._store.entities.read(view, self._spec.kind, sorted(ids))
            if not known and not payloads:
                raise BadData(
                    f"the ledger knows nothing of this {self._spec.noun}",
                    "the id that Magento gave, or the e-mail address, is wanted",
                )
            self._require_gone(view, sorted(ids))
        told = [_parsed(payload) for payload in payloads.values()]
        values = {value for document in told for value in telling_values(document)} | addresses
        return _Person(tuple(sorted(ids & set(known) or ids)), tuple(documents), frozenset(values))

    def _addresses(self, view: sa.Connection, ids: set[int]) -> set[str]:
        """What the ledger and Magento call the e-mail address of these."""
        people = [(self._spec.kind, one) for one in sorted(ids)]
        told = self._store.erasure.payloads(view, self._store.erasure.family(view, people))
        return {address for payload in told.values() for address in emails(_parsed(payload))}

    def _require_gone(self, view: sa.Connection, ids: Sequence[int]) -> None:
        there = self._examiner.read(view, [one for one in ids if one < GUESTS_FROM])
        for snapshot in there.values():
            if snapshot.is_carried:
                name = self._spec.name_of(snapshot.number)
                raise UsageError(
                    f"Magento still has {name}, and the next change of it would send it again",
                    "delete the account in Magento first, or take its consent away; then repeat "
                    "this command",
                )

    def _erase(self, connection: sa.Connection, person: _Person, by: By) -> Erased:
        kinds = sorted({kind for kind, _ in person.documents})
        for kind in kinds:
            ids = [one for of_kind, one in person.documents if of_kind == kind]
            self._store.entities.lock(connection, kind, ids)
        events = self._store.erasure.events(connection, person.documents)
        self._require_at_rest(events)
        closed = [event for event in events if event.status in OPEN]
        self._store.acts.drop(connection, [event.id for event in closed], "the person was erased")
        told = self._tell(connection, person)
        rows = Counter(self._store.erasure.erase_elsewhere(connection, person.values))
        rows += self._store.erasure.erase(connection, person.documents, events)
        counted = Counter(kind for kind, _ in person.documents if kind != GUEST)
        done = Erased(
            person.ids,
            dict(counted),
            tuple(f"{event.kind}/{event.number} {event.type}" for event in closed),
            tuple(told),
            dict(sorted(rows.items())),
        )
        for one in person.ids:
            self._store.audit.note(
                connection,
                who=by.who,
                command=f"{self._spec.noun} erase",
                subject=str(one),
                reason=by.reason,
                detail=msgspec.to_builtins(done),
            )
        return done

    def _require_at_rest(self, events: Sequence[EventOf]) -> None:
        sending = [event for event in events if event.status is EventStatus.SENDING]
        if sending:
            raise TryAgain(f"{_names(sending)} is being sent just now", "try again in a moment")
        moving = [
            event
            for event in events
            if event.status in OPEN
            and event.status not in REFUSED
            and event.kind != self._spec.kind
        ]
        if moving:
            raise UsageError(
                f"{_names(moving)} has not arrived in the ERP yet, and would arrive without a name",
                "let it go there first, or 'erp-sidecar queue drop' it",
            )

    def _tell(self, connection: sa.Connection, person: _Person) -> list[int]:
        """Tell the ERP, of those whom it holds and who are not gone there."""
        kind = self._spec.kind
        ends = next(event for event in self._spec.events if event.role is Role.ENDS)
        known = self._store.entities.read(connection, kind, person.ids)
        links = self._store.journal.links(connection, kind, person.ids)
        held = [one for one in person.ids if one in links and not links[one].ended and one in known]
        for one in held:
            sequence = known[one].sequence + 1
            self._store.events.insert(
                connection,
                [
                    self._maker.make(
                        self._spec,
                        ends.type,
                        ends.payload(entity_id=one),
                        entity_id=one,
                        number=known[one].number,
                        sequence=sequence,
                        amount=None,
                        currency=None,
                        occurred_at=datetime.now(UTC),
                    )
                ],
            )
            self._store.erasure.told(connection, kind, one, sequence)
        return held


def _parsed(payload: str) -> object:
    try:
        return parse(payload)
    except BadData:
        return None


def _names(events: Sequence[EventOf]) -> str:
    return ", ".join(sorted({f"{event.kind}/{event.number}" for event in events}))
