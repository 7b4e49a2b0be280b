"""Look at what the hints point at, decide, and write the events down.

Hints are read first; then one consistent view gives the orders, their items and what the ledger
knew of them, all of one moment; then one READ COMMITTED transaction writes events and memory
and deletes the hints.  A crash in between repeats harmlessly, because the decision is a
comparison with the ledger and not a reaction to the hint.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial

import sqlalchemy as sa

from sidecar.capture.outbox import Hint, Outbox
from sidecar.capture.set_aside import SetAside
from sidecar.capture.sweep import SWEEP
from sidecar.database.connection import Database
from sidecar.host.crash_point import passing
from sidecar.ledger.check_runs import CHECK
from sidecar.ledger.entities import EntityRow, KnownEntity
from sidecar.ledger.events import NewEvent
from sidecar.ledger.store import LedgerStore
from sidecar.magento.order_reader import OrderReader
from sidecar.model.bulkhead import MOST_ALIKE, Bulkhead
from sidecar.model.errors import described
from sidecar.model.event import (
    VERSIONS,
    EventType,
    Payload,
    Vanished,
    encode_payload,
    event_id,
)
from sidecar.model.invariants import TOLERANCE, differences, is_nameless, problems
from sidecar.model.lifecycle import (
    HOLDED,
    Finding,
    KnownOrder,
    compare,
    facts_of,
    fingerprint,
    is_our_old_hold,
    placed_at,
)
from sidecar.model.order import Order
from sidecar.model.settlement import (
    BAD_DATA,
    OTHER_ORDERS_DOCUMENT,
    EventStatus,
    Obstacle,
)
from sidecar.ports import Clock, Narrator

ORDER = "order"
DOMAIN = "orders"
#: How often a write-back that Magento's own save undid is applied again.
MOST_REAPPLIED = 5
_REPLACED = "Magento has another order in its place since: was a dump of the shop restored?"
_REPLACED_REMEDY = (
    "look in the ERP what it holds of the former order, then 'erp-sidecar queue drop' this event "
    "with --even-if-booked"
)
#: A deleted row fires no trigger of ours, so only the sweep can find it; the others are announced.
_ANNOUNCED = frozenset(EventType) - {EventType.ORDER_VANISHED}


@dataclass(frozen=True, slots=True)
class Look:
    """What a consistent view showed of `ids`.

    `at`: a moment by the database's clock before the view was opened: what was committed until
    then is in it.
    """

    ids: list[int]
    orders: dict[int, Order]
    marks: dict[int, int]
    known: dict[int, KnownEntity]
    at: datetime


@dataclass(slots=True)
class Written:
    """What one pass wrote, for the log.

    `undone`: (order number, outcome); `swept`: entities that only the sweep pointed at; `odd`:
    (order number or entity id, what is wrong) of what could not be read or kept.
    """

    events: list[NewEvent] = field(default_factory=list)
    undone: list[tuple[str, str]] = field(default_factory=list)
    swept: frozenset[int] = frozenset()
    odd: list[tuple[str, str]] = field(default_factory=list)


class Intake:
    """Used by one thread at a time."""

    def __init__(
        self,
        database: Database,
        ledger: LedgerStore,
        outbox: Outbox,
        reader: OrderReader,
        *,
        shop: str,
        clock: Clock,
        narrator: Narrator,
        triggers_on: bool,
        tolerance: Decimal = TOLERANCE,
        most: int = 50,
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._outbox = outbox
        self._reader = reader
        self._set_aside = SetAside(database, ledger, outbox, reader, shop=shop, domain=DOMAIN)
        self._shop = shop
        self._clock = clock
        self._narrator = narrator
        self._triggers_on = triggers_on
        self._tolerance = tolerance
        self._most = most
        self._bulkhead = Bulkhead()

    def run_once(self) -> int:
        """Look at the oldest hints; gives how many there were."""
        with self._database.transaction("reading hints") as connection:
            hints = self._outbox.peek(connection, self._most)
            if not hints:
                return 0
            at = connection.exec_driver_sql("SELECT UTC_TIMESTAMP(3)").scalar_one()
        take, park = partial(self._take, at), partial(self._park, at)
        for written in self._bulkhead.apart([_by_entity(hints)], take, park, key=_entity):
            self._report(written)
        return len(hints)

    def _take(self, at: datetime, groups: Sequence[_Hints]) -> Written:
        """Look at the entities that these hints point at, and write down what that comes to."""
        hints = [hint for group in groups for hint in group]
        look = self._look(hints, at)
        passing("intake.looked")
        with self._database.transaction("writing events") as connection:
            fresh = self._fresh(connection, look)
            written = self._write(connection, fresh, look)
            self._note_checks(connection, hints)
            self._outbox.discard(connection, _settled(hints, look, fresh))
        passing("intake.written")
        written.swept = _swept_only(hints)
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

    def _look(self, hints: Sequence[Hint], at: datetime) -> Look:
        with self._database.snapshot("reading orders") as view:
            pointed_at = sorted({hint.entity_id for hint in hints if hint.kind == ORDER})
            known = self._ledger.entities.read(view, ORDER, pointed_at)
            ids = _unanswered(hints, known)
            return Look(
                ids=ids,
                orders=self._reader.read(view, ids),
                marks=self._reader.address_marks(view, ids),
                known=known,
                at=at,
            )

    def _fresh(self, connection: sa.Connection, look: Look) -> list[int]:
        """Ids whose memory has not changed since the view was opened.

        The write-back may have written between the view and now; comparing the older view with
        the newer memory would take our own write for Magento's.  Those hints stay and are
        looked at again.
        """
        revisions = self._ledger.entities.lock(connection, ORDER, look.ids)
        return [
            entity_id
            for entity_id in look.ids
            if revisions.get(entity_id)
            == (look.known[entity_id].revision if entity_id in look.known else None)
        ]

    def _write(self, connection: sa.Connection, ids: Sequence[int], look: Look) -> Written:
        written = Written()
        rows: list[EntityRow] = []
        for entity_id in ids:
            order = look.orders.get(entity_id)
            known = look.known.get(entity_id)
            if order is not None:
                broken = self._broken(order, known)
                finding = compare(_known_order(known), order, broken)
                if finding.another:
                    self._part_from_former(connection, entity_id)
                events = self._events(order, known, finding, broken)
                written.events += events
                rows.append(_memory(order, known, finding, len(events), look, broken))
                if finding.undone:
                    again = self._ledger.write_backs.undone(
                        connection, ORDER, entity_id, MOST_REAPPLIED
                    )
                    written.undone.append((order.increment_id, again))
            elif known is not None and not known.vanished:
                written.events.append(self._vanished(known))
                rows.append(_memory_of_vanished(known, look.at))
        self._ledger.entities.save(connection, rows)
        self._ledger.events.insert(connection, written.events)
        self._ledger.events.wake(connection, ORDER, [row.entity_id for row in rows])
        return written

    def _part_from_former(self, connection: sa.Connection, entity_id: int) -> None:
        """Magento has another order in the place of one that the ledger knew.

        What that one was called is no name of this one, and what it still had to say is over; what
        the ERP may have booked of it waits for a person.
        """
        waiting = self._ledger.events.open_of(connection, ORDER, [entity_id]).get(entity_id, [])
        doubtful = [one.id for one in waiting if one.maybe_booked]
        self._ledger.events.supersede(
            connection, [one.id for one in waiting if one.id not in doubtful], _REPLACED
        )
        self._ledger.events.park(
            connection,
            doubtful,
            Obstacle(_REPLACED, _REPLACED_REMEDY, OTHER_ORDERS_DOCUMENT),
        )
        self._ledger.journal.part(connection, ORDER, entity_id)
        self._ledger.write_backs.withdraw(connection, ORDER, entity_id, _REPLACED)
        self._ledger.entities.forget_write_back(connection, ORDER, entity_id)

    def _events(
        self, order: Order, known: KnownEntity | None, finding: Finding, broken: Sequence[str]
    ) -> list[NewEvent]:
        off = differences(order) if finding.events and not broken else []
        if off:
            told = "; ".join(off)
            self._narrator.tell("capture.tolerated", order=order.increment_id, message=told)
        first = _next(known)
        return [
            self._event(event_type, order, sequence, broken)
            for sequence, event_type in enumerate(finding.events, first)
        ]

    def _broken(self, order: Order, known: KnownEntity | None) -> list[str]:
        """Why it must not go; what an operator sends as it is needs no more than a number."""
        if known is not None and known.as_is and not is_nameless(order):
            return []
        return problems(order, self._tolerance)

    def _event(
        self, event_type: EventType, order: Order, sequence: int, broken: Sequence[str]
    ) -> NewEvent:
        status, reason, remedy, code = _standing(event_type, broken, nameless=is_nameless(order))
        return NewEvent(
            event_id=event_id(self._shop, ORDER, order.entity_id, sequence),
            domain=DOMAIN,
            kind=ORDER,
            entity_id=order.entity_id,
            increment_id=order.increment_id,
            sequence=sequence,
            type=event_type,
            version=VERSIONS[event_type],
            payload=encode_payload(order).decode(),
            grand_total=order.grand_total,
            currency=order.order_currency_code,
            occurred_at=order.created_at
            if event_type is EventType.ORDER_PLACED
            else order.updated_at or self._clock.now(),
            status=status,
            reason=reason,
            remedy=remedy,
            code=code,
        )

    def _vanished(self, known: KnownEntity) -> NewEvent:
        event_type = EventType.ORDER_VANISHED
        payload: Payload = Vanished(
            entity_id=known.entity_id,
            increment_id=known.increment_id,
            state=known.state,
            status=known.status,
            grand_total=known.grand_total,
            order_currency_code=known.currency,
        )
        status, reason, remedy, code = _standing(event_type, (), nameless=False)
        sequence = _next(known)
        return NewEvent(
            event_id=event_id(self._shop, ORDER, known.entity_id, sequence),
            domain=DOMAIN,
            kind=ORDER,
            entity_id=known.entity_id,
            increment_id=known.increment_id,
            sequence=sequence,
            type=event_type,
            version=VERSIONS[event_type],
            payload=encode_payload(payload).decode(),
            grand_total=known.grand_total,
            currency=known.currency,
            occurred_at=self._clock.now(),
            status=status,
            reason=reason,
            remedy=remedy,
            code=code,
        )

    def _report(self, written: Written) -> None:
        for entity, wrong in written.odd:
            self._narrator.tell("capture.set_aside", entity=entity, message=wrong)
        for event in written.events:
            is_swept = event.entity_id in written.swept
            if self._triggers_on and is_swept and event.type in _ANNOUNCED:
                self._narrator.tell(
                    "capture.trigger_missed",
                    domain=event.domain,
                    order=event.increment_id,
                    type=event.type.value,
                )
            self._narrator.tell(
                f"intake.{event.type.value}",
                domain=event.domain,
                order=event.increment_id,
                corr=event.event_id,
                status=event.status.value,
                **({"message": event.reason} if event.reason else {}),
            )
        for number, again in written.undone:
            self._narrator.tell("write_back.undone", domain=DOMAIN, order=number, outcome=again)


_Hints = Sequence[Hint]


def _by_entity(hints: Iterable[Hint]) -> list[_Hints]:
    """The hints, those of one entity together."""
    groups: dict[tuple[str, int], list[Hint]] = {}
    for hint in hints:
        groups.setdefault((hint.kind, hint.entity_id), []).append(hint)
    return list(groups.values())


def _entity(hints: _Hints) -> tuple[str, int]:
    return hints[0].kind, hints[0].entity_id


def _next(known: KnownEntity | None) -> int:
    return (known.sequence if known else 0) + 1


def _standing(
    event_type: EventType, broken: Sequence[str], *, nameless: bool
) -> tuple[EventStatus, str | None, str | None, str | None]:
    if broken and (nameless or event_type is not EventType.ORDER_CANCELED):
        as_is = "" if nameless else "'erp-sidecar queue release NUMBER --as-is' sends it as it is, "
        return (
            EventStatus.PARKED,
            "; ".join(broken),
            f"correct the order in Magento (it is looked at again by itself), {as_is}or book it "
            "by hand in the ERP and 'erp-sidecar queue drop' it",
            BAD_DATA,
        )
    return EventStatus.PENDING, None, None, None


def _swept_only(hints: Sequence[Hint]) -> frozenset[int]:
    announced = {hint.entity_id for hint in hints if hint.pointed != SWEEP}
    return frozenset(hint.entity_id for hint in hints) - announced


def _unanswered(hints: Sequence[Hint], known: Mapping[int, KnownEntity]) -> list[int]:
    """The orders that want a look.

    A sweep saw what was committed when it wrote its hint.  An order that was looked at since needs
    no second look: after a night without the daemon the sweep and the triggers point at the same
    orders, and each would be read twice.
    """

    def is_answered(hint: Hint) -> bool:
        order = known.get(hint.entity_id)
        looked_at = order.looked_at if order else None
        return (
            hint.pointed == SWEEP
            and looked_at is not None
            and hint.created_at < looked_at.replace(tzinfo=UTC)
        )

    return sorted(
        {hint.entity_id for hint in hints if hint.kind == ORDER and not is_answered(hint)}
    )


def _settled(hints: Sequence[Hint], look: Look, fresh: Sequence[int]) -> list[int]:
    to_come = set(look.ids) - set(fresh)
    return [hint.id for hint in hints if hint.kind != ORDER or hint.entity_id not in to_come]


def _known_order(known: KnownEntity | None) -> KnownOrder | None:
    if known is None:
        return None
    return KnownOrder(
        known.state,
        known.fingerprint,
        known.status,
        known.ext_order_id,
        known.held_by_us,
        known.overwritten,
        known.vanished,
        known.placed_at,
    )


def _memory(
    order: Order,
    known: KnownEntity | None,
    finding: Finding,
    events: int,
    look: Look,
    broken: Sequence[str],
) -> EntityRow:
    memory = _known_order(known)
    ours = bool(memory and memory.held_by_us)
    if memory and finding.undone:
        ours = is_our_old_hold(memory, order)
    ours = ours and not finding.another
    held_by_us = ours and order.state == HOLDED
    return EntityRow(
        kind=ORDER,
        entity_id=order.entity_id,
        increment_id=order.increment_id,
        store_id=order.store_id,
        state=order.state,
        status=order.status,
        held_by_us=held_by_us,
        grand_total=order.grand_total,
        currency=order.order_currency_code,
        fingerprint=fingerprint(order, broken),
        address_mark=look.marks.get(order.entity_id),
        facts=facts_of(order),
        sequence=(known.sequence if known else 0) + events,
        placed_at=placed_at(order),
        updated_at=order.updated_at,
        looked_at=look.at,
    )


def _memory_of_vanished(known: KnownEntity, at: datetime) -> EntityRow:
    return EntityRow(
        kind=ORDER,
        entity_id=known.entity_id,
        increment_id=known.increment_id,
        store_id=None,
        state=known.state,
        status=known.status,
        held_by_us=False,
        grand_total=known.grand_total,
        currency=known.currency,
        fingerprint=known.fingerprint,
        address_mark=None,
        facts=known.facts,
        sequence=known.sequence + 1,
        placed_at=known.placed_at,
        updated_at=None,
        looked_at=at,
        vanished=True,
    )
