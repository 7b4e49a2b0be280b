"""Choose what goes next in a domain, and take it: one short transaction, no network."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TypeAlias

import sqlalchemy as sa

from sidecar.database.connection import Database
from sidecar.delivery.parents import ParentDocument, Parents
from sidecar.delivery.plan import NEVER_SEEN, EntityPlan, plan
from sidecar.ledger.events import BEHIND_ANOTHER, Candidate, Claimed, OpenEvent
from sidecar.ledger.periods import waiting_for
from sidecar.ledger.store import LedgerStore
from sidecar.magento.domain import Answered, Gate
from sidecar.model.bulkhead import MOST_ALIKE, Bulkhead
from sidecar.model.calendar import PostingCalendar, PostingRule
from sidecar.model.domain_spec import DomainSpec, Role
from sidecar.model.entity import KnownEntity
from sidecar.model.errors import BadData, SidecarError, described, is_of_one
from sidecar.model.lease import trusted_until
from sidecar.model.reference import Reference, taken
from sidecar.model.settlement import BAD_DATA, UNCLAIMABLE, EventStatus, Obstacle
from sidecar.ports import Clock, Link

#: Every so often one poll goes without the low-water guard: a late committer may have written an
#: older due time, which the guard alone would lose (facts: mysql-outbox 2.1 and 2.4).
UNGUARDED_EVERY = 5.0
_Find: TypeAlias = Callable[[sa.Connection], list[Candidate]]


@dataclass(frozen=True, slots=True)
class Odd:
    """An entity that could not be claimed; `alike`: how many in a row for the same defect."""

    entity: str
    message: str
    alike: int


@dataclass(frozen=True, slots=True)
class Claim:
    """What was taken: `pushes` to send, `probes` to ask the ERP about; `links` and `parents` by
    entity.

    `folded` events were closed because others carry them, `held` ones put to wait: neither is due
    any more, and there may be more behind them.

    `trusted_until` is the process's own bound (monotonic): after it nothing of the claim may be
    sent any more, because somebody else may have it by the database's clock.

    `odd`: entities of which nothing can be claimed, and why; they are parked, and among the folded,
    but for those from `MOST_ALIKE` alike on.
    """

    pushes: tuple[Claimed, ...]
    probes: tuple[Claimed, ...]
    links: dict[tuple[str, int], Link]
    trusted_until: float
    parents: dict[tuple[str, int], ParentDocument] = field(default_factory=dict)
    folded: int = 0
    held: int = 0
    odd: tuple[Odd, ...] = ()

    def with_part(self, part: Claim) -> Claim:
        """Both together, trusted as long as this one."""
        return replace(
            self,
            pushes=self.pushes + part.pushes,
            probes=self.probes + part.probes,
            links=self.links | part.links,
            parents=self.parents | part.parents,
            folded=self.folded + part.folded,
            held=self.held + part.held,
            odd=self.odd + part.odd,
        )

    def __bool__(self) -> bool:
        return bool(self.pushes or self.probes or self.folded or self.held)

    @property
    def moved(self) -> int:
        """How many events are on, or at the end of, their way."""
        return len(self.pushes) + len(self.probes) + self.folded


class Claimer:
    """One per domain, used by one thread.

    `may_send` is asked on the connection that claims: what another server holds is not ours to send
    (`sidecar.identity.clone_guard`).  `answered`: which orders Magento shows as answered; None
    where the ERP cannot be asked about them.  `posting`: what becomes of what belongs to a closed
    period; None: it goes.
    """

    def __init__(
        self,
        database: Database,
        ledger: LedgerStore,
        gate: Gate | None,
        clock: Clock,
        *,
        spec: DomainSpec,
        subscriptions: Collection[str],
        owner: str,
        lease_seconds: float,
        may_send: Callable[[sa.Connection], bool],
        reference: Reference | None = None,
        parents: Parents | None = None,
        answered: Answered | None = None,
        posting: PostingRule | None = None,
    ) -> None:
        self._posting = posting
        self._parents = parents
        self._answered = answered
        self.may_send = may_send
        self._reference = reference or Reference()
        self._database = database
        self._ledger = ledger
        self._gate = gate
        self._clock = clock
        self._spec = spec
        self._subscriptions = subscriptions
        self._owner = owner
        self._lease_seconds = lease_seconds
        self._bulkhead = Bulkhead()
        self._low: datetime | None = None
        self._unguarded_at = 0.0

    def claim(self, limit: int) -> Claim:
        """Take up to `limit` events; an empty claim when nothing is due."""
        guard = self._guard(self._clock.monotonic())

        def find(connection: sa.Connection) -> list[Candidate]:
            due = self._ledger.events.candidates(connection, self._spec.name, limit, guard)
            if due:
                self._low = due[0].due_at
            return due

        return self._claim(find)

    def claim_suspect(self) -> Claim:
        """Take one event that a process died of, and nothing beside it that could be blamed."""

        def find(connection: sa.Connection) -> list[Candidate]:
            return self._ledger.events.suspects(connection, self._spec.name)

        return self._claim(find, alone=True)

    def _claim(self, find: _Find, *, alone: bool = False) -> Claim:
        started = self._clock.monotonic()
        try:
            with self._database.transaction("claiming events") as connection:
                due = self._found(connection, find)
                claim = self._take(connection, due, started, alone=alone)
        except Exception as error:
            if not is_of_one(error):
                raise
            return self._claim_apart(find, started, alone=alone)
        if claim:
            self._bulkhead.passed()
        return claim

    def _claim_apart(self, find: _Find, started: float, *, alone: bool) -> Claim:
        """Claim where one order cannot be: the others, and the culprit is parked."""
        with self._database.transaction("looking for the culprit") as connection:
            due = self._found(connection, find)

        def take(entities: Sequence[list[Candidate]]) -> Claim:
            with self._database.transaction("claiming events") as connection:
                part = [candidate for entity in entities for candidate in entity]
                return self._take(connection, part, started, alone=alone)

        claim = Claim((), (), {}, self.trusted_until(started))
        try:
            for part in self._bulkhead.apart([_by_entity(due)], take, self._park, key=_entity):
                claim = claim.with_part(part)
        except SidecarError:
            # What is claimed is claimed; the next to ask the database hears of it.
            if not claim:
                raise
        return claim

    def _found(self, connection: sa.Connection, find: _Find) -> list[Candidate]:
        return find(connection) if self.may_send(connection) else []

    def _park(self, candidates: list[Candidate], error: Exception, alike: int) -> Claim:
        """Park what is due of one entity; that it may be in the ERP stays written down.

        What everybody meets parks no more of them: whoever claims stops the domain.
        """
        first = candidates[0]
        odd = (Odd(f"{first.kind} {first.entity_id}", described(error), alike),)
        if alike >= MOST_ALIKE:
            return Claim((), (), {}, 0.0, odd=odd)
        why = Obstacle(
            f"it cannot be claimed: {described(error)}",
            (error.remedy if isinstance(error, SidecarError) else "please report it")
            + "; then 'erp-sidecar queue requeue'",
            UNCLAIMABLE,
        )
        with self._database.transaction("parking what cannot be claimed") as connection:
            self._ledger.entities.lock(connection, first.kind, [first.entity_id])
            self._ledger.events.park(connection, [one.id for one in candidates], why)
        return Claim((), (), {}, 0.0, folded=len(candidates), odd=odd)

    def trusted_until(self, asked_at: float) -> float:
        """How long a lease may be used that was asked for at `asked_at` (monotonic)."""
        return trusted_until(asked_at, self._lease_seconds)

    def _guard(self, now: float) -> datetime | None:
        if now - self._unguarded_at < UNGUARDED_EVERY:
            return self._low
        self._unguarded_at = now
        return None

    def _take(
        self,
        connection: sa.Connection,
        due: list[Candidate],
        started: float,
        *,
        alone: bool = False,
    ) -> Claim:
        pushes: list[Claimed] = []
        probes: list[Claimed] = []
        links: dict[tuple[str, int], Link] = {}
        parents: dict[tuple[str, int], ParentDocument] = {}
        folded = held = 0
        # First of all: who opens a period waits for this claim, and locks no more meanwhile.
        calendar = self._calendar(connection)
        for kind, ids in _by_kind(due).items():
            chosen_here = _Chosen(kind)
            known = self._ledger.entities.read(connection, kind, ids, locked=True)
            found = self._ledger.journal.links(connection, kind, ids)
            open_events = self._ledger.events.open_of(connection, kind, ids)
            self._doubt_answered(connection, open_events, found)
            links |= {(kind, entity_id): link for entity_id, link in found.items()}
            above = self._parents.documents(connection, known) if self._parents else {}
            parents |= {(kind, entity_id): parent for entity_id, parent in above.items()}
            for entity_id in ids:
                chosen = plan(
                    open_events.get(entity_id, []),
                    self._spec,
                    linked=entity_id in found and not found[entity_id].ended,
                    ended=entity_id in found and found[entity_id].ended,
                    subscriptions=self._subscriptions,
                )
                if chosen.unwanted:
                    # What waited behind an event that is closed here, unsent, has nobody else to
                    # wake it.
                    self._ledger.events.wake(connection, kind, [entity_id])
                if chosen.push and chosen.push.crashes and not alone:
                    # It goes alone, at the beginning of the next run.
                    continue
                folded += self._carry_out(connection, chosen)
                held += len(chosen.behind)
                if chosen.probe:
                    chosen_here.probes.append(chosen.probe)
                if chosen.push is None:
                    continue
                entity = known.get(entity_id)
                if self._passes(connection, chosen.push, entity, above, calendar):
                    chosen_here.pushes.append(chosen.push)
                else:
                    held += 1
            chosen_here.name(self._reference, known, found)
            folded += self._give_way(connection, chosen_here, found)
            pushes += self._pushes(connection, chosen_here, found)
            probes += self._probes(connection, chosen_here, found)
        return Claim(
            pushes=tuple(pushes),
            probes=tuple(probes),
            links=links,
            parents=parents,
            trusted_until=self.trusted_until(started),
            folded=folded,
            held=held,
        )

    def _doubt_answered(
        self,
        connection: sa.Connection,
        open_events: dict[int, list[OpenEvent]],
        links: Mapping[int, Link],
    ) -> None:
        """One that Magento shows as answered, and the ledger as never sent, is asked for.

        The ledger was restored or made anew, then (docs/decisions/0052).
        """
        if self._answered is None:
            return
        unsent = [
            entity_id
            for entity_id, (head, *_) in open_events.items()
            if self._is_unsent(head) and entity_id not in links
        ]
        for entity_id in self._answered(connection, unsent):
            head, *later = open_events[entity_id]
            open_events[entity_id] = [replace(head, status=EventStatus.UNKNOWN), *later]

    def _is_unsent(self, event: OpenEvent) -> bool:
        return (
            self._opens(event.type)
            and event.status is EventStatus.PENDING
            and not (event.sent or event.maybe_booked or event.absent or event.vouched)
        )

    def _give_way(
        self, connection: sa.Connection, chosen: _Chosen, links: Mapping[int, Link]
    ) -> int:
        """Park placements whose reference is another order's; gives how many."""
        placing = {
            event.id: (event.entity_id, event.number, chosen.refs[event.id])
            for event in chosen.pushes
            if self._opens(event.type)
            and not (event.absent or event.vouched or event.maybe_booked)
            and event.entity_id not in links
        }
        refs = [ref for _, _, ref in placing.values()]
        numbers = [number for _, number, _ in placing.values()]
        namesakes = self._ledger.entities.namesakes(connection, chosen.kind, numbers)
        obstacles = taken(
            placing,
            self._ledger.journal.holders(connection, chosen.kind, refs),
            [
                (self._reference.of(entity_id, number, store_id), entity_id)
                for entity_id, number, store_id in namesakes
            ],
        )
        for event_id, why in obstacles.items():
            self._ledger.events.park(connection, [event_id], why)
        chosen.pushes = [event for event in chosen.pushes if event.id not in obstacles]
        return len(obstacles)

    def _pushes(
        self, connection: sa.Connection, chosen: _Chosen, links: Mapping[int, Link]
    ) -> list[Claimed]:
        claimed = self._ledger.events.take(
            connection, chosen.named(chosen.pushes), self._owner, self._lease_seconds
        )
        lives_again = [
            one.entity_id for one in claimed if self._opens(one.type) and one.entity_id in links
        ]
        former = self._ledger.journal.former(connection, chosen.kind, lives_again)
        return [replace(one, former=former.get(one.entity_id, one.former)) for one in claimed]

    def _probes(
        self, connection: sa.Connection, chosen: _Chosen, links: Mapping[int, Link]
    ) -> list[Claimed]:
        claimed = self._ledger.events.take(
            connection, chosen.named(chosen.probes), self._owner, self._lease_seconds, probing=True
        )
        former = self._ledger.journal.former(
            connection, chosen.kind, [one.entity_id for one in claimed]
        )
        strange = self._ledger.events.not_ours(
            connection,
            chosen.kind,
            [
                one.entity_id
                for one in claimed
                if not self._opens(one.type) and one.entity_id not in links
            ],
            self._spec.opening,
        )
        return [
            replace(
                one,
                former=former.get(one.entity_id, one.former),
                not_ours=strange.get(one.entity_id),
            )
            for one in claimed
        ]

    def _opens(self, type_: str) -> bool:
        return self._spec.role(type_) is Role.OPENS

    def _carry_out(self, connection: sa.Connection, chosen: EntityPlan) -> int:
        events = self._ledger.events
        if chosen.carry:
            events.carry(connection, *chosen.carry)
        events.supersede(
            connection, chosen.carried, f"a newer state of the {self._spec.noun} went in its place"
        )
        events.supersede(connection, chosen.moot, NEVER_SEEN)
        events.supersede(connection, chosen.unwanted, "no call of the mapping takes this event")
        events.hold_back(connection, chosen.behind, BEHIND_ANOTHER)
        if chosen.revive:
            events.revive(connection, chosen.revive.id)
        closed = len(chosen.carried) + len(chosen.moot) + len(chosen.unwanted)
        return closed + bool(chosen.revive)

    def _passes(
        self,
        connection: sa.Connection,
        event: OpenEvent,
        known: KnownEntity | None,
        parents: Mapping[int, ParentDocument],
        calendar: PostingCalendar | None,
    ) -> bool:
        if known is None or event.maybe_booked:
            # What the ERP may have, passed the gate before; it may be gone from Magento
            # since, and then the gate would never open.
            return True
        if not self._opens(event.type):
            # What the ERP already has must hear of changes at once.
            return True
        if self._parents is not None and event.entity_id not in parents:
            why = self._parents.why_not(connection, known)
            if why is not None:
                self._ledger.events.hold_back(connection, [event.id], why)
                return False
        if calendar is not None and not self._is_open(connection, event, known, calendar):
            return False
        if self._gate is None:
            return True
        try:
            closed = self._gate.closed(known.facts, held_by_us=known.held_by_us)
        except BadData as wrong:
            # No gate can decide, and what waits at one must not slip through.
            obstacle = Obstacle(wrong.message, wrong.remedy or "", BAD_DATA)
            self._ledger.events.park(connection, [event.id], obstacle)
            return False
        if closed:
            self._ledger.events.hold_back(connection, [event.id], closed)
        return closed is None

    def _calendar(self, connection: sa.Connection) -> PostingCalendar | None:
        if self._posting is None:
            return None
        closed = self._ledger.periods.closed(connection, kept=True)
        return PostingCalendar(self._posting.timezone, closed)

    def _is_open(
        self,
        connection: sa.Connection,
        event: OpenEvent,
        known: KnownEntity,
        calendar: PostingCalendar,
    ) -> bool:
        """Whether it may go as far as the calendar says; also on which day it is posted."""
        made_at = known.made_at or event.occurred_at
        if self._posting is None or made_at is None:
            return True
        moment = made_at.replace(tzinfo=UTC)
        if not self._posting.moves:
            closed = calendar.closed_period_of(moment)
            if closed is not None:
                self._ledger.events.hold_back(connection, [event.id], waiting_for(closed))
            return closed is None
        later = calendar.moved(moment)
        posting_date = later.astimezone(UTC).replace(tzinfo=None) if later else None
        if posting_date != event.posting_date:
            self._ledger.events.post_on(connection, event.id, posting_date)
        return True


