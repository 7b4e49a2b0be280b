"""What an operator does to events, from the order's number: requeue, park, drop, edit, release.

Each act locks its orders first, as intake and delivery do, so that it decides on what is, not on
what was listed a moment ago; it is one short transaction, and the audit keeps who did it and why.
An event in flight is never touched.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

import sqlalchemy as sa

from sidecar.capture.outbox import Outbox
from sidecar.database.connection import Database
from sidecar.ledger.records import EventRow, Records
from sidecar.ledger.store import LedgerStore
from sidecar.model.cause import Cause, causes
from sidecar.model.domain_spec import DomainSpec
from sidecar.model.draft import Draft, Edit
from sidecar.model.errors import BadData, TryAgain, UsageError
from sidecar.model.event import encode_payload
from sidecar.model.settlement import AT_REST, BAD_DATA, DROPPED, REFUSED, TROUBLED, EventStatus
from sidecar.operate.naming import Document, document, name_of, named

#: Orders that one transaction of a bulk act locks: intake and delivery wait for it.
_PART = 200
#: More events of one cause than these are released only with a number.
UNLIMITED = 1000
_EVERY = 1_000_000
#: audit.detail is a text column of 64 KiB, and a proof that was cut is none.
_MOST_DETAIL = 60_000


@dataclass(frozen=True, slots=True)
class By:
    """Who acts, and why."""

    who: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Done:
    """What an act came to: the events it touched, how many were so already, how many are left.

    `documents`: those whose events they are; `answers`: of the ERP, that are written into Magento
    again.
    """

    events: tuple[EventRow, ...]
    documents: tuple[Document, ...]
    already: int = 0
    left: int = 0
    answers: int = 0

    @property
    def money(self) -> dict[str, Decimal]:
        """Currency → what these documents are worth, each counted once, by its newest event."""
        newest = {(event.kind, event.entity_id): event for event in self.events}
        total: dict[str, Decimal] = defaultdict(Decimal)
        for event in newest.values():
            if event.amount is not None and event.currency is not None:
                total[event.currency] += event.amount
        return dict(total)


class Operations:
    """The events of some domains under an operator's hand.

    `clears_doubt`: whether the ERP itself does in a domain (`Capabilities`); asked only when it
    matters.
    """

    def __init__(
        self,
        database: Database,
        store: LedgerStore,
        domains: Sequence[DomainSpec],
        clears_doubt: Callable[[str], bool],
    ) -> None:
        self._database = database
        self._store = store
        self._domains = domains
        self._clears_doubt = clears_doubt
        self._records = Records(store.tables)
        self._outbox = Outbox(store.names)

    # --- requeue, release -------------------------------------------------------------------

    def requeue(self, names: Sequence[str], by: By, *, dry_run: bool = False) -> Done:
        """Make all that waits of these orders (or events) due now."""
        with self._database.transaction("looking for events") as connection:
            found = self._named(connection, names)
            answers = 0 if dry_run else self._write_again(connection, found, by)
        events = [event for event in found if _waits(event)]
        chosen = [event for event in events if not _is_due(event)]
        done = self._requeue(chosen, by, dry_run=dry_run)
        return replace(done, already=len(events) - len(chosen), answers=answers)

    def _write_again(self, connection: sa.Connection, events: Sequence[EventRow], by: By) -> int:
        """Let the ERP's answers be tried again that could not be written into Magento."""
        again = self._store.write_backs.again
        count = sum(again(connection, kind, ids) for kind, ids in _ids(events).items())
        if count:
            for number in sorted({event.number for event in events}):
                self._store.audit.note(
                    connection,
                    who=by.who,
                    command="queue requeue",
                    subject=number,
                    reason=by.reason,
                    detail={"answers": count},
                )
        return count

    def requeue_all(
        self,
        *,
        status: EventStatus | None,
        cause: str | None,
        most: int,
        by: By,
        dry_run: bool = False,
    ) -> Done:
        """Make all due that is in `status` or of `cause`; UsageError when more than `most` are."""
        statuses = (status,) if status else TROUBLED
        events = self._find(statuses, cause, most + 1)
        if len(events) > most:
            raise UsageError(f"more than {most} events match", "raise --limit if that is meant")
        return self._requeue(events, by, dry_run=dry_run)

    def release_as_is(self, names: Sequence[str], by: By, *, dry_run: bool = False) -> Done:
        """Send what was parked as bad data as it is, and whatever comes of these orders later.

        Magento is read anew first: what goes is what it has.  UsageError for an order of which
        nothing is parked so, or that has no number: an ERP would not know it.
        """
        with self._database.transaction("releasing events as they are") as connection:
            events = self._at_rest(connection, names)
            chosen = [event for event in events if _is_broken(event)]
            sound = set(_numbers(events)) - set(_numbers(chosen))
            if sound:
                raise UsageError(
                    f"nothing of {', '.join(sorted(sound))} is parked because of its data",
                    "'erp-sidecar queue requeue' sends again what was refused or put aside",
                )
            if any(not event.number.strip() for event in chosen):
                raise UsageError(
                    "what has no number cannot be sent: the ERP would not know it again",
                    "give it one in Magento (increment_id)",
                )
            if not dry_run:
                self._look_again(connection, chosen)
                for kind, ids in _ids(chosen).items():
                    self._store.entities.send_as_is(connection, kind, ids)
                for event in chosen:
                    found = {"problems": event.reason}
                    self._note(connection, "queue release", [event], by, found)
        return self._done(chosen)

    def causes(self) -> list[Cause]:
        """What was refused or parked, by cause."""
        with self._database.transaction("reading refusals") as connection:
            return causes(
                [
                    refusal
                    for spec in self._domains
                    for refusal in self._records.refusals(connection, spec)
                ]
            )

    def release(self, cause: str, *, most: int | None, by: By, dry_run: bool = False) -> Done:
        """Make the oldest `most` refusals of one cause due now.

        Without `most` all of them; UsageError when that is a great many.
        """
        events = self._find(REFUSED, cause, _EVERY)
        if most is None and len(events) > UNLIMITED:
            raise UsageError(
                f"{len(events)} events have this cause", "say with --limit how many shall go"
            )
        done = self._requeue(events[:most], by, dry_run=dry_run, command="rejections release")
        return replace(done, left=len(events) - len(done.events))

    def _find(
        self, statuses: Sequence[EventStatus], cause: str | None, most: int
    ) -> list[EventRow]:
        with self._database.transaction("reading the queue") as connection:
            return self._records.queue(connection, statuses=statuses, print_=cause, limit=most)

    def _requeue(
        self, events: Sequence[EventRow], by: By, *, dry_run: bool, command: str = "queue requeue"
    ) -> Done:
        if dry_run or not events:
            return self._done(events)
        done: list[EventRow] = []
        for part in _parts(events):
            with self._database.transaction("requeueing events") as connection:
                now = [event for event in self._locked(connection, part) if _waits(event)]
                self._look_again(connection, [event for event in now if _is_broken(event)])
                self._due_now(connection, [event for event in now if not _is_broken(event)])
                self._note(connection, command, now, by)
            done += now
        return self._done(done)

    def _look_again(self, connection: sa.Connection, events: Sequence[EventRow]) -> None:
        """What broke an invariant is not sent as it is: Magento is read anew."""
        for kind, ids in _ids(events).items():
            known = self._store.entities.read(connection, kind, ids)
            self._store.entities.forget_look(connection, list(known.values()))
            self._outbox.add(connection, kind, ids, "requeue")

    # --- park, drop -------------------------------------------------------------------------

    def park(self, names: Sequence[str], by: By, *, dry_run: bool = False) -> Done:
        """Put aside what waits of these orders, until it is requeued.

        TryAgain while one of them is being sent; nothing is changed then.
        """
        with self._database.transaction("parking events") as connection:
            events = self._at_rest(connection, names)
            chosen = [event for event in events if event.status is not EventStatus.PARKED]
            if not dry_run:
                ids = [event.id for event in chosen]
                self._store.acts.park(connection, ids, _said("put aside", by))
                self._note(connection, "queue park", chosen, by)
        return self._done(chosen, already=len(events) - len(chosen))

    def drop(
        self, names: Sequence[str], by: By, *, even_if_booked: bool, dry_run: bool = False
    ) -> Done:
        """Close what waits of these orders for good; later events of the order go on.

        UsageError for what the ERP may hold, unless `even_if_booked`; TryAgain while one of them
        is being sent.  Nothing is changed then.
        """
        with self._database.transaction("dropping events") as connection:
            events = self._at_rest(connection, names, over=DROPPED)
            chosen = [event for event in events if _waits(event)]
            doubtful = [event for event in chosen if event.maybe_booked]
            if doubtful and not even_if_booked:
                raise UsageError(
                    f"the ERP may have booked {self._names_of(doubtful)}",
                    "look there first ('erp-sidecar show NUMBER' asks it); "
                    "--even-if-booked drops it all the same",
                )
            if not dry_run:
                ids = [event.id for event in chosen]
                self._store.acts.drop(connection, ids, _said("dropped", by))
                for kind, entities in _ids(chosen).items():
                    self._store.events.wake(connection, kind, entities)
                self._note(connection, "queue drop", chosen, by)
        return self._done(chosen, already=len(events) - len(chosen))

    def _at_rest(
        self, connection: sa.Connection, names: Sequence[str], *, over: str | None = None
    ) -> list[EventRow]:
        """What is not over of `names` (or is, by an act with the code `over`), none in flight."""
        found: dict[int, EventRow] = {}
        for name in names:
            events = self._named(connection, [name])
            in_flight = [event for event in events if event.status is EventStatus.SENDING]
            if in_flight:
                raise TryAgain(
                    f"{self._names_of(in_flight)} is being sent just now",
                    "try again in a moment; 'erp-sidecar domain pause' lets nothing more be sent",
                )
            wanted = [event for event in events if _waits(event)] or [
                event for event in events if over and event.error_code == over
            ]
            if not wanted:
                raise UsageError(
                    f"{name}: nothing of it waits, all its events are over",
                    "'erp-sidecar show NUMBER' tells what became of them",
                )
            found |= {event.id: event for event in wanted}
        return list(found.values())

    def _names_of(self, events: Sequence[EventRow]) -> str:
        names = {name_of(self._domains, event.kind, event.number) for event in events}
        return ", ".join(sorted(names))

    # --- edit -------------------------------------------------------------------------------

    def draft(self, name: str) -> Draft:
        """The payload of the event, or of the one event of the order, that waits."""
        with self._database.transaction("looking for an event") as connection:
            events = self._at_rest(connection, [name])
            if len(events) > 1:
                known = ", ".join(f"{event.event_id} ({event.type})" for event in events)
                raise UsageError(f"{len(events)} events of {name} wait: {known}", "name one")
            return self._draft(connection, events[0].event_id)

    def edit(
        self, draft: Draft, text: str, by: By, *, force: bool = False, dry_run: bool = False
    ) -> Edit:
        """Replace the payload by `text` and make the event due; the audit keeps what changed.

        BadData for a payload that is not of the event's shape, names another order or, unless
        `force`, breaks an invariant; TryAgain when the event has moved since the draft was taken.
        """
        edit = draft.edited(text)
        if edit.problems and not force:
            raise BadData(
                f"{draft.event_id} must not be sent so: {'; '.join(edit.problems)}",
                "correct the payload further; --force sends it all the same",
            )
        if edit.changes and not dry_run:
            self._write(draft, edit, by)
        return edit

    def _write(self, draft: Draft, edit: Edit, by: By) -> None:
        detail = {"changes": [asdict(change) for change in edit.changes], "forced": edit.problems}
        if len(json.dumps(detail, default=str)) > _MOST_DETAIL:
            raise UsageError("that is more change than the audit can keep", "edit in smaller steps")
        payload = edit.payload
        with self._database.transaction("editing an event") as connection:
            events = self._at_rest(connection, [draft.event_id])
            if self._draft(connection, draft.event_id) != draft:
                raise TryAgain(
                    f"{draft.event_id} was changed by somebody else meanwhile", "edit it again"
                )
            (event,) = events
            self._store.acts.rewrite(
                connection,
                (event.kind, event.entity_id, event.sequence),
                encode_payload(payload).decode(),
                *(draft.spec.worth(payload) or (None, None)),
            )
            self._due_now(connection, [event])
            self._note(connection, "queue edit", events, by, detail)

    # --- what the acts share ----------------------------------------------------------------

    def _done(self, events: Sequence[EventRow], *, already: int = 0) -> Done:
        concerned = sorted({(event.kind, event.number) for event in events})
        documents = tuple(document(self._domains, kind, number) for kind, number in concerned)
        return Done(tuple(events), documents, already)

    def _due_now(self, connection: sa.Connection, events: Sequence[EventRow]) -> None:
        for spec in self._domains:
            ids = [event.id for event in events if event.domain == spec.name]
            if ids:
                keep_doubt = self._clears_doubt(spec.name)
                self._store.acts.requeue(
                    connection, ids, keep_doubt=keep_doubt, opening=spec.opening
                )

    def _named(self, connection: sa.Connection, names: Sequence[str]) -> list[EventRow]:
        """Lock the orders with these numbers, or of these event ids; gives those events.

        BadData for a name that the ledger does not know.
        """
        found: dict[int, EventRow] = {}
        for name in names:
            event = self._records.event(connection, name)
            if event is not None:
                entities = [(event.kind, event.entity_id)]
            else:
                spec, number = named(self._domains, name)
                known = self._store.entities.by_number(connection, spec.kind, number)
                entities = [(entity.kind, entity.entity_id) for entity in known]
            if not entities:
                raise BadData(
                    f"the ledger knows no {spec.noun} {number}, and no event of that id",
                    "is it in Magento? erp-sidecar run --once",
                )
            for kind, entity_id in entities:
                self._store.entities.lock(connection, kind, [entity_id])
                for row in self._records.events_of(connection, kind, entity_id):
                    if event is None or row.event_id == name:
                        found[row.id] = row
        return list(found.values())

    def _locked(self, connection: sa.Connection, events: Sequence[EventRow]) -> list[EventRow]:
        """The same events as they stand once nobody else can move them."""
        for kind, ids in _ids(events).items():
            self._store.entities.lock(connection, kind, ids)
        return self._records.listed(connection, [event.id for event in events])

    def _draft(self, connection: sa.Connection, event_id: str) -> Draft:
        event = self._records.event(connection, event_id)
        if event is None:
            raise BadData(f"there is no event {event_id}")
        spec = next((one for one in self._domains if one.name == event.domain), None)
        if spec is None:
            raise BadData(f"{event_id} is of {event.domain}, a domain that is not enabled")
        return Draft(event_id, event.number, spec, event.type, event.payload)

    def _note(
        self,
        connection: sa.Connection,
        command: str,
        events: Sequence[EventRow],
        by: By,
        detail: Mapping[str, object] | None = None,
    ) -> None:
        for event in events:
            self._store.audit.note(
                connection,
                who=by.who,
                command=command,
                subject=event.number,
                reason=by.reason,
                detail={"event": event.event_id, **(detail or {})},
            )


def _waits(event: EventRow) -> bool:
    return event.status in AT_REST


def _is_due(event: EventRow) -> bool:
    is_pending = event.status is EventStatus.PENDING
    return is_pending and event.due_at is not None and event.due_at <= datetime.now(UTC)


def _is_broken(event: EventRow) -> bool:
    return event.status is EventStatus.PARKED and event.error_code == BAD_DATA


def _said(what: str, by: By) -> str:
    return f"{what} by {by.who}{f': {by.reason}' if by.reason else ''}"


def _numbers(events: Sequence[EventRow]) -> list[str]:
    return sorted({event.number for event in events})


def _ids(events: Sequence[EventRow]) -> dict[str, list[int]]:
    kinds: dict[str, set[int]] = defaultdict(set)
    for event in events:
        kinds[event.kind].add(event.entity_id)
    return {kind: sorted(ids) for kind, ids in kinds.items()}


def _parts(events: Sequence[EventRow]) -> Iterator[Sequence[EventRow]]:
    return (events[start : start + _PART] for start in range(0, len(events), _PART))
