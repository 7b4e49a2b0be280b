"""Look at what the hints point at, decide, and write the events down.

Hints are read first; then one consistent view gives the entities, what hangs on them and what the
ledger knew of them, all of one moment; then one READ COMMITTED transaction writes events and memory
and deletes the hints.  A crash in between repeats harmlessly, because the decision is a
comparison with the ledger and not a reaction to the hint.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial

import sqlalchemy as sa

from sidecar.capture.events import EventMaker
from sidecar.capture.outbox import Hint, Outbox
from sidecar.capture.pointers import Pointers
from sidecar.capture.set_aside import SetAside
from sidecar.capture.sweep import SWEEP
from sidecar.database.connection import Database
from sidecar.host.crash_point import passing
from sidecar.ledger.check_runs import CHECK
from sidecar.ledger.events import NewEvent
from sidecar.ledger.store import LedgerStore
from sidecar.magento.examiner import Examiner
from sidecar.model.bulkhead import MOST_ALIKE, Bulkhead
from sidecar.model.domain_spec import DomainSpec, Role
from sidecar.model.entity import FORGOTTEN, Comparison, EntityRow, KnownEntity, Snapshot, row_of
from sidecar.model.errors import described
from sidecar.model.settlement import BAD_DATA, DOCUMENT_TAKEN, Obstacle
from sidecar.ports import Clock, Narrator

#: What a hint says of where it came from that a document's first event writes at what it names.
NEEDED = "needed"
#: How often a write-back that Magento's own save undid is applied again.
MOST_REAPPLIED = 5
_REPLACED = "Magento has another one in its place since: was a dump of the shop restored?"
_REPLACED_REMEDY = (
    "look in the ERP what it holds of the former one, then 'erp-sidecar queue drop' this event "
    "with --even-if-booked"
)


@dataclass(frozen=True, slots=True)
class Look:
    """What a consistent view showed of `ids`, all of one domain.

    `at`: a moment by the database's clock before the view was opened: what was committed until
    then is in it.  `needed`: those that a document names which waits for them.
    """

    examiner: Examiner
    ids: list[int]
    there: Mapping[int, Snapshot]
    known: dict[int, KnownEntity]
    at: datetime
    needed: frozenset[int] = frozenset()

    @property
    def kind(self) -> str:
        """Magento's name of what was looked at."""
        return self.examiner.spec.kind


@dataclass(slots=True)
class Written:
    """What one pass wrote, for the log.

    `undone`: (kind, number, outcome); `swept`: entities that only the sweep pointed at; `odd`:
    (kind and id, what is wrong) of what could not be read or kept.
    """

    events: list[NewEvent] = field(default_factory=list)
    undone: list[tuple[str, str, str]] = field(default_factory=list)
    swept: frozenset[tuple[str, int]] = frozenset()
    odd: list[tuple[str, str]] = field(default_factory=list)