@dataclass(slots=True)
class _Chosen:
    """What is to be taken of one kind; `refs`: the external reference of each event."""

    kind: str
    pushes: list[OpenEvent] = field(default_factory=list)
    probes: list[OpenEvent] = field(default_factory=list)
    refs: dict[int, str] = field(default_factory=dict)

    def name(
        self, reference: Reference, known: Mapping[int, KnownEntity], links: Mapping[int, Link]
    ) -> None:
        """Give each event its reference: the one it was booked under, for life; or sent under."""
        for event in (*self.pushes, *self.probes):
            link, entity = links.get(event.entity_id), known.get(event.entity_id)
            if link and link.ref:
                ref = link.ref
            elif event.ref and event.maybe_booked:
                ref = event.ref
            else:
                number = entity.number if entity else event.number
                store_id = entity.store_id if entity else None
                ref = reference.of(event.entity_id, number, store_id)
            self.refs[event.id] = ref

    def named(self, events: Sequence[OpenEvent]) -> dict[int, str]:
        """Event → reference, of these."""
        return {event.id: self.refs[event.id] for event in events}


def _by_entity(due: Sequence[Candidate]) -> list[list[Candidate]]:
    entities: dict[tuple[str, int], list[Candidate]] = defaultdict(list)
    for candidate in due:
        entities[candidate.kind, candidate.entity_id].append(candidate)
    return list(entities.values())


def _entity(candidates: Sequence[Candidate]) -> tuple[str, int]:
    return candidates[0].kind, candidates[0].entity_id


def _by_kind(due: list[Candidate]) -> dict[str, list[int]]:
    kinds: dict[str, list[int]] = defaultdict(list)
    for candidate in due:
        if candidate.entity_id not in kinds[candidate.kind]:
            kinds[candidate.kind].append(candidate.entity_id)
    return kinds