class Intake:
    """Used by one thread at a time."""

    def __init__(
        self,
        database: Database,
        ledger: LedgerStore,
        outbox: Outbox,
        examiners: Sequence[Examiner],
        *,
        shop: str,
        clock: Clock,
        narrator: Narrator,
        triggers_on: bool,
        pointers: Pointers | None = None,
        most: int = 50,
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._outbox = outbox
        self._examiners = {examiner.spec.kind: examiner for examiner in examiners}
        self._maker = EventMaker(shop)
        self._set_aside = SetAside(database, ledger, outbox, self._examiners, self._maker)
        self._clock = clock
        self._narrator = narrator
        self._triggers_on = triggers_on
        self._pointers = pointers
        self._most = most
        self._bulkhead = Bulkhead()

    def run_once(self) -> int:
        """Look at the oldest hints; gives how many there were.

        Those of a kind that nobody here knows stay: whoever enables its domain looks at them.
        """
        followed = self._pointers.follow(self._most) if self._pointers else 0
        kinds = [*self._examiners, CHECK]
        with self._database.transaction("reading hints") as connection:
            hints = self._outbox.peek(connection, self._most, kinds)
            if not hints:
                return followed
            at = connection.exec_driver_sql("SELECT UTC_TIMESTAMP(3)").scalar_one()
        take, park = partial(self._take, at), partial(self._park, at)
        for written in self._bulkhead.apart([_by_entity(hints)], take, park, key=_entity):
            self._report(written)
        return max(followed, len(hints))

    def _take(self, at: datetime, groups: Sequence[_Hints]) -> Written:
        """Look at the entities that these hints point at, and write down what that comes to."""
        hints = [hint for group in groups for hint in group]
        looks = self._look(hints, at)
        passing("intake.looked")
        written = Written(swept=_swept_only(hints))
        to_come: set[tuple[str, int]] = set()
        with self._database.transaction("writing events") as connection:
            for look in looks:
                fresh = self._fresh(connection, look)
                self._write(connection, fresh, look, written)
                to_come |= {(look.kind, entity_id) for entity_id in set(look.ids) - set(fresh)}
            self._note_checks(connection, hints)
            self._outbox.discard(
                connection, [hint.id for hint in hints if _of(hint) not in to_come]
            )
        passing("intake.written")
        return written

    def _park(self, at: datetime, hints: _Hints, error: Exception, alike: int) -> Written:
        if alike >= MOST_ALIKE:
            # Everybody's: the hints wait, as they do for a database that is away.
            raise error
        odd = (f"{hints[0].kind} {hints[0].entity_id}", described(error))
        return Written(self._set_aside.park(hints, error, at), odd=[odd])

    def _note_checks(self, connection: sa.Connection, hints: Sequence[Hint]) -> None:
        checks = [hint.entity_id for hint in hints if hint.kind == CHECK]
        if checks:
            self._ledger.check_runs.reached(connection, checks, "looked_at")

    def _look(self, hints: Sequence[Hint], at: datetime) -> list[Look]:
        with self._database.snapshot("reading entities") as view:
            return [
                self._look_at(view, examiner, [hint for hint in hints if hint.kind == kind], at)
                for kind, examiner in self._examiners.items()
                if any(hint.kind == kind for hint in hints)
            ]

    def _look_at(
        self, view: sa.Connection, examiner: Examiner, hints: Sequence[Hint], at: datetime
    ) -> Look:
        pointed_at = sorted({hint.entity_id for hint in hints})
        known = self._ledger.entities.read(view, examiner.spec.kind, pointed_at)
        ids = _unanswered(hints, known)
        needed = frozenset(hint.entity_id for hint in hints if hint.pointed == NEEDED)
        known |= {
            # From before the sidecar, or left out until now: if it may go, it is news to the ERP.
            entity_id: replace(known[entity_id], fingerprint=FORGOTTEN)
            for entity_id in needed & known.keys()
            if not known[entity_id].sequence
        }
        return Look(examiner, ids, examiner.read(view, ids), known, at, needed)

    def _fresh(self, connection: sa.Connection, look: Look) -> list[int]:
        """Ids whose memory has not changed since the view was opened.

        The write-back may have written between the view and now; comparing the older view with
        the newer memory would take our own write for Magento's.  Those hints stay and are
        looked at again.
        """
        revisions = self._ledger.entities.lock(connection, look.kind, look.ids)
        return [
            entity_id
            for entity_id in look.ids
            if revisions.get(entity_id)
            == (look.known[entity_id].revision if entity_id in look.known else None)
        ]

    def _write(
        self, connection: sa.Connection, ids: Sequence[int], look: Look, written: Written
    ) -> None:
        rows: list[EntityRow] = []
        events: list[NewEvent] = []
        for entity_id in ids:
            snapshot, known = look.there.get(entity_id), look.known.get(entity_id)
            if snapshot is not None:
                broken = look.examiner.problems(snapshot, as_is=bool(known and known.as_is))
                result = look.examiner.compare(known, snapshot, broken)
                if not snapshot.is_carried and not (known and known.sequence):
                    # Remembered all the same: once `only` takes it in, it is no news that is sent.
                    result = replace(result, events=())
                if result.another:
                    self._part_from_former(connection, look.kind, entity_id)
                made = self._events(look, snapshot, known, result, broken)
                events += made
                rows.append(
                    row_of(
                        look.kind,
                        snapshot,
                        look.examiner.fingerprint(snapshot, broken),
                        look.at,
                        sequence=(known.sequence if known else 0) + len(made),
                        held_by_us=result.held_by_us,
                    )
                )
                if result.undone:
                    again = self._ledger.write_backs.undone(
                        connection,
                        look.kind,
                        entity_id,
                        MOST_REAPPLIED,
                        held_by_us=known is not None and known.held_by_us,
                    )
                    written.undone.append((look.kind, snapshot.number, again))
            elif known is not None and not known.vanished:
                gone = self._vanished(look, known)
                events += gone
                rows.append(_memory_of_vanished(known, look.at, len(gone)))
        self._ledger.entities.save(connection, rows)
        self._ledger.events.insert(connection, events)
        self._ledger.events.wake(connection, look.kind, [row.entity_id for row in rows])
        self._point_at_needed(connection, look, events)
        # What waits for one that does not go shall say so.
        self._ledger.settling.wake_children(connection, look.kind, sorted(look.needed & {*ids}))
        written.events += events

    def _point_at_needed(
        self, connection: sa.Connection, look: Look, events: Sequence[NewEvent]
    ) -> None:
        """A new document points at what it names, where that is to be told when it is needed."""
        needed: dict[str, set[int]] = defaultdict(set)
        opening = [one for one in events if one.sequence == 1 or self._opens(look, one)]
        for event in opening:
            parent = look.there[event.entity_id].parent if event.entity_id in look.there else None
            examiner = self._examiners.get(parent[0]) if parent else None
            if parent and examiner is not None and examiner.spec.told_when_needed:
                needed[parent[0]].add(parent[1])
        for kind, ids in needed.items():
            self._outbox.add(connection, kind, sorted(ids), NEEDED)

    @staticmethod
    def _opens(look: Look, event: NewEvent) -> bool:
        return look.examiner.spec.role(event.type) is Role.OPENS

    def _part_from_former(self, connection: sa.Connection, kind: str, entity_id: int) -> None:
        """Magento has another entity in the place of one that the ledger knew.

        What that one was called is no name of this one, and what it still had to say is over; what
        the ERP may have booked of it waits for a person.
        """
        waiting = self._ledger.events.open_of(connection, kind, [entity_id]).get(entity_id, [])
        doubtful = [event.id for event in waiting if event.maybe_booked]
        self._ledger.events.supersede(
            connection, [event.id for event in waiting if event.id not in doubtful], _REPLACED
        )
        self._ledger.events.park(
            connection,
            doubtful,
            Obstacle(_REPLACED, _REPLACED_REMEDY, DOCUMENT_TAKEN),
        )
        self._ledger.journal.part(connection, kind, entity_id, wholly=True)
        self._ledger.write_backs.withdraw(connection, kind, entity_id, _REPLACED)
        self._ledger.entities.forget_write_back(connection, kind, entity_id)

    def _events(
        self,
        look: Look,
        snapshot: Snapshot,
        known: KnownEntity | None,
        result: Comparison,
        broken: Sequence[str],
    ) -> list[NewEvent]:
        spec = look.examiner.spec
        off = look.examiner.tolerated(snapshot) if result.events and not broken else []
        if off:
            self._narrator.tell(
                "capture.tolerated", kind=spec.kind, number=snapshot.number, message="; ".join(off)
            )
        return [
            self._maker.make(
                spec,
                type_,
                snapshot.payload,
                entity_id=snapshot.entity_id,
                number=snapshot.number,
                sequence=sequence,
                amount=snapshot.amount,
                currency=snapshot.currency,
                occurred_at=self._moment(spec, type_, snapshot),
                obstacle=_obstacle(spec, type_, snapshot.number, broken),
            )
            for sequence, type_ in enumerate(result.events, _next(known))
        ]

    def _moment(self, spec: DomainSpec, type_: str, snapshot: Snapshot) -> datetime:
        opened = snapshot.made_at if spec.role(type_) is Role.OPENS else None
        return opened or snapshot.updated_at or self._clock.now()

    def _vanished(self, look: Look, known: KnownEntity) -> list[NewEvent]:
        news = look.examiner.vanished(known)
        if news is None:
            return []
        type_, remains = news
        return [
            self._maker.make(
                look.examiner.spec,
                type_,
                remains,
                entity_id=known.entity_id,
                number=known.number,
                sequence=_next(known),
                amount=known.amount,
                currency=known.currency,
                occurred_at=self._clock.now(),
            )
        ]

    def _report(self, written: Written) -> None:
        for entity, message in written.odd:
            self._narrator.tell("capture.set_aside", entity=entity, message=message)
        for event in written.events:
            is_swept = (event.kind, event.entity_id) in written.swept
            announced = self._examiners[event.kind].spec.event(event.type).announced
            if self._triggers_on and is_swept and announced:
                self._narrator.tell(
                    "capture.trigger_missed",
                    domain=event.domain,
                    kind=event.kind,
                    number=event.number,
                    type=event.type,
                )
            self._narrator.tell(
                f"intake.{event.type}",
                domain=event.domain,
                kind=event.kind,
                number=event.number,
                corr=event.event_id,
                status=event.status.value,
                **({"message": event.reason} if event.reason else {}),
            )
        for kind, number, again in written.undone:
            domain = self._examiners[kind].spec.name
            self._narrator.tell(
                "write_back.undone", domain=domain, kind=kind, number=number, outcome=again
            )


_Hints = Sequence[Hint]


def _by_entity(hints: Iterable[Hint]) -> list[_Hints]:
    """The hints, those of one entity together."""
    groups: dict[tuple[str, int], list[Hint]] = {}
    for hint in hints:
        groups.setdefault(_of(hint), []).append(hint)
    return list(groups.values())


def _of(hint: Hint) -> tuple[str, int]:
    return hint.kind, hint.entity_id


def _entity(hints: _Hints) -> tuple[str, int]:
    return _of(hints[0])


def _next(known: KnownEntity | None) -> int:
    return (known.sequence if known else 0) + 1


def _obstacle(spec: DomainSpec, type_: str, number: str, broken: Sequence[str]) -> Obstacle | None:
    """Why an event is parked.  An end goes whatever the sums are: only a name it must have."""
    nameless = not number.strip()
    if not broken or (spec.role(type_) is Role.ENDS and not nameless):
        return None
    as_is = "" if nameless else "'erp-sidecar queue release NUMBER --as-is' sends it as it is, "
    return Obstacle(
        "; ".join(broken),
        f"correct the {spec.noun} in Magento (it is looked at again by itself), {as_is}or book it "
        "by hand in the ERP and 'erp-sidecar queue drop' it",
        BAD_DATA,
    )


def _swept_only(hints: Sequence[Hint]) -> frozenset[tuple[str, int]]:
    announced = {_of(hint) for hint in hints if hint.pointed != SWEEP}
    return frozenset(_of(hint) for hint in hints) - announced


def _unanswered(hints: Sequence[Hint], known: Mapping[int, KnownEntity]) -> list[int]:
    """The entities, of one kind, that want a look.

    A sweep saw what was committed when it wrote its hint.  One that was looked at since needs no
    second look: after a night without the daemon the sweep and the triggers point at the same
    entities, and each would be read twice.
    """

    def is_answered(hint: Hint) -> bool:
        entity = known.get(hint.entity_id)
        looked_at = entity.looked_at if entity else None
        return (
            hint.pointed == SWEEP
            and looked_at is not None
            and hint.created_at < looked_at.replace(tzinfo=UTC)
        )

    return sorted({hint.entity_id for hint in hints if not is_answered(hint)})


def _memory_of_vanished(known: KnownEntity, at: datetime, events: int) -> EntityRow:
    return EntityRow(
        kind=known.kind,
        entity_id=known.entity_id,
        number=known.number,
        store_id=None,
        state=known.state,
        status=known.status,
        held_by_us=False,
        amount=known.amount,
        currency=known.currency,
        fingerprint=known.fingerprint,
        mark=None,
        facts=known.facts,
        sequence=known.sequence + events,
        made_at=known.made_at,
        updated_at=None,
        looked_at=at,
        vanished=True,
        parent=known.parent,
    )
